package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.data.TableBlocks;
import org.tikhon.solve.LsqResult;
import org.tikhon.solve.Sketch;
import org.tikhon.solve.SketchedLeastSquares;
import org.tikhon.solve.SketchedLeastSquares.SketchFactory;
import org.tikhon.tensor.Scope;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon regress}: linear regression of a tall table that is read in blocks. */
@Command(
    name = "regress",
    mixinStandardHelpOptions = true,
    description = {
      "Fits a linear regression to a tall CSV, TSV, Parquet or JSON table without holding it:",
      "the rows are compressed by a random sketch while they are read. Every coefficient comes",
      "with a bound on its distance from the exact least squares solution."
    },
    footer = {
      "",
      "The table is read twice: once to check it, once to sketch it. With --json, or in the --out",
      "file, the bound of a coefficient is the one that the size of the sketch gives.",
      "Exit code 1 if the columns depend on each other; the shortest solution is printed all the same.",
      "",
      "Examples:",
      "  tikhon regress flights.parquet --target delay",
      "  tikhon regress sensors.csv.gz --target power --drop id,time --epsilon 0.2",
      "  tikhon regress sensors.csv --target power --out coefficients.csv --json"
    })
public final class RegressCommand implements Callable<Integer> {
  private static final String INTERCEPT = "(intercept)";
  private static final int BLOCK_ROWS = 4096;
  private static final int OSNAP = 4;

  private static final Map<String, SketchFactory> SKETCHES = new LinkedHashMap<>();

  static {
    SKETCHES.put("srht", Sketch::srht);
    SKETCHES.put("gaussian", Sketch::gaussian);
    SKETCHES.put("count", Sketch::countSketch);
    SKETCHES.put(
        "osnap", (n, m, seed) -> Sketch.osnap(n, (m + OSNAP - 1) / OSNAP * OSNAP, OSNAP, seed));
  }

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "TABLE", description = "The table, with one sample a row.")
  private Path file;

  @Option(
      names = "--target",
      paramLabel = "COLUMN",
      description = "The column to explain; last for the last one (default ${DEFAULT-VALUE}).",
      defaultValue = "last")
  private String target;

  @Option(
      names = "--columns",
      paramLabel = "A,B,...",
      split = ",",
      description = "The columns to explain it with; without it all others.")
  private List<String> chosen;

  @Option(
      names = "--drop",
      paramLabel = "A,B,...",
      split = ",",
      description = "Columns to leave out.")
  private List<String> dropped;

  @Option(names = "--no-intercept", description = "Fit without a constant term.")
  private boolean noIntercept;

  @Option(
      names = "--epsilon",
      paramLabel = "E",
      description =
          "The error of a coefficient to allow, times |residual| |A^+| / sqrt(columns), in (0, 1];"
              + " half of it takes four times the sketch (default ${DEFAULT-VALUE}).",
      defaultValue = "0.5")
  private double epsilon;

  @Option(
      names = "--delta",
      paramLabel = "P",
      description = "The probability with which a bound may fail (default ${DEFAULT-VALUE}).",
      defaultValue = "0.01")
  private double delta;

  @Option(
      names = "--rows",
      paramLabel = "M",
      description = "The rows of the sketch, instead of those that --epsilon and --delta ask for.")
  private Integer rows;

  @Option(
      names = "--sketch",
      paramLabel = "NAME",
      description =
          "srht, gaussian (slow), or the sparse count and osnap, which can put the error on one"
              + " coefficient (default ${DEFAULT-VALUE}).",
      defaultValue = "srht")
  private String sketch;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "The seed of the sketch (default ${DEFAULT-VALUE}).",
      defaultValue = "0")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write columns, coefficients and bounds to this CSV file.")
  private Path out;

  @Option(names = "--force", description = "Replace --out if it exists.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  /** A fitted term. */
  private record Term(String name, double coefficient, double bound) {}

  @Override
  public Integer call() throws IOException {
    if (!SKETCHES.containsKey(sketch)) {
      throw new IllegalArgumentException(Names.unknown("sketch", sketch, SKETCHES.keySet()));
    }
    if (out != null && Files.exists(out) && !force) {
      throw new IllegalArgumentException(
          "--out " + out + " exists already; add --force to replace it");
    }
    SketchedLeastSquares solver =
        SketchedLeastSquares.with(sketch, SKETCHES.get(sketch), epsilon, delta, seed);
    if (rows != null) {
      solver.rows(rows);
    }
    long start = System.nanoTime();
    TableBlocks table = TableBlocks.open(file);
    String goal =
        target.equals("last") && !table.names().contains("last") ? table.names().getLast() : target;
    List<String> columns = columns(table, goal);
    List<String> read = new ArrayList<>(columns);
    read.add(goal);
    long n = check(table.summarise(read), columns, goal);
    Fit fit = new Fit(solver, n, columns.size());
    table.forEach(read, BLOCK_ROWS, n, fit::add);
    try (Scope scope = Scope.open()) {
      LsqResult result = fit.stream.solve();
      double seconds = (System.nanoTime() - start) / 1e9;
      List<Term> terms = terms(columns, result);
      if (out != null) {
        write(terms);
      }
      report(goal, n, terms, result, fit.explained(result), seconds);
      return determined(terms, result);
    }
  }

  private List<String> columns(TableBlocks table, String goal) {
    List<String> columns = new ArrayList<>();
    List<String> left = new ArrayList<>(dropped == null ? List.of() : dropped);
    if (!table.isNumeric(goal)) {
      throw new IllegalArgumentException(
          "%s: the target %s must hold numbers, holds words".formatted(file, goal));
    }
    for (String name : left) {
      // Says which columns there are.
      table.isNumeric(name);
    }
    for (String name : chosen != null ? chosen : table.names()) {
      if ((name.equals(goal) && chosen == null) || left.contains(name)) {
        continue;
      }
      if (name.equals(goal) || columns.contains(name)) {
        throw new IllegalArgumentException(
            "--columns names %s, which is %s already"
                .formatted(name, name.equals(goal) ? "the target" : "in the list"));
      }
      if (!table.isNumeric(name)) {
        throw new IllegalArgumentException(
            "%s: column %s must hold numbers, holds words; leave it out with --drop %s"
                .formatted(file, name, name));
      }
      columns.add(name);
    }
    if (columns.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: no column is left to explain %s with".formatted(file, goal));
    }
    return columns;
  }

  /** The number of rows. */
  private long check(List<TableBlocks.Summary> summaries, List<String> columns, String goal) {
    long n = summaries.getFirst().rows();
    int d = columns.size() + (noIntercept ? 0 : 1);
    if (n < d) {
      throw new DataException(
          "%s: least squares needs at least as many rows as coefficients: %d x %d (%s%s)"
              .formatted(
                  file, n, d, String.join(", ", columns), noIntercept ? "" : ", " + INTERCEPT));
    }
    for (TableBlocks.Summary s : summaries) {
      if (s.isConstant() && (!noIntercept || s.least() == 0) && n > 1) {
        throw new DataException(
            "%s: column %s is %s in every row; %s"
                .formatted(
                    file,
                    s.name(),
                    s.least(),
                    s.name().equals(goal)
                        ? "there is nothing to explain"
                        : "leave it out with --drop "
                            + s.name()
                            + (s.least() == 0 ? "" : ", or use --no-intercept")));
      }
    }
    double sketched = rows != null ? rows : SketchedLeastSquares.practicalRows(d, epsilon, delta);
    double needed = 8.0 * Math.min(n, sketched) * (d + 1);
    double heap = Runtime.getRuntime().maxMemory();
    if (4 * needed > heap || needed > 8.0 * Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a sketch of %.0f rows and %d columns needs %.1f GB of memory, there are %.1f;"
                  + " take a larger --epsilon, or set TIKHON_HEAP (such as 16g)",
              Math.min(n, sketched),
              d,
              4 * needed / 1e9,
              heap / 1e9));
    }
    return n;
  }

  /** What is gathered while the table is read. */
  private final class Fit {
    private final SketchedLeastSquares.Stream stream;
    private final int columns;
    private final double[] row;
    private double sum;
    private double squares;
    private double shift;
    private long count;

    Fit(SketchedLeastSquares solver, long n, int columns) {
      this.columns = columns;
      this.row = new double[BLOCK_ROWS * (columns + 2)];
      this.stream = solver.stream(n, columns + (noIntercept ? 0 : 1), 1);
    }

    void add(long first, int rows, double[] values) {
      if (first == 0) {
        // Near the mean, so that the sums do not cancel; without an intercept 0 is the reference.
        shift = noIntercept ? 0 : values[columns];
      }
      int to = 0;
      for (int i = 0; i < rows; i++) {
        int from = i * (columns + 1);
        System.arraycopy(values, from, row, to, columns);
        to += columns;
        if (!noIntercept) {
          row[to++] = 1;
        }
        double y = values[from + columns];
        row[to++] = y;
        sum += y - shift;
        squares += (y - shift) * (y - shift);
      }
      count += rows;
      stream.add(row, rows);
    }

    /** R squared, with the estimate of the residual. */
    double explained(LsqResult result) {
      double total = noIntercept ? squares : squares - sum * sum / count;
      return 1 - result.residualEstimate() * result.residualEstimate() / total;
    }
  }

  private List<Term> terms(List<String> columns, LsqResult result) {
    double[] x = result.x().toDoubleArray();
    double[] bounds = result.coordinateBounds().toDoubleArray();
    List<Term> terms = new ArrayList<>();
    for (int j = 0; j < x.length; j++) {
      terms.add(new Term(j < columns.size() ? columns.get(j) : INTERCEPT, x[j], bounds[j]));
    }
    return terms;
  }

  private void write(List<Term> terms) throws IOException {
    StringBuilder text = new StringBuilder("column,coefficient,bound\n");
    for (Term t : terms) {
      String name =
          t.name.matches("[^\",\\r\\n]*") ? t.name : "\"" + t.name.replace("\"", "\"\"") + "\"";
      text.append(name).append(',').append(t.coefficient).append(',').append(t.bound).append('\n');
    }
    AtomicFiles.writeString(out, text.toString());
  }

  private int determined(List<Term> terms, LsqResult result) {
    if (result.rank() == terms.size()) {
      return 0;
    }
    // A column that the ones before it explain has next to nothing on R's diagonal.
    double[] diagonal = result.factor().r().diagonal().abs().toDoubleArray();
    List<String> culprits = new ArrayList<>();
    for (int j = 0; j < diagonal.length; j++) {
      if (diagonal[j] < 1e-10) {
        culprits.add(terms.get(j).name);
      }
    }
    PrintWriter err = spec.commandLine().getErr();
    err.printf(
        "tikhon: the columns depend on each other (rank %d of %d)%s%n",
        result.rank(),
        terms.size(),
        culprits.isEmpty() ? "" : "; those before it determine " + String.join(", ", culprits));
    err.flush();
    return Main.FAILED;
  }

  private void report(
      String goal, long n, List<Term> terms, LsqResult result, double explained, double seconds) {
    PrintWriter print = spec.commandLine().getOut();
    if (json) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("table", file.toString());
      object.put("target", goal);
      object.put("rows", n);
      object.put("sketch", result.sketchName());
      object.put("sketchRows", result.rows());
      object.put("exact", result.exactFallback());
      object.put("epsilon", epsilon);
      object.put("delta", delta);
      object.put("seed", seed);
      object.put("rank", result.rank());
      object.put("residualEstimate", result.residualEstimate());
      object.put("rSquaredEstimate", explained);
      object.put("conditionNumber", finite(result.sketchConditionNumber()));
      object.put("linfBound", finite(result.linfBound()));
      object.put("guarantee", result.guarantee());
      object.put("coefficients", terms.stream().map(RegressCommand::json).toList());
      object.put("seconds", seconds);
      if (out != null) {
        object.put("out", out.toString());
      }
      Json.print(print, object);
      return;
    }
    print.printf(
        Locale.ROOT,
        "%s explained by %d columns%s, %d rows, %.2f s%n",
        goal,
        terms.size() - (noIntercept ? 0 : 1),
        noIntercept ? "" : " and an intercept",
        n,
        seconds);
    int width = terms.stream().mapToInt(t -> t.name.length()).max().orElse(0);
    for (Term t : terms) {
      print.printf(
          Locale.ROOT, "  %-" + width + "s  %14.8g  ± %.3g%n", t.name, t.coefficient, t.bound);
    }
    print.printf(
        Locale.ROOT,
        "residual   %.6g (R squared %.4f)%s%n",
        result.residualEstimate(),
        explained,
        result.exactFallback() ? "" : ", estimated from the sketch");
    print.printf(
        Locale.ROOT,
        "condition  %.3g, columns scaled to length 1%n",
        result.sketchConditionNumber());
    print.println("guarantee  " + result.guarantee());
    if (out != null) {
      print.println("written    " + out);
    }
    print.flush();
  }

  private static Map<String, Object> json(Term t) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("column", t.name);
    object.put("coefficient", t.coefficient);
    object.put("bound", finite(t.bound));
    return object;
  }

  /** JSON has no infinity. */
  private static Double finite(double value) {
    return Double.isFinite(value) ? (Double) value : null;
  }
}
