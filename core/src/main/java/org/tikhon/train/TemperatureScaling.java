package org.tikhon.train;

import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Temperature scaling (Guo et al. 2017): probabilities {@code softmax(logits / T)} with the T above
 * 0 that is best on held-out data. Predictions do not change.
 *
 * @param temperature T
 */
public record TemperatureScaling(double temperature) {
  private static final double SMALLEST = 0.05;
  private static final double LARGEST = 20;
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  public TemperatureScaling {
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature must be above 0, was " + temperature);
    }
  }

  /**
   * The temperature in [0.05, 20] with the smallest negative log-likelihood, which is convex in 1 /
   * T, by golden-section search.
   *
   * @param logits {@code [n, classes, ...]} of held-out samples
   * @param labels INT64 {@code [n, ...]}
   */
  public static TemperatureScaling fit(Tensor logits, Tensor labels) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor z = logits.detach().to(Dtype.FLOAT64);
      double low = 1 / LARGEST;
      double high = 1 / SMALLEST;
      double a = high - GOLDEN * (high - low);
      double b = low + GOLDEN * (high - low);
      double fa = nll(z, labels, a);
      double fb = nll(z, labels, b);
      while (high - low > 1e-6) {
        if (fa <= fb) {
          high = b;
          b = a;
          fb = fa;
          a = high - GOLDEN * (high - low);
          fa = nll(z, labels, a);
        } else {
          low = a;
          a = b;
          fa = fb;
          b = low + GOLDEN * (high - low);
          fb = nll(z, labels, b);
        }
      }
      return new TemperatureScaling(2 / (low + high));
    }
  }

  private static double nll(Tensor z, Tensor labels, double inverse) {
    try (Scope scope = Scope.open()) {
      return Functional.crossEntropy(z.mul(inverse), labels).item();
    }
  }

  /** The logits divided by T. */
  public Tensor apply(Tensor logits) {
    return logits.div(temperature);
  }
}
