package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Convolution of volumes, {@code [batch, in, d, h, w] -> [batch, out, d, h, w]}, with stride 1, a
 * padding that keeps the size (odd kernels), and bias; parameters {@code weight [out, in, k, k, k]}
 * and {@code bias [out]}.
 */
public final class Conv3d extends Module {
  private final Conv conv;
  private final Parameter weight;
  private final Parameter bias;

  public Conv3d(long in, long out, long kernel, Rng rng) {
    Check.positive("in", in);
    Check.positive("out", out);
    Check.positive("kernel", kernel);
    conv = Conv.DEFAULT.padding(kernel / 2);
    long[] shape = {out, in, kernel, kernel, kernel};
    weight = parameter("weight", Init.torchDefault(rng, shape));
    bias = parameter("bias", Init.uniform(1 / Math.sqrt(Init.fanIn(shape)), rng, out));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.conv3d(x, weight.value(), bias.value(), conv);
  }

  public Tensor weight() {
    return weight.value();
  }
}
