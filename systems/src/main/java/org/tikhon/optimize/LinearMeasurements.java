package org.tikhon.optimize;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * m linear measurements of a symmetric matrix, {@code A(X)_i = <A_i, X>}.
 *
 * <p>Only the symmetric part {@code S_i = (A_i + A_i') / 2} of a measurement counts. All tensors
 * have the {@link #dtype} of the measurements.
 */
public interface LinearMeasurements {
  /** The number of measurements. */
  int m();

  /** The side of the matrix. */
  int d();

  /** FLOAT32 or FLOAT64. */
  Dtype dtype();

  /**
   * Measures a matrix.
   *
   * @param x X, {@code [d, d]}; of a matrix that is not symmetric, the symmetric part is measured
   * @return {@code <S_i, X>}, {@code [m]}
   */
  Tensor apply(Tensor x);

  /**
   * The adjoint.
   *
   * @param z {@code [m]}
   * @return {@code sum_i z_i S_i}, {@code [d, d]}
   */
  Tensor adjoint(Tensor z);

  /**
   * Measures U U'.
   *
   * @param u U, {@code [d, r]}
   * @return {@code <S_i, U U'>}, {@code [m]}
   */
  Tensor applyFactor(Tensor u);

  /**
   * The adjoint times a matrix.
   *
   * @param z {@code [m]}
   * @param u U, {@code [d, r]}
   * @return {@code sum_i z_i S_i U}, {@code [d, r]}
   */
  Tensor adjointTimes(Tensor z, Tensor u);
}
