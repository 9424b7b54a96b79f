package org.tikhon.simd;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The twin of the vector kernel of floats in plain Java, with the same arithmetic. */
final class ScalarFloatKernel implements Kernel {
  private static float get(Object x, long i) {
    return x instanceof float[] array
        ? array[(int) i]
        : ((MemorySegment) x).getAtIndex(JAVA_FLOAT_UNALIGNED, i);
  }

  private static void set(Object y, long i, float value) {
    if (y instanceof float[] array) {
      array[(int) i] = value;
    } else {
      ((MemorySegment) y).setAtIndex(JAVA_FLOAT_UNALIGNED, i, value);
    }
  }

  /** {@code (x - max) scale}, not below the clamp; a masked element is -∞. */
  private static float input(
      Object x, long i, float max, float scale, boolean[] mask, int maskIndex) {
    if (mask != null && !mask[maskIndex]) {
      return FloatExp.CLAMP;
    }
    float in = (get(x, i) - max) * scale;
    return in < FloatExp.CLAMP ? FloatExp.CLAMP : in;
  }

  @Override
  public void reduce(
      Object x, long from, int n, double scale, boolean[] mask, int maskFrom, Scratch scratch) {
    for (int i = 0; i < n; i++) {
      float in = input(x, from + i, 0, (float) scale, mask, maskFrom + i);
      scratch.clamped |= in == FloatExp.CLAMP;
      scratch.sum.add(FloatExp.mantissa(in), FloatExp.exponent(in));
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
    float high = reciprocal.floatHigh();
    float low = reciprocal.floatLow();
    for (int i = 0; i < n; i++) {
      float in = input(x, xFrom + i, (float) max, (float) scale, mask, maskFrom + i);
      float m = FloatExp.mantissa(in);
      float quotient = Math.fma(m, high, m * low);
      set(
          y,
          yFrom + i,
          quotient * FloatExp.flushed(FloatExp.exponent(in) - (int) reciprocal.exponent()));
    }
  }

  @Override
  public double max(Object x, long from, int n, boolean[] mask, int maskFrom) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      float in = get(x, from + i);
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
      float in = input(x, xFrom + i, (float) max, (float) scale, mask, maskFrom + i);
      scratch.clamped |= in == FloatExp.CLAMP;
      float exp = FloatExp.mantissa(in) * FloatExp.flushed(FloatExp.exponent(in));
      sum += exp;
      if (y != null) {
        set(y, yFrom + i, exp);
      }
    }
    return sum;
  }

  @Override
  public void multiply(Object y, long from, int n, double factor) {
    float scale = (float) factor;
    float smallest = (float) (FloatExp.SMALLEST / factor);
    for (int i = 0; i < n; i++) {
      float in = get(y, from + i);
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
    float shift = (float) max;
    float factor = (float) scale;
    float high = (float) log;
    float low = (float) (log - (float) log);
    for (int i = 0; i < n; i++) {
      boolean masked = mask != null && !mask[maskFrom + i];
      float in = masked ? Float.NEGATIVE_INFINITY : get(x, xFrom + i);
      set(y, yFrom + i, (in - shift) * factor - high - low);
    }
  }

  @Override
  public double dot(Object x, long xFrom, Object y, long yFrom, int n, Scratch scratch) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (double) get(x, xFrom + i) * get(y, yFrom + i);
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
    float mean = (float) dot;
    float factor = (float) scale;
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
    float total = (float) sum;
    float factor = (float) scale;
    for (int i = 0; i < n; i++) {
      float in = input(y, yFrom + i, 0, 1, null, 0);
      float p = FloatExp.mantissa(in) * FloatExp.flushed(FloatExp.exponent(in));
      set(dx, dxFrom + i, (get(dy, dyFrom + i) - p * total) * factor);
    }
  }

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yFrom + i, FloatExp.exp(get(x, xFrom + i)));
    }
  }
}
