package org.tikhon.transport;

import java.util.List;
import org.tikhon.tensor.Tensor;

/** Fitting losses without a solver, cheaper than {@link SinkhornDivergence}. */
public final class FittingLosses {
  private FittingLosses() {}

  /** Bandwidths of the kernels of {@link #mmd()}, as factors of the mean squared distance. */
  private static final List<Double> BANDWIDTHS = List.of(0.1, 0.3, 1.0, 3.0);

  private interface Discrepancy {
    Tensor of(Tensor mapped, Tensor target);
  }

  private static FittingLoss checked(Discrepancy discrepancy) {
    return (mapped, target) -> {
      SampleTransport.checkPoints("mapped", mapped, 2);
      SampleTransport.checkPoints("target", target, 2);
      SampleTransport.checkDimensions(
          GroundCost.squaredEuclidean(), "mapped", mapped, "target", target);
      return LossTerm.of(discrepancy.of(mapped, target));
    };
  }

  /**
   * The energy distance {@code 2 E|X - Y| - E|X - X'| - E|Y - Y'|}, with all pairs (V-statistic): 0
   * or more, 0 if the clouds are equal.
   */
  public static FittingLoss energyDistance() {
    GroundCost distance = GroundCost.euclidean();
    return checked(
        (x, y) ->
            distance
                .pairwise(x, y)
                .mean()
                .mul(2)
                .sub(distance.pairwise(x, x).mean())
                .sub(distance.pairwise(y, y).mean()));
  }

  /**
   * The squared maximum mean discrepancy with a sum of Gaussian kernels {@code exp(-|x - y|^2 / (b
   * s))}, b in 0.1, 0.3, 1, 3 and s the mean squared distance within the target, all pairs
   * (V-statistic).
   */
  public static FittingLoss mmd() {
    GroundCost squared = GroundCost.squaredEuclidean();
    return checked(
        (x, y) -> {
          Tensor within = squared.pairwise(y, y);
          double scale = Math.max(Epsilon.FLOOR, within.detach().mean().item());
          return kernel(squared.pairwise(x, x), scale)
              .add(kernel(within, scale))
              .sub(kernel(squared.pairwise(x, y), scale).mul(2));
        });
  }

  private static Tensor kernel(Tensor squares, double scale) {
    return BANDWIDTHS.stream()
        .map(b -> squares.div(-b * scale).exp().mean())
        .reduce(Tensor::add)
        .orElseThrow();
  }

  /**
   * The moments of Gaussians: the squared distance of the means and the squared Frobenius distance
   * of the covariances. It cannot tell clouds of equal moments apart.
   */
  public static FittingLoss gaussianMoments() {
    return checked(
        (x, y) ->
            x.mean(0)
                .sub(y.mean(0))
                .square()
                .sum()
                .add(covariance(x).sub(covariance(y)).square().sum()));
  }

  private static Tensor covariance(Tensor x) {
    Tensor centred = x.sub(x.meanKeep(0));
    return centred.t().matmul(centred).div(x.size(0));
  }
}
