package org.tikhon.loss;

/**
 * Settings of ELR+.
 *
 * @param lambda the weight of the regulariser, 0 or more
 * @param beta the weight of the past in the targets, in [0, 1)
 * @param mixupAlpha of the mixing weight's Beta(alpha, alpha); 0 switches mixing off
 * @param emaAlpha the weight of the past in the averaged networks, in [0, 1]
 * @param emaStep the steps over which that weight ramps up; 0 for the plain mean of all steps until
 *     emaAlpha is reached
 * @param coefStep the steps over which lambda ramps up; 0 for at once
 * @param warmupEpochs epochs of plain cross-entropy, in which the targets are averaged already
 * @param reweightLabelsByTarget multiply the mixed labels by the mixed targets and normalise (for
 *     100 classes)
 * @param refreshEachEpoch take the targets from copies of the averaged networks that are refreshed
 *     once an epoch, as the official program does with its two processes, instead of from the
 *     averaged networks themselves
 */
public record ElrPlusConfig(
    double lambda,
    double beta,
    double mixupAlpha,
    double emaAlpha,
    long emaStep,
    long coefStep,
    int warmupEpochs,
    boolean reweightLabelsByTarget,
    boolean refreshEachEpoch) {

  public ElrPlusConfig {
    require(lambda >= 0, "lambda", lambda, "0 or more");
    require(beta >= 0 && beta < 1, "beta", beta, "in [0, 1)");
    require(mixupAlpha >= 0, "mixupAlpha", mixupAlpha, "0 or more");
    require(emaAlpha >= 0 && emaAlpha <= 1, "emaAlpha", emaAlpha, "in [0, 1]");
    require(emaStep >= 0, "emaStep", emaStep, "0 or more");
    require(coefStep >= 0, "coefStep", coefStep, "0 or more");
    require(warmupEpochs >= 0, "warmupEpochs", warmupEpochs, "0 or more");
  }

  private static void require(boolean condition, String name, double value, String allowed) {
    if (!condition) {
      throw new IllegalArgumentException(name + " must be " + allowed + ", was " + value);
    }
  }

  /** The paper's settings for CIFAR-10. */
  public static ElrPlusConfig cifar10() {
    return new ElrPlusConfig(3, 0.7, 1, 0.997, 40_000, 0, 0, false, false);
  }

  /**
   * The weight of the past in the averaged networks after a number of steps: {@code emaAlpha
   * rampup(steps, emaStep)}, or {@code min(1 - 1 / (steps + 1), emaAlpha)} without a ramp.
   */
  public double averageWeight(long steps) {
    return emaStep == 0
        ? Math.min(1 - 1.0 / (steps + 1), emaAlpha)
        : emaAlpha * rampup(steps, emaStep);
  }

  /** The sigmoid-shaped ramp {@code exp(-5 (1 - min(s, S) / S)^2)}; 1 if S is 0. */
  public static double rampup(long step, long length) {
    if (length == 0) {
      return 1;
    }
    double rest = 1 - (double) Math.min(step, length) / length;
    return Math.exp(-5 * rest * rest);
  }
}
