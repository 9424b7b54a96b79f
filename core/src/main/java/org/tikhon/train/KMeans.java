package org.tikhon.train;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Clusters around means: Lloyd's algorithm from a k-means++ start (Arthur and Vassilvitskii 2007),
 * the best of several starts.
 *
 * @param centers {@code [k, d]}
 * @param labels INT64 {@code [n]}, each sample's nearest center
 * @param inertia the sum of the squared distances to the nearest centers
 */
public record KMeans(Tensor centers, Tensor labels, double inertia) {
  private static final int MAX_ITERATIONS = 100;

  /**
   * Clusters samples.
   *
   * @param x {@code [n, d]}
   * @param k the number of clusters, in 1, ..., n
   * @param restarts the number of starts, at least 1
   */
  public static KMeans fit(Tensor x, int k, int restarts, Rng rng) {
    if (x.dim() != 2) {
      throw new IllegalArgumentException("x must be [n, d], has " + x.dim() + " dimensions");
    }
    if (k < 1 || k > x.size(0)) {
      throw new IllegalArgumentException(
          "k must be in 1..%d (the number of samples), was %d".formatted(x.size(0), k));
    }
    if (restarts < 1) {
      throw new IllegalArgumentException("restarts must be at least 1, was " + restarts);
    }
    try (Scope scope = Scope.open()) {
      KMeans best = null;
      for (int i = 0; i < restarts; i++) {
        KMeans next = lloyd(x.detach(), k, rng);
        if (best == null || next.inertia < best.inertia) {
          best = next;
        }
      }
      return new KMeans(scope.keep(best.centers), scope.keep(best.labels), best.inertia);
    }
  }

  private static KMeans lloyd(Tensor x, int k, Rng rng) {
    Tensor centers = plusPlus(x, k, rng);
    KMeans last = assign(x, centers);
    for (int i = 0; i < MAX_ITERATIONS; i++) {
      KMeans next = iterate(x, last);
      boolean settled = next.labels.ne(last.labels).sum().item() == 0;
      last = next;
      if (settled) {
        break;
      }
    }
    return last;
  }

  private static KMeans iterate(Tensor x, KMeans last) {
    try (Scope scope = Scope.open()) {
      KMeans next = assign(x, means(x, last));
      scope.keep(next.centers);
      scope.keep(next.labels);
      return next;
    }
  }

  /** Centers that are drawn with a probability in proportion to the squared distance so far. */
  private static Tensor plusPlus(Tensor x, int k, Rng rng) {
    Tensor chosen = Tensor.zeros(x.dtype(), k, x.size(1));
    chosen.select(0, 0).copy_(x.select(0, rng.nextLong(x.size(0))));
    Tensor distance = x.sub(chosen.select(0, 0)).square().sum(1);
    for (int j = 1; j < k; j++) {
      boolean spread = distance.sum().item() > 0;
      Tensor weights = spread ? distance : distance.onesLike();
      long place = rng.multinomial(weights, 1, true).itemLong();
      chosen.select(0, j).copy_(x.select(0, place));
      distance = distance.minimum(x.sub(chosen.select(0, j)).square().sum(1));
    }
    return chosen;
  }

  private static KMeans assign(Tensor x, Tensor centers) {
    // |x - c|^2 without |x|^2, which is the same for all centers.
    Tensor score = centers.square().sum(1).sub(x.matmul(centers.mT()).mul(2));
    Tensor.Indexed nearest = score.min(1);
    double inertia = nearest.values().sum().item() + x.square().sum().item();
    return new KMeans(centers, nearest.indices(), Math.max(0, inertia));
  }

  /** The clusters' means; an empty cluster keeps its center. */
  private static Tensor means(Tensor x, KMeans clusters) {
    long k = clusters.centers.size(0);
    Tensor counts = clusters.labels.bincount(k).to(Dtype.FLOAT32).to(x.dtype()).unsqueeze(1);
    Tensor sums = clusters.centers.zerosLike().indexAdd(0, clusters.labels, x);
    return Tensor.where(counts.gt(0), sums.div(counts.clampMin(1)), clusters.centers);
  }
}
