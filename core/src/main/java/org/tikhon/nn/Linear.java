package org.tikhon.nn;

import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * {@code y = x W^T + b}: {@code [..., in] -> [..., out]}; parameters {@code weight [out, in]} and
 * {@code bias [out]}.
 */
public final class Linear extends Module {
  private final long in;
  private final long out;
  private final Parameter weight;
  private final Parameter bias;

  public Linear(long in, long out, Rng rng) {
    this(in, out, true, rng);
  }

  public Linear(long in, long out, boolean withBias, Rng rng) {
    Check.positive("in", in);
    Check.positive("out", out);
    this.in = in;
    this.out = out;
    weight = parameter("weight", Init.torchDefault(rng, out, in));
    bias = withBias ? parameter("bias", Init.uniform(1 / Math.sqrt(in), rng, out)) : null;
  }

  @Override
  public Tensor forward(Tensor x) {
    return weight.linear(x, bias == null ? null : bias.value());
  }

  public Tensor weight() {
    return weight.value();
  }

  /** The bias, or null. */
  public Tensor bias() {
    return bias == null ? null : bias.value();
  }

  public long inFeatures() {
    return in;
  }

  public long outFeatures() {
    return out;
  }
}
