package org.tikhon.lab.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.transport.Costs;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SinkhornNewtonSparse;
import org.tikhon.transport.TransportSolution;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code tikhon transport}: the cheapest way from one point cloud to another. */
@Command(
    name = "transport",
    mixinStandardHelpOptions = true,
    description = {
      "Moves one weighted point cloud onto another by entropic optimal transport,",
      "or with --map fits a map that moves new points too (tikhon predict).",
      "A and B are CSV files with one point a row, with or without a header."
    },
    footer = {
      "",
      "Exit code 1 if the solver does not reach --tol; the result is printed all the same.",
      "",
      "Examples:",
      "  tikhon transport a.csv b.csv",
      "  tikhon transport a.csv b.csv --cost euclidean --epsilon 0.001 --plan plan.csv",
      "  tikhon transport a.csv b.csv --weights-a wa.csv --weights-b wb.csv --json",
      "  tikhon transport a.csv b.csv --cost euclidean --map map.safetensors --png map.png"
    })
public final class TransportCommand implements Callable<Integer> {
  private static final List<String> SOLVERS = List.of("sns", "sinkhorn");
  private static final List<String> COSTS = List.of("sqeuclidean", "euclidean", "cosine");
  private static final List<String> SCALES = List.of("max", "mean", "none");

  /** A distance is like an L1 cost: the best plan without regularisation is often not unique. */
  private static final int KEEP_FOR_DISTANCES = 30;

  private static final int KEEP = 16;

  /** Nearly degenerate plans take long, but they end. */
  private static final int MAX_NEWTON = 200;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "A", description = "The points to move.")
  private Path fileA;

  @Parameters(index = "1", paramLabel = "B", description = "The points to move them onto.")
  private Path fileB;

  @Option(
      names = "--solver",
      paramLabel = "NAME",
      description = "sns (Sinkhorn-Newton-Sparse, precise) or sinkhorn (default ${DEFAULT-VALUE}).",
      defaultValue = "sns")
  private String solver;

  @Option(
      names = "--epsilon",
      paramLabel = "E",
      description =
          "The regularisation, in units of the scaled cost, with --map of the mean cost (default ${DEFAULT-VALUE}).",
      defaultValue = "0.01")
  private double epsilon;

  @Option(
      names = "--cost",
      paramLabel = "NAME",
      description =
          "sqeuclidean, euclidean or cosine; with --map also halfsqeuclidean, manhattan, elastic[-G], power-P, geodesic, sqgeodesic (default ${DEFAULT-VALUE}).",
      defaultValue = "sqeuclidean")
  private String cost;

  @Option(
      names = "--scale-cost",
      paramLabel = "BY",
      description =
          "Divide the cost by its max or mean, or none, before solving (default ${DEFAULT-VALUE}).",
      defaultValue = "max")
  private String scaleCost;

  @Option(
      names = "--weights-a",
      paramLabel = "FILE",
      description =
          "The weights of A's points, one a row; without it all are equal, with the mass of B.")
  private Path weightsA;

  @Option(
      names = "--weights-b",
      paramLabel = "FILE",
      description = "The weights of B's points; without any weights the mass is 1.")
  private Path weightsB;

  @Option(
      names = "--tol",
      paramLabel = "TOL",
      description =
          "The L1 error of the marginals to reach (default ${DEFAULT-VALUE}, with --map 1e-3).",
      defaultValue = "1e-9")
  private double tolerance;

  @Option(
      names = "--plan",
      paramLabel = "OUT",
      description = "Write the plan to this CSV file, a row for each point of A, no header.")
  private Path planFile;

  @Option(names = "--force", description = "Replace files that exist.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Mixin private MapFit map;

  @Override
  public Integer call() throws IOException {
    ParseResult parsed = spec.commandLine().getParseResult();
    boolean mapWanted = map.isWanted(parsed);
    checkOptions(mapWanted);
    PointFile a = PointFile.read(fileA);
    PointFile b = PointFile.read(fileB);
    if (a.columns() != b.columns()) {
      throw new DataException(
          "points must have the same dimension, but %s has %d columns and %s has %d"
              .formatted(fileA, a.columns(), fileB, b.columns()));
    }
    if (mapWanted) {
      Double given = parsed.hasMatchedOption("--tol") ? tolerance : null;
      MapFit.Common common = new MapFit.Common(cost, epsilon, given, force, json);
      return map.run(a, b, common, spec.commandLine().getOut(), spec.commandLine().getErr());
    }
    checkMemory(a.rows(), b.rows());
    double[] givenR = weightsA == null ? null : weights(weightsA, a);
    double[] givenC = weightsB == null ? null : weights(weightsB, b);
    double[] r = givenR != null ? givenR : equal(a.rows(), givenC == null ? 1 : sum(givenC));
    double[] c = givenC != null ? givenC : equal(b.rows(), sum(r));
    checkMass(r, c);
    double[][] matrix = costs(a, b);
    double scale = scale(matrix);

    long start = System.nanoTime();
    TransportSolution plan = solve(matrix, r, c);
    double seconds = (System.nanoTime() - start) / 1e9;
    if (planFile != null) {
      write(plan.dense());
    }
    report(a, b, plan, scale, seconds);
    if (!plan.converged()) {
      PrintWriter err = spec.commandLine().getErr();
      err.printf(
          Locale.ROOT,
          "tikhon: not converged: marginal error %.3g after %d iterations, wanted %.3g%n",
          plan.marginalError(),
          plan.history().size(),
          tolerance);
      err.flush();
      return Main.FAILED;
    }
    return 0;
  }

  private void checkOptions(boolean mapWanted) {
    checkName("solver", solver, SOLVERS);
    if (!mapWanted) {
      checkName("cost", cost, COSTS);
    }
    checkName("scale", scaleCost, SCALES);
    if (!(epsilon > 0) || Double.isInfinite(1 / epsilon) || Double.isInfinite(epsilon)) {
      throw new IllegalArgumentException("--epsilon must be positive and finite, was " + epsilon);
    }
    if (!(tolerance > 0) || Double.isInfinite(tolerance)) {
      throw new IllegalArgumentException("--tol must be positive and finite, was " + tolerance);
    }
    if (planFile != null && Files.exists(planFile) && !force) {
      throw new IllegalArgumentException(
          "--plan " + planFile + " exists already; add --force to replace it");
    }
  }

  private static void checkName(String kind, String name, List<String> known) {
    if (!known.contains(name)) {
      throw new IllegalArgumentException(Names.unknown(kind, name, known));
    }
  }

  private static void checkMemory(long n, long m) {
    // Cost and plan.
    double needed = 16.0 * n * m;
    double heap = Runtime.getRuntime().maxMemory();
    if (needed > 0.9 * heap) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d and %d points need %.1f GB of memory, there are %.1f; set TIKHON_HEAP (such as 16g)",
              n,
              m,
              needed / 0.9e9,
              heap / 1e9));
    }
  }

  private static double[] weights(Path path, PointFile points) throws IOException {
    PointFile file = PointFile.read(path);
    if (file.columns() != 1) {
      throw new DataException(
          path + ": must have one weight a row, has " + file.columns() + " columns");
    }
    if (file.rows() != points.rows()) {
      throw new DataException(
          "%s: must have a weight for each of the %d points of %s, has %d"
              .formatted(path, points.rows(), points.path(), file.rows()));
    }
    double[] weights = new double[file.rows()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = file.points()[i][0];
      if (weights[i] < 0) {
        throw new DataException(
            "%s: row %d must be 0 or more, is %s".formatted(path, file.lines()[i], weights[i]));
      }
    }
    if (!(sum(weights) > 0)) {
      throw new DataException(path + ": must have a positive sum, has " + sum(weights));
    }
    return weights;
  }

  private void checkMass(double[] r, double[] c) {
    // The solver's own bound, told with the files' names.
    if (!(Math.abs(sum(r) - sum(c)) <= 1e-9)) {
      throw new DataException(
          "weights must have the same sum, but %s has %s and %s has %s"
              .formatted(weightsA, sum(r), weightsB, sum(c)));
    }
  }

  private static double[] equal(int n, double mass) {
    double[] weights = new double[n];
    Arrays.fill(weights, mass / n);
    return weights;
  }

  private static double sum(double[] values) {
    return Arrays.stream(values).sum();
  }

  private double[][] costs(PointFile a, PointFile b) {
    if (cost.equals("cosine")) {
      checkDirections(a);
      checkDirections(b);
    }
    double[][] matrix =
        switch (cost) {
          case "euclidean" -> Costs.euclidean(a.points(), b.points());
          case "cosine" -> Costs.cosine(a.points(), b.points());
          default -> Costs.squaredEuclidean(a.points(), b.points());
        };
    for (int i = 0; i < matrix.length; i++) {
      for (int j = 0; j < matrix[i].length; j++) {
        if (!Double.isFinite(matrix[i][j])) {
          throw new DataException(
              "the cost of %s row %d and %s row %d must be finite, is %s"
                  .formatted(fileA, a.lines()[i], fileB, b.lines()[j], matrix[i][j]));
        }
      }
    }
    return matrix;
  }

  private static void checkDirections(PointFile file) {
    for (int i = 0; i < file.rows(); i++) {
      double squares = Arrays.stream(file.points()[i]).map(v -> v * v).sum();
      if (!(squares > 0) || Double.isInfinite(squares)) {
        throw new DataException(
            "%s: row %d must have a positive finite length for the cosine, has %s"
                .formatted(file.path(), file.lines()[i], Math.sqrt(squares)));
      }
    }
  }

  /** Divides the matrix and gives the divisor. */
  private double scale(double[][] matrix) {
    double wanted =
        switch (scaleCost) {
          case "max" -> Arrays.stream(matrix).flatMapToDouble(Arrays::stream).max().orElseThrow();
          case "mean" ->
              Arrays.stream(matrix).flatMapToDouble(Arrays::stream).average().orElseThrow();
          default -> 1;
        };
    // All points in one place: every plan is the best.
    double scale = wanted > 0 ? wanted : 1;
    for (double[] row : matrix) {
      for (int j = 0; j < row.length; j++) {
        row[j] /= scale;
      }
    }
    return scale;
  }

  private TransportSolution solve(double[][] matrix, double[] r, double[] c) {
    if (solver.equals("sinkhorn")) {
      return new Sinkhorn(1 / epsilon, Sinkhorn.Mode.KERNEL)
          .tolerance(tolerance)
          .solve(matrix, r, c);
    }
    return new SinkhornNewtonSparse(1 / epsilon)
        .autoWarmup()
        .keepPerRow(cost.equals("euclidean") ? KEEP_FOR_DISTANCES : KEEP)
        .tolerance(tolerance)
        .maxNewton(MAX_NEWTON)
        .solve(matrix, r, c);
  }

  private void write(double[][] plan) throws IOException {
    AtomicFiles.write(
        planFile,
        temporary -> {
          try (BufferedWriter writer = Files.newBufferedWriter(temporary)) {
            for (double[] row : plan) {
              for (int j = 0; j < row.length; j++) {
                writer.write(j == 0 ? "" : ",");
                writer.write(Double.toString(row[j]));
              }
              writer.write('\n');
            }
          }
        });
  }

  private void report(
      PointFile a, PointFile b, TransportSolution plan, double scale, double seconds) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("pointsA", a.rows());
    result.put("pointsB", b.rows());
    result.put("dimension", a.columns());
    result.put("solver", solver);
    result.put("costName", cost);
    result.put("scale", scale);
    result.put("epsilon", epsilon);
    result.put("cost", plan.cost() * scale);
    result.put("regularisedCost", plan.objective() * scale);
    result.put("iterations", plan.history().size());
    result.put("sweeps", plan.sweeps());
    result.put("newtonSteps", plan.newtonSteps());
    result.put("marginalError", plan.marginalError());
    result.put("converged", plan.converged());
    result.put("seconds", seconds);
    if (planFile != null) {
      result.put("plan", planFile.toString());
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, result);
    } else {
      out.printf(
          Locale.ROOT,
          "%d points to %d points in %d dimensions, %s cost, %s%n",
          a.rows(),
          b.rows(),
          a.columns(),
          cost,
          solver);
      out.printf(Locale.ROOT, "cost              %.10g%n", plan.cost() * scale);
      out.printf(
          Locale.ROOT,
          "regularised cost  %.10g  (epsilon %g, cost divided by %g)%n",
          plan.objective() * scale,
          epsilon,
          scale);
      out.printf(Locale.ROOT, "marginal error    %.3g%n", plan.marginalError());
      out.printf(
          Locale.ROOT,
          "iterations        %d sweeps, %d Newton steps, %.3f s%n",
          plan.sweeps(),
          plan.newtonSteps(),
          seconds);
      if (planFile != null) {
        out.println("plan              " + planFile);
      }
      out.flush();
    }
  }
}
