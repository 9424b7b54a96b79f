package org.tikhon.loss;

import java.util.Objects;

/**
 * How the weight of a penalty grows from epoch to epoch.
 *
 * @param mu what is added, or multiplied with; above 0
 * @param max what the weight does not exceed
 * @param every the number of epochs between two changes with {@link Mode#STEP}, at least 1
 */
public record LambdaSchedule(Mode mode, double mu, double max, int every) {
  /** The kind of growth. */
  public enum Mode {
    CONSTANT,
    /** {@code min(lambda + mu, max)} after every epoch. */
    ADD,
    /** {@code min(lambda mu, max)} after every epoch. */
    MULTIPLY,
    /** {@code min(lambda mu, max)} after every {@code every} epochs. */
    STEP
  }

  /** No change. */
  public static final LambdaSchedule CONSTANT =
      new LambdaSchedule(Mode.CONSTANT, 1, Double.MAX_VALUE, 1);

  public LambdaSchedule {
    Objects.requireNonNull(mode, "mode");
    if (!(mu > 0) || !(max >= 0)) {
      throw new IllegalArgumentException(
          "mu must be above 0 and max 0 or more, were " + mu + " and " + max);
    }
    if (every < 1) {
      throw new IllegalArgumentException("every must be at least 1, was " + every);
    }
  }

  /**
   * The weight of the next epoch.
   *
   * @param epoch the epoch that has ended, counted from 0
   */
  public double next(double lambda, int epoch) {
    return switch (mode) {
      case CONSTANT -> lambda;
      case ADD -> Math.min(lambda + mu, max);
      case MULTIPLY -> Math.min(lambda * mu, max);
      case STEP -> (epoch + 1) % every == 0 ? Math.min(lambda * mu, max) : lambda;
    };
  }
}
