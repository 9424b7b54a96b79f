package org.tikhon.loss;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * Dice loss (Milletari et al. 2016) of pixels: one minus the mean over the classes of {@code (2 sum
 * p y + epsilon) / (sum p + sum y + epsilon)}, over all pixels of a batch that count; to which
 * cross-entropy may be added.
 *
 * @param crossEntropyWeight 0 or more; 0 is the plain Dice loss
 */
public record DiceLoss(double crossEntropyWeight) {
  private static final double EPSILON = 1e-5;

  public DiceLoss {
    if (!(crossEntropyWeight >= 0) || Double.isInfinite(crossEntropyWeight)) {
      throw new IllegalArgumentException(
          "crossEntropyWeight must be 0 or more, was " + crossEntropyWeight);
    }
  }

  /** The loss of pixel logits {@code [b, classes, ...]} and labels {@code [b, ...]}. */
  public Tensor apply(Tensor logits, Tensor labels) {
    PixelInput.check(logits, labels, Math.toIntExact(logits.size(1)));
    return unchecked(logits, labels);
  }

  Tensor unchecked(Tensor logits, Tensor labels) {
    long classes = logits.size(1);
    Tensor valid = PixelInput.valid(labels).to(logits.dtype());
    Tensor p = logits.softmax(1).mul(valid).movedim(1, -1).reshape(-1, classes);
    Tensor y = labels.clampMin(0).reshape(-1).unsqueeze(1);
    Tensor flat = valid.reshape(-1).unsqueeze(1);
    // The probabilities at the labels, summed by class: no one-hot map is needed.
    Tensor hit =
        Tensor.zeros(logits.dtype(), classes).indexAdd(0, y.squeeze(1), p.gather(1, y).squeeze(1));
    Tensor labelled =
        Tensor.zeros(Dtype.FLOAT32, classes)
            .to(logits.dtype())
            .indexAdd(0, y.squeeze(1), flat.squeeze(1));
    Tensor dice = hit.mul(2).add(EPSILON).div(p.sum(0).add(labelled).add(EPSILON));
    Tensor loss = dice.mean().rsub(1);
    return crossEntropyWeight == 0
        ? loss
        : loss.add(NaclLoss.pixelCrossEntropy(logits, labels).mul(crossEntropyWeight));
  }
}
