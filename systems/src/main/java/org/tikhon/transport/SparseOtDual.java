package org.tikhon.transport;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Tensor;

/**
 * The dual or semi-dual of a problem in which columns are regularised; for a bound per row, of the
 * problem with rows and columns exchanged. Rows and columns without mass take no part.
 */
final class SparseOtDual {
  private final Conjugate conjugate;
  private final boolean exchanged;
  private final boolean semi;

  private final int[] rows;
  private final int[] columns;
  private final double[] a;
  private final double[] b;
  private final int allRows;
  private final int allColumns;

  /** The costs by column. */
  private final CostRows costs;

  private final RowChunks chunks;
  private final double[][] scores;
  private final double[][] full;
  private final Conjugate.Column[] scratch;
  private final double[] values;

  SparseOtDual(TransportProblem problem, Conjugate conjugate, boolean exchanged, boolean semi) {
    this.conjugate = conjugate;
    this.exchanged = exchanged;
    this.semi = semi;
    double[] r = exchanged ? problem.c() : problem.r();
    double[] c = exchanged ? problem.r() : problem.c();
    double scale = Arrays.stream(r).sum() / Arrays.stream(c).sum();
    this.allRows = r.length;
    this.allColumns = c.length;
    this.rows = IntStream.range(0, r.length).filter(i -> r[i] > 0).toArray();
    this.columns = IntStream.range(0, c.length).filter(j -> c[j] > 0).toArray();
    this.a = Arrays.stream(rows).mapToDouble(i -> r[i]).toArray();
    this.b = Arrays.stream(columns).mapToDouble(j -> c[j] * scale).toArray();
    this.costs = exchanged ? problem.costs() : transposed(problem.costs());
    this.chunks = new RowChunks(b.length, a.length, costs.isShareable());
    this.scores = new double[RowChunks.COUNT][a.length];
    this.full = new double[RowChunks.COUNT][allRows];
    this.scratch = new Conjugate.Column[RowChunks.COUNT];
    Arrays.setAll(scratch, chunk -> new Conjugate.Column(a.length));
    this.values = new double[RowChunks.COUNT];
    checkCosts();
  }

  private static CostRows transposed(CostRows costs) {
    if (costs instanceof PointRows points) {
      return points.transposed();
    }
    double[][] columns = new double[costs.columns()][costs.rows()];
    double[] buffer = new double[costs.columns()];
    for (int i = 0; i < costs.rows(); i++) {
      double[] row = costs.row(i, buffer);
      for (int j = 0; j < row.length; j++) {
        columns[j][i] = row[j];
      }
    }
    return new CostRows.Matrix(columns, costs.rows());
  }

  private void checkCosts() {
    for (int j = 0; j < allColumns; j++) {
      double[] cost = costs.row(j, full[0]);
      if (!RowKernels.allFinite(cost)) {
        int i =
            IntStream.range(0, allRows)
                .filter(k -> !Double.isFinite(cost[k]))
                .findFirst()
                .orElseThrow();
        throw new IllegalArgumentException(
            "cost[%d][%d] must be finite, was %s"
                .formatted(exchanged ? j : i, exchanged ? i : j, cost[i]));
      }
    }
  }

  double largestWeight() {
    return Arrays.stream(b).max().orElseThrow();
  }

  private int size() {
    return semi ? a.length : a.length + b.length;
  }

  /** The start: 0, or an earlier alpha. */
  double[] start(double[] warm) {
    double[] start = new double[size()];
    if (warm != null) {
      if (warm.length != allRows) {
        throw new IllegalArgumentException(
            "warmStart must have length %d, has %d".formatted(allRows, warm.length));
      }
      for (int i = 0; i < rows.length; i++) {
        start[i] = Double.isFinite(warm[rows[i]]) ? warm[rows[i]] : 0;
      }
    }
    return start;
  }

  /** What is done with a column's maximiser. */
  private interface ColumnWork {
    void take(int chunk, int j, Conjugate.Column column);
  }

  /** The sum of all columns' conjugates. */
  private double eachColumn(double[] point, ColumnWork work) {
    chunks.run(
        chunk -> {
          double[] s = scores[chunk];
          Conjugate.Column column = scratch[chunk];
          double value = 0;
          for (int j = chunks.start(chunk); j < chunks.start(chunk + 1); j++) {
            score(chunk, j, point, s);
            value += semi ? conjugate.withMass(s, b[j], column) : conjugate.free(s, column);
            work.take(chunk, j, column);
          }
          values[chunk] = value;
        });
    return Arrays.stream(values).sum();
  }

  /** {@code s = alpha - c_j}, with beta_j in the dual. */
  private void score(int chunk, int j, double[] point, double[] s) {
    double[] cost = costs.row(columns[j], full[chunk]);
    if (rows.length == allRows) {
      RowKernels.subtract(point, cost, s);
    } else {
      for (int i = 0; i < s.length; i++) {
        s[i] = point[i] - cost[rows[i]];
      }
    }
    if (!semi) {
      double beta = point[a.length + j];
      for (int i = 0; i < s.length; i++) {
        s[i] += beta;
      }
    }
  }

  /** The value at a point, and its gradient into {@code g}. */
  private double evaluate(double[] point, double[] g) {
    double conjugates =
        eachColumn(
            point,
            (chunk, j, column) -> {
              double[] sums = chunks.columnSums(chunk);
              double mass = 0;
              for (int i = 0; i < column.size; i++) {
                sums[column.index[i]] += column.mass[i];
                mass += column.mass[i];
              }
              if (!semi) {
                g[a.length + j] = b[j] - mass;
              }
            });
    double[] sums = new double[a.length];
    chunks.takeColumnSums(sums);
    double linear = 0;
    for (int i = 0; i < a.length; i++) {
      g[i] = a[i] - sums[i];
      linear += a[i] * point[i];
    }
    for (int j = 0; j < b.length && !semi; j++) {
      linear += b[j] * point[a.length + j];
    }
    return linear - conjugates;
  }

  /** The negative value and gradient, to be minimised. */
  Lbfgs.Evaluation negative(Tensor x) {
    double[] g = new double[size()];
    double value = evaluate(x.toDoubleArray(), g);
    return new Lbfgs.Evaluation(-value, Tensor.of(g, g.length).neg());
  }

  double[] reducedGradient(double[] point) {
    double[] g = new double[size()];
    evaluate(point, g);
    return g;
  }

  /** Value and gradient for a point of all rows and columns. */
  SparseOt.ValueAndGradient at(double[] point) {
    int all = semi ? allRows : allRows + allColumns;
    if (point.length != all) {
      throw new IllegalArgumentException(
          "the point must have length %d, has %d".formatted(all, point.length));
    }
    double[] kept = new double[size()];
    for (int i = 0; i < rows.length; i++) {
      kept[i] = point[rows[i]];
    }
    for (int j = 0; j < columns.length && !semi; j++) {
      kept[a.length + j] = point[allRows + columns[j]];
    }
    double[] g = new double[kept.length];
    double value = evaluate(kept, g);
    double[] gradient = new double[all];
    for (int i = 0; i < rows.length; i++) {
      gradient[rows[i]] = g[i];
    }
    for (int j = 0; j < columns.length && !semi; j++) {
      gradient[allRows + columns[j]] = g[a.length + j];
    }
    return new SparseOt.ValueAndGradient(value, gradient);
  }

  /** The plan and the rest at a point. */
  SparseOtSolution solution(double[] point, int iterations, boolean converged, int k) {
    int[][] places = new int[b.length][];
    double[][] masses = new double[b.length][];
    double[] beta = new double[allColumns];
    double[] costOf = new double[b.length];
    boolean[] tied = new boolean[b.length];
    double value =
        eachColumn(
            point,
            (chunk, j, column) -> {
              places[j] = Arrays.copyOf(column.index, column.size);
              masses[j] = Arrays.copyOf(column.mass, column.size);
              beta[columns[j]] = semi ? column.beta : point[a.length + j];
              tied[j] = column.tied;
              for (int i = 0; i < column.size; i++) {
                double score = scores[chunk][column.index[i]];
                double cost = point[column.index[i]] - score + (semi ? 0 : point[a.length + j]);
                costOf[j] += column.mass[i] * cost;
              }
            });
    double[] alpha = new double[allRows];
    double[] rowRest = a.clone();
    double columnResidual = 0;
    for (int i = 0; i < rows.length; i++) {
      alpha[rows[i]] = point[i];
      value -= a[i] * point[i];
    }
    for (int j = 0; j < b.length; j++) {
      double rest = b[j];
      for (int i = 0; i < places[j].length; i++) {
        rowRest[places[j][i]] -= masses[j][i];
        rest -= masses[j][i];
        places[j][i] = rows[places[j][i]];
      }
      columnResidual += Math.abs(rest);
      value -= semi ? 0 : b[j] * point[a.length + j];
    }
    double rowResidual = Arrays.stream(rowRest).map(Math::abs).sum();
    SparsePlan byColumn = gather(places, masses);
    boolean anyTied = IntStream.range(0, b.length).anyMatch(j -> tied[j]);
    boolean feasible = (long) k * b.length >= a.length;
    return new SparseOtSolution(
        exchanged ? byColumn : byColumn.transposed(),
        exchanged ? beta : alpha,
        exchanged ? alpha : beta,
        -value,
        Arrays.stream(costOf).sum(),
        exchanged ? columnResidual : rowResidual,
        exchanged ? rowResidual : columnResidual,
        iterations,
        converged,
        anyTied,
        feasible);
  }

  /** The plan by its columns. */
  private SparsePlan gather(int[][] places, double[][] masses) {
    int[] start = new int[allColumns + 1];
    for (int j = 0; j < b.length; j++) {
      start[columns[j] + 1] = places[j].length;
    }
    Arrays.parallelPrefix(start, Integer::sum);
    return new SparsePlan(
        allRows,
        start,
        Arrays.stream(places).flatMapToInt(Arrays::stream).toArray(),
        Arrays.stream(masses).flatMapToDouble(Arrays::stream).toArray());
  }
}
