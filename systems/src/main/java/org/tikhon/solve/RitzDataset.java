package org.tikhon.solve;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Training vectors for DCDM from the spectrum of A alone: random combinations of Ritz vectors q_j,
 *
 * <pre>
 * b = sum_j c_j q_j / |sum_j c_j q_j|,   c_j = 9 N(0, 1) for j <= m / 2 + theta, otherwise N(0, 1),
 * </pre>
 *
 * <p>with the Ritz values ascending, so that the low frequencies, with which conjugate gradients
 * are slow, are emphasised. Ritz values below 1e-8 are dropped.
 *
 * <p>Defaults: factor 9, theta m / 20, 2000 samples (the paper: 20 000 of m = 10 000), seed 0.
 */
public final class RitzDataset {
  private static final double SMALLEST = 1e-8;

  private final GridPoisson a;
  private final int steps;
  private int samples = 2000;
  private double lowModeFactor = 9;
  private int theta;
  private long seed;

  private RitzDataset(GridPoisson a, int steps) {
    this.a = a;
    this.steps = steps;
    this.theta = steps / 20;
  }

  /** From m Lanczos steps with A; at most the number of cells. */
  public static RitzDataset lanczos(GridPoisson a, int m) {
    if (m < 1 || m > a.size()) {
      throw new IllegalArgumentException(
          "the number of Lanczos steps must be in 1 to %d, was %d".formatted(a.size(), m));
    }
    return new RitzDataset(a, m);
  }

  /** How many vectors; at least 2, of which a tenth validates. */
  public RitzDataset samples(int count) {
    if (count < 2) {
      throw new IllegalArgumentException("samples must be at least 2, was " + count);
    }
    this.samples = count;
    return this;
  }

  /** The standard deviation of the low modes' coefficients; positive. */
  public RitzDataset lowModeFactor(double factor) {
    if (!(factor > 0) || Double.isInfinite(factor)) {
      throw new IllegalArgumentException("lowModeFactor must be positive, was " + factor);
    }
    this.lowModeFactor = factor;
    return this;
  }

  /** How many modes beyond the lower half count as low. */
  public RitzDataset theta(int modes) {
    this.theta = modes;
    return this;
  }

  /** The seed of the start vector and the coefficients. */
  public RitzDataset seed(long seed) {
    this.seed = seed;
    return this;
  }

  GridPoisson operator() {
    return a;
  }

  int count() {
    return samples;
  }

  /** The vectors, {@code [samples, 1, sides...]}, FLOAT32; they belong to the current scope. */
  public Tensor draw() {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(seed);
      Lanczos.Ritz ritz = Lanczos.run(a, steps, rng).ritz();
      int dropped = 0;
      while (dropped < ritz.values().length - 1 && ritz.values()[dropped] < SMALLEST) {
        dropped++;
      }
      int m = ritz.values().length - dropped;
      int low = Math.clamp(m / 2 + theta, 0, m);
      Tensor coefficients = rng.normal(Dtype.FLOAT64, samples, m);
      coefficients.narrow(1, 0, low).mul_(lowModeFactor);
      Tensor vectors = coefficients.matmul(ritz.vectors().narrow(0, dropped, m));
      Tensor unit = vectors.div(vectors.normKeep(2, 1));
      return scope.keep(unit.to(Dtype.FLOAT32).reshape(a.batchShape(samples)));
    }
  }
}
