package org.tikhon.optimize;

/** {@code f(x) = |A x - b|^2 / 2}, from x = 0. H is A' A. */
public final class LeastSquares extends LinearModelProblem {
  private final double[] b;

  private LeastSquares(SparseMatrix a, double[] b) {
    super(a, 1);
    this.b = b;
    begin();
  }

  /**
   * A problem.
   *
   * @param a A, {@code [m, n]}
   * @param b {@code [m]}, finite
   */
  public static LeastSquares of(SparseMatrix a, double[] b) {
    Check.require(b.length == a.rows(), "the length of b", b.length, "that of A's columns");
    Check.finite(b, "b");
    return new LeastSquares(a, b.clone());
  }

  @Override
  double loss(int r, double[] z, int at) {
    double residual = z[at] - b[r];
    return residual * residual / 2;
  }

  @Override
  void derive(int r) {
    derivatives[r] = z[r] - b[r];
  }

  @Override
  double curvature(int r, int c, int d) {
    return 1;
  }

  @Override
  double curvatureBound(int c, int d) {
    return 1;
  }

  /** Without the cancellation in a difference of two values. */
  @Override
  public double change(int[] block, double[] delta) {
    return Vectors.dot(blockGradient(block), delta) + squaredImage(block, delta) / 2;
  }
}
