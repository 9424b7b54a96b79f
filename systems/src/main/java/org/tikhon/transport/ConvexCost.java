package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/**
 * A cost {@code c(x, y) = h(x - y)} with a strictly convex h: its optimal maps have a structure.
 */
public interface ConvexCost extends GroundCost {
  /** h of each row, {@code [n, d]} to {@code [n]}. */
  Tensor h(Tensor z);

  /** The gradient of h at each row, {@code [n, d]}. */
  Tensor gradient(Tensor z);

  /**
   * The gradient of the conjugate of h, {@code [n, d]}: the inverse of {@link #gradient}, where
   * there is one.
   */
  Tensor conjugateGradient(Tensor z);
}
