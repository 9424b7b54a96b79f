package org.tikhon.optimize;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * Measurements of single entries, {@code A_i = e_j e_k'}: completion of a symmetric matrix. O(m r)
 * operations for a factor with r columns; no matrix of side d is formed for a factor.
 *
 * <p>The theory of {@link SubGm} does not cover it: single entries have no Sign-RIP.
 *
 * <p>In FLOAT64, in plain loops: the gather and scatter of LibTorch write m r numbers to memory.
 */
public final class EntryMeasurements implements LinearMeasurements {
  private final int[] rows;
  private final int[] columns;
  private final int d;

  private EntryMeasurements(int[] rows, int[] columns, int d) {
    this.rows = rows;
    this.columns = columns;
    this.d = d;
  }

  /**
   * Takes the places of the entries, which may repeat.
   *
   * @param rows in {@code 0, ..., d - 1}, one for each measurement
   * @param columns in {@code 0, ..., d - 1}, as many
   * @param d the side of the matrix
   */
  public static EntryMeasurements of(int[] rows, int[] columns, int d) {
    Check.require(d >= 1, "d", d, "at least 1");
    Check.require(rows.length >= 1, "the number of entries", rows.length, "at least 1");
    Check.require(
        columns.length == rows.length,
        "the number of columns",
        columns.length,
        "that of the rows, " + rows.length);
    for (int i = 0; i < rows.length; i++) {
      Check.require(rows[i] >= 0 && rows[i] < d, "rows[" + i + "]", rows[i], "in [0, " + d + ")");
      Check.require(
          columns[i] >= 0 && columns[i] < d, "columns[" + i + "]", columns[i], "in [0, " + d + ")");
    }
    return new EntryMeasurements(rows.clone(), columns.clone(), d);
  }

  @Override
  public int m() {
    return rows.length;
  }

  @Override
  public int d() {
    return d;
  }

  @Override
  public Dtype dtype() {
    return Dtype.FLOAT64;
  }

  @Override
  public Tensor apply(Tensor x) {
    double[] values = x.toDoubleArray();
    double[] out = new double[rows.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (values[rows[i] * d + columns[i]] + values[columns[i] * d + rows[i]]) / 2;
    }
    return Tensor.of(out, out.length);
  }

  @Override
  public Tensor adjoint(Tensor z) {
    double[] weights = z.toDoubleArray();
    double[] out = new double[d * d];
    for (int i = 0; i < weights.length; i++) {
      out[rows[i] * d + columns[i]] += weights[i] / 2;
      out[columns[i] * d + rows[i]] += weights[i] / 2;
    }
    return Tensor.of(out, d, d);
  }

  @Override
  public Tensor applyFactor(Tensor u) {
    int r = (int) u.size(1);
    double[] factor = u.toDoubleArray();
    double[] out = new double[rows.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = dot(factor, rows[i] * r, columns[i] * r, r);
    }
    return Tensor.of(out, out.length);
  }

  private static double dot(double[] factor, int a, int b, int r) {
    double sum = 0;
    for (int k = 0; k < r; k++) {
      sum += factor[a + k] * factor[b + k];
    }
    return sum;
  }

  @Override
  public Tensor adjointTimes(Tensor z, Tensor u) {
    int r = (int) u.size(1);
    double[] weights = z.toDoubleArray();
    double[] factor = u.toDoubleArray();
    double[] out = new double[d * r];
    for (int i = 0; i < weights.length; i++) {
      addBoth(out, factor, rows[i] * r, columns[i] * r, weights[i] / 2, r);
    }
    return Tensor.of(out, d, r);
  }

  /** Row a of the factor is added to row b of the output, and row b to row a. */
  private static void addBoth(double[] out, double[] factor, int a, int b, double weight, int r) {
    for (int k = 0; k < r; k++) {
      out[a + k] += weight * factor[b + k];
      out[b + k] += weight * factor[a + k];
    }
  }
}
