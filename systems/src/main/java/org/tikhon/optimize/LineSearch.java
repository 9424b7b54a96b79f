package org.tikhon.optimize;

import java.util.function.DoubleUnaryOperator;

/** Backtracking from 1 with an Armijo condition, by quadratic, then cubic interpolation. */
final class LineSearch {
  private static final double ARMIJO = 1e-10;
  private static final int MOST = 60;

  private LineSearch() {}

  /**
   * The first length that lowers the function enough, 0 if none does.
   *
   * @param change of the function, by the length of the step
   * @param promised by the slope: negative, by the length
   * @param slope at 0, negative
   * @param noise a promise that is smaller cannot be checked, and is believed
   */
  static double backtrack(
      DoubleUnaryOperator change, DoubleUnaryOperator promised, double slope, double noise) {
    double previous = 0;
    double previousChange = 0;
    double alpha = 1;
    for (int i = 0; i < MOST; i++) {
      double c = change.applyAsDouble(alpha);
      double promise = promised.applyAsDouble(alpha);
      if (c <= ARMIJO * promise || (Math.abs(promise) <= noise && Math.abs(c) <= noise)) {
        return alpha;
      }
      double next =
          i == 0
              ? -slope * alpha * alpha / (2 * (c - slope * alpha))
              : cubic(slope, alpha, c, previous, previousChange);
      previous = alpha;
      previousChange = c;
      double lowest = 0.1 * alpha;
      double highest = 0.5 * alpha;
      alpha = next >= lowest && next <= highest ? next : next > highest ? highest : lowest;
    }
    return 0;
  }

  /** The minimum of the cubic with this slope at 0 and through both points. */
  private static double cubic(double slope, double a, double fa, double b, double fb) {
    double ra = (fa - slope * a) / (a * a);
    double rb = (fb - slope * b) / (b * b);
    double third = (ra - rb) / (a - b);
    double second = ra - third * a;
    return (-second + Math.sqrt(second * second - 3 * third * slope)) / (3 * third);
  }
}
