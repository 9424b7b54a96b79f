package org.tikhon.optimize;

/** What {@link BlockCoordinateDescent} does with a block. */
public enum Update {
  /** {@code d = -g_b / L_b}. */
  GRADIENT,
  /** {@code d = -H_b^-1 g_b}, the pseudo-inverse where H_b is singular. */
  MATRIX,
  /** {@code d = -(the Hessian in b)^-1 g_b}, shortened by backtracking. */
  NEWTON,
  /**
   * {@code d = -g_b / L} with an L that is doubled from its last value (at first 1) until f has
   * fallen by {@code |g_b|^2 / (2 L)}: needs no bound.
   */
  LIPSCHITZ_APPROX,
  /** {@code x_b = prox_{r / L_b}(x_b - g_b / L_b)}. */
  PROX_GRADIENT,
  /** The exact minimum of the second-order model and r in the block, with backtracking. */
  PROX_NEWTON,
  /**
   * Two-metric projection, for bounds: coordinates within 1e-4 of a bound to which g pushes take a
   * gradient step, the others Newton's; then projection, with backtracking.
   */
  TWO_METRIC,
  /** {@code A_bb x_b = c_b - (the rest)} by elimination along trees; b must be a forest. */
  TREE_SOLVE;

  boolean needsProx() {
    return this == PROX_GRADIENT || this == PROX_NEWTON || this == TWO_METRIC;
  }
}
