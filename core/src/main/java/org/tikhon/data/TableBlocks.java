package org.tikhon.data;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.duckdb.DuckDBChunkedResult;
import org.duckdb.DuckDBDriver;
import org.duckdb.DuckDBPreparedStatement;
import org.duckdb.DuckDBReadableVector;

/**
 * A table on disk whose numbers are read block by block, in the order of its rows, so that it need
 * not fit into memory. Takes the files of {@link Table}.
 */
public final class TableBlocks {
  private final Path path;
  private final String from;
  private final List<String> names = new ArrayList<>();
  private final List<String> quoted = new ArrayList<>();
  private final List<String> types = new ArrayList<>();

  /** What is known of a column after one pass: the least and largest value are 0 without values. */
  public record Summary(String name, long rows, long missing, double least, double largest) {
    /** Whether all values are there and equal. */
    public boolean isConstant() {
      return missing == 0 && least == largest;
    }
  }

  /** Takes the rows {@code first, ..., first + rows - 1} as {@code [rows, columns]}, row-major. */
  @FunctionalInterface
  public interface Consumer {
    void accept(long first, int rows, double[] values);
  }

  private TableBlocks(Path path, String from) {
    this.path = path;
    this.from = from;
  }

  /** Looks at a file's columns. */
  public static TableBlocks open(Path path) throws IOException {
    TableBlocks blocks = new TableBlocks(path, Table.from(path));
    List<String> raw = new ArrayList<>();
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet described = statement.executeQuery("DESCRIBE SELECT * FROM " + blocks.from)) {
      while (described.next()) {
        String name = described.getString("column_name");
        raw.add(name.strip());
        blocks.quoted.add("\"" + name.replace("\"", "\"\"") + "\"");
        blocks.types.add(described.getString("column_type"));
      }
    } catch (SQLException e) {
      throw Table.unreadable(path, e);
    }
    blocks.names.addAll(Table.shownNames(raw));
    return blocks;
  }

  private static Connection connect() throws SQLException {
    Properties streaming = new Properties();
    streaming.setProperty(DuckDBDriver.JDBC_STREAM_RESULTS, "true");
    return DriverManager.getConnection("jdbc:duckdb:", streaming);
  }

  public List<String> names() {
    return List.copyOf(names);
  }

  /** Whether a column holds numbers. */
  public boolean isNumeric(String name) {
    return Table.isNumeric(types.get(index(name)));
  }

  private int index(String name) {
    int index = names.indexOf(name);
    if (index < 0) {
      throw new IllegalArgumentException(
          "%s has no column %s; the columns are %s"
              .formatted(path, name, String.join(", ", names)));
    }
    return index;
  }

  private String number(String name) {
    if (!isNumeric(name)) {
      throw new IllegalArgumentException(
          "%s: column %s must hold numbers, holds %s"
              .formatted(path, name, types.get(index(name))));
    }
    return "CAST(" + quoted.get(index(name)) + " AS DOUBLE)";
  }

  /**
   * Reads columns once to see what is in them; the whole file is checked on the way.
   *
   * @throws DataException if the file is not a table, or has no rows
   */
  public List<Summary> summarise(List<String> columns) throws IOException {
    List<String> selected = new ArrayList<>(List.of("count(*)"));
    for (String column : columns) {
      String value = number(column);
      selected.add("count(" + value + ")");
      selected.add("coalesce(min(" + value + "), 0)");
      selected.add("coalesce(max(" + value + "), 0)");
    }
    String query = "SELECT " + String.join(", ", selected) + " FROM " + from;
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      long rows = row.getLong(1);
      if (rows == 0) {
        throw new DataException(path + ": the table has no rows");
      }
      List<Summary> result = new ArrayList<>();
      for (int c = 0; c < columns.size(); c++) {
        int at = 3 * c + 2;
        result.add(
            new Summary(
                columns.get(c),
                rows,
                rows - row.getLong(at),
                row.getDouble(at + 1),
                row.getDouble(at + 2)));
      }
      return result;
    } catch (SQLException e) {
      throw Table.unreadable(path, e);
    }
  }

  /**
   * Hands all rows of columns to a consumer.
   *
   * @param blockRows the most rows of a block, at least 1
   * @param rows how many rows there are, from {@link #summarise}
   * @throws DataException if a value is missing or not finite, with its row (from 1) and column; if
   *     there are not {@code rows} rows
   */
  public void forEach(List<String> columns, int blockRows, long rows, Consumer consumer)
      throws IOException {
    if (blockRows < 1) {
      throw new IllegalArgumentException("blockRows must be at least 1, was " + blockRows);
    }
    Gatherer gatherer = new Gatherer(columns, blockRows, consumer);
    String query =
        "SELECT "
            + String.join(", ", columns.stream().map(this::number).toList())
            + " FROM "
            + from;
    try (Connection connection = connect();
        PreparedStatement prepared = connection.prepareStatement(query);
        DuckDBChunkedResult result = prepared.unwrap(DuckDBPreparedStatement.class).query()) {
      while (result.nextChunk()) {
        for (int c = 0; c < columns.size(); c++) {
          gatherer.add(c, result.chunk().vector(c));
        }
        gatherer.endOfChunk((int) result.chunk().vector(0).rowCount());
      }
    } catch (SQLException e) {
      throw Table.unreadable(path, e);
    }
    gatherer.flush();
    // A query that fails on the way ends without an error.
    if (gatherer.first != rows) {
      throw new DataException(
          "%s: read %d rows where there were %d before".formatted(path, gatherer.first, rows));
    }
  }

  /** Turns chunks of columns into blocks of rows. */
  private final class Gatherer {
    private final List<String> columns;
    private final int width;
    private final int blockRows;
    private final Consumer consumer;
    private double[] values = new double[0];
    private int count;
    private long first;

    Gatherer(List<String> columns, int blockRows, Consumer consumer) {
      this.columns = columns;
      this.width = columns.size();
      this.blockRows = blockRows;
      this.consumer = consumer;
    }

    void add(int column, DuckDBReadableVector chunk) {
      int rows = (int) chunk.rowCount();
      int needed = Math.multiplyExact(count + rows, width);
      if (needed > values.length) {
        values = Arrays.copyOf(values, Math.max(needed, blockRows * width));
      }
      for (int i = 0; i < rows; i++) {
        if (chunk.isNull(i)) {
          throw new DataException(place(i, column) + " is missing");
        }
        double value = chunk.getDouble(i);
        if (!Double.isFinite(value)) {
          throw new DataException(place(i, column) + " is " + value);
        }
        values[(count + i) * width + column] = value;
      }
    }

    private String place(int row, int column) {
      return "%s: column %s, row %d".formatted(path, columns.get(column), first + count + row + 1);
    }

    void endOfChunk(int rows) {
      count += rows;
      int at = 0;
      for (; count - at >= blockRows; at += blockRows) {
        double[] block =
            at == 0 ? values : Arrays.copyOfRange(values, at * width, (at + blockRows) * width);
        consumer.accept(first, blockRows, block);
        first += blockRows;
      }
      System.arraycopy(values, at * width, values, 0, (count - at) * width);
      count -= at;
    }

    void flush() {
      if (count > 0) {
        consumer.accept(first, count, values);
        first += count;
        count = 0;
      }
    }
  }
}
