package org.tikhon.transport;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A checked problem with its regularisation, without the rows and columns that have no mass, and
 * with a virtual row and column for what a partial problem leaves behind.
 *
 * @param eta the inverse of the regularisation, in 1 / units of the cost
 * @param costs {@code [n, m]}
 * @param r the rows' marginal, all positive
 * @param c the columns' marginal, all positive; of exactly the mass of r where both are to be met
 * @param gammaRows the price of leaving r, in units of the cost; +infinity: r is met
 * @param gammaColumns that of c
 * @param rows the places of the n rows in the caller's problem, -1 the virtual one
 * @param columns the places of the m columns in the caller's problem, likewise
 * @param allRows the number of rows of the caller's problem
 * @param allColumns the number of columns of the caller's problem
 */
record EntropicProblem(
    double eta,
    CostRows costs,
    double[] r,
    double[] c,
    double gammaRows,
    double gammaColumns,
    int[] rows,
    int[] columns,
    int allRows,
    int allColumns) {
  private static final double MASS_TOLERANCE = 1e-9;

  static EntropicProblem of(double eta, double[][] cost, double[] r, double[] c) {
    return of(eta, TransportProblem.of(cost, r, c));
  }

  static EntropicProblem of(double eta, TransportProblem problem) {
    boolean partial = problem.isPartial();
    double[] allR = partial ? withRest(problem.r(), problem.c(), problem.moved()) : problem.r();
    double[] allC = partial ? withRest(problem.c(), problem.r(), problem.moved()) : problem.c();
    double rowMass = Arrays.stream(allR).sum();
    double columnMass = Arrays.stream(allC).sum();
    boolean met = !problem.isRelaxed();
    // Written so that NaN cannot pass; the masses are finite here.
    if (met && !(Math.abs(rowMass - columnMass) <= MASS_TOLERANCE * Math.max(1, rowMass))) {
      throw new IllegalArgumentException(
          "marginals have different mass: %s and %s".formatted(rowMass, columnMass));
    }
    int[] rows = IntStream.range(0, allR.length).filter(i -> allR[i] > 0).toArray();
    int[] columns = IntStream.range(0, allC.length).filter(j -> allC[j] > 0).toArray();
    double scale = met ? rowMass / columnMass : 1;
    CostRows costs =
        partial
            ? new CostRows.WithVirtual(problem.costs(), new double[problem.columns()])
            : problem.costs();
    if (rows.length < allR.length || columns.length < allC.length) {
      costs = new CostRows.Selected(costs, rows, columns, new double[allC.length]);
    }
    EntropicProblem checked =
        new EntropicProblem(
            eta,
            costs,
            select(allR, rows),
            Arrays.stream(columns).mapToDouble(j -> allC[j] * scale).toArray(),
            problem.gammaRows(),
            problem.gammaColumns(),
            places(rows, problem.rows()),
            places(columns, problem.columns()),
            problem.rows(),
            problem.columns());
    checked.checkCosts();
    return checked;
  }

  /** One side's weights and what the other side leaves behind. */
  private static double[] withRest(double[] weights, double[] others, double moved) {
    double[] all = Arrays.copyOf(weights, weights.length + 1);
    all[weights.length] = Math.max(0, Arrays.stream(others).sum() - moved);
    return all;
  }

  private static int[] places(int[] kept, int real) {
    return Arrays.stream(kept).map(i -> i < real ? i : -1).toArray();
  }

  static double checkEta(double eta) {
    if (!(eta > 0) || Double.isInfinite(eta)) {
      throw new IllegalArgumentException("eta must be positive and finite, was " + eta);
    }
    return eta;
  }

  static double checkTolerance(double tolerance) {
    if (!(tolerance >= 0)) {
      throw new IllegalArgumentException("tolerance must be 0 or more, was " + tolerance);
    }
    return tolerance;
  }

  private void checkCosts() {
    boolean[] columnHasFinite = new boolean[m()];
    int finiteRows = 0;
    double[] buffer = new double[m()];
    for (int i = 0; i < n(); i++) {
      boolean rowHasFinite = false;
      double[] row = costs.row(i, buffer);
      if (RowKernels.allFinite(row)) {
        finiteRows++;
        continue;
      }
      for (int j = 0; j < m(); j++) {
        if (!(row[j] > Double.NEGATIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "cost[%d][%d] must be a number or +infinity, was %s"
                  .formatted(rows[i], columns[j], row[j]));
        }
        boolean finite = row[j] < Double.POSITIVE_INFINITY;
        rowHasFinite |= finite;
        columnHasFinite[j] |= finite;
      }
      if (!rowHasFinite) {
        throw new IllegalArgumentException(
            "row %d has mass %s but no finite cost".formatted(rows[i], r[i]));
      }
    }
    for (int j = 0; j < m() && finiteRows == 0; j++) {
      if (!columnHasFinite[j]) {
        throw new IllegalArgumentException(
            "column %d has mass %s but no finite cost".formatted(columns[j], c[j]));
      }
    }
  }

  int n() {
    return r.length;
  }

  int m() {
    return c.length;
  }

  /** The sum of r, which is the sum of c where both are met. */
  double mass() {
    return Arrays.stream(r).sum();
  }

  /** Whether both marginals are to be met. */
  boolean isBalanced() {
    return gammaRows == Double.POSITIVE_INFINITY && gammaColumns == Double.POSITIVE_INFINITY;
  }

  /** {@code gamma / (gamma + epsilon)}, by which a sweep damps the potential of a relaxed side. */
  double damping(double gamma) {
    return gamma == Double.POSITIVE_INFINITY ? 1 : eta * gamma / (1 + eta * gamma);
  }

  EntropicProblem withEta(double other) {
    return new EntropicProblem(
        other, costs, r, c, gammaRows, gammaColumns, rows, columns, allRows, allColumns);
  }

  private static double[] select(double[] values, int[] places) {
    return Arrays.stream(places).mapToDouble(i -> values[i]).toArray();
  }

  /** The part of a potential of the caller's problem that belongs to kept places. */
  private static double[] start(String name, double[] potential, int all, int[] places) {
    if (potential.length != all) {
      throw new IllegalArgumentException(
          "warmStart.%s must have length %d, has %d".formatted(name, all, potential.length));
    }
    // A place that had no mass then has the potential -infinity; the first sweep finds its value.
    return Arrays.stream(places)
        .mapToDouble(i -> i >= 0 && Double.isFinite(potential[i]) ? potential[i] : 0)
        .toArray();
  }

  double[] startX(TransportSolution warmStart) {
    return warmStart == null ? new double[n()] : start("x", warmStart.x(), allRows, rows);
  }

  double[] startY(TransportSolution warmStart) {
    return warmStart == null ? new double[m()] : start("y", warmStart.y(), allColumns, columns);
  }

  /** A vector of the caller's length with {@code empty} in the dropped places. */
  private static double[] expand(double[] values, int[] places, int all, double empty) {
    double[] full = new double[all];
    Arrays.fill(full, empty);
    for (int i = 0; i < places.length; i++) {
      if (places[i] >= 0) {
        full[places[i]] = values[i];
      }
    }
    return full;
  }

  double[] expandX(double[] x) {
    return expand(x, rows, allRows, Double.NEGATIVE_INFINITY);
  }

  double[] expandY(double[] y) {
    return expand(y, columns, allColumns, Double.NEGATIVE_INFINITY);
  }

  /** A row of the plan with zeros in the dropped columns. */
  double[] expandRow(double[] row) {
    return m() == allColumns && columns[m() - 1] >= 0 ? row : expand(row, columns, allColumns, 0);
  }

  /** The plan with zeros in the dropped rows and columns, and without the virtual ones. */
  double[][] expandPlan(double[][] plan) {
    double[][] full = new double[allRows][];
    for (int i = 0; i < n(); i++) {
      if (rows[i] >= 0) {
        full[rows[i]] = expandRow(plan[i]);
      }
    }
    Arrays.setAll(full, i -> full[i] == null ? new double[allColumns] : full[i]);
    return full;
  }
}
