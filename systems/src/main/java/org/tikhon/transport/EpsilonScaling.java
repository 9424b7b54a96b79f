package org.tikhon.transport;

/** Warm start by more regularisation first: eta / 8, eta / 4, eta / 2. */
final class EpsilonScaling {
  private static final int[] DIVISORS = {8, 4, 2};

  /** The next, less regularised problem moves the optimum; a rough solution will do. */
  private static final double ROUGH = 1e-2;

  private EpsilonScaling() {}

  /** The potential of a problem at the warm start that the sweeps on easier problems lead to. */
  static EntropicDual start(
      EntropicProblem problem, double[] x, double[] y, int sweeps, Trace trace, boolean keepPlan) {
    double[] startX = x;
    double[] startY = y;
    for (int divisor : DIVISORS) {
      EntropicDual easier =
          new EntropicDual(problem.withEta(problem.eta() / divisor), startX, startY, false);
      easier.sweeps(sweeps, ROUGH * problem.mass(), trace);
      startX = easier.x();
      startY = easier.y();
    }
    return new EntropicDual(problem, startX, startY, keepPlan);
  }
}
