package org.tikhon.transport;

import java.util.List;
import java.util.function.BinaryOperator;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * What it costs to move a unit of mass from one point to another, for many points at once and
 * differentiable in both.
 *
 * <p>The static methods give the usual costs; {@link #of} makes one of a user's function. Those
 * that are a convex function of the difference are {@link ConvexCost}s.
 */
public interface GroundCost {
  /**
   * The cost of every pair.
   *
   * @param x {@code [n, d]}, a point a row
   * @param y {@code [m, d]}
   * @return {@code [n, m]}
   */
  Tensor pairwise(Tensor x, Tensor y);

  /**
   * The cost of each x with its own y.
   *
   * @param x {@code [n, d]}
   * @param y {@code [n, d]}
   * @return {@code [n]}
   */
  Tensor paired(Tensor x, Tensor y);

  /** The name on the command line, such as {@code euclidean}. */
  String name();

  /** Whether x and y must have as many coordinates as each other; a user's cost decides itself. */
  default boolean needsEqualDimensions() {
    return true;
  }

  /** {@code |x - y|^2}. */
  static ConvexCost squaredEuclidean() {
    return ConvexCosts.squaredEuclidean(1);
  }

  /** {@code |x - y|^2 / 2}. */
  static ConvexCost halfSquaredEuclidean() {
    return ConvexCosts.squaredEuclidean(0.5);
  }

  /**
   * {@code sqrt(|x - y|^2 + 1e-12) - 1e-6}, the distance with a gradient that is 0, not NaN, where
   * the points coincide.
   */
  static GroundCost euclidean() {
    return ConvexCosts.EUCLIDEAN;
  }

  /**
   * {@code sum_k |x_k - y_k|^p / p}.
   *
   * @param p more than 1
   */
  static ConvexCost power(double p) {
    return ConvexCosts.power(p);
  }

  /** {@code sum_k |x_k - y_k|}. */
  static GroundCost manhattan() {
    return ConvexCosts.MANHATTAN;
  }

  /**
   * {@code |x - y|^2 / 2 + gamma sum_k |x_k - y_k|}: moves along few coordinates.
   *
   * @param gamma 0 or more
   */
  static ConvexCost elastic(double gamma) {
    return ConvexCosts.elastic(gamma);
  }

  /** {@code 1 - <x, y> / (|x| |y|)}, in [0, 2]; a point at the origin has distance 1 from all. */
  static GroundCost cosine() {
    return new OfAngle("cosine", s -> s.rsub(1));
  }

  /** The angle between x and y in radians: the distance on the sphere. */
  static GroundCost geodesic() {
    return new OfAngle("geodesic", OfAngle::angle);
  }

  /** The square of {@link #geodesic()}. */
  static GroundCost squaredGeodesic() {
    return new OfAngle("sqgeodesic", s -> OfAngle.angle(s).square());
  }

  /**
   * A user's cost.
   *
   * @param pairwise from {@code [n, 1, d]} and {@code [1, m, d]} to {@code [n, m]}, by
   *     broadcasting, such as {@code (x, y) -> x.sub(y).abs().amax(-1)}
   */
  static GroundCost of(String name, BinaryOperator<Tensor> pairwise) {
    return new GroundCost() {
      @Override
      public Tensor pairwise(Tensor x, Tensor y) {
        return pairwise.apply(x.unsqueeze(1), y.unsqueeze(0));
      }

      @Override
      public Tensor paired(Tensor x, Tensor y) {
        return pairwise.apply(x.unsqueeze(1), y.unsqueeze(1)).squeeze(1);
      }

      @Override
      public String name() {
        return name;
      }

      @Override
      public boolean needsEqualDimensions() {
        return false;
      }
    };
  }

  /** The names that {@link #named} knows, apart from those with a number. */
  List<String> NAMES =
      List.of(
          "sqeuclidean",
          "halfsqeuclidean",
          "euclidean",
          "manhattan",
          "elastic",
          "cosine",
          "geodesic",
          "sqgeodesic");

  /**
   * The cost of a name: {@link #NAMES}, elastic with gamma 1; {@code elastic-G} with another gamma
   * and {@code power-P}, such as {@code power-1.5}.
   */
  static GroundCost named(String name) {
    return switch (name) {
      case "sqeuclidean" -> squaredEuclidean();
      case "halfsqeuclidean" -> halfSquaredEuclidean();
      case "euclidean" -> euclidean();
      case "manhattan" -> manhattan();
      case "elastic" -> elastic(1);
      case "cosine" -> cosine();
      case "geodesic" -> geodesic();
      case "sqgeodesic" -> squaredGeodesic();
      default -> ConvexCosts.withNumber(name);
    };
  }

  /** A function of the cosine of the angle between two points. */
  record OfAngle(String name, java.util.function.UnaryOperator<Tensor> ofCosine)
      implements GroundCost {
    /** Beyond this cosine the derivative of the arc cosine is cut off. */
    private static final double LARGEST = 1 - 1e-7;

    static Tensor angle(Tensor cosine) {
      return cosine.clamp(-LARGEST, LARGEST).acos();
    }

    @Override
    public Tensor pairwise(Tensor x, Tensor y) {
      return ofCosine.apply(
          Functional.normalize(x, -1).matmul(Functional.normalize(y, -1).t()).clamp(-1, 1));
    }

    @Override
    public Tensor paired(Tensor x, Tensor y) {
      return ofCosine.apply(
          Functional.normalize(x, -1).mul(Functional.normalize(y, -1)).sum(-1).clamp(-1, 1));
    }
  }
}
