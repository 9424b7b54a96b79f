package org.tikhon.solve;

/** Solves {@code A x = b} iteratively. */
public interface LinearSolver {
  /**
   * Solves from {@code x0}.
   *
   * @param a symmetric positive semi-definite
   * @param b of the order of A; what lies in the null space of A is taken out and reported
   * @param x0 the initial guess, of the order of A
   * @throws IllegalArgumentException if A is not symmetric (probed with two random vectors), turns
   *     out indefinite or singular outside the null space that it declares, or if a vector has
   *     another length or a number that is not finite
   */
  SolveResult solve(SpdOperator a, double[] b, double[] x0);

  /** Solves from 0. */
  default SolveResult solve(SpdOperator a, double[] b) {
    return solve(a, b, new double[a.size()]);
  }
}
