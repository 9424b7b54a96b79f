package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.transport.TransportSolution.Stage;

/** Newton's method on the dual potential with a line search, whatever finds the direction. */
final class EntropicNewton {
  private static final double ARMIJO = 1e-4;
  private static final double LEAST_STEP = 1e-9;
  private static final int RESCUE_SWEEPS = 10;

  /** Where f changes by less than its rounding and the gradient decides instead. */
  private static final double NEAR = 1e-5;

  private EntropicNewton() {}

  /** The checked problem; both marginals must be met. */
  static EntropicProblem problem(double eta, TransportProblem problem) {
    if (problem.isRelaxed()) {
      throw new IllegalArgumentException(
          "Newton's method is for marginals that are met; a relaxed problem is for Sinkhorn");
    }
    return EntropicProblem.of(eta, problem);
  }

  /** What finds a Newton direction. */
  @FunctionalInterface
  interface Direction {
    /**
     * Solves {@code H d = g} at the dual's last evaluation, d orthogonal to (1; -1).
     *
     * @param g the gradient
     * @param error the L1 marginal error
     * @param direction takes d
     * @return the number of conjugate-gradient iterations
     */
    int solve(EntropicDual dual, double[] g, double error, double[] direction);
  }

  /** Newton steps until the marginal error is at most {@code tolerance}, after an evaluation. */
  static void ascend(
      EntropicDual dual, Direction directions, double tolerance, int maxSteps, Trace trace) {
    double[] direction = new double[dual.sums.length];
    for (int k = 0; k < maxSteps && dual.error() > tolerance; k++) {
      double[] g = dual.gradient();
      trace.addCgIterations(directions.solve(dual, g, dual.error(), direction));
      double step = lineSearch(dual, g, direction);
      trace.add(Stage.NEWTON, dual.error(), step, trace.seconds());
      if (step == 0) {
        dual.sweeps(RESCUE_SWEEPS, tolerance, trace);
      }
    }
  }

  /**
   * Goes along a direction by the first of 1, 1/2, 1/4, ... that raises f enough, or stays.
   *
   * @return the step length, 0 if none down to 1e-9 will do
   */
  private static double lineSearch(EntropicDual dual, double[] g, double[] direction) {
    double slope = RowKernels.dot(g, direction);
    if (!(slope > 0) || Double.isInfinite(slope)) {
      return 0;
    }
    double[] a = dual.a.clone();
    double[] b = dual.b.clone();
    double mass = dual.planMass();
    double linear = dual.linear(direction);
    double norm = norm(g);
    for (double step = 1; step >= LEAST_STEP; step /= 2) {
      dual.moveTo(a, b, step, direction);
      // The change of eta f, without the cancellation of f - f.
      double gain = step * linear - (dual.planMass() - mass);
      if (gain >= ARMIJO * step * slope || (norm < NEAR && norm(dual.gradient()) < norm)) {
        return step;
      }
    }
    dual.moveTo(a, b, 0, direction);
    return 0;
  }

  static double norm(double[] g) {
    return Math.sqrt(Arrays.stream(g).map(v -> v * v).sum());
  }
}
