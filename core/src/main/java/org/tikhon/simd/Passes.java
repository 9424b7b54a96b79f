package org.tikhon.simd;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The passes over rows of any length: kernels over chunks of at most {@link Kernel#CHUNK}. */
final class Passes {
  private static final AtomicReferenceArray<Passes> CACHE = new AtomicReferenceArray<>(5 * 16);

  /** After how many elements the sum is looked at. */
  private static final int PIECE = 1 << 15;

  private final boolean doubles;
  private final boolean masked;

  /** The fast ones do without clamping, for rows without -∞. */
  private final Kernel fast;

  private final Kernel kernel;
  private final Kernel recompute;
  private final Kernel fastRecompute;

  private Passes(int bits, boolean heap, boolean doubles, boolean masked, boolean tempered) {
    this.doubles = doubles;
    this.masked = masked;
    this.fast =
        Kernels.create(doubles, new Kernels.Variant(bits, heap, masked, tempered, false, false));
    this.kernel =
        Kernels.create(doubles, new Kernels.Variant(bits, heap, masked, tempered, false, true));
    this.fastRecompute =
        Kernels.create(doubles, new Kernels.Variant(bits, heap, masked, tempered, true, false));
    this.recompute =
        Kernels.create(doubles, new Kernels.Variant(bits, heap, masked, tempered, true, true));
  }

  /** The passes of a variant, made at its first use. */
  static Passes of(int bits, boolean heap, boolean doubles, boolean masked, boolean tempered) {
    int width = bits == Kernels.SCALAR ? 0 : Integer.numberOfTrailingZeros(bits) - 5;
    int index =
        width * 16 + (heap ? 8 : 0) + (doubles ? 4 : 0) + (masked ? 2 : 0) + (tempered ? 1 : 0);
    Passes passes = CACHE.get(index);
    if (passes == null) {
      CACHE.compareAndSet(index, null, new Passes(bits, heap, doubles, masked, tempered));
      passes = CACHE.get(index);
    }
    return passes;
  }

  private static int chunk(long left) {
    return (int) Math.min(Kernel.CHUNK, left);
  }

  /**
   * Sets {@code scratch.sum} to {@code sum exp(scale x)}, right if it is in range. Begins without
   * clamping and goes on with it from the first piece whose sum is NaN.
   */
  void reduce(
      Object x, long from, long n, double scale, boolean[] mask, int maskFrom, Scratch scratch) {
    ExtendedSum sum = scratch.sum;
    sum.clear();
    scratch.clamped = masked;
    for (long i = 0; i < n; ) {
      int size = (int) Math.min(PIECE, n - i);
      double mantissa = sum.mantissa();
      long exponent = sum.wholeExponent();
      (scratch.clamped ? kernel : fast)
          .reduce(x, from + i, size, scale, mask, maskFrom + (int) i, scratch);
      if (Double.isNaN(sum.mantissa()) && !scratch.clamped) {
        sum.set(mantissa, exponent);
        scratch.clamped = true;
      } else {
        i += size;
      }
    }
  }

  /**
   * {@code y = exp(scale x) r}.
   *
   * @param clamped what {@link #reduce} left in the scratch
   */
  void write(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      double scale,
      boolean[] mask,
      int maskFrom,
      Reciprocal reciprocal,
      boolean clamped) {
    Kernel variant = clamped ? kernel : fast;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      variant.write(
          x, xFrom + i, y, yFrom + i, chunk(n - i), 0, scale, mask, maskFrom + (int) i, reciprocal);
    }
  }

  /**
   * {@code y = exp((x - max) scale) r}.
   *
   * @param clamped what {@link #sumExp} left in the scratch
   */
  void writeRecompute(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Reciprocal reciprocal,
      boolean clamped) {
    Kernel variant = clamped ? recompute : fastRecompute;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      variant.write(
          x,
          xFrom + i,
          y,
          yFrom + i,
          chunk(n - i),
          max,
          scale,
          mask,
          maskFrom + (int) i,
          reciprocal);
    }
  }

  double max(Object x, long from, long n, boolean[] mask, int maskFrom) {
    double max = Double.NEGATIVE_INFINITY;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      max = Math.max(max, kernel.max(x, from + i, chunk(n - i), mask, maskFrom + (int) i));
    }
    return max;
  }

  /**
   * {@code sum exp((x - max) scale)}; keeps the terms in y unless y is null. Without y it begins
   * without clamping, as {@link #reduce} does.
   */
  double sumExp(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Scratch scratch) {
    if (y == null && !masked) {
      scratch.clamped = false;
      double sum = sumExp(fastRecompute, x, xFrom, null, 0, n, max, scale, mask, maskFrom, scratch);
      if (!Double.isNaN(sum)) {
        return sum;
      }
    }
    scratch.clamped = true;
    return sumExp(
        y == null ? recompute : kernel, x, xFrom, y, yFrom, n, max, scale, mask, maskFrom, scratch);
  }

  private static double sumExp(
      Kernel variant,
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Scratch scratch) {
    double sum = 0;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      sum +=
          variant.sumExp(
              x,
              xFrom + i,
              y,
              yFrom + i,
              chunk(n - i),
              max,
              scale,
              mask,
              maskFrom + (int) i,
              scratch);
    }
    return sum;
  }

  void multiply(Object y, long from, long n, double factor) {
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      kernel.multiply(y, from + i, chunk(n - i), factor);
    }
  }

  void subtract(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      double log) {
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      kernel.subtract(
          x, xFrom + i, y, yFrom + i, chunk(n - i), max, scale, mask, maskFrom + (int) i, log);
    }
  }

  void backward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      long n,
      double scale,
      Scratch scratch) {
    double dot = 0;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      dot += kernel.dot(y, yFrom + i, dy, dyFrom + i, chunk(n - i), scratch);
    }
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      kernel.backward(y, yFrom + i, dy, dyFrom + i, dx, dxFrom + i, chunk(n - i), dot, scale);
    }
  }

  void logBackward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      long n,
      double scale,
      Scratch scratch) {
    double sum = 0;
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      sum += kernel.sum(dy, dyFrom + i, chunk(n - i), scratch);
    }
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      kernel.logBackward(y, yFrom + i, dy, dyFrom + i, dx, dxFrom + i, chunk(n - i), sum, scale);
    }
  }

  void exp(Object x, long xFrom, Object y, long yFrom, long n) {
    for (long i = 0; i < n; i += Kernel.CHUNK) {
      kernel.exp(x, xFrom + i, y, yFrom + i, chunk(n - i));
    }
  }

  double get(Object x, long i) {
    return switch (x) {
      case float[] array -> array[(int) i];
      case double[] array -> array[(int) i];
      case MemorySegment s when doubles -> s.getAtIndex(JAVA_DOUBLE_UNALIGNED, i);
      default -> ((MemorySegment) x).getAtIndex(JAVA_FLOAT_UNALIGNED, i);
    };
  }

  void fill(Object y, long from, long n, double value) {
    switch (y) {
      case float[] array -> Arrays.fill(array, (int) from, (int) (from + n), (float) value);
      case double[] array -> Arrays.fill(array, (int) from, (int) (from + n), value);
      default -> {
        MemorySegment segment = (MemorySegment) y;
        for (long i = from; i < from + n; i++) {
          if (doubles) {
            segment.setAtIndex(JAVA_DOUBLE_UNALIGNED, i, value);
          } else {
            segment.setAtIndex(JAVA_FLOAT_UNALIGNED, i, (float) value);
          }
        }
      }
    }
  }

  boolean hasNaN(Object x, long from, long n) {
    for (long i = 0; i < n; i++) {
      if (Double.isNaN(get(x, from + i))) {
        return true;
      }
    }
    return false;
  }
}
