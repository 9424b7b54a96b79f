package org.tikhon.solve;

/**
 * DAGMA: {@link CoLiDE}'s loop with the score {@code tr D(W) / 2 + lambda |W|_1}, which takes all
 * noise variances for 1. The penalty has to be chosen for the noise level.
 *
 * <p>Source: Bello, Aragam and Ravikumar, "DAGMA: Learning DAGs via M-matrices and a
 * Log-Determinant Acyclicity Characterization", NeurIPS 2022. Default settings as in {@link
 * CoLiDE}.
 */
public final class Dagma extends LogDetLearner<Dagma> {
  /**
   * @param lambda the penalty, 0 or more
   */
  public Dagma(double lambda) {
    super(NoiseLevels.FIXED, lambda);
  }

  @Override
  Dagma self() {
    return this;
  }
}
