package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/** What makes a map that fits an optimal one: {@link MongeGap} or {@link Conservativity}. */
@FunctionalInterface
public interface MapPenalty {
  /**
   * The penalty of a map on samples of the reference measure.
   *
   * @param x {@code [n, d]}
   * @param mapped the images of x
   */
  LossTerm term(Tensor x, Tensor mapped);

  /** The value of {@link #term}. */
  default Tensor apply(Tensor x, Tensor mapped) {
    return term(x, mapped).value();
  }

  /**
   * The penalty with everything fixed that depends on the scale of the data; a training asks once,
   * for a batch of source and target.
   */
  default MapPenalty fixedOn(Tensor source, Tensor target) {
    return this;
  }
}
