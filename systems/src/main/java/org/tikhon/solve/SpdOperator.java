package org.tikhon.solve;

/**
 * A symmetric positive semi-definite matrix A of order n, as what it does to vectors.
 *
 * <p>A may be singular if it knows its null space, see {@link #project}.
 */
public interface SpdOperator {
  /** The order n. */
  int size();

  /** {@code y = A x}; both of length n, not the same array. */
  void apply(double[] x, double[] y);

  /**
   * Projects a vector orthogonally onto the range of A, in place. Does nothing where A is regular.
   */
  default void project(double[] v) {}

  /** The unknowns as a grid, slowest side first, for networks: {@code [n]} unless overridden. */
  default int[] shape() {
    return new int[] {size()};
  }
}
