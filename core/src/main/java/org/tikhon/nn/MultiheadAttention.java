package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Multi-head attention, {@code [batch, length, features]}; parts {@code in_proj} (query, key and
 * value stacked, {@code [3 f, f]}) and {@code out_proj}.
 */
public final class MultiheadAttention extends Module {
  private final long features;
  private final long heads;
  private final Parameter inWeight;
  private final Parameter inBias;
  private final Linear out;

  public MultiheadAttention(long features, long heads, Rng rng) {
    Check.divides("heads", heads, "features", features);
    this.features = features;
    this.heads = heads;
    inWeight = parameter("in_proj_weight", Init.xavierUniform(rng, 3 * features, features));
    inBias = parameter("in_proj_bias", Tensor.zeros(3 * features));
    out = child("out_proj", new Linear(features, features, rng));
  }

  /** Self-attention without a mask. */
  @Override
  public Tensor forward(Tensor x) {
    return attend(x, null, false);
  }

  /**
   * Self-attention; the mask is added to the scores (or true where attention is allowed), or null.
   */
  public Tensor attend(Tensor x, Tensor mask, boolean causal) {
    long batch = x.size(0);
    long length = x.size(1);
    Tensor qkv =
        inWeight
            .linear(x, inBias.value())
            .reshape(batch, length, 3, heads, features / heads)
            .permute(2, 0, 3, 1, 4);
    Tensor y =
        Functional.scaledDotProductAttention(qkv.get(0), qkv.get(1), qkv.get(2), mask, causal);
    return out.forward(y.transpose(1, 2).reshape(batch, length, features));
  }
}
