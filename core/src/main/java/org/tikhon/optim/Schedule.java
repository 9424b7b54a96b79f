package org.tikhon.optim;

/**
 * A factor on the learning rate as a function of progress, the number of epochs so far (a fraction
 * inside an epoch).
 */
@FunctionalInterface
public interface Schedule {
  double factor(double epoch);

  static Schedule constant() {
    return epoch -> 1;
  }

  /** Multiplied by gamma at each milestone. */
  static Schedule multiStep(double gamma, double... milestones) {
    return epoch -> {
      double factor = 1;
      for (double milestone : milestones) {
        factor *= epoch >= milestone ? gamma : 1;
      }
      return factor;
    };
  }

  /** Half a cosine from 1 to {@code last} over the given number of epochs. */
  static Schedule cosine(double epochs, double last) {
    if (!(epochs > 0)) {
      throw new IllegalArgumentException("epochs must be above 0, was " + epochs);
    }
    return epoch -> last + (1 - last) * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, epoch / epochs)));
  }

  /** Half a cosine that starts again every {@code period} epochs. */
  static Schedule cosineWarmRestarts(double period, double last) {
    Schedule cycle = cosine(period, last);
    return epoch -> cycle.factor(epoch % period);
  }

  /** This schedule after a linear rise from 0 over the first epochs. */
  default Schedule warmup(double epochs) {
    return epoch -> factor(epoch) * (epoch < epochs ? epoch / epochs : 1);
  }
}
