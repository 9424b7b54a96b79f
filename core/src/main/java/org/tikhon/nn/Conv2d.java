package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Convolution of images, {@code [batch, in, h, w] -> [batch, out, h, w]}; parameters {@code weight
 * [out, in / groups, kh, kw]} and {@code bias [out]}.
 */
public final class Conv2d extends Module {
  private final Conv conv;
  private final Parameter weight;
  private final Parameter bias;

  /** A convolution with stride 1 whose padding keeps the size (odd kernels), with bias. */
  public Conv2d(long in, long out, long kernel, Rng rng) {
    this(in, out, kernel, Conv.DEFAULT.padding(kernel / 2), true, rng);
  }

  public Conv2d(long in, long out, long kernel, Conv conv, boolean withBias, Rng rng) {
    Check.positive("kernel", kernel);
    Check.divides("groups", conv.groups(), "in", in);
    Check.divides("groups", conv.groups(), "out", out);
    this.conv = conv;
    long[] shape = {out, in / conv.groups(), kernel, kernel};
    weight = parameter("weight", Init.torchDefault(rng, shape));
    bias =
        withBias
            ? parameter("bias", Init.uniform(1 / Math.sqrt(Init.fanIn(shape)), rng, out))
            : null;
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.conv2d(x, weight.value(), bias == null ? null : bias.value(), conv);
  }

  public Tensor weight() {
    return weight.value();
  }
}
