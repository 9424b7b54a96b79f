package org.tikhon.lab.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.tikhon.lab.claim.Measurement;

/**
 * Results of claims: one row per measurement, with the run it belongs to. The file is {@code
 * runs.duckdb} in {@code $TIKHON_HOME}, by default {@code ~/.tikhon}. DuckDB lets one process write
 * at a time; another waits for up to ten seconds.
 */
public final class RunStore implements AutoCloseable {
  private static final int ATTEMPTS = 40;
  private static final long PAUSE_MILLIS = 250;

  private final Connection connection;

  private RunStore(Connection connection) {
    this.connection = connection;
  }

  /**
   * A run of a claim.
   *
   * @param mode QUICK, STANDARD or FULL
   * @param checks the bar's conditions as measured, one a line
   * @param commit the git commit, or empty
   */
  public record Run(
      String id,
      int number,
      String system,
      String mode,
      String verdict,
      String bar,
      String checks,
      String notes,
      double seconds,
      String commit,
      String machine,
      String settings,
      Instant time) {}

  /** The folder of the store. */
  public static Path home() {
    String home = System.getenv("TIKHON_HOME");
    return home != null && !home.isBlank()
        ? Path.of(home)
        : Path.of(System.getProperty("user.home"), ".tikhon");
  }

  /** Opens the store in {@link #home}. */
  public static RunStore open() throws IOException {
    return open(home().resolve("runs.duckdb"));
  }

  /** Opens a store, making it where there is none. */
  public static RunStore open(Path file) throws IOException {
    if (file.toAbsolutePath().getParent() != null) {
      Files.createDirectories(file.toAbsolutePath().getParent());
    }
    SQLException last = null;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        RunStore store = new RunStore(DriverManager.getConnection("jdbc:duckdb:" + file));
        store.createTables();
        return store;
      } catch (SQLException e) {
        last = e;
        if (!String.valueOf(e.getMessage()).contains("lock")) {
          break;
        }
        pause();
      }
    }
    throw new IOException(
        "the run store "
            + file
            + " cannot be opened: "
            + last.getMessage().lines().findFirst().orElse(""),
        last);
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for the run store", e);
    }
  }

  private void createTables() throws SQLException {
    try (Statement s = connection.createStatement()) {
      s.execute(
          """
          CREATE TABLE IF NOT EXISTS runs (id VARCHAR PRIMARY KEY, number INTEGER, system VARCHAR, mode VARCHAR,
            verdict VARCHAR, bar VARCHAR, checks VARCHAR, notes VARCHAR, seconds DOUBLE, git_commit VARCHAR,
            machine VARCHAR, settings VARCHAR, time TIMESTAMP)""");
      s.execute(
          """
          CREATE TABLE IF NOT EXISTS measurements (run VARCHAR, place INTEGER, name VARCHAR, seed BIGINT, value DOUBLE,
            unit VARCHAR)""");
    }
  }

  /** Adds a run with its measurements, all or nothing. */
  public void add(Run run, List<Measurement> measurements) throws IOException {
    try {
      connection.setAutoCommit(false);
      try (PreparedStatement p =
          connection.prepareStatement("INSERT INTO runs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")) {
        Object[] values = {
          run.id,
          run.number,
          run.system,
          run.mode,
          run.verdict,
          run.bar,
          run.checks,
          run.notes,
          run.seconds,
          run.commit,
          run.machine,
          run.settings,
          Timestamp.from(run.time)
        };
        for (int i = 0; i < values.length; i++) {
          p.setObject(i + 1, values[i]);
        }
        p.execute();
      }
      try (PreparedStatement p =
          connection.prepareStatement("INSERT INTO measurements VALUES (?,?,?,?,?,?)")) {
        for (int i = 0; i < measurements.size(); i++) {
          Measurement m = measurements.get(i);
          p.setString(1, run.id);
          p.setInt(2, i);
          p.setString(3, m.name());
          p.setLong(4, m.seed());
          p.setDouble(5, m.value());
          p.setString(6, m.unit());
          p.addBatch();
        }
        p.executeBatch();
      }
      connection.commit();
      connection.setAutoCommit(true);
    } catch (SQLException e) {
      throw new IOException("the run store did not take the run: " + e.getMessage(), e);
    }
  }

  /** All runs, the newest first. */
  public List<Run> runs() throws IOException {
    List<Run> runs = new ArrayList<>();
    try (Statement s = connection.createStatement();
        ResultSet r = s.executeQuery("SELECT * FROM runs ORDER BY time DESC")) {
      while (r.next()) {
        runs.add(
            new Run(
                r.getString("id"),
                r.getInt("number"),
                r.getString("system"),
                r.getString("mode"),
                r.getString("verdict"),
                r.getString("bar"),
                r.getString("checks"),
                r.getString("notes"),
                r.getDouble("seconds"),
                r.getString("git_commit"),
                r.getString("machine"),
                r.getString("settings"),
                r.getTimestamp("time").toInstant()));
      }
    } catch (SQLException e) {
      throw new IOException("the run store cannot be read: " + e.getMessage(), e);
    }
    return runs;
  }

  /** The measurements of a run, in the order in which they were made. */
  public List<Measurement> measurements(String run) throws IOException {
    List<Measurement> result = new ArrayList<>();
    try (PreparedStatement p =
        connection.prepareStatement(
            "SELECT name, seed, value, unit FROM measurements WHERE run = ? ORDER BY place")) {
      p.setString(1, run);
      try (ResultSet r = p.executeQuery()) {
        while (r.next()) {
          result.add(new Measurement(r.getString(1), r.getLong(2), r.getDouble(3), r.getString(4)));
        }
      }
    } catch (SQLException e) {
      throw new IOException("the run store cannot be read: " + e.getMessage(), e);
    }
    return result;
  }

  @Override
  public void close() throws IOException {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IOException("the run store cannot be closed: " + e.getMessage(), e);
    }
  }
}
