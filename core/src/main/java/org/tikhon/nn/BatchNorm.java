package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Batch normalisation over all dimensions but the channels: {@code [n, c]}, {@code [n, c, l]} or
 * {@code [n, c, h, w]} (1-d and 2-d in one class). Momentum 0.1, epsilon 1e-5; parameters {@code
 * weight}, {@code bias}; buffers {@code running_mean}, {@code running_var}. As in PyTorch the
 * running variance is unbiased.
 */
public final class BatchNorm extends Module {
  private static final double MOMENTUM = 0.1;
  private static final double EPSILON = 1e-5;

  private final Parameter weight;
  private final Parameter bias;
  private final Parameter runningMean;
  private final Parameter runningVar;

  public BatchNorm(long channels) {
    Check.positive("channels", channels);
    weight = parameter("weight", Tensor.ones(channels));
    bias = parameter("bias", Tensor.zeros(channels));
    runningMean = buffer("running_mean", Tensor.zeros(channels));
    runningVar = buffer("running_var", Tensor.ones(channels));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.batchNorm(
        x,
        weight.value(),
        bias.value(),
        runningMean.value(),
        runningVar.value(),
        isTraining(),
        MOMENTUM,
        EPSILON);
  }
}
