package org.tikhon.transport;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.tikhon.simd.VectorExp;

/** The inner loops: one row of a matrix at a time, which then lies in the nearest cache. */
final class RowKernels {
  private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;

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
    DoubleVector max = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    int lanes = D.length();
    int j = 0;
    for (; j <= t.length - lanes; j += lanes) {
      max = max.max(at(t, j));
    }
    double largest = max.reduceLanes(VectorOperators.MAX);
    for (; j < t.length; j++) {
      largest = Math.max(largest, t[j]);
    }
    return largest;
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

  /** Whether no value is NaN or infinite: zero times such a one is NaN. */
  static boolean allFinite(double[] t) {
    DoubleVector s = DoubleVector.zero(D);
    int lanes = D.length();
    int j = 0;
    for (; j <= t.length - lanes; j += lanes) {
      s = at(t, j).fma(DoubleVector.zero(D), s);
    }
    double rest = 0;
    for (; j < t.length; j++) {
      rest += 0 * t[j];
    }
    return s.reduceLanes(VectorOperators.ADD) + rest == 0;
  }

  /** {@code t_j = s t_j v_j}; gives the sum. */
  static double scale(double[] t, double s, double[] v) {
    for (int j = 0; j < t.length; j++) {
      t[j] *= s * v[j];
    }
    return sum(t);
  }

  /** {@code out += s t}. */
  static void addScaled(double[] out, double[] t, double s) {
    for (int j = 0; j < out.length; j++) {
      out[j] += s * t[j];
    }
  }

  /** {@code out = a - b}. */
  static void subtract(double[] a, double[] b, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] = a[j] - b[j];
    }
  }

  /** How many values are above {@code least}. */
  static int countAbove(double[] t, double least) {
    int count = 0;
    int lanes = D.length();
    int j = 0;
    for (; j <= t.length - lanes; j += lanes) {
      count += at(t, j).compare(VectorOperators.GT, least).trueCount();
    }
    for (; j < t.length; j++) {
      count += t[j] > least ? 1 : 0;
    }
    return count;
  }

  /** {@code sum_j max(t_j - least, 0)}. */
  static double excess(double[] t, double least) {
    DoubleVector zero = DoubleVector.zero(D);
    DoubleVector s = zero;
    int lanes = D.length();
    int j = 0;
    for (; j <= t.length - lanes; j += lanes) {
      s = s.add(at(t, j).sub(least).max(zero));
    }
    double rest = 0;
    for (; j < t.length; j++) {
      rest += Math.max(t[j] - least, 0);
    }
    return s.reduceLanes(VectorOperators.ADD) + rest;
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

  /** {@code <a, b>}, in the lanes of four vectors. */
  static double dot(double[] a, double[] b) {
    DoubleVector s0 = DoubleVector.zero(D);
    DoubleVector s1 = DoubleVector.zero(D);
    DoubleVector s2 = DoubleVector.zero(D);
    DoubleVector s3 = DoubleVector.zero(D);
    int lanes = D.length();
    int j = 0;
    for (; j <= a.length - 4 * lanes; j += 4 * lanes) {
      s0 = at(a, j).fma(at(b, j), s0);
      s1 = at(a, j + lanes).fma(at(b, j + lanes), s1);
      s2 = at(a, j + 2 * lanes).fma(at(b, j + 2 * lanes), s2);
      s3 = at(a, j + 3 * lanes).fma(at(b, j + 3 * lanes), s3);
    }
    double rest = 0;
    for (; j < a.length; j++) {
      rest += a[j] * b[j];
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD) + rest;
  }

  private static DoubleVector at(double[] a, int j) {
    return DoubleVector.fromArray(D, a, j);
  }

  /** {@code <a, b>} in single precision, likewise. */
  static double dot(float[] a, float[] b) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = FloatVector.zero(F);
    FloatVector s2 = FloatVector.zero(F);
    FloatVector s3 = FloatVector.zero(F);
    int lanes = F.length();
    int j = 0;
    for (; j <= a.length - 4 * lanes; j += 4 * lanes) {
      s0 = at(a, j).fma(at(b, j), s0);
      s1 = at(a, j + lanes).fma(at(b, j + lanes), s1);
      s2 = at(a, j + 2 * lanes).fma(at(b, j + 2 * lanes), s2);
      s3 = at(a, j + 3 * lanes).fma(at(b, j + 3 * lanes), s3);
    }
    float rest = 0;
    for (; j < a.length; j++) {
      rest += a[j] * b[j];
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD) + rest;
  }

  private static FloatVector at(float[] a, int j) {
    return FloatVector.fromArray(F, a, j);
  }

  /** {@code out += s t}. */
  static void addScaled(float[] out, float[] t, float s) {
    for (int j = 0; j < out.length; j++) {
      out[j] += s * t[j];
    }
  }
}
