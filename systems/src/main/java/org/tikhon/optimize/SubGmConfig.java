package org.tikhon.optimize;

/**
 * Settings of {@link SubGm}.
 *
 * @param searchRank r', the columns of U: at least 1 and at most d; d where nothing is known
 * @param alpha the size of the start, positive (0 is a stationary point). A smaller one costs log(1
 *     / alpha) iterations and leaves a smaller error; for entries of X of size s multiply it by
 *     sqrt(s). In FLOAT32 at least 1e-7 is used
 * @param step the rule for the length of a step
 * @param maxIter the most iterations, at least 1
 * @param tol stops when a step moves U by less than this part of its norm; 0 or more
 * @param loss what is minimised
 */
public record SubGmConfig(
    int searchRank, double alpha, StepRule step, int maxIter, double tol, SubGm.Loss loss) {
  public SubGmConfig {
    Check.require(searchRank >= 1, "searchRank", searchRank, "at least 1");
    Check.require(
        alpha > 0 && alpha < Double.POSITIVE_INFINITY,
        "alpha",
        alpha,
        "positive (alpha = 0 is a stationary point)");
    Check.require(maxIter >= 1, "maxIter", maxIter, "at least 1");
    Check.require(tol >= 0, "tol", tol, "0 or more");
  }

  /**
   * Alpha 1e-6, geometric steps with eta0 = 0.25 and rho = 0.99, 1500 iterations, tolerance 1e-10,
   * the absolute loss.
   */
  public static SubGmConfig of(int searchRank) {
    return new SubGmConfig(
        searchRank, 1e-6, new StepRule.Geometric(0.25, 0.99), 1500, 1e-10, SubGm.Loss.L1);
  }

  /** Another size of the start. */
  public SubGmConfig withAlpha(double value) {
    return new SubGmConfig(searchRank, value, step, maxIter, tol, loss);
  }

  /** Another rule for the steps. */
  public SubGmConfig withStep(StepRule value) {
    return new SubGmConfig(searchRank, alpha, value, maxIter, tol, loss);
  }

  /** Another number of iterations. */
  public SubGmConfig withMaxIter(int value) {
    return new SubGmConfig(searchRank, alpha, step, value, tol, loss);
  }

  /** Another tolerance. */
  public SubGmConfig withTol(double value) {
    return new SubGmConfig(searchRank, alpha, step, maxIter, value, loss);
  }

  /** Another loss, for comparison. */
  public SubGmConfig withLoss(SubGm.Loss value) {
    return new SubGmConfig(searchRank, alpha, step, maxIter, tol, value);
  }
}
