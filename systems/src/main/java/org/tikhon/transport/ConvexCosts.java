package org.tikhon.transport;

import java.util.Locale;
import java.util.function.UnaryOperator;
import org.tikhon.tensor.Tensor;

/** The costs that are functions of the difference. */
final class ConvexCosts {
  private static final double SMOOTHING = 1e-12;

  /** So many coordinates are summed one by one; more take a matrix product. */
  private static final int FEW = 16;

  static final GroundCost EUCLIDEAN =
      new OfSquare("euclidean", s -> s.add(SMOOTHING).sqrt().sub(Math.sqrt(SMOOTHING)));

  static final GroundCost MANHATTAN = new Separable("manhattan", Tensor::abs);

  private ConvexCosts() {}

  static ConvexCost squaredEuclidean(double factor) {
    String name = factor == 1 ? "sqeuclidean" : "halfsqeuclidean";
    return new Convex(
        new OfSquare(name, s -> s.mul(factor)),
        z -> z.square().sum(-1).mul(factor),
        z -> z.mul(2 * factor),
        z -> z.div(2 * factor));
  }

  static ConvexCost power(double p) {
    if (!(p > 1) || Double.isInfinite(p)) {
      throw new IllegalArgumentException("p must be more than 1 and finite, was " + p);
    }
    UnaryOperator<Tensor> h = z -> z.abs().pow(p).div(p);
    return new Convex(
        new Separable(String.format(Locale.ROOT, "power-%g", p), h),
        z -> h.apply(z).sum(-1),
        z -> z.sign().mul(z.abs().pow(p - 1)),
        z -> z.sign().mul(z.abs().pow(1 / (p - 1))));
  }

  static ConvexCost elastic(double gamma) {
    if (!(gamma >= 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException("gamma must be 0 or more and finite, was " + gamma);
    }
    UnaryOperator<Tensor> h = z -> z.square().div(2).add(z.abs().mul(gamma));
    return new Convex(
        new Separable("elastic", h),
        z -> h.apply(z).sum(-1),
        z -> z.add(z.sign().mul(gamma)),
        z -> z.sign().mul(z.abs().sub(gamma).clampMin(0)));
  }

  /** A function of the squared distance. */
  private record OfSquare(String name, UnaryOperator<Tensor> ofSquare) implements GroundCost {
    @Override
    public Tensor pairwise(Tensor x, Tensor y) {
      return ofSquare.apply(
          x.size(1) <= FEW ? sumOfPairs(x, y, Tensor::square) : expandedSquares(x, y));
    }

    /** {@code |x|^2 + |y|^2 - 2 <x, y>}, about the mean of y so that little cancels. */
    private static Tensor expandedSquares(Tensor x, Tensor y) {
      Tensor centre = y.mean(0).detach();
      Tensor a = x.sub(centre);
      Tensor b = y.sub(centre);
      return a.square().sumKeep(1).add(b.square().sum(1)).sub(a.matmul(b.t()).mul(2)).clampMin(0);
    }

    @Override
    public Tensor paired(Tensor x, Tensor y) {
      return ofSquare.apply(x.sub(y).square().sum(1));
    }
  }

  /** A sum over the coordinates of a function of their difference. */
  private record Separable(String name, UnaryOperator<Tensor> ofDifference) implements GroundCost {
    @Override
    public Tensor pairwise(Tensor x, Tensor y) {
      return sumOfPairs(x, y, ofDifference);
    }

    @Override
    public Tensor paired(Tensor x, Tensor y) {
      return ofDifference.apply(x.sub(y)).sum(1);
    }
  }

  /** A coordinate at a time, so that nothing of size [n, m, d] arises. */
  private static Tensor sumOfPairs(Tensor x, Tensor y, UnaryOperator<Tensor> ofDifference) {
    Tensor sum = null;
    for (long k = 0; k < x.size(1); k++) {
      Tensor term = ofDifference.apply(x.slice(1, k, k + 1).sub(y.select(1, k)));
      sum = sum == null ? term : sum.add(term);
    }
    return sum;
  }

  private record Convex(
      GroundCost cost,
      UnaryOperator<Tensor> ofRow,
      UnaryOperator<Tensor> gradientOfRow,
      UnaryOperator<Tensor> conjugate)
      implements ConvexCost {
    @Override
    public Tensor pairwise(Tensor x, Tensor y) {
      return cost.pairwise(x, y);
    }

    @Override
    public Tensor paired(Tensor x, Tensor y) {
      return cost.paired(x, y);
    }

    @Override
    public String name() {
      return cost.name();
    }

    @Override
    public Tensor h(Tensor z) {
      return ofRow.apply(z);
    }

    @Override
    public Tensor gradient(Tensor z) {
      return gradientOfRow.apply(z);
    }

    @Override
    public Tensor conjugateGradient(Tensor z) {
      return conjugate.apply(z);
    }
  }
}
