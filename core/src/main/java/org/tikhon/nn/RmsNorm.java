package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Divides by the root mean square of the last dimension, epsilon 1e-6; parameter {@code weight}.
 */
public final class RmsNorm extends Module {
  private static final double EPSILON = 1e-6;

  private final long features;
  private final Parameter weight;

  public RmsNorm(long features) {
    Check.positive("features", features);
    this.features = features;
    weight = parameter("weight", Tensor.ones(features));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.rmsNorm(x, weight.value(), EPSILON, features);
  }
}
