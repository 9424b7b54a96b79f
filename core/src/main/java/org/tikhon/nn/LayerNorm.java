package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Layer normalisation over the last dimension, epsilon 1e-5; parameters {@code weight}, {@code
 * bias}.
 */
public final class LayerNorm extends Module {
  private static final double EPSILON = 1e-5;

  private final long features;
  private final Parameter weight;
  private final Parameter bias;

  public LayerNorm(long features) {
    Check.positive("features", features);
    this.features = features;
    weight = parameter("weight", Tensor.ones(features));
    bias = parameter("bias", Tensor.zeros(features));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.layerNorm(x, weight.value(), bias.value(), EPSILON, features);
  }
}
