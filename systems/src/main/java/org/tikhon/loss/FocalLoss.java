package org.tikhon.loss;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/**
 * Focal loss (Lin et al. 2017) of pixels: {@code -(1 - p_y)^gamma log p_y}.
 *
 * @param gamma 0 or more; 0 is cross-entropy, 3 is usual for calibration
 */
public record FocalLoss(double gamma) {
  public FocalLoss {
    if (!(gamma >= 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException("gamma must be 0 or more, was " + gamma);
    }
  }

  /** The loss of pixel logits {@code [b, classes, ...]} and labels {@code [b, ...]}. */
  public Tensor apply(Tensor logits, Tensor labels) {
    PixelInput.check(logits, labels, Math.toIntExact(logits.size(1)));
    return unchecked(logits, labels);
  }

  Tensor unchecked(Tensor logits, Tensor labels) {
    Tensor surprise = Functional.crossEntropy(logits, labels, null, Reduction.NONE, 0);
    // 1 - p_y from its logarithm, accurate where p_y is near 1; a power's slope at 0 is not finite.
    Tensor miss = surprise.neg().expm1().neg().clampMin(1e-12);
    return PixelInput.mean(miss.pow(gamma).mul(surprise), labels);
  }
}
