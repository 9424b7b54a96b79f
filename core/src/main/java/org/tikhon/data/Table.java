package org.tikhon.data;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.duckdb.DuckDBChunkedResult;
import org.duckdb.DuckDBPreparedStatement;
import org.duckdb.DuckDBReadableVector;

/**
 * A table in memory, column by column. Reads CSV and TSV (also gzipped; separator, quotes and
 * header are found out), Parquet and JSON through embedded DuckDB.
 *
 * @param source where it came from, for messages
 */
public record Table(String source, List<Column> columns) {
  /** The values of a column; they all have the table's number of rows. */
  public sealed interface Column {
    String name();

    int rows();

    /** The value as it is shown to people; null where missing. */
    String text(int row);

    boolean isMissing(int row);
  }

  /** Numbers; missing ones are marked, because NaN may also be a value of a file. */
  public record Numeric(String name, double[] values, boolean[] missing) implements Column {
    @Override
    public int rows() {
      return values.length;
    }

    @Override
    public boolean isMissing(int row) {
      return missing[row];
    }

    @Override
    public String text(int row) {
      if (missing[row]) {
        return null;
      }
      double v = values[row];
      return v == Math.rint(v) && Math.abs(v) < 1e15 ? Long.toString((long) v) : Double.toString(v);
    }
  }

  /** Words; a missing one is null. */
  public record Text(String name, String[] values) implements Column {
    @Override
    public int rows() {
      return values.length;
    }

    @Override
    public boolean isMissing(int row) {
      return values[row] == null;
    }

    @Override
    public String text(int row) {
      return values[row];
    }
  }

  private static final String MISSING = "['', '?', ' ?', 'NA', 'N/A', 'null']";

  public int rows() {
    return columns.isEmpty() ? 0 : columns.getFirst().rows();
  }

  public List<String> names() {
    return columns.stream().map(Column::name).toList();
  }

  /** The column of a name, or of a number from 1, or {@code "last"}. */
  public Column column(String nameOrLast) {
    return columns.get(columnIndex(nameOrLast));
  }

  /** The place of the column of a name, or of {@code "last"}. */
  public int columnIndex(String nameOrLast) {
    int index = names().indexOf(nameOrLast);
    if (index < 0 && nameOrLast.equals("last")) {
      index = columns.size() - 1;
    }
    if (index < 0) {
      throw new IllegalArgumentException(
          "%s has no column %s; the columns are %s"
              .formatted(source, nameOrLast, String.join(", ", names())));
    }
    return index;
  }

  /** The rows at places. */
  public Table select(int[] places) {
    return new Table(
        source,
        columns.stream()
            .map(
                c ->
                    switch (c) {
                      case Numeric n -> {
                        double[] values = new double[places.length];
                        boolean[] missing = new boolean[places.length];
                        for (int i = 0; i < places.length; i++) {
                          values[i] = n.values[places[i]];
                          missing[i] = n.missing[places[i]];
                        }
                        yield (Column) new Numeric(n.name, values, missing);
                      }
                      case Text t ->
                          new Text(
                              t.name,
                              Arrays.stream(places)
                                  .mapToObj(i -> t.values[i])
                                  .toArray(String[]::new));
                    })
            .toList());
  }

  /** Whether a path looks like a table by its ending. */
  public static boolean isTable(Path path) {
    return path.getFileName()
        .toString()
        .toLowerCase(Locale.ROOT)
        .matches(".*\\.(csv|tsv|txt|data|parquet|json|jsonl|ndjson)(\\.gz)?");
  }

  /** Reads a table. */
  public static Table read(Path path) throws IOException {
    String from = from(path);
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:")) {
      return collect(path, connection, from);
    } catch (SQLException e) {
      throw unreadable(path, e);
    }
  }

  /** What DuckDB reads a file with, after a look at the file. */
  static String from(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (Files.isDirectory(path)) {
      throw new DataException(path + ": a folder, not a table");
    }
    if (Files.size(path) == 0) {
      throw new DataException(path + ": the file is empty");
    }
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    String quoted = "'" + path.toString().replace("'", "''") + "'";
    return name.contains(".parquet")
        ? "read_parquet(" + quoted + ")"
        : isCsv(name)
            ? "read_csv("
                + quoted
                + ", nullstr="
                + MISSING
                + ", sample_size=20480, strict_mode=true"
                + dialect(path)
                + ")"
            : "read_json_auto(" + quoted + ")";
  }

  private static boolean isCsv(String name) {
    return !name.matches(".*\\.(parquet|json|jsonl|ndjson)(\\.gz)?");
  }

  /** What to tell a user about a file that DuckDB could not read. */
  static DataException unreadable(Path path, SQLException e) throws IOException {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    String ragged = isCsv(name) ? firstRaggedLine(path) : null;
    return new DataException(path + ": " + (ragged != null ? ragged : explain(e)), e);
  }

  private static BufferedReader reader(Path path) throws IOException {
    InputStream file = Files.newInputStream(path);
    try {
      return new BufferedReader(
          new InputStreamReader(
              path.toString().endsWith(".gz") ? new GZIPInputStream(file) : file,
              StandardCharsets.UTF_8));
    } catch (ZipException e) {
      file.close();
      throw new DataException(path + ": corrupt gzip: " + e.getMessage(), e);
    }
  }

  /**
   * What is fixed before DuckDB looks at a file. The separator is the most frequent one of the
   * first line, because DuckDB would rather take a file with a ragged line for one column of words.
   * DuckDB finds a header by its types; it is only told that a line with a number in it is none.
   */
  private static String dialect(Path path) throws IOException {
    String first;
    try (BufferedReader reader = reader(path)) {
      first = reader.readLine();
    } catch (EOFException e) {
      throw new DataException(path + ": truncated gzip: it ends in the middle of the data", e);
    }
    if (first == null) {
      throw new DataException(path + ": the file is empty");
    }
    char separator = separator(first);
    boolean number =
        Arrays.stream(first.split("[,;\\t|]"))
            .map(String::strip)
            .anyMatch(c -> c.matches("[-+]?[0-9.]+([eE][-+]?[0-9]+)?"));
    return (separators(first, separator) == 0
            ? ""
            : ", delim='" + separator + "', quote='\"', escape='\"', skip=0")
        + (number ? ", header=false" : "");
  }

  private static char separator(String line) {
    char best = ',';
    for (char c : new char[] {'\t', ';', '|'}) {
      best = separators(line, c) > separators(line, best) ? c : best;
    }
    return best;
  }

  /** How often a separator occurs outside quotes. */
  private static int separators(String line, char separator) {
    int count = 0;
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      quoted ^= line.charAt(i) == '"';
      count += !quoted && line.charAt(i) == separator ? 1 : 0;
    }
    return count;
  }

  /** The first line with another number of fields than the first, as a message, or null. */
  private static String firstRaggedLine(Path path) throws IOException {
    try (BufferedReader reader = reader(path)) {
      String first = reader.readLine();
      char separator = separator(first);
      int fields = separators(first, separator) + 1;
      long number = 1;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        number++;
        int own = separators(line, separator) + 1;
        if (!line.isEmpty() && own != fields) {
          return "line %d has %d fields, the first line has %d".formatted(number, own, fields);
        }
      }
      return null;
    } catch (EOFException e) {
      return "truncated gzip: it ends in the middle of the data";
    }
  }

  private static String explain(SQLException e) {
    String text = e.getMessage() == null ? e.toString() : e.getMessage();
    String first =
        text.lines()
            .map(String::strip)
            .filter(l -> !l.isEmpty())
            .limit(3)
            .reduce((a, b) -> a + " " + b)
            .orElse(text)
            .replaceFirst(
                "^(java\\.sql\\.SQLException: )?(Invalid Input|IO|Binder|Conversion) Error: ?", "");
    return first.length() > 300 ? first.substring(0, 300) + "..." : first;
  }

  private static Table collect(Path path, Connection connection, String from) throws SQLException {
    List<Collector> collectors = new ArrayList<>();
    List<String> selected = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET threads = " + Runtime.getRuntime().availableProcessors());
      // First into memory, where bad lines are found: reading chunks of a query that fails ends
      // without an error.
      statement.execute("CREATE TEMP TABLE content AS SELECT * FROM " + from);
      try (ResultSet described = statement.executeQuery("DESCRIBE content")) {
        while (described.next()) {
          String name = described.getString("column_name");
          String column = "\"" + name.replace("\"", "\"\"") + "\"";
          if (isNumeric(described.getString("column_type"))) {
            collectors.add(new Numbers(name.strip()));
            selected.add("CAST(" + column + " AS DOUBLE)");
          } else {
            collectors.add(new Words(name.strip()));
            selected.add("CAST(" + column + " AS VARCHAR)");
          }
        }
      }
    }
    // Whole chunks: JDBC's calls for single cells would take most of the time.
    String query = "SELECT " + String.join(", ", selected) + " FROM content";
    try (PreparedStatement prepared = connection.prepareStatement(query);
        DuckDBChunkedResult result = prepared.unwrap(DuckDBPreparedStatement.class).query()) {
      while (result.nextChunk()) {
        for (int c = 0; c < collectors.size(); c++) {
          collectors.get(c).add(result.chunk().vector(c));
        }
      }
    }
    List<String> names = shownNames(collectors.stream().map(c -> c.name).toList());
    List<Column> columns = new ArrayList<>();
    for (Collector collector : collectors) {
      columns.add(collector.column(names.get(columns.size())));
    }
    Table table = new Table(path.toString(), columns);
    if (table.rows() == 0) {
      throw new DataException(path + ": the table has no rows");
    }
    return table;
  }

  /** The names, or c1, c2, ... where DuckDB made them up. */
  static List<String> shownNames(List<String> names) {
    boolean made =
        IntStream.range(0, names.size()).allMatch(c -> names.get(c).matches("column0*" + c));
    return made ? IntStream.rangeClosed(1, names.size()).mapToObj(c -> "c" + c).toList() : names;
  }

  static boolean isNumeric(String type) {
    return type.matches("U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*");
  }

  private abstract static class Collector {
    final String name;

    Collector(String name) {
      this.name = name;
    }

    abstract void add(DuckDBReadableVector chunk);

    abstract Column column(String finalName);
  }

  private static final class Numbers extends Collector {
    private double[] values = new double[4096];
    private boolean[] missing = new boolean[4096];
    private int n;

    Numbers(String name) {
      super(name);
    }

    @Override
    void add(DuckDBReadableVector chunk) {
      int rows = (int) chunk.rowCount();
      if (n + rows > values.length) {
        int length = Math.max(n + rows, 2 * values.length);
        values = Arrays.copyOf(values, length);
        missing = Arrays.copyOf(missing, length);
      }
      for (int i = 0; i < rows; i++, n++) {
        missing[n] = chunk.isNull(i);
        values[n] = missing[n] ? 0 : chunk.getDouble(i);
      }
    }

    @Override
    Column column(String finalName) {
      return new Numeric(finalName, Arrays.copyOf(values, n), Arrays.copyOf(missing, n));
    }
  }

  private static final class Words extends Collector {
    private final List<String> values = new ArrayList<>();
    // Most columns repeat few words: one object each.
    private final Map<String, String> known = new HashMap<>();

    Words(String name) {
      super(name);
    }

    @Override
    void add(DuckDBReadableVector chunk) {
      int rows = (int) chunk.rowCount();
      for (int i = 0; i < rows; i++) {
        String value = chunk.isNull(i) ? "" : chunk.getString(i);
        values.add(known.computeIfAbsent(value, Words::clean));
      }
    }

    /** Without blanks around it; null for the ways to write that a word is missing. */
    private static String clean(String value) {
      String stripped = value.strip();
      return stripped.isEmpty() || stripped.equals("?") ? null : stripped;
    }

    @Override
    Column column(String finalName) {
      return new Text(finalName, values.toArray(String[]::new));
    }
  }

  /**
   * The first row (from 1) and column with a NaN or infinite number, as a message; null where there
   * is none.
   */
  public String firstNonFinite() {
    for (Column column : columns) {
      if (column instanceof Numeric n) {
        int row =
            IntStream.range(0, n.rows())
                .filter(i -> !n.missing[i] && !Double.isFinite(n.values[i]))
                .findFirst()
                .orElse(-1);
        if (row >= 0) {
          return "%s: column %s, row %d is %s".formatted(source, n.name, row + 1, n.values[row]);
        }
      }
    }
    return null;
  }
}
