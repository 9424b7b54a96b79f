package org.tikhon.optimize;

/**
 * A convex function r of a single number that is added to f for every coordinate. It has kinks, at
 * which its minimisers like to stay: 0 of the L1 norm, the ends of an interval.
 */
public sealed interface Regularizer {
  /** Nothing is added. */
  Regularizer NONE = new Bounds(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, 0);

  /** {@code lambda |x|}, lambda 0 or more. */
  static Regularizer l1(double lambda) {
    return new L1(lambda);
  }

  /** {@code lambda x} where x is 0 or more, infinite elsewhere; lambda 0 or more. */
  static Regularizer nonNegative(double lambda) {
    Check.require(lambda >= 0, "lambda", lambda, "0 or more");
    return new Bounds(0, Double.POSITIVE_INFINITY, lambda);
  }

  /** 0 in [low, high], infinite elsewhere. */
  static Regularizer box(double low, double high) {
    return new Bounds(low, high, 0);
  }

  /** r(x). */
  double value(double x);

  /** r(to) - r(x) for x and to where r is finite, without cancellation where both are near. */
  double change(double x, double to);

  /** The u that minimises {@code (u - v)^2 / (2 step) + r(u)}. */
  double prox(double v, double step);

  /** Whether r has a kink at x. */
  boolean kink(double x);

  /** r'(x), where x is not a kink. */
  double slope(double x);

  /** The smallest element of {@code g + (the sub-gradients of r at x)}: 0 at a minimum. */
  double steepest(double x, double g);

  /** At a kink: how far inside the sub-gradients of r at x the number -g is, 0 if outside. */
  double margin(double x, double g);

  /** On the way from x to a number: that number, or the first kink after x. */
  double towards(double x, double to);

  /**
   * {@code lambda |x|}.
   *
   * @param lambda 0 or more
   */
  record L1(double lambda) implements Regularizer {
    public L1 {
      Check.require(
          lambda >= 0 && lambda < Double.POSITIVE_INFINITY, "lambda", lambda, "0 or more");
    }

    @Override
    public double value(double x) {
      return lambda * Math.abs(x);
    }

    @Override
    public double change(double x, double to) {
      double sign = x + to < 0 ? -lambda : lambda;
      return x * to >= 0 ? sign * (to - x) : lambda * (Math.abs(to) - Math.abs(x));
    }

    @Override
    public double prox(double v, double step) {
      return Math.copySign(Math.max(Math.abs(v) - step * lambda, 0), v);
    }

    @Override
    public boolean kink(double x) {
      return x == 0;
    }

    @Override
    public double slope(double x) {
      return Math.copySign(lambda, x);
    }

    @Override
    public double steepest(double x, double g) {
      return x == 0
          ? Math.copySign(Math.max(Math.abs(g) - lambda, 0), g)
          : g + Math.copySign(lambda, x);
    }

    @Override
    public double margin(double x, double g) {
      return Math.max(lambda - Math.abs(g), 0);
    }

    @Override
    public double towards(double x, double to) {
      return x == 0 ? to : x > 0 ? Math.max(to, 0) : Math.min(to, 0);
    }
  }

  /**
   * {@code linear x} in [low, high], infinite elsewhere.
   *
   * @param low may be -infinity
   * @param high above low, may be infinity
   * @param linear finite
   */
  record Bounds(double low, double high, double linear) implements Regularizer {
    public Bounds {
      Check.require(low < high, "the interval", "[" + low + ", " + high + "]", "not empty");
      Check.require(Double.isFinite(linear), "linear", linear, "finite");
    }

    @Override
    public double value(double x) {
      return x < low || x > high ? Double.POSITIVE_INFINITY : linear * x;
    }

    @Override
    public double change(double x, double to) {
      return linear * (to - x);
    }

    double clip(double x) {
      return Math.min(Math.max(x, low), high);
    }

    @Override
    public double prox(double v, double step) {
      return clip(v - step * linear);
    }

    @Override
    public boolean kink(double x) {
      return x == low || x == high;
    }

    @Override
    public double slope(double x) {
      return linear;
    }

    @Override
    public double steepest(double x, double g) {
      double s = g + linear;
      return x <= low ? Math.min(s, 0) : x >= high ? Math.max(s, 0) : s;
    }

    @Override
    public double margin(double x, double g) {
      double s = g + linear;
      return Math.max(x == low ? s : -s, 0);
    }

    @Override
    public double towards(double x, double to) {
      return clip(to);
    }
  }
}
