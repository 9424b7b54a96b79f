package org.tikhon.nn;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/** Initial weights, as in {@code torch.nn.init}. Shapes are {@code [out, in, ...]}. */
public final class Init {
  private Init() {}

  /** The number of inputs of one output: the product of all sizes but the first. */
  public static long fanIn(long... shape) {
    long fan = 1;
    for (int i = 1; i < shape.length; i++) {
      fan *= shape[i];
    }
    return fan;
  }

  private static long fanOut(long... shape) {
    return shape[0] * fanIn(shape) / shape[1];
  }

  /** Uniform in {@code [-bound, bound)}. */
  public static Tensor uniform(double bound, Rng rng, long... shape) {
    return rng.uniform(-bound, bound, Dtype.FLOAT32, shape);
  }

  /**
   * PyTorch's default of linear and convolutional layers: uniform within {@code 1 / sqrt(fanIn)}.
   */
  public static Tensor torchDefault(Rng rng, long... shape) {
    return uniform(1 / Math.sqrt(fanIn(shape)), rng, shape);
  }

  /** Kaiming normal for ReLU: standard deviation {@code sqrt(2 / fanOut)}. */
  public static Tensor kaimingNormalFanOut(Rng rng, long... shape) {
    return rng.normal(shape).mul(Math.sqrt(2.0 / fanOut(shape)));
  }

  /** Kaiming normal for ReLU: standard deviation {@code sqrt(2 / fanIn)}. */
  public static Tensor kaimingNormal(Rng rng, long... shape) {
    return rng.normal(shape).mul(Math.sqrt(2.0 / fanIn(shape)));
  }

  /** Xavier uniform: within {@code sqrt(6 / (fanIn + fanOut))}. */
  public static Tensor xavierUniform(Rng rng, long... shape) {
    return uniform(Math.sqrt(6.0 / (fanIn(shape) + fanOut(shape))), rng, shape);
  }

  /** Normal with a standard deviation, cut at two of them. */
  public static Tensor truncatedNormal(double std, Rng rng, long... shape) {
    return rng.normal(shape).clamp(-2, 2).mul(std);
  }
}
