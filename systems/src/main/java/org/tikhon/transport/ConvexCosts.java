package org.tikhon.transport;

import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tikhon.tensor.Tensor;

/** The costs that are functions of the difference. */
final class ConvexCosts {
  private static final double SMOOTHING = 1e-12;
  private static final String POWER = "power-";
  private static final String ELASTIC = "elastic-";
  private static final Pattern NUMBERED =
      Pattern.compile("(%s|%s)([0-9.]+(?:E-?[0-9]+)?)".formatted(POWER, ELASTIC));

  /** So many coordinates are summed one by one; more take a matrix product. */
  private static final int FEW = 16;

  static final GroundCost EUCLIDEAN =
      new OfSquare("euclidean", s -> s.add(SMOOTHING).sqrt().sub(Math.sqrt(SMOOTHING)));

  static final GroundCost MANHATTAN = new Separable("manhattan", Tensor::abs);

  private ConvexCosts() {}

  /** The cost of a name with a number, {@code power-P} or {@code elastic-G}. */
  static ConvexCost withNumber(String name) {
    Matcher matcher = NUMBERED.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "cost must be one of %s, %sP or %sG, was %s"
              .formatted(GroundCost.NAMES, POWER, ELASTIC, name));
    }
    double number = Double.parseDouble(matcher.group(2));
    return matcher.group(1).equals(POWER) ? power(number) : elastic(number);
  }

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
        new Separable(POWER + p, h),
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
        new Separable(gamma == 1 ? "elastic" : ELASTIC + gamma, h),
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
