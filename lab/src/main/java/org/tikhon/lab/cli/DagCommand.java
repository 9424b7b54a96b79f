package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.data.Table;
import org.tikhon.lab.report.DagPicture;
import org.tikhon.solve.CoLiDE;
import org.tikhon.solve.Dag;
import org.tikhon.solve.DagBootstrap;
import org.tikhon.solve.DagEstimate;
import org.tikhon.solve.DagMetrics;
import org.tikhon.solve.TetradGraph;
import org.tikhon.tensor.Rng;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon dag}: the causal graph behind a table. */
@Command(
    name = "dag",
    mixinStandardHelpOptions = true,
    description = {
      "Finds the directed acyclic graph behind a table by CoLiDE: who is computed from whom, with what"
          + " weight, and how much noise each column adds.",
      "DATA is a CSV, TSV or Parquet file of numbers, a row for each observation. The columns should"
          + " have comparable units: a weight is the effect per unit of the cause."
    },
    footer = {
      "",
      "Examples:",
      "  tikhon dag data.csv",
      "  tikhon dag data.tsv --variance unequal --bootstrap 100 --png graph.png",
      "  tikhon dag data.csv --json --dot graph.dot"
    })
public final class DagCommand implements Callable<Integer> {
  private static final List<String> VARIANCES = List.of("equal", "unequal");

  /** An edge that is not in the graph is listed if it is in this part of the resampled ones. */
  private static final double OFTEN = 0.5;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DATA", description = "The table.")
  private Path file;

  @Option(
      names = "--variance",
      paramLabel = "KIND",
      description = "Noise variances are equal or unequal (default ${DEFAULT-VALUE}).",
      defaultValue = "equal")
  private String variance;

  @Option(
      names = "--lambda",
      paramLabel = "L",
      description = "The penalty; more gives fewer edges (default ${DEFAULT-VALUE}).",
      defaultValue = "0.05")
  private double lambda;

  @Option(
      names = "--threshold",
      paramLabel = "T",
      description = "Drop edges with smaller weights (default ${DEFAULT-VALUE}).",
      defaultValue = "0.3")
  private double threshold;

  @Option(names = "--log", description = "Take the logarithms of all columns first.")
  private boolean log;

  @Option(
      names = "--standardize",
      description =
          "Divide each column by its standard deviation first. For columns with different units;"
              + " equal noise variances then no longer tell directions.")
  private boolean standardize;

  @Option(
      names = "--bootstrap",
      paramLabel = "N",
      description = "Fit N resampled tables too, and say how often each edge is found.")
  private Integer bootstrap;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Of the resampling (default ${DEFAULT-VALUE}).",
      defaultValue = "0")
  private long seed;

  @Option(
      names = "--truth",
      paramLabel = "GRAPH",
      description = "Compare with this graph, in Tetrad's text format.")
  private Path truthFile;

  @Option(names = "--dot", paramLabel = "OUT", description = "Write the graph for Graphviz.")
  private Path dotFile;

  @Option(names = "--png", paramLabel = "OUT", description = "Draw the graph.")
  private Path pngFile;

  @Option(names = "--force", description = "Replace --dot and --png if they exist.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    checkOptions();
    Table table = Table.read(file);
    List<String> names = table.names();
    double[][] x = numbers(table);
    Dag truth = truthFile == null ? null : TetradGraph.read(truthFile).ordered(names);
    CoLiDE learner =
        variance.equals("equal") ? CoLiDE.equalVariance(lambda) : CoLiDE.nonEqualVariance(lambda);
    long start = System.nanoTime();
    DagEstimate estimate = learner.fit(x);
    double seconds = (System.nanoTime() - start) / 1e9;
    Dag dag = estimate.dag(threshold);
    double[][] frequencies =
        bootstrap == null
            ? null
            : DagBootstrap.frequencies(learner, x, threshold, bootstrap, new Rng(seed));
    if (dotFile != null) {
      AtomicFiles.writeString(dotFile, dot(dag, names));
    }
    if (pngFile != null) {
      AtomicFiles.writeBytes(pngFile, DagPicture.png(dag, names));
    }
    estimate.warnings().forEach(w -> spec.commandLine().getErr().println("tikhon: warning: " + w));
    DagMetrics metrics = truth == null ? null : DagMetrics.compare(truth, dag);
    Result result = new Result(names, estimate, dag, frequencies, metrics, seconds);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, json(result));
    } else {
      print(out, result);
    }
    return 0;
  }

  /** All that is reported; frequencies and metrics may be null. */
  private record Result(
      List<String> names,
      DagEstimate estimate,
      Dag dag,
      double[][] frequencies,
      DagMetrics metrics,
      double seconds) {
    String from(Dag.Edge edge) {
      return names.get(edge.from());
    }

    String to(Dag.Edge edge) {
      return names.get(edge.to());
    }

    int iterations() {
      return estimate.trace().stream().mapToInt(DagEstimate.Stage::iterations).sum();
    }

    double variance(int column) {
      return estimate.noiseStd()[column] * estimate.noiseStd()[column];
    }

    /** Edges that are often found in resampled tables but are not in the graph; weights are 0. */
    List<Dag.Edge> others(double oftener) {
      List<Dag.Edge> others = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        for (int j = 0; j < names.size(); j++) {
          if (frequencies != null && frequencies[i][j] > oftener && !dag.has(i, j)) {
            others.add(new Dag.Edge(i, j, 0));
          }
        }
      }
      return others;
    }
  }

  private void checkOptions() {
    if (!VARIANCES.contains(variance)) {
      throw new IllegalArgumentException(Names.unknown("variance", variance, VARIANCES));
    }
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException("--lambda must be 0 or more, was " + lambda);
    }
    if (!(threshold >= 0) || Double.isInfinite(threshold)) {
      throw new IllegalArgumentException("--threshold must be 0 or more, was " + threshold);
    }
    if (bootstrap != null && bootstrap < 1) {
      throw new IllegalArgumentException("--bootstrap must be at least 1, was " + bootstrap);
    }
    checkNew("--dot", dotFile);
    checkNew("--png", pngFile);
  }

  private void checkNew(String option, Path out) {
    if (out != null && Files.exists(out) && !force) {
      throw new IllegalArgumentException(
          option + " " + out + " exists already; add --force to replace it");
    }
  }

  /** The table's rows, with errors that name the column. */
  private double[][] numbers(Table table) {
    int d = table.columns().size();
    if (d < 2) {
      throw new DataException(file + ": must have at least 2 columns, has " + d);
    }
    if (table.rows() < d) {
      throw new DataException(
          "%s: must have at least as many rows as columns, has %d rows and %d columns"
              .formatted(file, table.rows(), d));
    }
    double[][] x = new double[table.rows()][d];
    for (int j = 0; j < d; j++) {
      double[] values = transformed(numeric(table.columns().get(j)), table.columns().get(j).name());
      for (int i = 0; i < values.length; i++) {
        x[i][j] = values[i];
      }
    }
    return x;
  }

  private double[] numeric(Table.Column column) {
    for (int i = 0; i < column.rows(); i++) {
      if (column.isMissing(i)) {
        throw new DataException(
            "%s: column %s, row %d is missing".formatted(file, column.name(), i + 1));
      }
    }
    return switch (column) {
      case Table.Numeric numeric -> numeric.values();
      case Table.Text text ->
          throw new DataException(
              "%s: column %s must be numbers, row 1 is \"%s\""
                  .formatted(file, text.name(), text.text(0)));
    };
  }

  private double[] transformed(double[] given, String name) {
    double[] values = given.clone();
    for (int i = 0; i < values.length; i++) {
      if (log && !(values[i] > 0)) {
        throw new DataException(
            "%s: column %s, row %d must be positive for --log, is %s"
                .formatted(file, name, i + 1, values[i]));
      }
      if (log) {
        values[i] = Math.log(values[i]);
      }
      if (!Double.isFinite(values[i])) {
        throw new DataException(
            "%s: column %s, row %d must be finite, is %s".formatted(file, name, i + 1, values[i]));
      }
    }
    if (Arrays.stream(values).allMatch(v -> v == values[0])) {
      throw new DataException(
          "%s: column %s has zero variance, all its values are %s".formatted(file, name, given[0]));
    }
    if (standardize) {
      double mean = Arrays.stream(values).average().orElseThrow();
      double std =
          Math.sqrt(
              Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElseThrow());
      Arrays.setAll(values, i -> values[i] / std);
    }
    return values;
  }

  private static String dot(Dag dag, List<String> names) {
    StringBuilder text = new StringBuilder("digraph {\n");
    names.forEach(name -> text.append("  ").append(quoted(name)).append(";\n"));
    for (Dag.Edge edge : dag.edges()) {
      text.append(
          String.format(
              Locale.ROOT,
              "  %s -> %s [label=\"%.2f\"];%n",
              quoted(names.get(edge.from())),
              quoted(names.get(edge.to())),
              edge.weight()));
    }
    return text.append("}\n").toString();
  }

  private static String quoted(String name) {
    return '"' + name.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private Map<String, Object> json(Result r) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("rows", r.estimate.rows());
    result.put("columns", r.names);
    result.put("variance", variance);
    result.put("lambda", lambda);
    result.put("threshold", threshold);
    List<Map<String, Object>> edges = new ArrayList<>();
    for (Dag.Edge edge : r.dag.edges()) {
      Map<String, Object> e = edge(r, edge);
      e.put("weight", edge.weight());
      edges.add(e);
    }
    result.put("edges", edges);
    if (r.frequencies != null) {
      result.put("resamples", bootstrap);
      result.put("otherEdges", r.others(0).stream().map(e -> edge(r, e)).toList());
    }
    Map<String, Double> variances = new LinkedHashMap<>();
    for (int j = 0; j < r.names.size(); j++) {
      variances.put(r.names.get(j), r.variance(j));
    }
    result.put("noiseVariances", variances);
    result.put("order", r.dag.topologicalOrder().stream().map(r.names::get).toList());
    if (r.metrics != null) {
      result.put("truth", r.metrics);
    }
    result.put("objective", r.estimate.objective());
    result.put("acyclicity", r.estimate.acyclicity());
    result.put("converged", r.estimate.converged());
    result.put("iterations", r.iterations());
    result.put("seconds", r.seconds);
    result.put("warnings", r.estimate.warnings());
    return result;
  }

  private static Map<String, Object> edge(Result r, Dag.Edge edge) {
    Map<String, Object> e = new LinkedHashMap<>();
    e.put("from", r.from(edge));
    e.put("to", r.to(edge));
    if (r.frequencies != null) {
      e.put("bootstrap", r.frequencies[edge.from()][edge.to()]);
    }
    return e;
  }

  private void print(PrintWriter out, Result r) {
    out.printf(
        Locale.ROOT,
        "%d rows, %d columns, %s noise variances, lambda %s%n%n",
        r.estimate.rows(),
        r.names.size(),
        variance,
        lambda);
    int width = Math.max(8, r.names.stream().mapToInt(String::length).max().orElse(0));
    String pattern = "%-" + width + "s    %-" + width + "s  %9s";
    out.printf(
        pattern + "%s%n", "from", "to", "weight", r.frequencies == null ? "" : "  bootstrap");
    List<Dag.Edge> listed = new ArrayList<>(r.dag.edges());
    listed.addAll(r.others(OFTEN));
    for (Dag.Edge edge : listed) {
      out.printf(
          Locale.ROOT,
          pattern + "%s%n",
          r.from(edge),
          r.to(edge),
          edge.weight() == 0 ? "-" : String.format(Locale.ROOT, "%.4f", edge.weight()),
          r.frequencies == null
              ? ""
              : String.format(Locale.ROOT, "  %9.2f", r.frequencies[edge.from()][edge.to()]));
    }
    out.printf("%n%-" + width + "s  %14s%n", "column", "noise variance");
    for (int j = 0; j < r.names.size(); j++) {
      out.printf(Locale.ROOT, "%-" + width + "s  %14.4g%n", r.names.get(j), r.variance(j));
    }
    out.printf(
        Locale.ROOT,
        "%n%d edges, %sconverged after %d iterations, %.2f s%n",
        r.dag.edges().size(),
        r.estimate.converged() ? "" : "not ",
        r.iterations(),
        r.seconds);
    if (r.metrics != null) {
      out.printf(
          Locale.ROOT,
          "against %s: SHD %d (%d extra, %d missing, %d reversed), TPR %.2f, FDR %.2f%n",
          truthFile,
          r.metrics.shd(),
          r.metrics.extra(),
          r.metrics.missing(),
          r.metrics.reversed(),
          r.metrics.tpr(),
          r.metrics.fdr());
    }
    out.flush();
  }
}
