package org.tikhon.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Turns the feature columns of a table into numbers for a network: first the numeric columns,
 * standardised with the training rows' mean and deviation, then the codes of the categorical ones,
 * 0 for a word that training never saw. Fitted on training rows only; a plain record, so that it
 * can be saved as JSON and applied to new tables.
 *
 * @param impute whether missing numbers become the training mean; otherwise they are an error.
 *     Missing words are always a category of their own.
 */
public record TableEncoder(
    List<NumericColumn> numeric, List<CategoricalColumn> categorical, boolean impute) {
  private static final String MISSING = "(missing)";

  /** A numeric column's training mean and standard deviation (1 for a constant column). */
  public record NumericColumn(String name, double mean, double deviation) {}

  /** A categorical column's words in training, sorted; the code of a word is its place plus one. */
  public record CategoricalColumn(String name, List<String> words) {
    int code(String word) {
      int place = words.indexOf(word == null ? MISSING : word);
      return place + 1;
    }
  }

  /** Learns the encoding of all columns but the target from training rows. */
  public static TableEncoder fit(Table train, int target, boolean impute) {
    List<NumericColumn> numeric = new ArrayList<>();
    List<CategoricalColumn> categorical = new ArrayList<>();
    for (int c = 0; c < train.columns().size(); c++) {
      if (c == target) {
        continue;
      }
      switch (train.columns().get(c)) {
        case Table.Numeric n -> {
          double mean = 0;
          long count = 0;
          for (int i = 0; i < n.rows(); i++) {
            if (usable(n, i)) {
              mean += n.values()[i];
              count++;
            }
          }
          mean = count == 0 ? 0 : mean / count;
          double variance = 0;
          for (int i = 0; i < n.rows(); i++) {
            if (usable(n, i)) {
              variance += (n.values()[i] - mean) * (n.values()[i] - mean) / count;
            }
          }
          numeric.add(new NumericColumn(n.name(), mean, variance > 0 ? Math.sqrt(variance) : 1));
        }
        case Table.Text t -> {
          TreeSet<String> words = new TreeSet<>();
          Arrays.stream(t.values()).forEach(v -> words.add(v == null ? MISSING : v));
          categorical.add(new CategoricalColumn(t.name(), List.copyOf(words)));
        }
      }
    }
    if (numeric.isEmpty() && categorical.isEmpty()) {
      throw new DataException(train.source() + ": there is no column besides the target");
    }
    return new TableEncoder(numeric, categorical, impute);
  }

  private static boolean usable(Table.Numeric column, int row) {
    return !column.missing()[row] && Double.isFinite(column.values()[row]);
  }

  public int width() {
    return numeric.size() + categorical.size();
  }

  /** The number of codes of each categorical column, with the one for unknown words. */
  public List<Integer> cardinalities() {
    return categorical.stream().map(c -> c.words.size() + 1).toList();
  }

  /** The encoded rows, row-major {@code [rows, width]}. */
  public float[] encode(Table table) {
    int rows = table.rows();
    float[] x = new float[rows * width()];
    for (int c = 0; c < numeric.size(); c++) {
      NumericColumn spec = numeric.get(c);
      if (!(table.column(spec.name) instanceof Table.Numeric column)) {
        throw new DataException(
            table.source() + ": column " + spec.name + " holds words; in training it held numbers");
      }
      for (int i = 0; i < rows; i++) {
        double value = column.values()[i];
        if (!usable(column, i)) {
          if (!impute) {
            throw new DataException(
                "%s: column %s, row %d is %s; give --impute to use the training mean"
                    .formatted(
                        table.source(),
                        spec.name,
                        i + 1,
                        column.missing()[i] ? "missing" : Double.toString(value)));
          }
          value = spec.mean;
        }
        x[i * width() + c] = (float) ((value - spec.mean) / spec.deviation);
      }
    }
    for (int c = 0; c < categorical.size(); c++) {
      CategoricalColumn spec = categorical.get(c);
      Table.Column column = table.column(spec.name);
      for (int i = 0; i < rows; i++) {
        x[i * width() + numeric.size() + c] = spec.code(column.text(i));
      }
    }
    return x;
  }
}
