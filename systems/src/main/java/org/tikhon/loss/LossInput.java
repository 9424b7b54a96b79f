package org.tikhon.loss;

import java.util.Arrays;
import org.tikhon.tensor.Tensor;

/** Checks of logits and labels that losses share. */
final class LossInput {
  private LossInput() {}

  /** Refuses logits that are no finite matrix and labels that do not fit them. */
  static void check(Tensor logits, Tensor labels) {
    checkLogits(logits);
    checkLabels(labels, logits.size(0), logits.size(1));
  }

  static void checkLogits(Tensor logits) {
    if (!logits.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "logits must be floating-point numbers, are " + logits.dtype());
    }
    if (logits.dim() != 2 || logits.size(1) == 0) {
      throw new IllegalArgumentException(
          "logits must have shape [b, classes] with at least one class, have %s"
              .formatted(Arrays.toString(logits.shape())));
    }
    Tensor plain = logits.detach();
    if (!plain.allFinite()) {
      long row = plain.isFinite().logicalNot().nonzero().select(0, 0).select(0, 0).itemLong();
      boolean nan = plain.select(0, row).isNan().sum().item() > 0;
      throw new IllegalArgumentException(
          "logits contain %s at row %d".formatted(nan ? "NaN" : "an infinity", row));
    }
  }

  static void checkLabels(Tensor labels, long samples, long classes) {
    if (!Arrays.equals(labels.shape(), new long[] {samples})) {
      throw new IllegalArgumentException(
          "labels must have shape [%d], have %s"
              .formatted(samples, Arrays.toString(labels.shape())));
    }
    for (long label : labels.toLongArray()) {
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException("label " + label + " outside 0.." + (classes - 1));
      }
    }
  }

  static void checkNotEmpty(Tensor logits) {
    if (logits.size(0) == 0) {
      throw new IllegalArgumentException("a mean needs at least one row of logits, there are 0");
    }
  }
}
