package org.tikhon.transport;

import java.util.Arrays;

/**
 * How much of each row's mass goes to which column, {@code [n, m]}: all entries in memory ({@link
 * DensePlan}), a few ({@link SparsePlan}), or computed row by row from potentials when somebody
 * looks ({@link LazyPlan}).
 */
public sealed interface Plan permits DensePlan, SparsePlan, LazyPlan {
  /** The number of rows, n. */
  int rows();

  /** The number of columns, m. */
  int columns();

  /** The i-th row, {@code [m]}; not to be changed. */
  double[] row(int i);

  /** The sum of all entries. */
  default double mass() {
    double mass = 0;
    for (int i = 0; i < rows(); i++) {
      mass += RowKernels.sum(row(i));
    }
    return mass;
  }

  /** The whole matrix; not to be changed. */
  default double[][] dense() {
    double[][] matrix = new double[rows()][];
    Arrays.setAll(matrix, i -> row(i).clone());
    return matrix;
  }

  /**
   * The positive entries that are at least {@code threshold}.
   *
   * @param threshold 0 or more; 0 keeps every entry that is not zero
   */
  default SparsePlan sparse(double threshold) {
    return SparsePlan.of(this, threshold);
  }

  /** {@code P v}, {@code [n]}. */
  default double[] times(double[] v) {
    if (v.length != columns()) {
      throw new IllegalArgumentException(
          "v must have length %d, has %d".formatted(columns(), v.length));
    }
    double[] product = new double[rows()];
    Arrays.setAll(product, i -> RowKernels.dot(row(i), v));
    return product;
  }

  /**
   * Where each row's mass goes on average, {@code sum_j P_ij Y_j / sum_j P_ij}: the barycentric
   * projection. A row without mass has no such place and gets NaN.
   *
   * @param y {@code [m, d]}, a point for each column
   * @return {@code [n, d]}
   */
  default double[][] barycentres(double[][] y) {
    if (y.length != columns()) {
      throw new IllegalArgumentException(
          "y must have a point for each of the %d columns, has %d".formatted(columns(), y.length));
    }
    double[][] result = new double[rows()][y[0].length];
    for (int i = 0; i < result.length; i++) {
      double[] row = row(i);
      double mass = 0;
      for (int j = 0; j < row.length; j++) {
        if (row[j] > 0) {
          RowKernels.addScaled(result[i], y[j], row[j]);
          mass += row[j];
        }
      }
      for (int k = 0; k < result[i].length; k++) {
        result[i][k] /= mass;
      }
    }
    return result;
  }
}
