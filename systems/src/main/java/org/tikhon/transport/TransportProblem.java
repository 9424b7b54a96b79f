package org.tikhon.transport;

import java.util.Arrays;

/**
 * What is to be moved where at which cost:
 *
 * <pre>min &lt;C, P&gt;  over P &gt;= 0 with P 1 = r and P' 1 = c,</pre>
 *
 * with the cost as a matrix or as two point clouds with a {@link GroundCost}. Of point clouds the
 * matrix is never made by {@link Sinkhorn} in the log domain: 20,000 points onto 20,000 take a few
 * megabytes. Solvers that keep a plan or a kernel take {@code 8 n m} bytes for it.
 *
 * <p>A problem is immutable; {@link #relax} and {@link #partial} give variants of it. It is not
 * meant for use by several threads at once.
 */
public final class TransportProblem {
  private final CostRows costs;
  private final double[] r;
  private final double[] c;
  private final double gammaRows;
  private final double gammaColumns;

  /** The mass to move, or NaN: all. */
  private final double moved;

  private TransportProblem(
      CostRows costs, double[] r, double[] c, double gammaRows, double gammaColumns, double moved) {
    this.costs = costs;
    this.r = r;
    this.c = c;
    this.gammaRows = gammaRows;
    this.gammaColumns = gammaColumns;
    this.moved = moved;
  }

  /**
   * A problem with a cost matrix.
   *
   * @param cost {@code [n, m]}; +infinity forbids a pair; used, not copied
   * @param r the rows' marginal, {@code [n]}, 0 or more
   * @param c the columns' marginal, {@code [m]}, 0 or more
   */
  public static TransportProblem of(double[][] cost, double[] r, double[] c) {
    checkMass("r", r);
    checkMass("c", c);
    if (cost.length != r.length) {
      throw new IllegalArgumentException(
          "cost must have a row for each of the %d weights of r, has %d"
              .formatted(r.length, cost.length));
    }
    for (int i = 0; i < r.length; i++) {
      if (cost[i].length != c.length) {
        throw new IllegalArgumentException(
            "cost must have a column for each of the %d weights of c, row %d has %d"
                .formatted(c.length, i, cost[i].length));
      }
    }
    return of(new CostRows.Matrix(cost, c.length), r, c);
  }

  /**
   * A problem with a cost between points, computed when it is needed.
   *
   * @param x {@code [n, d]}, a point a row
   * @param y {@code [m, d]}
   * @param r the weights of x, {@code [n]}, 0 or more
   * @param c the weights of y, {@code [m]}, 0 or more
   */
  public static TransportProblem of(
      double[][] x, double[][] y, GroundCost cost, double[] r, double[] c) {
    checkMass("r", r);
    checkMass("c", c);
    checkPoints("x", x, r.length, x.length == 0 ? 0 : x[0].length);
    checkPoints("y", y, c.length, x[0].length);
    return of(new PointRows(x, y, cost), r, c);
  }

  private static TransportProblem of(CostRows costs, double[] r, double[] c) {
    return new TransportProblem(
        costs,
        r.clone(),
        c.clone(),
        Double.POSITIVE_INFINITY,
        Double.POSITIVE_INFINITY,
        Double.NaN);
  }

  private static void checkPoints(String name, double[][] points, int count, int d) {
    if (points.length != count) {
      throw new IllegalArgumentException(
          "%s must have a point for each of its %d weights, has %d"
              .formatted(name, count, points.length));
    }
    for (int i = 0; i < count; i++) {
      if (points[i].length != d || d == 0) {
        throw new IllegalArgumentException(
            "all points must have as many coordinates as x[0], %d; %s[%d] has %d"
                .formatted(d, name, i, points[i].length));
      }
      for (int k = 0; k < d; k++) {
        if (!Double.isFinite(points[i][k])) {
          throw new IllegalArgumentException(
              "%s[%d][%d] must be finite, was %s".formatted(name, i, k, points[i][k]));
        }
      }
    }
  }

  private static void checkMass(String name, double[] weights) {
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
  }

  /**
   * Unbalanced transport: the marginals need not be met, the objective grows by {@code gammaRows
   * KL(P 1 | r) + gammaColumns KL(P' 1 | c)} with {@code KL(p | q) = sum p log(p / q) - p + q}.
   * Only {@link Sinkhorn} solves it.
   *
   * @param gammaRows positive, in units of the cost; +infinity: exactly r
   * @param gammaColumns positive; +infinity: exactly c
   */
  public TransportProblem relax(double gammaRows, double gammaColumns) {
    checkGamma("gammaRows", gammaRows);
    checkGamma("gammaColumns", gammaColumns);
    if (isPartial()) {
      throw new IllegalArgumentException("a partial problem cannot be relaxed as well");
    }
    return new TransportProblem(costs, r, c, gammaRows, gammaColumns, moved);
  }

  /**
   * Partial transport: moves exactly {@code mass}, the cheapest, with {@code P 1 <= r} and {@code
   * P' 1 <= c}; r and c may have different sums.
   *
   * @param mass positive, at most the sum of r and that of c
   */
  public TransportProblem partial(double mass) {
    double most = Math.min(Arrays.stream(r).sum(), Arrays.stream(c).sum());
    // The sums may be a rounding error short of the mass that is meant.
    if (!(mass > 0) || mass > most * (1 + 1e-12)) {
      throw new IllegalArgumentException(
          "mass must be positive and at most that of r and c, %s, was %s".formatted(most, mass));
    }
    if (isRelaxed()) {
      throw new IllegalArgumentException("a relaxed problem cannot be partial as well");
    }
    return new TransportProblem(costs, r, c, gammaRows, gammaColumns, Math.min(mass, most));
  }

  private static void checkGamma(String name, double gamma) {
    if (!(gamma > 0)) {
      throw new IllegalArgumentException(name + " must be positive, was " + gamma);
    }
  }

  /** The number of rows, n. */
  public int rows() {
    return r.length;
  }

  /** The number of columns, m. */
  public int columns() {
    return c.length;
  }

  /** The rows' marginal, a copy. */
  public double[] r() {
    return r.clone();
  }

  /** The columns' marginal, a copy. */
  public double[] c() {
    return c.clone();
  }

  /** Whether the cost is computed from points when it is needed. */
  public boolean isLazy() {
    return costs instanceof PointRows;
  }

  /** Whether a marginal is relaxed. */
  public boolean isRelaxed() {
    return gammaRows < Double.POSITIVE_INFINITY || gammaColumns < Double.POSITIVE_INFINITY;
  }

  /** Whether only a part of the mass is moved. */
  public boolean isPartial() {
    return !Double.isNaN(moved);
  }

  /** The i-th row of the cost, a copy. */
  public double[] costRow(int i) {
    return costs.row(i, new double[columns()]).clone();
  }

  CostRows costs() {
    return costs;
  }

  double gammaRows() {
    return gammaRows;
  }

  double gammaColumns() {
    return gammaColumns;
  }

  double moved() {
    return moved;
  }
}
