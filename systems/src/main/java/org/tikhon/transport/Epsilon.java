package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/**
 * How much entropic regularisation: a number in units of the cost, or a factor of the mean or the
 * standard deviation of the cost matrix, which is then a constant for derivatives.
 *
 * @param scale what the factor is multiplied by
 * @param factor positive and finite
 */
public record Epsilon(Scale scale, double factor) {
  /** Where all costs are 0 a relative epsilon is this. */
  public static final double FLOOR = 1e-12;

  /** What a factor is multiplied by. */
  public enum Scale {
    /** 1: the factor is in units of the cost. */
    ABSOLUTE,
    /** The mean of the costs' absolute values. */
    MEAN,
    /** The standard deviation of the costs. */
    STD
  }

  public Epsilon {
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("epsilon must be positive and finite, was " + factor);
    }
  }

  /** A number in units of the cost. */
  public static Epsilon absolute(double epsilon) {
    return new Epsilon(Scale.ABSOLUTE, epsilon);
  }

  /** A factor of the mean cost. */
  public static Epsilon relativeMean(double factor) {
    return new Epsilon(Scale.MEAN, factor);
  }

  /** A factor of the standard deviation of the costs. */
  public static Epsilon relativeStd(double factor) {
    return new Epsilon(Scale.STD, factor);
  }

  /**
   * The number in units of the cost, at least {@link #FLOOR}.
   *
   * @param costs any shape, at least two
   */
  double of(Tensor costs) {
    if (scale == Scale.ABSOLUTE) {
      return factor;
    }
    Tensor constant = costs.detach();
    return of(constant.abs().mean().item(), constant.std(false).item());
  }

  /** The same from the mean of the costs' absolute values and their standard deviation. */
  double of(double meanAbsolute, double deviation) {
    return switch (scale) {
      case ABSOLUTE -> factor;
      case MEAN -> Math.max(FLOOR, factor * meanAbsolute);
      case STD -> Math.max(FLOOR, factor * deviation);
    };
  }
}
