package org.tikhon.solve;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The noise of a {@link LinearSem}.
 *
 * @param low the variance of each column, or the least one
 * @param high the largest; where it differs from {@code low}, each column's variance is drawn
 *     uniformly
 */
public record Noise(Kind kind, double low, double high) {
  /** The distribution. */
  public enum Kind {
    /** Mean 0. */
    GAUSSIAN,
    /** With mean and standard deviation alike. */
    EXPONENTIAL,
    /** Mean 0. */
    LAPLACE,
    /** Of maxima, location 0. */
    GUMBEL
  }

  public Noise {
    DagData.require(low > 0 && Double.isFinite(low), "the variance", low, "positive");
    DagData.require(
        high >= low && Double.isFinite(high), "the largest variance", high, "at least " + low);
  }

  /** Gaussian noise with this variance. */
  public static Noise gaussian(double variance) {
    return of(Kind.GAUSSIAN, variance);
  }

  /** Noise of a kind with this variance, the same for all columns. */
  public static Noise of(Kind kind, double variance) {
    return new Noise(kind, variance, variance);
  }

  /** Noise of this kind whose variances are drawn uniformly, as the paper does from 0.5 to 10. */
  public Noise unequal(double least, double largest) {
    return new Noise(kind, least, largest);
  }

  /** The variances of the columns, {@code [d]}. */
  double[] variances(int d, Rng rng) {
    if (low == high) {
      double[] equal = new double[d];
      Arrays.fill(equal, low);
      return equal;
    }
    try (Scope scope = Scope.open()) {
      return rng.uniform(low, high, Dtype.FLOAT64, d).toDoubleArray();
    }
  }

  /** Noise with variance 1, {@code [n * d]}. */
  double[] draw(int n, int d, Rng rng) {
    try (Scope scope = Scope.open()) {
      Tensor unit =
          switch (kind) {
            case GAUSSIAN -> rng.normal(Dtype.FLOAT64, n, d);
            case EXPONENTIAL -> rng.exponential(1, Dtype.FLOAT64, n, d);
            case LAPLACE ->
                rng.exponential(1, Dtype.FLOAT64, n, d)
                    .mul(rng.signs(Dtype.FLOAT64, n, d))
                    .div(Math.sqrt(2));
            case GUMBEL -> rng.gumbel(Dtype.FLOAT64, n, d).mul(Math.sqrt(6) / Math.PI);
          };
      return unit.toDoubleArray();
    }
  }
}
