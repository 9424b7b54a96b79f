package org.tikhon.loss;

/**
 * How much PS-KD trusts the past, {@code alpha_t = alphaT t / T}: constant inside an epoch, from
 * {@code alphaT / T} in the first to {@code alphaT} in the last.
 *
 * @param alphaT the weight in the last epoch, in [0, 1]; the official code has 0.8, the paper
 *     suggests to choose it from 0.3 to 0.9 on validation data
 * @param epochs T, the length of the training, at least 1
 */
public record ProgressiveSchedule(double alphaT, int epochs) {
  /** The official code's final weight. */
  public static final double DEFAULT_ALPHA = 0.8;

  public ProgressiveSchedule {
    if (!(alphaT >= 0 && alphaT <= 1)) {
      throw new IllegalArgumentException("alphaT must be in [0,1], was " + alphaT);
    }
    if (epochs < 1) {
      throw new IllegalArgumentException("epochs must be at least 1, was " + epochs);
    }
  }

  /**
   * The weight in an epoch.
   *
   * @param epoch t, from 1 to T
   */
  public double alpha(int epoch) {
    if (epoch < 1 || epoch > epochs) {
      throw new IllegalArgumentException("epoch must be in 1.." + epochs + ", was " + epoch);
    }
    return alphaT * epoch / epochs;
  }
}
