package org.tikhon.nn;

import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A pre-norm transformer block, {@code [batch, length, features]}: {@code x + attention(norm(x))},
 * then {@code x + mlp(norm(x))} with GELU and a hidden layer of four times the features.
 */
public final class TransformerLayer extends Module {
  private final boolean causal;
  private final LayerNorm norm1;
  private final MultiheadAttention attention;
  private final LayerNorm norm2;
  private final Sequential mlp;
  private final Dropout dropout;

  public TransformerLayer(long features, long heads, double dropout, boolean causal, Rng rng) {
    this.causal = causal;
    norm1 = child("norm1", new LayerNorm(features));
    attention = child("attn", new MultiheadAttention(features, heads, rng));
    norm2 = child("norm2", new LayerNorm(features));
    mlp =
        child(
            "mlp",
            new Sequential(
                new Linear(features, 4 * features, rng),
                Lambda.gelu(),
                new Linear(4 * features, features, rng)));
    this.dropout = child("dropout", new Dropout(dropout, rng));
  }

  @Override
  public Tensor forward(Tensor x) {
    x = x.add(dropout.forward(attention.attend(norm1.forward(x), null, causal)));
    return x.add(dropout.forward(mlp.forward(norm2.forward(x))));
  }
}
