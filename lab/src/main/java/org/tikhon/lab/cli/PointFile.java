package org.tikhon.lab.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.tikhon.data.DataException;

/**
 * A CSV file of numbers, strictly read: one point a row, the same number of coordinates in each,
 * all finite. A first line without any number is a header; empty lines are skipped.
 *
 * @param points {@code [rows, columns]}
 * @param lines the line of each row in the file, from 1
 */
record PointFile(Path path, double[][] points, int[] lines) {

  static PointFile read(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (Files.isDirectory(path)) {
      throw new DataException(path + ": must be a CSV file, is a folder");
    }
    List<String> text;
    try {
      text = Files.readAllLines(path);
    } catch (CharacterCodingException e) {
      throw new DataException(path + ": must be text in UTF-8", e);
    }
    List<double[]> rows = new ArrayList<>();
    List<Integer> lines = new ArrayList<>();
    boolean first = true;
    for (int k = 0; k < text.size(); k++) {
      String line = text.get(k).replace("\uFEFF", "").strip();
      if (line.isEmpty()) {
        continue;
      }
      String[] fields = line.split(",", -1);
      boolean header = first && Arrays.stream(fields).allMatch(f -> number(f) == null);
      first = false;
      if (!header) {
        rows.add(row(path, k + 1, fields, rows));
        lines.add(k + 1);
      }
    }
    if (rows.isEmpty()) {
      throw new DataException(path + ": must have at least one row of numbers, has none");
    }
    return new PointFile(
        path, rows.toArray(double[][]::new), lines.stream().mapToInt(Integer::intValue).toArray());
  }

  private static double[] row(Path path, int line, String[] fields, List<double[]> before) {
    if (!before.isEmpty() && fields.length != before.getFirst().length) {
      throw new DataException(
          "%s: row %d must have %d columns like the rows above, has %d"
              .formatted(path, line, before.getFirst().length, fields.length));
    }
    double[] row = new double[fields.length];
    for (int j = 0; j < fields.length; j++) {
      Double value = number(fields[j]);
      if (value == null || !Double.isFinite(value)) {
        throw new DataException(
            "%s: row %d, column %d must be a %snumber, is \"%s\""
                .formatted(path, line, j + 1, value == null ? "" : "finite ", fields[j].strip()));
      }
      row[j] = value;
    }
    return row;
  }

  /** The number that a field means, NaN and infinities too; null if it means none. */
  private static Double number(String field) {
    String text = field.strip().toLowerCase(Locale.ROOT);
    switch (text) {
      case "nan", "+nan", "-nan":
        return Double.NaN;
      case "inf", "+inf", "infinity", "+infinity":
        return Double.POSITIVE_INFINITY;
      case "-inf", "-infinity":
        return Double.NEGATIVE_INFINITY;
      default:
    }
    // Java's own grammar also has hexadecimal numbers and the suffixes f and d.
    if (!text.matches("[-+.0-9e]+")) {
      return null;
    }
    try {
      return Double.valueOf(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  int rows() {
    return points.length;
  }

  int columns() {
    return points[0].length;
  }
}
