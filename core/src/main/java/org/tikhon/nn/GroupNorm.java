package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Group normalisation of {@code [n, c, ...]}, epsilon 1e-5; parameters {@code weight}, {@code
 * bias}.
 */
public final class GroupNorm extends Module {
  private static final double EPSILON = 1e-5;

  private final long groups;
  private final Parameter weight;
  private final Parameter bias;

  public GroupNorm(long groups, long channels) {
    Check.divides("groups", groups, "channels", channels);
    this.groups = groups;
    weight = parameter("weight", Tensor.ones(channels));
    bias = parameter("bias", Tensor.zeros(channels));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.groupNorm(x, groups, weight.value(), bias.value(), EPSILON);
  }
}
