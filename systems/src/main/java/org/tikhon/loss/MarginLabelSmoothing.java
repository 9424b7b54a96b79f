package org.tikhon.loss;

import org.tikhon.tensor.Tensor;

/**
 * Margin-based label smoothing (Liu et al. 2022): cross-entropy and a penalty on logits that are
 * further than a margin below the largest, {@code L = CE + lambda mean max(0, max_j l_j - l_c -
 * m)}.
 *
 * @param margin m, 0 or more; 10 is usual
 * @param lambda 0 or more; 0.1 is usual
 */
public record MarginLabelSmoothing(double margin, double lambda) {
  public MarginLabelSmoothing {
    if (!(margin >= 0) || Double.isInfinite(margin)) {
      throw new IllegalArgumentException("margin must be 0 or more, was " + margin);
    }
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException("lambda must be 0 or more, was " + lambda);
    }
  }

  /** The loss of pixel logits {@code [b, classes, ...]} and labels {@code [b, ...]}. */
  public Tensor apply(Tensor logits, Tensor labels) {
    PixelInput.check(logits, labels, Math.toIntExact(logits.size(1)));
    return unchecked(logits, labels);
  }

  Tensor unchecked(Tensor logits, Tensor labels) {
    Tensor below = logits.max(1).values().unsqueeze(1).sub(logits);
    Tensor each = below.sub(margin).clampMin(0).mean(1);
    return NaclLoss.pixelCrossEntropy(logits, labels)
        .add(PixelInput.mean(each, labels).mul(lambda));
  }
}
