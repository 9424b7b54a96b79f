package org.tikhon.transport;

import org.tikhon.simd.VectorExp;

/** The inner loops: one row of a matrix at a time, which then lies in the nearest cache. */
final class RowKernels {
  /**
   * Far above the subnormal numbers, on which the processor takes a hundred times as long: neither
   * the exponentials nor their products with masses and scalings may become subnormal.
   */
  private static final double LOWEST = -650;

  /** As the kernel computes it, so that the difference is exactly 0. */
  private static final double EXP_LOWEST = exp(LOWEST);

  private RowKernels() {}

  private static double exp(double t) {
    double[] one = {t};
    VectorExp.exp(one, one);
    return one[0];
  }

  /** {@code out_j = b_j - eta cost_j}. */
  static void exponents(double[] b, double[] cost, double eta, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] = b[j] - eta * cost[j];
    }
  }

  static double max(double[] t) {
    double max = Double.NEGATIVE_INFINITY;
    for (double v : t) {
      max = Math.max(max, v);
    }
    return max;
  }

  /**
   * {@code t_j = exp(min(t_j + shift, cap))}, exactly 0 where that is below e^-650; gives the sum.
   */
  static double expSum(double[] t, double shift, double cap) {
    for (int j = 0; j < t.length; j++) {
      t[j] = Math.max(Math.min(t[j] + shift, cap), LOWEST);
    }
    VectorExp.exp(t, t);
    for (int j = 0; j < t.length; j++) {
      t[j] -= EXP_LOWEST;
    }
    return sum(t);
  }

  /** {@code out += s t}. */
  static void addScaled(double[] out, double[] t, double s) {
    for (int j = 0; j < out.length; j++) {
      out[j] += s * t[j];
    }
  }

  /** The sum, in partial sums that do not wait for each other. */
  static double sum(double[] a) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int j = 0;
    for (; j < a.length - 7; j += 8) {
      s0 += a[j];
      s1 += a[j + 1];
      s2 += a[j + 2];
      s3 += a[j + 3];
      s4 += a[j + 4];
      s5 += a[j + 5];
      s6 += a[j + 6];
      s7 += a[j + 7];
    }
    for (; j < a.length; j++) {
      s0 += a[j];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  /** {@code <a, b>}, likewise. */
  static double dot(double[] a, double[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int j = 0;
    for (; j < a.length - 7; j += 8) {
      s0 += a[j] * b[j];
      s1 += a[j + 1] * b[j + 1];
      s2 += a[j + 2] * b[j + 2];
      s3 += a[j + 3] * b[j + 3];
      s4 += a[j + 4] * b[j + 4];
      s5 += a[j + 5] * b[j + 5];
      s6 += a[j + 6] * b[j + 6];
      s7 += a[j + 7] * b[j + 7];
    }
    for (; j < a.length; j++) {
      s0 += a[j] * b[j];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }
}
