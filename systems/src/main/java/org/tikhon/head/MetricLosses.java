package org.tikhon.head;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Losses of metric learning on embeddings {@code [b, d]}, which are normalised first: what
 * normalised softmax is compared with. Pairs and triplets are drawn at random inside a batch.
 */
public final class MetricLosses {
  private MetricLosses() {}

  /**
   * Contrastive (siamese) loss of pairs: the mean of {@code D^2} over pairs of one class and of
   * {@code max(0, margin - D)^2} over others, with D the distance of the unit vectors (Hadsell et
   * al. 2006).
   *
   * @param same BOOL {@code [b]}, whether a pair is of one class
   * @param margin above 0
   */
  public static Tensor contrastive(Tensor a, Tensor b, Tensor same, double margin) {
    checkMargin(margin);
    Tensor squared = squaredDistance(a, b);
    // The root has no derivative at 0.
    Tensor apart = squared.add(1e-12).sqrt().neg().add(margin).clampMin(0).square();
    return Tensor.where(same, squared, apart).mean();
  }

  /**
   * Triplet loss: the mean of {@code max(0, D^2(a, p) - D^2(a, n) + margin)} over the unit vectors
   * (Schroff et al. 2015).
   *
   * @param margin above 0
   */
  public static Tensor triplet(Tensor anchor, Tensor positive, Tensor negative, double margin) {
    checkMargin(margin);
    return squaredDistance(anchor, positive)
        .sub(squaredDistance(anchor, negative))
        .add(margin)
        .clampMin(0)
        .mean();
  }

  /** The contrastive loss with a random partner for each sample, of its class for half of them. */
  public static Tensor randomPairs(Tensor u, Tensor labels, double margin, Rng rng) {
    Tensor same = sameClass(labels);
    Tensor wanted = rng.integers(0, 2, labels.size(0)).to(Dtype.BOOL);
    Tensor partner = Tensor.where(wanted, draw(others(same), rng), draw(same.logicalNot(), rng));
    Tensor isSame = labels.indexSelect(0, partner).eq(labels);
    return contrastive(u, u.indexSelect(0, partner), isSame, margin);
  }

  /** The triplet loss with a random positive and negative for each sample. */
  public static Tensor randomTriplets(Tensor u, Tensor labels, double margin, Rng rng) {
    Tensor same = sameClass(labels);
    Tensor positive = draw(others(same), rng);
    Tensor negative = draw(same.logicalNot(), rng);
    return triplet(u, u.indexSelect(0, positive), u.indexSelect(0, negative), margin);
  }

  private static Tensor squaredDistance(Tensor a, Tensor b) {
    return Functional.normalize(a, 1).sub(Functional.normalize(b, 1)).square().sum(1);
  }

  private static Tensor sameClass(Tensor labels) {
    return labels.unsqueeze(1).eq(labels.unsqueeze(0));
  }

  private static Tensor others(Tensor same) {
    return same.logicalAnd(Tensor.eye(same.size(0), Dtype.FLOAT32).eq(0));
  }

  /** A random column for each row where the mask holds; any column where it holds nowhere. */
  private static Tensor draw(Tensor mask, Rng rng) {
    Tensor weights = mask.to(Dtype.FLOAT32).add(1e-9);
    return rng.multinomial(weights, 1, true).squeeze(1);
  }

  private static void checkMargin(double margin) {
    if (!(margin > 0) || Double.isInfinite(margin)) {
      throw new IllegalArgumentException("margin must be above 0, was " + margin);
    }
  }
}
