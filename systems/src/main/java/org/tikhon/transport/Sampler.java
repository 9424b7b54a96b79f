package org.tikhon.transport;

import java.util.List;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/** Draws points of a distribution. */
@FunctionalInterface
public interface Sampler {
  /** {@code [n, d]}; a cloud of fewer than n points gives them all. */
  Tensor draw(int n, Rng rng);

  /** Different points of a cloud, {@code [count, d]}. */
  static Sampler of(Tensor points) {
    SampleTransport.checkPoints("points", points, 2);
    return (n, rng) ->
        n >= points.size(0)
            ? points
            : points.indexSelect(0, rng.permutation(points.size(0)).slice(0, 0, n));
  }

  /** Half of the points from each: a reference measure that covers both. */
  static Sampler merged(Sampler a, Sampler b) {
    return (n, rng) -> Tensor.cat(List.of(a.draw(n - n / 2, rng), b.draw(n / 2, rng)), 0);
  }
}
