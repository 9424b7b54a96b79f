package org.tikhon.solve;

import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.DoubleStream;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Measures how a family of sketches treats one pair of vectors: the oblivious coordinate-wise
 * embedding (OCE) property.
 *
 * <p>A family has the property (alpha, beta, delta) if for all fixed g and h
 *
 * <pre>
 * E[&lt;Sg, Sh&gt;] = &lt;g, h&gt;
 * E[&lt;Sg, Sh&gt;^2] &lt;= &lt;g, h&gt;^2 + (alpha / m) |g|^2 |h|^2
 * Pr[|&lt;Sg, Sh&gt; - &lt;g, h&gt;| &gt;= (beta / sqrt(m)) |g| |h|] &lt;= delta.
 * </pre>
 *
 * <p>alpha is about 2 for every sketch here with {@code E[S^T S] = I}; beta is logarithmic for the
 * dense ones and up to sqrt(m) for CountSketch, which shows in the extremes, for sparse g and h.
 */
public final class OceProbe {
  private final LongFunction<Sketch> family;
  private final int trials;

  private OceProbe(LongFunction<Sketch> family, int trials) {
    if (trials < 2) {
      throw new IllegalArgumentException("trials must be at least 2, was " + trials);
    }
    this.family = family;
    this.trials = trials;
  }

  /**
   * A probe with seeds 0, 1, ..., trials - 1.
   *
   * @param family makes a sketch from a seed
   * @param trials at least 2
   */
  public static OceProbe of(LongFunction<Sketch> family, int trials) {
    return new OceProbe(family, trials);
  }

  /**
   * What was seen.
   *
   * @param mean of {@code <Sg, Sh>}
   * @param scaledVariance the variance of {@code <Sg, Sh>} times m / (|g|^2 |h|^2): alpha
   * @param deviations {@code sqrt(m) |<Sg, Sh> - <g, h>| / (|g| |h|)}, rising
   */
  public record Result(double mean, double scaledVariance, double[] deviations) {
    /** The deviation that a part q of the trials does not exceed: beta for delta = 1 - q. */
    public double quantile(double q) {
      if (!(q >= 0 && q <= 1)) {
        throw new IllegalArgumentException("q must be in [0, 1], was " + q);
      }
      return deviations[(int) Math.round(q * (deviations.length - 1))];
    }
  }

  /**
   * Draws all sketches and applies them.
   *
   * @param g {@code [n]}, not zero
   * @param h {@code [n]}, not zero
   */
  public Result measure(Tensor g, Tensor h) {
    try (Scope scope = Scope.open()) {
      Tensor x = g.to(Dtype.FLOAT64);
      Tensor y = h.to(Dtype.FLOAT64);
      double exact = x.dot(y).item();
      double size = x.norm().item() * y.norm().item();
      if (!(size > 0) || Double.isInfinite(size)) {
        throw new IllegalArgumentException("g and h must be finite and not zero");
      }
      Tensor both = Tensor.stack(List.of(x, y), 1);
      double[] products = new double[trials];
      int m = 0;
      for (int t = 0; t < trials; t++) {
        try (Scope inner = Scope.open()) {
          Sketch sketch = family.apply(t);
          m = sketch.m;
          Tensor s = sketch.apply(both);
          products[t] = s.select(1, 0).dot(s.select(1, 1)).item();
        }
      }
      double mean = DoubleStream.of(products).average().orElseThrow();
      double variance =
          DoubleStream.of(products).map(p -> (p - mean) * (p - mean)).sum() / (trials - 1);
      double root = Math.sqrt(m) / size;
      double[] deviations =
          DoubleStream.of(products).map(p -> root * Math.abs(p - exact)).sorted().toArray();
      return new Result(mean, variance * m / (size * size), deviations);
    }
  }
}
