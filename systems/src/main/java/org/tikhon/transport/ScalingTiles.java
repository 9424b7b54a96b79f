package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.simd.VectorExp;

/**
 * A kernel {@code M_ik = exp(v_k - c_ik - s_i)} in tiles and its scaling iteration: {@code a = 1 /
 * (N M b)}, {@code M' a}, one pass over M, in double or single precision.
 */
sealed interface ScalingTiles {
  /** The bounds of {@code M b} and of b inside which a kernel is good enough. */
  record Range(double low, double high) {
    boolean holds(double value) {
      return value > low && value < high;
    }
  }

  /** Computes the kernel at potentials. */
  void load(SampleTiles costs, double[] v, double[] s);

  /**
   * The column sums {@code diag(b) M' a} of Q.
   *
   * @return whether {@code M b} was within the range; otherwise {@code out} must not be used
   */
  boolean columnSums(double[] b, double[] out, Range range);

  /** Exponents of a sample's row of the kernel. */
  private static void exponents(SampleTiles costs, int i, double[] v, double s, double[] out) {
    for (int k = 0; k < out.length; k++) {
      out[k] = v[k] - costs.cost(i, k) - s;
    }
    VectorExp.exp(out, out);
  }

  /** In double precision. */
  final class Doubles implements ScalingTiles {
    private static final int TILE = TileKernels.DOUBLES;
    private final int samples;
    private final double[] kernel;
    private final double[] a = new double[TILE];
    private final double[] sums;

    Doubles(int samples, int columns) {
      this.samples = samples;
      this.kernel = new double[Math.ceilDiv(samples, TILE) * TILE * columns];
      this.sums = new double[TileKernels.doubleLanes(columns)];
    }

    @Override
    public void load(SampleTiles costs, double[] v, double[] s) {
      double[] row = new double[v.length];
      // Samples that only fill the last tile have a kernel of 1 and no weight.
      Arrays.fill(kernel, 1);
      for (int i = 0; i < samples; i++) {
        exponents(costs, i, v, s[i], row);
        for (int k = 0; k < row.length; k++) {
          kernel[(i / TILE * row.length + k) * TILE + i % TILE] = row[k];
        }
      }
    }

    @Override
    public boolean columnSums(double[] b, double[] out, Range range) {
      boolean good = true;
      for (int first = 0; first < samples; first += TILE) {
        TileKernels.rowProducts(kernel, first * b.length, b, a);
        good &= rowScalings(Math.min(TILE, samples - first), range);
        TileKernels.addColumnProducts(kernel, first * b.length, a, sums);
      }
      for (int k = 0; k < b.length; k++) {
        out[k] = b[k] * TileKernels.takeLanes(sums, k);
      }
      return good;
    }

    /** Turns {@code M b} into a; samples that only fill the last tile have no weight. */
    private boolean rowScalings(int real, Range range) {
      double low = a[0];
      double high = a[0];
      for (int j = 0; j < real; j++) {
        low = Math.min(low, a[j]);
        high = Math.max(high, a[j]);
      }
      for (int j = 0; j < TILE; j++) {
        a[j] = 1 / (samples * a[j]);
      }
      Arrays.fill(a, real, TILE, 0);
      return range.holds(low) && range.holds(high);
    }
  }

  /** In single precision: half the memory and the time. */
  final class Floats implements ScalingTiles {
    private static final int TILE = TileKernels.FLOATS;

    /** Subnormal numbers take a hundred times as long. */
    private static final double LEAST = 1e-30;

    private final int samples;
    private final float[] kernel;
    private final float[] a = new float[TILE];
    private final float[] b;
    private final float[] sums;

    Floats(int samples, int columns) {
      this.samples = samples;
      this.kernel = new float[Math.ceilDiv(samples, TILE) * TILE * columns];
      this.b = new float[columns];
      this.sums = new float[TileKernels.floatLanes(columns)];
    }

    @Override
    public void load(SampleTiles costs, double[] v, double[] s) {
      double[] row = new double[v.length];
      Arrays.fill(kernel, 1);
      for (int i = 0; i < samples; i++) {
        exponents(costs, i, v, s[i], row);
        for (int k = 0; k < row.length; k++) {
          kernel[(i / TILE * row.length + k) * TILE + i % TILE] =
              row[k] < LEAST ? 0 : (float) row[k];
        }
      }
    }

    @Override
    public boolean columnSums(double[] scalings, double[] out, Range range) {
      for (int k = 0; k < b.length; k++) {
        b[k] = (float) scalings[k];
      }
      boolean good = true;
      for (int first = 0; first < samples; first += TILE) {
        TileKernels.rowProducts(kernel, first * b.length, b, a);
        good &= rowScalings(Math.min(TILE, samples - first), range);
        TileKernels.addColumnProducts(kernel, first * b.length, a, sums);
      }
      for (int k = 0; k < b.length; k++) {
        out[k] = b[k] * TileKernels.takeLanes(sums, k);
      }
      return good;
    }

    /** Turns {@code M b} into a; samples that only fill the last tile have no weight. */
    private boolean rowScalings(int real, Range range) {
      float low = a[0];
      float high = a[0];
      for (int j = 0; j < real; j++) {
        low = Math.min(low, a[j]);
        high = Math.max(high, a[j]);
      }
      for (int j = 0; j < TILE; j++) {
        a[j] = 1 / (samples * a[j]);
      }
      Arrays.fill(a, real, TILE, 0);
      return range.holds(low) && range.holds(high);
    }
  }
}
