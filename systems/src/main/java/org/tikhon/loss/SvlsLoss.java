package org.tikhon.loss;

import org.tikhon.tensor.Tensor;

/**
 * Spatially varying label smoothing (Islam and Glocker 2021): cross-entropy with labels that are
 * blurred by a Gaussian window whose centre has weight 1/2.
 *
 * <pre>L = -mean_i sum_c y'_c(i) log softmax(l(i))_c,   y' = y / 2 + tau^g / 2</pre>
 *
 * with tau^g the Gaussian class proportions of the neighbours alone: an implicit constraint {@code
 * softmax(l) = tau^g} of fixed weight, which {@link NaclLoss} makes explicit.
 */
public final class SvlsLoss {
  private final int classes;
  private final NeighbourPrior prior;

  /**
   * A loss.
   *
   * @param size of the window, odd, 3 or more
   * @param sigma of the Gaussian, above 0; 1 is usual
   */
  public SvlsLoss(int classes, int size, double sigma) {
    this.classes = PixelInput.checkClasses(classes);
    if (size < 3) {
      throw new IllegalArgumentException("size must be odd and at least 3, was " + size);
    }
    this.prior =
        new NeighbourPrior(
            NeighbourPrior.Kernel.GAUSSIAN, size, sigma, NeighbourPrior.Padding.REPLICATE);
  }

  /** The blurred labels, {@code [b, classes, ...]}. */
  public Tensor softLabels(Tensor labels) {
    return prior.proportions(labels, classes);
  }

  /** The loss of pixel logits {@code [b, classes, ...]} and labels {@code [b, ...]}. */
  public Tensor apply(Tensor logits, Tensor labels) {
    PixelInput.check(logits, labels, classes);
    return unchecked(logits, labels);
  }

  Tensor unchecked(Tensor logits, Tensor labels) {
    Tensor each = softLabels(labels).to(logits.dtype()).mul(logits.logSoftmax(1)).sum(1).neg();
    return PixelInput.mean(each, labels);
  }
}
