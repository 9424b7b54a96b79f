package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * In training, sets elements to zero with probability p and divides the others by {@code 1 - p}.
 */
public final class Dropout extends Module {
  private final double p;
  private final Rng rng;

  public Dropout(double p, Rng rng) {
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("p must be in [0, 1), was " + p);
    }
    this.p = p;
    this.rng = rng;
  }

  @Override
  public Tensor forward(Tensor x) {
    return isTraining() ? Functional.dropout(x, p, rng) : x;
  }
}
