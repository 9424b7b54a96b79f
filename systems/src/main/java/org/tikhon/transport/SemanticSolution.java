package org.tikhon.transport;

import java.util.List;
import org.tikhon.tensor.Tensor;

/**
 * What {@link SemanticTransport} found.
 *
 * @param plan N Q, {@code [N, K]}, as in {@link PartialSolution}
 * @param confidence N Q 1, {@code [N]}, in [0, 1]
 * @param potentials of the first outer step: the next batch starts from the same uniform plan
 * @param objective after each outer step
 * @param iterations of all inner solvers together
 * @param error the last change of the objective
 * @param converged whether {@code error} is below the tolerance and the last inner solver converged
 */
public record SemanticSolution(
    Tensor plan,
    Tensor confidence,
    Potentials potentials,
    List<Double> objective,
    int iterations,
    double error,
    boolean converged) {
  public SemanticSolution {
    objective = List.copyOf(objective);
  }

  /** The number of outer steps. */
  public int outerSteps() {
    return objective.size();
  }
}
