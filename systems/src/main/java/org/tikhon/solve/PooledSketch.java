package org.tikhon.solve;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.tikhon.simd.Hadamard;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/** See {@link Sketch#gaussianPooling}. */
final class PooledSketch extends Sketch {
  private final int padded;
  private final Signs signs;
  private final int[] order;

  /** The Gaussian factors, divided by sqrt(N). */
  private final double[] factors;

  PooledSketch(long n, int m, long wanted, long seed) {
    super(n, m);
    long size = wanted == 0 ? Signs.padded(n) : wanted;
    if (size < n || Long.bitCount(size) != 1 || size > 1 << 30) {
      throw new IllegalArgumentException(
          "padded must be a power of two from %d to 2^30, was %d".formatted(n, size));
    }
    if (m > size) {
      throw new IllegalArgumentException("m must be at most %d, was %d".formatted(size, m));
    }
    this.padded = (int) size;
    Rng rng = new Rng(seed);
    this.signs = new Signs(n, rng);
    try (Scope scope = Scope.open()) {
      this.order = rng.permutation(padded).to(Dtype.INT32).toIntArray();
      this.factors = rng.normal(Dtype.FLOAT64, padded).div(Math.sqrt(padded)).toDoubleArray();
    }
  }

  private int pool(int k) {
    return (int) ((long) k * m / padded);
  }

  @Override
  double[] column(long i) {
    double[] column = new double[m];
    for (int k = 0; k < padded; k++) {
      column[pool(k)] += factors[k] * signs.of(i) * Signs.hadamard(order[k], i);
    }
    return column;
  }

  /** All at once: every row of the transform is needed. */
  @Override
  int blockRows(int columns) {
    return Math.toIntExact(n);
  }

  @Override
  void block(long first, int rows, MemorySegment data, int columns, double[] out, Scratch scratch) {
    double[] x = scratch.of(Math.multiplyExact(padded, columns));
    for (int i = 0; i < rows; i++) {
      long at = 8L * i * columns;
      MemorySegment.copy(data, ValueLayout.JAVA_DOUBLE_UNALIGNED, at, x, i * columns, columns);
      multiply(x, i * columns, columns, signs.of(i));
    }
    Hadamard.transformInPlace(x, padded, columns);
    for (int k = 0; k < padded; k++) {
      axpy(factors[k], x, order[k] * columns, out, pool(k) * columns, columns);
    }
  }

  private static void multiply(double[] x, int from, int n, double factor) {
    for (int i = from; i < from + n; i++) {
      x[i] *= factor;
    }
  }

  @Override
  double[] adjoint(double[] y, int k) {
    double[] x = new double[Math.multiplyExact(padded, k)];
    for (int j = 0; j < padded; j++) {
      axpy(factors[j], y, pool(j) * k, x, order[j] * k, k);
    }
    Hadamard.transformInPlace(x, padded, k);
    double[] result = Arrays.copyOf(x, Math.toIntExact(n * k));
    for (int i = 0; i < n; i++) {
      multiply(result, i * k, k, signs.of(i));
    }
    return result;
  }
}
