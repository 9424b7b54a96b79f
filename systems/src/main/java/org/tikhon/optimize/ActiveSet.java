package org.tikhon.optimize;

/**
 * How soon proximal methods find which coordinates end at a kink.
 *
 * <p>With delta, the smallest margin of those coordinates at the solution ({@link #nonDegeneracy}),
 * a proximal step of length 1 / L puts all of them at their kinks once {@code |x - x*| <= delta /
 * (2 L)}. Proximal gradient comes that near in {@code kappa log(2 L |x0 - x*| / delta)} iterations,
 * kappa = L / mu; block coordinate descent with the logarithm divided by the rate of its rule, and
 * the time until every such coordinate has been chosen.
 */
public final class ActiveSet {
  private ActiveSet() {}

  /**
   * delta: the smallest distance of a negative slope to the boundary of the sub-gradients of r,
   * over the coordinates at kinks; infinite if there are none, 0 if the solution is degenerate.
   *
   * @param problem at its solution
   */
  public static double nonDegeneracy(SmoothProblem problem, Regularizer r) {
    double[] g = new double[problem.dim()];
    problem.gradient(g);
    double delta = Double.POSITIVE_INFINITY;
    for (int i = 0; i < g.length; i++) {
      if (r.kink(problem.at(i))) {
        delta = Math.min(delta, r.margin(problem.at(i), g[i]));
      }
    }
    return delta;
  }

  /**
   * The bound for proximal gradient with step 1 / L.
   *
   * @param lipschitz L, positive
   * @param strongConvexity mu, positive, at most L
   * @param distance from the start to the solution, 0 or more
   * @param delta the {@link #nonDegeneracy}, positive
   */
  public static double proximalGradientIterations(
      double lipschitz, double strongConvexity, double distance, double delta) {
    Check.require(lipschitz > 0, "lipschitz", lipschitz, "positive");
    Check.require(
        strongConvexity > 0 && strongConvexity <= lipschitz,
        "strongConvexity",
        strongConvexity,
        "in (0, L]");
    Check.require(distance >= 0, "distance", distance, "0 or more");
    Check.require(delta > 0, "delta", delta, "positive");
    return Math.max(lipschitz / strongConvexity * Math.log(2 * lipschitz * distance / delta), 0);
  }
}
