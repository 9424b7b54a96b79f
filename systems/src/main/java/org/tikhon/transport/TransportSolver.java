package org.tikhon.transport;

/**
 * What solves a {@link TransportProblem}.
 *
 * <p>All solvers throw an {@link IllegalArgumentException} if the masses of r and c differ by more
 * than 1e-9 where both are to be met (less is scaled away), if a cost is NaN or -infinity, or if a
 * row or column with mass has no finite cost.
 */
public interface TransportSolver {
  /**
   * Solves from the potentials of an earlier solution.
   *
   * @param warmStart of a problem of the same shape, or null: from x = y = 0
   */
  TransportSolution solve(TransportProblem problem, TransportSolution warmStart);

  /** Solves from the start x = y = 0. */
  default TransportSolution solve(TransportProblem problem) {
    return solve(problem, null);
  }

  /**
   * Solves from the start x = y = 0.
   *
   * @param cost C, {@code [n, m]}; +infinity forbids a pair
   * @param r the rows' marginal, {@code [n]}, 0 or more
   * @param c the columns' marginal, {@code [m]}, 0 or more
   */
  default TransportSolution solve(double[][] cost, double[] r, double[] c) {
    return solve(TransportProblem.of(cost, r, c));
  }

  /** Solves from the potentials of an earlier solution, or from x = y = 0 if that is null. */
  default TransportSolution solve(
      double[][] cost, double[] r, double[] c, TransportSolution warmStart) {
    return solve(TransportProblem.of(cost, r, c), warmStart);
  }
}
