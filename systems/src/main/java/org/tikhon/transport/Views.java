package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Samples of which random views can be drawn, for learning without labels.
 *
 * @param inputs finite, {@code [n, ...]}
 * @param features what a network that does not change makes of the inputs, finite, {@code [n, d]};
 *     samples with near features are taken for alike
 * @param augmentation what makes a view
 */
public record Views(Tensor inputs, Tensor features, Augmentation augmentation) {
  /** Changes a batch at random in ways that do not change what the samples are. */
  @FunctionalInterface
  public interface Augmentation {
    Tensor view(Tensor batch, Rng rng);
  }

  public Views {
    check("inputs", inputs, 2);
    check("features", features, 2);
    if (features.dim() != 2 || features.size(0) != inputs.size(0)) {
      throw new IllegalArgumentException(
          "features must be [%d, d], was %s"
              .formatted(inputs.size(0), Arrays.toString(features.shape())));
    }
  }

  private static void check(String name, Tensor x, int dimensions) {
    if (x.dim() < dimensions || x.size(0) < 1) {
      throw new IllegalArgumentException(
          "%s must have at least one sample and %d dimensions, was %s"
              .formatted(name, dimensions, Arrays.toString(x.shape())));
    }
    if (!x.allFinite()) {
      throw new IllegalArgumentException(name + " must be finite, has NaN or infinite values");
    }
  }

  /**
   * Views with normal noise; the inputs themselves are the features.
   *
   * @param sigma 0 or more
   */
  public static Views noisy(Tensor inputs, double sigma) {
    if (!(sigma >= 0) || Double.isInfinite(sigma)) {
      throw new IllegalArgumentException("sigma must be finite and 0 or more, was " + sigma);
    }
    return new Views(
        inputs,
        inputs.flatten(1, -1),
        (batch, rng) -> batch.add(rng.normal(batch.dtype(), batch.shape()).mul(sigma)));
  }

  /** The number of samples. */
  public int size() {
    return (int) inputs.size(0);
  }
}
