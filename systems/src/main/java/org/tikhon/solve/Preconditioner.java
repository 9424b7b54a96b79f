package org.tikhon.solve;

import java.util.Arrays;

/** A symmetric positive definite approximation of the inverse of a matrix. */
@FunctionalInterface
public interface Preconditioner {
  /** {@code z = M^-1 r}; both of length n, not the same array. */
  void apply(double[] r, double[] z);

  /** No preconditioning. */
  static Preconditioner identity() {
    return (r, z) -> System.arraycopy(r, 0, z, 0, r.length);
  }

  /** The inverse of the diagonal; rows without entries give 0. */
  static Preconditioner jacobi(CsrMatrix a) {
    double[] diagonal = a.diagonal();
    for (int i = 0; i < diagonal.length; i++) {
      if (!(diagonal[i] > 0) && !a.isEmptyRow(i)) {
        throw new IllegalArgumentException(
            "A must have a positive diagonal, in row " + i + " it is " + diagonal[i]);
      }
    }
    return jacobi(diagonal);
  }

  /** The inverse of the diagonal; solid cells give 0. */
  static Preconditioner jacobi(GridPoisson a) {
    return jacobi(a.diagonal());
  }

  private static Preconditioner jacobi(double[] diagonal) {
    double[] inverse = new double[diagonal.length];
    Arrays.setAll(inverse, i -> diagonal[i] > 0 ? 1 / diagonal[i] : 0);
    return (r, z) -> Arrays.setAll(z, i -> inverse[i] * r[i]);
  }
}
