package org.tikhon.optimize;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * Measurements {@code A_i = a_i a_i'}, as in covariance sketching and phase retrieval: m d numbers,
 * and O(m d r) operations for a factor with r columns. No matrix of side d is formed for a factor.
 */
public final class RankOneMeasurements implements LinearMeasurements {
  private final Tensor vectors;

  private RankOneMeasurements(Tensor vectors) {
    this.vectors = vectors;
  }

  /**
   * Takes the vectors.
   *
   * @param vectors the a_i, {@code [m, d]}, FLOAT32 or FLOAT64, finite
   */
  public static RankOneMeasurements of(Tensor vectors) {
    Check.require(
        vectors.dim() == 2 && vectors.numel() > 0,
        "vectors' shape",
        Arrays.toString(vectors.shape()),
        "[m, d]");
    Check.require(
        vectors.dtype() == Dtype.FLOAT32 || vectors.dtype() == Dtype.FLOAT64,
        "vectors' type",
        vectors.dtype(),
        "FLOAT32 or FLOAT64");
    Check.finite(vectors, "vectors");
    return new RankOneMeasurements(vectors.detach().cloned().escape());
  }

  @Override
  public int m() {
    return (int) vectors.size(0);
  }

  @Override
  public int d() {
    return (int) vectors.size(1);
  }

  @Override
  public Dtype dtype() {
    return vectors.dtype();
  }

  @Override
  public Tensor apply(Tensor x) {
    return vectors.matmul(x).mul_(vectors).sum(1);
  }

  @Override
  public Tensor adjoint(Tensor z) {
    return vectors.t().matmul(vectors.mul(z.unsqueeze(1)));
  }

  @Override
  public Tensor applyFactor(Tensor u) {
    return vectors.matmul(u).square().sum(1);
  }

  @Override
  public Tensor adjointTimes(Tensor z, Tensor u) {
    return vectors.t().matmul(vectors.matmul(u).mul_(z.unsqueeze(1)));
  }
}
