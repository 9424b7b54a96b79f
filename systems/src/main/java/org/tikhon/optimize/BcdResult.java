package org.tikhon.optimize;

import java.util.Arrays;

/**
 * What {@link BlockCoordinateDescent} found.
 *
 * @param x {@code [n]}
 * @param values f + r at the start and after every iteration
 * @param supportIdentifiedAt for every coordinate the last iteration in which it came to a kink of
 *     the regulariser or left one, 0 if it never did
 * @param iterations the number of blocks that were updated
 * @param converged whether the optimality condition is met to the tolerance
 */
public record BcdResult(
    double[] x, double[] values, int[] supportIdentifiedAt, int iterations, boolean converged) {
  /** The iteration after which no coordinate came to a kink or left one. */
  public int supportIdentified() {
    return Arrays.stream(supportIdentifiedAt).max().orElse(0);
  }

  /** f + r at x. */
  public double value() {
    return values[values.length - 1];
  }
}
