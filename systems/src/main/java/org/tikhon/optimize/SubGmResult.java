package org.tikhon.optimize;

import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The last iterate of {@link SubGm}.
 *
 * @param u U, {@code [d, r']}
 * @param losses f(U_0), ..., f of the last iterate: one more than steps
 * @param steps the factors before the sub-gradients
 * @param outcome why it ended
 */
public record SubGmResult(Tensor u, double[] losses, double[] steps, Outcome outcome) {
  private static final double RELATIVE_THRESHOLD = 1e-3;
  private static final double GAP = 10;

  /** Why the iteration ended. */
  public enum Outcome {
    /** Steps became smaller than the tolerance. */
    CONVERGED,
    /** All iterations are done. */
    MAX_ITERATIONS,
    /** The loss is not finite: the steps are too long. */
    DIVERGED,
    /** A warning: y is zero, and so is U. */
    NO_SIGNAL
  }

  /** The number of steps. */
  public int iterations() {
    return steps.length;
  }

  /** U U', {@code [d, d]}. */
  public Tensor matrix() {
    return u.matmul(u.t());
  }

  /**
   * The rank that was found: the eigenvalues of U U' above 1e-3 of the largest, or, where two
   * neighbours among them and the next differ tenfold, those before the widest such gap.
   */
  public int estimatedRank() {
    try (Scope scope = Scope.open()) {
      // The eigenvalues of U' U are those of U U', descending here.
      double[] values = Linalg.eigvalsh(u.t().matmul(u)).flip(0).toDoubleArray();
      if (!(values[0] > 0)) {
        return 0;
      }
      int above = 0;
      while (above < values.length && values[above] > RELATIVE_THRESHOLD * values[0]) {
        above++;
      }
      int rank = above;
      double widest = GAP;
      for (int k = 1; k < above; k++) {
        double gap = values[k - 1] / values[k];
        if (gap > widest) {
          widest = gap;
          rank = k;
        }
      }
      return rank;
    }
  }
}
