package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Transposed convolution of images; parameters {@code weight [in, out / groups, k, k]} and {@code
 * bias [out]}.
 */
public final class ConvTranspose2d extends Module {
  private final Conv conv;
  private final long outputPadding;
  private final Parameter weight;
  private final Parameter bias;

  public ConvTranspose2d(long in, long out, long kernel, Conv conv, long outputPadding, Rng rng) {
    Check.positive("kernel", kernel);
    Check.divides("groups", conv.groups(), "in", in);
    Check.divides("groups", conv.groups(), "out", out);
    this.conv = conv;
    this.outputPadding = outputPadding;
    long[] shape = {in, out / conv.groups(), kernel, kernel};
    weight = parameter("weight", Init.torchDefault(rng, shape));
    bias = parameter("bias", Init.uniform(1 / Math.sqrt(Init.fanIn(shape)), rng, out));
  }

  @Override
  public Tensor forward(Tensor x) {
    return Functional.convTranspose2d(x, weight.value(), bias.value(), conv, outputPadding);
  }
}
