package org.tikhon.simd;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The twin of the vector kernel of doubles in plain Java, with the same arithmetic. */
final class ScalarDoubleKernel implements Kernel {
  private static double get(Object x, long i) {
    return x instanceof double[] array
        ? array[(int) i]
        : ((MemorySegment) x).getAtIndex(JAVA_DOUBLE_UNALIGNED, i);
  }

  private static void set(Object y, long i, double value) {
    if (y instanceof double[] array) {
      array[(int) i] = value;
    } else {
      ((MemorySegment) y).setAtIndex(JAVA_DOUBLE_UNALIGNED, i, value);
    }
  }

  /** {@code (x - max) scale}, not below the clamp; a masked element is -∞. */
  private static double input(
      Object x, long i, double max, double scale, boolean[] mask, int maskIndex) {
    if (mask != null && !mask[maskIndex]) {
      return DoubleExp.CLAMP;
    }
    double in = (get(x, i) - max) * scale;
    return in < DoubleExp.CLAMP ? DoubleExp.CLAMP : in;
  }

  @Override
  public void reduce(
      Object x, long from, int n, double scale, boolean[] mask, int maskFrom, Scratch scratch) {
    for (int i = 0; i < n; i++) {
      double in = input(x, from + i, 0, scale, mask, maskFrom + i);
      scratch.clamped |= in == DoubleExp.CLAMP;
      scratch.sum.add(DoubleExp.mantissa(in), DoubleExp.exponent(in));
    }
  }

  @Override
  public void write(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Reciprocal reciprocal) {
    double high = reciprocal.high();
    double low = reciprocal.low();
    for (int i = 0; i < n; i++) {
      double in = input(x, xFrom + i, max, scale, mask, maskFrom + i);
      double m = DoubleExp.mantissa(in);
      double quotient = Math.fma(m, high, m * low);
      set(
          y,
          yFrom + i,
          quotient * DoubleExp.flushed(DoubleExp.exponent(in) - reciprocal.exponent()));
    }
  }

  @Override
  public double max(Object x, long from, int n, boolean[] mask, int maskFrom) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      double in = get(x, from + i);
      if (in > max && (mask == null || mask[maskFrom + i])) {
        max = in;
      }
    }
    return max;
  }

  @Override
  public double sumExp(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Scratch scratch) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double in = input(x, xFrom + i, max, scale, mask, maskFrom + i);
      scratch.clamped |= in == DoubleExp.CLAMP;
      double exp = DoubleExp.mantissa(in) * DoubleExp.flushed(DoubleExp.exponent(in));
      sum += exp;
      if (y != null) {
        set(y, yFrom + i, exp);
      }
    }
    return sum;
  }

  @Override
  public void multiply(Object y, long from, int n, double factor) {
    double scale = factor;
    double smallest = (DoubleExp.SMALLEST / factor);
    for (int i = 0; i < n; i++) {
      double in = get(y, from + i);
      set(y, from + i, (in < smallest ? 0 : in) * scale);
    }
  }

  @Override
  public void subtract(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      double log) {
    double shift = max;
    double factor = scale;
    double high = log;
    for (int i = 0; i < n; i++) {
      boolean masked = mask != null && !mask[maskFrom + i];
      double in = masked ? Double.NEGATIVE_INFINITY : get(x, xFrom + i);
      set(y, yFrom + i, (in - shift) * factor - high);
    }
  }

  @Override
  public double dot(Object x, long xFrom, Object y, long yFrom, int n, Scratch scratch) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += get(x, xFrom + i) * get(y, yFrom + i);
    }
    return sum;
  }

  @Override
  public double sum(Object x, long from, int n, Scratch scratch) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += get(x, from + i);
    }
    return sum;
  }

  @Override
  public void backward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double dot,
      double scale) {
    double mean = dot;
    double factor = scale;
    for (int i = 0; i < n; i++) {
      set(dx, dxFrom + i, get(y, yFrom + i) * (get(dy, dyFrom + i) - mean) * factor);
    }
  }

  @Override
  public void logBackward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double sum,
      double scale) {
    double total = sum;
    double factor = scale;
    for (int i = 0; i < n; i++) {
      double in = input(y, yFrom + i, 0, 1, null, 0);
      double p = DoubleExp.mantissa(in) * DoubleExp.flushed(DoubleExp.exponent(in));
      set(dx, dxFrom + i, (get(dy, dyFrom + i) - p * total) * factor);
    }
  }

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yFrom + i, DoubleExp.exp(get(x, xFrom + i)));
    }
  }
}
