package org.tikhon.solve;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.tikhon.simd.Hadamard;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * See {@link Sketch#srht}. With blocks of B rows, B a power of two, {@code H_N} is the Kronecker
 * product of {@code H_(N/B)} and {@code H_B}: block p is transformed by itself, and of the result
 * row {@code i mod B} goes with sign {@code H_(N/B)[i / B, p]} to the sketch's row that picks i.
 */
final class SrhtSketch extends Sketch {
  private static final int LEAST_BLOCK = 1024;
  private static final int MOST_ELEMENTS = 1 << 23;

  /** Columns that are transformed together, so that a cache line is used whole. */
  private static final int TILE = 64;

  private final long padded;
  private final Signs signs;
  private final long[] picked;
  private final double scale;

  SrhtSketch(long n, int m, long seed, boolean replacement) {
    super(n, m);
    this.padded = Signs.padded(n);
    if (!replacement && m > padded) {
      throw new IllegalArgumentException(
          "m must be at most %d without replacement, was %d".formatted(padded, m));
    }
    Rng rng = new Rng(seed);
    this.signs = new Signs(n, rng);
    try (Scope scope = Scope.open()) {
      Tensor rows =
          replacement ? rng.integers(0, padded, m) : rng.permutation(padded).slice(0, 0, m);
      this.picked = rows.toLongArray();
    }
    this.scale = 1 / Math.sqrt(m);
  }

  @Override
  double[] column(long i) {
    double[] column = new double[m];
    for (int r = 0; r < m; r++) {
      column[r] = scale * signs.of(i) * Signs.hadamard(picked[r], i);
    }
    return column;
  }

  @Override
  int blockRows(int columns) {
    long room = Long.highestOneBit(Math.max(1, MOST_ELEMENTS / columns));
    long wanted = Math.max(LEAST_BLOCK, Signs.padded(2L * m));
    return (int) Math.min(padded, Math.min(wanted, room));
  }

  @Override
  void block(long first, int rows, MemorySegment data, int columns, double[] out, Scratch scratch) {
    int block = blockRows(columns);
    long p = first / block;
    for (int from = 0; from < columns; from += TILE) {
      int width = Math.min(TILE, columns - from);
      double[] tile = scratch.of(block * width);
      for (int t = 0; t < rows; t++) {
        long at = 8 * ((long) t * columns + from);
        MemorySegment.copy(data, ValueLayout.JAVA_DOUBLE_UNALIGNED, at, tile, t * width, width);
        if (signs.isNegative(first + t)) {
          negate(tile, t * width, width);
        }
      }
      Arrays.fill(tile, rows * width, block * width, 0);
      Hadamard.transformInPlace(tile, 0, block, width);
      for (int r = 0; r < m; r++) {
        double sign = scale * Signs.hadamard(picked[r] / block, p);
        int row = (int) (picked[r] % block);
        axpy(sign, tile, row * width, out, r * columns + from, width);
      }
    }
  }

  private static void negate(double[] x, int from, int n) {
    for (int i = from; i < from + n; i++) {
      x[i] = -x[i];
    }
  }

  @Override
  double[] adjoint(double[] y, int k) {
    int rows = Math.toIntExact(padded);
    double[] x = new double[Math.multiplyExact(rows, k)];
    for (int r = 0; r < m; r++) {
      axpy(scale, y, r * k, x, (int) picked[r] * k, k);
    }
    Hadamard.transformInPlace(x, rows, k);
    return signed(x, k);
  }

  private double[] signed(double[] x, int k) {
    double[] result = Arrays.copyOf(x, Math.toIntExact(n * k));
    for (int i = 0; i < n; i++) {
      if (signs.isNegative(i)) {
        negate(result, i * k, k);
      }
    }
    return result;
  }
}
