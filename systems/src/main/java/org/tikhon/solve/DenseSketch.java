package org.tikhon.solve;

import java.lang.foreign.MemorySegment;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** See {@link Sketch#gaussian}; S is drawn anew for a block of input rows whenever it is needed. */
final class DenseSketch extends Sketch {
  private static final long MOST_ENTRIES = 100_000_000;
  private static final int BLOCK = 256;

  private final long seed;
  private final boolean normal;

  DenseSketch(long n, int m, long seed, boolean normal) {
    super(n, m);
    if (n * m > MOST_ENTRIES) {
      throw new IllegalArgumentException(
          "a dense sketch of %d x %d is above %d entries; take srht".formatted(m, n, MOST_ENTRIES));
    }
    this.seed = seed;
    this.normal = normal;
  }

  /** The transposed columns of a block, {@code [256, m]} or, at the end, fewer. */
  private Tensor columns(long block) {
    // Neighbouring seeds and blocks must not meet: an odd factor, and the generator mixes.
    Rng rng = new Rng(seed * 0x9E3779B97F4A7C15L + block);
    long rows = Math.min(BLOCK, n - block * BLOCK);
    Tensor drawn = normal ? rng.normal(Dtype.FLOAT64, rows, m) : rng.signs(Dtype.FLOAT64, rows, m);
    return drawn.div(Math.sqrt(m));
  }

  @Override
  double[] column(long i) {
    try (Scope scope = Scope.open()) {
      return columns(i / BLOCK).get(i % BLOCK).toDoubleArray();
    }
  }

  @Override
  int blockRows(int columns) {
    return BLOCK;
  }

  @Override
  void block(long first, int rows, MemorySegment data, int columns, double[] out, Scratch scratch) {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.of(data, Dtype.FLOAT64, rows, columns);
      double[] product = columns(first / BLOCK).slice(0, 0, rows).mT().matmul(a).toDoubleArray();
      axpy(1, product, 0, out, 0, product.length);
    }
  }

  @Override
  double[] adjoint(double[] y, int k) {
    double[] result = new double[Math.toIntExact(n * k)];
    for (int first = 0; first < n; first += BLOCK) {
      try (Scope scope = Scope.open()) {
        double[] part = columns(first / BLOCK).matmul(Tensor.of(y, m, k)).toDoubleArray();
        System.arraycopy(part, 0, result, first * k, part.length);
      }
    }
    return result;
  }
}
