package org.tikhon.optimize;

/** {@code f(x) = sum_r log(1 + exp(-y_r (A x)_r))}, from x = 0. H is A' A / 4. */
public final class Logistic extends LinearModelProblem {
  private final double[] y;

  private Logistic(SparseMatrix a, double[] y) {
    super(a, 1);
    this.y = y;
    begin();
  }

  /**
   * A problem.
   *
   * @param a A, {@code [m, n]}
   * @param y the labels, {@code [m]}, -1 or 1
   */
  public static Logistic of(SparseMatrix a, double[] y) {
    Check.require(y.length == a.rows(), "the length of y", y.length, "that of A's columns");
    for (double label : y) {
      Check.require(label == 1 || label == -1, "every label", label, "-1 or 1");
    }
    return new Logistic(a, y.clone());
  }

  @Override
  double loss(int r, double[] z, int at) {
    double margin = y[r] * z[at];
    return Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
  }

  @Override
  void derive(int r) {
    derivatives[r] = -y[r] / (1 + Math.exp(y[r] * z[r]));
  }

  @Override
  double curvature(int r, int c, int d) {
    double p = Math.abs(derivatives[r]);
    return p * (1 - p);
  }

  @Override
  double curvatureBound(int c, int d) {
    return 0.25;
  }
}
