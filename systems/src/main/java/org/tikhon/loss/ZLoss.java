package org.tikhon.loss;

import org.tikhon.Paper;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * The Z-loss: a classification loss that does not change when all scores are shifted or scaled,
 * like the ranking of the classes.
 *
 * <pre>
 * mu = s / D,   sigma^2 = q / D - mu^2,   z = (a - mu) / sigma
 * L = softplus(a0 (b - z)) / a0
 * </pre>
 *
 * z is at most {@code sqrt(D - 1)}, so that the loss cannot be driven to 0; b is measured in
 * standard deviations. With two classes z is 1 or -1 whatever the scores: there is nothing to learn
 * from. Where all scores are equal, z counts as 0 and nothing is learnt.
 *
 * <p>With an ordinary output layer use {@link #dense}; {@link FactoredSphericalLayer} makes its
 * update independent of the number of classes. Sources: the papers (the second is Vincent et al.,
 * "Efficient exact gradient update for training deep networks with very large sparse targets",
 * 2015) and the official code; the guard is ours.
 *
 * @param sharpness a0, above 0
 * @param location b
 */
@Paper(
    number = 18,
    title =
        "The Z-loss: a shift and scale invariant classification loss belonging to the Spherical Family",
    authors = "Alexandre de Brébisson, Pascal Vincent",
    year = 2016,
    url = "https://arxiv.org/abs/1604.08859")
public record ZLoss(double sharpness, double location) implements SphericalLoss {
  /** Added to a variance so that it may be 0; far below what scores have. */
  private static final double TINY = 1e-30;

  public ZLoss {
    if (!(sharpness > 0) || Double.isInfinite(sharpness)) {
      throw new IllegalArgumentException("sharpness must be above 0, was " + sharpness);
    }
    if (!Double.isFinite(location)) {
      throw new IllegalArgumentException("location must be finite, was " + location);
    }
  }

  @Override
  public Tensor value(Tensor a, Tensor s, Tensor q, long classes) {
    // Sums of FLOAT32 numbers have lost what is below 1e-6 of the scores' root mean square.
    double relative = q.dtype() == Dtype.FLOAT64 ? 0 : 1e-12;
    Tensor mean = s.to(Dtype.FLOAT64).div(classes);
    Tensor meanSquare = q.to(Dtype.FLOAT64).div(classes);
    Tensor variance = meanSquare.sub(mean.square());
    Tensor smallest = meanSquare.detach().mul(relative).clampMin(1e-24);
    Tensor spread = variance.gt(smallest);
    Tensor safe = Tensor.where(spread, variance, variance.onesLike());
    Tensor z = a.to(Dtype.FLOAT64).sub(mean).div(safe.sqrt());
    Tensor guarded = z.mul(spread.to(Dtype.FLOAT64));
    return loss(guarded);
  }

  /**
   * With all scores at hand, z is the target's entry of the scores after layer normalisation, which
   * LibTorch does in one pass forward and one backward.
   */
  @Override
  public Tensor unchecked(Tensor scores, Tensor labels) {
    long classes = SphericalLoss.checkClasses(scores.size(1));
    Tensor normalized = Functional.layerNorm(scores, null, null, TINY, classes);
    Tensor z = normalized.gather(1, labels.unsqueeze(1)).squeeze(1).to(Dtype.FLOAT64);
    return loss(z.mul(spread(scores.detach()).to(Dtype.FLOAT64))).mean();
  }

  /** Where the scores of a row differ by more than rounding. */
  private static Tensor spread(Tensor scores) {
    Tensor largest = scores.amax(1);
    Tensor smallest = scores.amin(1);
    double relative = scores.dtype() == Dtype.FLOAT64 ? 1e-15 : 1e-6;
    Tensor size = largest.abs().maximum(smallest.abs());
    return largest.sub(smallest).gt(size.mul(relative));
  }

  private Tensor loss(Tensor z) {
    return Functional.softplus(z.rsub(location).mul(sharpness)).div(sharpness);
  }
}
