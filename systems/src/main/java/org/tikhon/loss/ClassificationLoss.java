package org.tikhon.loss;

import org.tikhon.tensor.Tensor;

/** A loss of logits and class numbers. */
@FunctionalInterface
public interface ClassificationLoss {
  /**
   * The loss of a batch.
   *
   * @param logits {@code [b, classes]}
   * @param labels INT64 {@code [b]} in 0, ..., classes - 1
   */
  Tensor apply(Tensor logits, Tensor labels);
}
