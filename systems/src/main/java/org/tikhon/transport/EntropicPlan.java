package org.tikhon.transport;

import java.util.List;

/**
 * The solution of an entropic transport problem.
 *
 * <p>Of the optimal value as a function of its data, x is the gradient with respect to r, y that
 * with respect to c (both up to a common constant: x + t, y - t is as good), and the plan that with
 * respect to the cost.
 *
 * @param plan P, {@code [n, m]}: {@code P_ij = exp(eta (x_i + y_j - C_ij) - 1)}
 * @param x the dual potential of the rows, in units of the cost; -infinity where r is zero
 * @param y the dual potential of the columns, in units of the cost; -infinity where c is zero
 * @param cost {@code <C, P>}, the cost of transport
 * @param objective {@code <C, P> + (1 / eta) sum P log P}, what is minimised
 * @param marginalError {@code |P 1 - r|_1 + |P' 1 - c|_1}
 * @param sweeps Sinkhorn sweeps; one updates x and y
 * @param newtonSteps Newton steps
 * @param cgIterations conjugate-gradient iterations in all Newton steps together
 * @param converged whether the marginal error is at most the solver's tolerance
 * @param history every sweep and step, in their order
 */
public record EntropicPlan(
    double[][] plan,
    double[] x,
    double[] y,
    double cost,
    double objective,
    double marginalError,
    int sweeps,
    int newtonSteps,
    long cgIterations,
    boolean converged,
    List<Iteration> history) {

  /** What an iteration did. */
  public enum Stage {
    /** A Sinkhorn sweep. */
    SINKHORN,
    /** A Newton step. */
    NEWTON
  }

  /**
   * One entry of the history.
   *
   * @param marginalError after the iteration
   * @param stepLength of the line search; 1 for a sweep
   * @param seconds since the solver began
   */
  public record Iteration(Stage stage, double marginalError, double stepLength, double seconds) {}

  public EntropicPlan {
    history = List.copyOf(history);
  }

  /**
   * The entries of the plan that are at least {@code threshold}.
   *
   * @param threshold 0 or more; 0 keeps every entry that is not zero
   */
  public SparsePlan sparsePlan(double threshold) {
    return SparsePlan.of(plan, threshold);
  }
}
