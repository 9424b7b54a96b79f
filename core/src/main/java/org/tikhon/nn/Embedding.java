package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A table of vectors: INT64 indices {@code [...] -> [..., features]}; parameter {@code weight [n,
 * features]}.
 */
public final class Embedding extends Module {
  private final Parameter weight;

  public Embedding(long n, long features, Rng rng) {
    this(rng.normal(n, features));
  }

  /** A table that starts with the given rows. */
  public Embedding(Tensor rows) {
    weight = parameter("weight", rows);
  }

  @Override
  public Tensor forward(Tensor index) {
    return Functional.embedding(weight.value(), index);
  }

  public Tensor weight() {
    return weight.value();
  }
}
