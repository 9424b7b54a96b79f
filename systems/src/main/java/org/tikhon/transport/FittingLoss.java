package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/**
 * How far mapped points are from the target distribution, differentiable in the mapped points:
 * {@link SinkhornDivergence}, those of {@link FittingLosses}, or a user's own.
 */
@FunctionalInterface
public interface FittingLoss {
  /**
   * The loss of a batch.
   *
   * @param mapped {@code [n, d]}, images of source points
   * @param target {@code [m, d]}, points of the target
   */
  LossTerm term(Tensor mapped, Tensor target);

  /** The value of {@link #term}. */
  default Tensor apply(Tensor mapped, Tensor target) {
    return term(mapped, target).value();
  }

  /**
   * The loss with everything fixed that depends on the scale of the data; a training asks once, for
   * a batch of the target.
   */
  default FittingLoss fixedOn(Tensor target) {
    return this;
  }
}
