package org.tikhon.transport;

import java.util.List;

/**
 * What {@link SparseOt} found.
 *
 * @param plan T, {@code [n, m]}, with at most k entries per column (or row)
 * @param alpha the rows' potential, {@code [n]}; 0 where r is zero
 * @param beta the columns' potential, {@code [m]}; 0 where c is zero
 * @param value of the dual: a lower bound of the problem's, and its value if nothing is tied
 * @param cost {@code <C, T>}
 * @param rowResidual {@code |T 1 - r|_1}
 * @param columnResidual {@code |T' 1 - c|_1}
 * @param iterations of L-BFGS
 * @param converged whether the gradient is within the tolerance; hardly ever where scores are tied
 * @param tied whether in some column the k-th and the next score are equal but for rounding: then
 *     the value has a kink there, and the plan may not have the right row sums
 * @param feasible whether k entries per column can reach every row that has mass
 */
public record SparseOtSolution(
    SparsePlan plan,
    double[] alpha,
    double[] beta,
    double value,
    double cost,
    double rowResidual,
    double columnResidual,
    int iterations,
    boolean converged,
    boolean tied,
    boolean feasible) {

  /** In words what the plan can be relied on for. */
  public String message() {
    if (!feasible) {
      return "no plan with so few entries reaches every row that has mass";
    }
    if (converged) {
      return "optimal";
    }
    return tied
        ? "the dual has a kink: marginals are off by " + (rowResidual + columnResidual)
        : "not converged: marginals are off by " + (rowResidual + columnResidual);
  }

  /** The same in the words of all solvers; the sweeps are iterations of L-BFGS. */
  public TransportSolution transport() {
    return new TransportSolution(
        plan,
        alpha,
        beta,
        cost,
        value,
        rowResidual,
        columnResidual,
        iterations,
        0,
        0,
        converged,
        List.of());
  }
}
