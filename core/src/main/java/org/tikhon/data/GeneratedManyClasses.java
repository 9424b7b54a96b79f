package org.tikhon.data;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Generated samples of many classes: Gaussian clusters in a latent space, seen through a random
 * smooth map and noise.
 *
 * <pre>z = m_y + 0.75 e,   x = tanh(1.5 z W1) W2 + 0.3 e',   m_y ~ N(0, I_24),   x in R^64</pre>
 *
 * The weights W1 {@code [24, 64]} and W2 {@code [64, 64]} are normal with variance 1 / fan-in. All
 * sets that one object {@link #draw draws} share means and weights.
 */
public final class GeneratedManyClasses {
  private static final long LATENT = 24;
  private static final long FEATURES = 64;
  private static final double SPREAD = 0.75;
  private static final double NOISE = 0.3;

  private final Tensor means;
  private final Tensor w1;
  private final Tensor w2;

  /**
   * Samples of classes.
   *
   * @param classes at least 2
   */
  public GeneratedManyClasses(long classes, Rng rng) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    means = rng.normal(Dtype.FLOAT32, classes, LATENT).escape();
    w1 = rng.normal(Dtype.FLOAT32, LATENT, FEATURES).div(Math.sqrt(LATENT)).escape();
    w2 = rng.normal(Dtype.FLOAT32, FEATURES, FEATURES).div(Math.sqrt(FEATURES)).escape();
  }

  /**
   * Samples in the order of their classes.
   *
   * @param inputs FLOAT32 {@code [classes perClass, 64]}
   * @param labels INT64 {@code [classes perClass]}
   */
  public record Samples(Tensor inputs, Tensor labels) {}

  /** New samples, as many of every class. */
  public Samples draw(long perClass, Rng rng) {
    if (perClass < 1) {
      throw new IllegalArgumentException("perClass must be at least 1, was " + perClass);
    }
    Tensor labels = Tensor.arange(means.size(0)).repeatInterleave(perClass, 0);
    long n = labels.size(0);
    Tensor z = means.indexSelect(0, labels).add(rng.normal(Dtype.FLOAT32, n, LATENT).mul(SPREAD));
    Tensor x = z.mul(1.5).matmul(w1).tanh().matmul(w2);
    return new Samples(x.add(rng.normal(Dtype.FLOAT32, n, FEATURES).mul(NOISE)), labels);
  }
}
