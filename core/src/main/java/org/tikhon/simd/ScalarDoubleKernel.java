package org.tikhon.simd;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;

import java.lang.foreign.MemorySegment;

/** The twin of {@link VectorDoubleKernel} in plain Java, with the same arithmetic. */
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

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yFrom + i, DoubleExp.exp(get(x, xFrom + i)));
    }
  }
}
