package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/**
 * A term of a training objective.
 *
 * @param value a scalar with a gradient
 * @param converged whether what was solved for it reached its tolerance
 */
public record LossTerm(Tensor value, boolean converged) {
  /** A term for which nothing is solved. */
  public static LossTerm of(Tensor value) {
    return new LossTerm(value, true);
  }
}
