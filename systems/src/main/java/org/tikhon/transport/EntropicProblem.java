package org.tikhon.transport;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A checked problem without the rows and columns that have no mass.
 *
 * @param eta the inverse of the regularisation, in 1 / units of the cost
 * @param cost {@code [n, m]}; the caller's rows themselves where nothing is dropped
 * @param r the rows' marginal, all positive
 * @param c the columns' marginal, all positive, scaled to exactly the mass of r
 * @param rows the places of the n rows in the caller's problem
 * @param columns the places of the m columns in the caller's problem
 * @param allRows the number of rows of the caller's problem
 * @param allColumns the number of columns of the caller's problem
 */
record EntropicProblem(
    double eta,
    double[][] cost,
    double[] r,
    double[] c,
    int[] rows,
    int[] columns,
    int allRows,
    int allColumns) {
  private static final double MASS_TOLERANCE = 1e-9;

  static EntropicProblem of(double eta, double[][] cost, double[] r, double[] c) {
    double rowMass = mass("r", r);
    double columnMass = mass("c", c);
    // Written so that NaN cannot pass; the masses are finite here.
    if (!(Math.abs(rowMass - columnMass) <= MASS_TOLERANCE)) {
      throw new IllegalArgumentException(
          "marginals have different mass: %s and %s".formatted(rowMass, columnMass));
    }
    checkCost(cost, r.length, c.length);
    int[] rows = IntStream.range(0, r.length).filter(i -> r[i] > 0).toArray();
    int[] columns = IntStream.range(0, c.length).filter(j -> c[j] > 0).toArray();
    double scale = rowMass / columnMass;
    double[][] kept =
        columns.length == c.length
            ? Arrays.stream(rows).mapToObj(i -> cost[i]).toArray(double[][]::new)
            : Arrays.stream(rows).mapToObj(i -> select(cost[i], columns)).toArray(double[][]::new);
    EntropicProblem problem =
        new EntropicProblem(
            eta,
            kept,
            select(r, rows),
            Arrays.stream(columns).mapToDouble(j -> c[j] * scale).toArray(),
            rows,
            columns,
            r.length,
            c.length);
    problem.checkFeasible();
    return problem;
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

  private static double mass(String name, double[] weights) {
    if (weights.length == 0) {
      throw new IllegalArgumentException(name + " must have at least one weight, was empty");
    }
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      if (!(weights[i] >= 0) || Double.isInfinite(weights[i])) {
        throw new IllegalArgumentException(
            "%s[%d] must be finite and 0 or more, was %s".formatted(name, i, weights[i]));
      }
      sum += weights[i];
    }
    if (!(sum > 0) || Double.isInfinite(sum)) {
      throw new IllegalArgumentException(name + " must have a positive finite sum, was " + sum);
    }
    return sum;
  }

  private static void checkCost(double[][] cost, int n, int m) {
    if (cost.length != n) {
      throw new IllegalArgumentException(
          "cost must have a row for each of the %d weights of r, has %d".formatted(n, cost.length));
    }
    for (int i = 0; i < n; i++) {
      if (cost[i].length != m) {
        throw new IllegalArgumentException(
            "cost must have a column for each of the %d weights of c, row %d has %d"
                .formatted(m, i, cost[i].length));
      }
      for (int j = 0; j < m; j++) {
        if (!(cost[i][j] > Double.NEGATIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "cost[%d][%d] must be a number or +infinity, was %s".formatted(i, j, cost[i][j]));
        }
      }
    }
  }

  private void checkFeasible() {
    boolean[] columnHasFinite = new boolean[m()];
    for (int i = 0; i < n(); i++) {
      boolean rowHasFinite = false;
      for (int j = 0; j < m(); j++) {
        boolean finite = cost[i][j] < Double.POSITIVE_INFINITY;
        rowHasFinite |= finite;
        columnHasFinite[j] |= finite;
      }
      if (!rowHasFinite) {
        throw new IllegalArgumentException(
            "row %d has mass %s but no finite cost".formatted(rows[i], r[i]));
      }
    }
    for (int j = 0; j < m(); j++) {
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

  /** The sum of r, which is the sum of c. */
  double mass() {
    return Arrays.stream(r).sum();
  }

  EntropicProblem withEta(double other) {
    return new EntropicProblem(other, cost, r, c, rows, columns, allRows, allColumns);
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
        .mapToDouble(i -> Double.isFinite(potential[i]) ? potential[i] : 0)
        .toArray();
  }

  double[] startX(EntropicPlan warmStart) {
    return warmStart == null ? new double[n()] : start("x", warmStart.x(), allRows, rows);
  }

  double[] startY(EntropicPlan warmStart) {
    return warmStart == null ? new double[m()] : start("y", warmStart.y(), allColumns, columns);
  }

  /** A vector of the caller's length with {@code empty} in the dropped places. */
  private static double[] expand(double[] values, int[] places, int all, double empty) {
    double[] full = new double[all];
    Arrays.fill(full, empty);
    for (int i = 0; i < places.length; i++) {
      full[places[i]] = values[i];
    }
    return full;
  }

  double[] expandX(double[] x) {
    return expand(x, rows, allRows, Double.NEGATIVE_INFINITY);
  }

  double[] expandY(double[] y) {
    return expand(y, columns, allColumns, Double.NEGATIVE_INFINITY);
  }

  /** The plan with zeros in the dropped rows and columns. */
  double[][] expandPlan(double[][] plan) {
    if (n() == allRows && m() == allColumns) {
      return plan;
    }
    double[][] full = new double[allRows][];
    Arrays.setAll(full, i -> new double[allColumns]);
    for (int i = 0; i < n(); i++) {
      full[rows[i]] = expand(plan[i], columns, allColumns, 0);
    }
    return full;
  }
}
