package org.tikhon.transport;

import java.util.List;

/**
 * What a {@link TransportSolver} found.
 *
 * <p>Of the optimal value as a function of its data, x is the gradient with respect to r, y that
 * with respect to c (both up to a common constant where both marginals are exact: x + t, y - t is
 * as good), and the plan that with respect to the cost.
 *
 * @param plan P, {@code [n, m]}; of an entropic solver {@code P_ij = exp(eta (x_i + y_j - C_ij) -
 *     1)}
 * @param x the dual potential of the rows, in units of the cost; -infinity where r is zero
 * @param y the dual potential of the columns, in units of the cost; -infinity where c is zero
 * @param cost {@code <C, P>}, the cost of transport
 * @param objective what the solver minimised: the cost and its regularisation, and what {@link
 *     TransportProblem#relax relaxed} marginals cost
 * @param rowError {@code |P 1 - r|_1}; where the rows are relaxed, the distance from what is
 *     optimal at these potentials, {@code |P 1 - r exp(-x / gamma)|_1}
 * @param columnError the same of the columns
 * @param sweeps Sinkhorn sweeps; one updates x and y
 * @param newtonSteps Newton steps
 * @param cgIterations conjugate-gradient iterations in all Newton steps together
 * @param converged whether {@link #marginalError} is at most the solver's tolerance
 * @param history every sweep and step, in their order; empty for an exact solver
 */
public record TransportSolution(
    Plan plan,
    double[] x,
    double[] y,
    double cost,
    double objective,
    double rowError,
    double columnError,
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

  public TransportSolution {
    history = List.copyOf(history);
  }

  /** The error of the rows and the columns together. */
  public double marginalError() {
    return rowError + columnError;
  }

  /** The whole plan as a matrix, {@code [n, m]}. */
  public double[][] dense() {
    return plan.dense();
  }

  /**
   * The entries of the plan that are at least {@code threshold}.
   *
   * @param threshold 0 or more; 0 keeps every entry that is not zero
   */
  public SparsePlan sparsePlan(double threshold) {
    return plan.sparse(threshold);
  }
}
