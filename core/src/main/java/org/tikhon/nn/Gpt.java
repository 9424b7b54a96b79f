package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A small decoder-only language model in GPT-2's layout: INT64 tokens {@code [batch, length] ->
 * [batch, length, vocabulary]} logits; the output layer shares the token embedding.
 */
public final class Gpt extends Module {
  private final Embedding tokens;
  private final Embedding positions;
  private final Dropout dropout;
  private final Sequential blocks;
  private final LayerNorm norm;
  private final long context;

  public Gpt(
      long vocabulary,
      long context,
      long features,
      int depth,
      long heads,
      double dropout,
      Rng rng) {
    this.context = context;
    tokens = child("wte", new Embedding(rng.normal(vocabulary, features).mul(0.02)));
    positions = child("wpe", new Embedding(rng.normal(context, features).mul(0.02)));
    this.dropout = child("drop", new Dropout(dropout, rng));
    List<Module> layers = new ArrayList<>();
    for (int i = 0; i < depth; i++) {
      layers.add(new TransformerLayer(features, heads, dropout, true, rng));
    }
    blocks = child("h", new Sequential(layers));
    norm = child("ln_f", new LayerNorm(features));
  }

  @Override
  public Tensor forward(Tensor x) {
    long length = x.size(1);
    if (length > context) {
      throw new IllegalArgumentException(
          "a sequence of " + length + " tokens exceeds the context of " + context);
    }
    Tensor h = tokens.forward(x).add(positions.forward(Tensor.arange(length)));
    h = norm.forward(blocks.forward(dropout.forward(h)));
    return h.matmul(tokens.weight().t());
  }
}
