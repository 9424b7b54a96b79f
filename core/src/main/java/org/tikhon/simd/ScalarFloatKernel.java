package org.tikhon.simd;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The twin of {@link VectorFloatKernel} in plain Java, with the same arithmetic. */
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

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yFrom + i, FloatExp.exp(get(x, xFrom + i)));
    }
  }
}
