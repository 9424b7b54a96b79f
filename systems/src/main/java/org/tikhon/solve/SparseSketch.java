package org.tikhon.solve;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/** A sketch with few entries a column, all of one size; column by column. */
final class SparseSketch extends Sketch {
  private static final int BLOCK = 1024;

  /** Where the entries of column i begin: {@code starts[i]}, or {@code i * each}. */
  private final int[] starts;

  private final int each;
  private final int[] targets;
  private final Signs signs;
  private final double scale;

  private SparseSketch(
      long n, int m, int[] starts, int each, int[] targets, Signs signs, double scale) {
    super(n, m);
    this.starts = starts;
    this.each = each;
    this.targets = targets;
    this.signs = signs;
    this.scale = scale;
  }

  /** {@link Sketch#osnap}, and {@link Sketch#countSketch} with s = 1. */
  static SparseSketch blocks(long n, int m, int s, long seed) {
    if (s < 1 || m % s != 0) {
      throw new IllegalArgumentException(
          "s must divide the %d rows of the sketch, was %d".formatted(m, s));
    }
    Rng rng = new Rng(seed);
    try (Scope scope = Scope.open()) {
      int[] targets = rng.integers(0, m / s, n, s).to(Dtype.INT32).toIntArray();
      for (int i = 0; i < targets.length; i++) {
        targets[i] += i % s * (m / s);
      }
      return new SparseSketch(n, m, null, s, targets, new Signs(n * s, rng), 1 / Math.sqrt(s));
    }
  }

  /** {@link Sketch#uniformRows}. */
  static SparseSketch sampled(long n, int m, long seed) {
    try (Scope scope = Scope.open()) {
      long[] rows = new Rng(seed).integers(0, n, m).toLongArray();
      int[] starts = new int[Math.toIntExact(n) + 1];
      for (long row : rows) {
        starts[(int) row + 1]++;
      }
      Arrays.parallelPrefix(starts, Integer::sum);
      int[] next = starts.clone();
      int[] targets = new int[m];
      for (int r = 0; r < m; r++) {
        targets[next[(int) rows[r]]++] = r;
      }
      return new SparseSketch(n, m, starts, 0, targets, null, Math.sqrt((double) n / m));
    }
  }

  /** {@link Sketch#identity}. */
  static SparseSketch identity(long n) {
    int rows = Math.toIntExact(n);
    return new SparseSketch(n, rows, null, 1, IntStream.range(0, rows).toArray(), null, 1);
  }

  private int start(long i) {
    return starts == null ? (int) (i * each) : starts[(int) i];
  }

  private double entry(int k) {
    return signs != null && signs.isNegative(k) ? -scale : scale;
  }

  @Override
  double[] column(long i) {
    double[] column = new double[m];
    for (int k = start(i); k < start(i + 1); k++) {
      column[targets[k]] += entry(k);
    }
    return column;
  }

  @Override
  boolean readsAllRows() {
    return starts == null;
  }

  @Override
  int blockRows(int columns) {
    return BLOCK;
  }

  @Override
  void block(long first, int rows, MemorySegment data, int columns, double[] out, Scratch scratch) {
    double[] row = scratch.of(columns);
    for (int t = 0; t < rows; t++) {
      MemorySegment.copy(
          data, ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * t * columns, row, 0, columns);
      for (int k = start(first + t); k < start(first + t + 1); k++) {
        axpy(entry(k), row, 0, out, targets[k] * columns, columns);
      }
    }
  }

  @Override
  double[] adjoint(double[] y, int k) {
    double[] result = new double[Math.toIntExact(n * k)];
    for (int i = 0; i < n; i++) {
      for (int e = start(i); e < start(i + 1); e++) {
        axpy(entry(e), y, targets[e] * k, result, i * k, k);
      }
    }
    return result;
  }
}
