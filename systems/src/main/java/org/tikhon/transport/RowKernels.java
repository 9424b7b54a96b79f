package org.tikhon.transport;

/** The inner loops: one row of a matrix at a time, which then lies in the nearest cache. */
final class RowKernels {
  private RowKernels() {}

  /** {@code out_j = b_j - eta cost_j}. */
  static void exponents(double[] b, double[] cost, double eta, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] = b[j] - eta * cost[j];
    }
  }

  static double max(double[] t) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < t.length; j++) {
      max = Math.max(max, t[j]);
    }
    return max;
  }

  /** {@code t_j = exp(min(t_j + shift, cap))}; gives the sum. */
  static double expSum(double[] t, double shift, double cap) {
    double sum = 0;
    for (int j = 0; j < t.length; j++) {
      t[j] = Math.exp(Math.min(t[j] + shift, cap));
      sum += t[j];
    }
    return sum;
  }

  /** {@code out += s t}. */
  static void addScaled(double[] out, double[] t, double s) {
    for (int j = 0; j < out.length; j++) {
      out[j] += s * t[j];
    }
  }

  /** {@code <a, b>}, in four partial sums that do not wait for each other. */
  static double dot(double[] a, double[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int j = 0;
    for (; j < a.length - 3; j += 4) {
      s0 += a[j] * b[j];
      s1 += a[j + 1] * b[j + 1];
      s2 += a[j + 2] * b[j + 2];
      s3 += a[j + 3] * b[j + 3];
    }
    for (; j < a.length; j++) {
      s0 += a[j] * b[j];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
