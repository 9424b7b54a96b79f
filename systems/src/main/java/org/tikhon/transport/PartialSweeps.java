package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.simd.VectorExp;
import org.tikhon.transport.PartialTransport.Domain;

/** The alternating updates of {@link PartialTransport}, on arrays that are used again. */
final class PartialSweeps {
  /** Where scalings go into the potentials. */
  private static final ScalingTiles.Range ABSORB = new ScalingTiles.Range(1e-8, 1e8);

  private static final ScalingTiles.Range ANY = new ScalingTiles.Range(0, Double.MAX_VALUE);

  final SampleTiles tiles;
  private final Domain domain;
  private final ScalingTiles kernel;

  /** The potentials in the kernel, by columns. */
  private final double[] absorbed;

  private final double[] rowSums;
  private final double[] b;
  private final double[] logSums;

  PartialSweeps(int samples, int clusters, Domain domain, boolean singlePrecision) {
    int columns = clusters + 1;
    this.tiles = new SampleTiles(samples, clusters);
    this.domain = domain;
    this.kernel =
        domain == Domain.LOG
            ? null
            : singlePrecision
                ? new ScalingTiles.Floats(samples, columns)
                : new ScalingTiles.Doubles(samples, columns);
    this.absorbed = new double[columns];
    this.rowSums = new double[samples];
    this.b = new double[columns];
    this.logSums = new double[columns];
  }

  boolean isSinglePrecision() {
    return kernel instanceof ScalingTiles.Floats;
  }

  /** How the iteration ended. */
  record End(int iterations, double error) {}

  /**
   * Iterates {@code v = f (log beta - lse_i(u - c))} with {@code u = log(1 / N) - lse_k(v - c)},
   * both divided by epsilon, until v changes by at most the tolerance.
   *
   * @param beta the columns' weights
   * @param power f of each column
   * @param v the start, which is overwritten; infinite or NaN entries start at 0
   */
  End run(double[] beta, double[] power, double[] v, double tolerance, int maxIterations) {
    double[] logBeta = new double[v.length];
    for (int k = 0; k < v.length; k++) {
      logBeta[k] = tiles.usable[k] ? Math.log(beta[k]) : Double.NEGATIVE_INFINITY;
      v[k] =
          logBeta[k] == Double.NEGATIVE_INFINITY
              ? Double.NEGATIVE_INFINITY
              : Double.isFinite(v[k]) ? v[k] : 0;
    }
    begin(v);
    double error = Double.POSITIVE_INFINITY;
    int iteration = 0;
    while (iteration < maxIterations && error > tolerance) {
      columnSums(v);
      error = update(logBeta, power, v);
      iteration++;
    }
    return new End(iteration, error);
  }

  private void begin(double[] v) {
    switch (domain) {
      case LOG -> {}
      case SCALING -> {
        Arrays.fill(absorbed, 0);
        Arrays.fill(rowSums, 0);
        kernel.load(tiles, absorbed, rowSums);
      }
      case STABILISED -> absorb(v);
    }
  }

  /** Puts the log of the column sums of Q at v into {@link #logSums}. */
  private void columnSums(double[] v) {
    switch (domain) {
      case LOG -> tiles.logColumnSums(v, logSums);
      case SCALING -> {
        if (!scaled(v, ANY)) {
          throw new ArithmeticException(
              "the kernel exp(-cost / epsilon) overflows or underflows;"
                  + " use the domain LOG or STABILISED");
        }
      }
      case STABILISED -> {
        if (!scaled(v, ABSORB)) {
          absorb(v);
        }
      }
    }
  }

  /** By the kernel; whether all was within the range. */
  private boolean scaled(double[] v, ScalingTiles.Range range) {
    for (int k = 0; k < v.length; k++) {
      b[k] = v[k] == Double.NEGATIVE_INFINITY ? v[k] : v[k] - absorbed[k];
    }
    VectorExp.exp(b, b);
    boolean good = kernel.columnSums(b, logSums, range);
    for (int k = 0; k < v.length; k++) {
      if (v[k] > Double.NEGATIVE_INFINITY) {
        good &= range.holds(b[k]) && ANY.holds(logSums[k]);
      }
      logSums[k] = Math.log(logSums[k]);
    }
    return good;
  }

  /** Computes the kernel at v, and the column sums in the log domain, where nothing is lost. */
  private void absorb(double[] v) {
    tiles.logColumnSums(v, logSums);
    System.arraycopy(v, 0, absorbed, 0, v.length);
    for (int i = 0; i < rowSums.length; i++) {
      rowSums[i] = tiles.logRowSum(i);
    }
    kernel.load(tiles, absorbed, rowSums);
  }

  /** {@code v = f (log beta - (log sums - v))}; gives the norm of the change. */
  private double update(double[] logBeta, double[] power, double[] v) {
    double squares = 0;
    for (int k = 0; k < v.length; k++) {
      if (v[k] > Double.NEGATIVE_INFINITY) {
        double next = power[k] * (logBeta[k] - logSums[k] + v[k]);
        squares += (next - v[k]) * (next - v[k]);
        v[k] = next;
      }
    }
    return Math.sqrt(squares);
  }
}
