package org.tikhon.solve;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The inner loops over vectors and the rows of a grid. */
final class Vectors {
  private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = D.length();

  private Vectors() {}

  private static DoubleVector at(double[] a, int i) {
    return DoubleVector.fromArray(D, a, i);
  }

  /** {@code a'b}. */
  static double dot(double[] a, double[] b) {
    DoubleVector s0 = DoubleVector.zero(D);
    DoubleVector s1 = DoubleVector.zero(D);
    DoubleVector s2 = DoubleVector.zero(D);
    DoubleVector s3 = DoubleVector.zero(D);
    int i = 0;
    for (; i <= a.length - 4 * LANES; i += 4 * LANES) {
      s0 = at(a, i).fma(at(b, i), s0);
      s1 = at(a, i + LANES).fma(at(b, i + LANES), s1);
      s2 = at(a, i + 2 * LANES).fma(at(b, i + 2 * LANES), s2);
      s3 = at(a, i + 3 * LANES).fma(at(b, i + 3 * LANES), s3);
    }
    double rest = 0;
    for (; i < a.length; i++) {
      rest += a[i] * b[i];
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD) + rest;
  }

  static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  /** {@code y += s x}. */
  static void addScaled(double[] y, double[] x, double s) {
    int i = 0;
    for (; i <= y.length - LANES; i += LANES) {
      at(x, i).mul(s).add(at(y, i)).intoArray(y, i);
    }
    for (; i < y.length; i++) {
      y[i] += s * x[i];
    }
  }

  /** {@code y = x + s y}. */
  static void scaleAndAdd(double[] y, double[] x, double s) {
    int i = 0;
    for (; i <= y.length - LANES; i += LANES) {
      at(y, i).mul(s).add(at(x, i)).intoArray(y, i);
    }
    for (; i < y.length; i++) {
      y[i] = x[i] + s * y[i];
    }
  }

  /** {@code y = s x}; y may be x. */
  static void scale(double[] y, double[] x, double s) {
    for (int i = 0; i < y.length; i++) {
      y[i] = s * x[i];
    }
  }

  /** The first index of a number that is not finite, or -1. */
  static int notFinite(double[] a) {
    for (int i = 0; i < a.length; i++) {
      if (!Double.isFinite(a[i])) {
        return i;
      }
    }
    return -1;
  }

  /**
   * The row of a grid that begins at {@code from}: {@code y_j = diagonal_j x_j - x_(j-1) -
   * x_(j+1)}, without the neighbours that the row does not have.
   */
  static void along(double[] diagonal, double[] x, double[] y, int from, int width) {
    int last = from + width - 1;
    y[from] = diagonal[from] * x[from] - (width > 1 ? x[from + 1] : 0);
    int i = from + 1;
    for (; i <= last - LANES; i += LANES) {
      at(diagonal, i).mul(at(x, i)).sub(at(x, i - 1)).sub(at(x, i + 1)).intoArray(y, i);
    }
    for (; i < last; i++) {
      y[i] = diagonal[i] * x[i] - x[i - 1] - x[i + 1];
    }
    if (width > 1) {
      y[last] = diagonal[last] * x[last] - x[last - 1];
    }
  }

  /** As {@link #along}, of x times a mask of ones and zeros. */
  static void along(double[] diagonal, double[] mask, double[] x, double[] y, int from, int width) {
    int last = from + width - 1;
    y[from] = diagonal[from] * x[from] - (width > 1 ? mask[from + 1] * x[from + 1] : 0);
    int i = from + 1;
    for (; i <= last - LANES; i += LANES) {
      at(diagonal, i)
          .mul(at(x, i))
          .sub(at(mask, i - 1).mul(at(x, i - 1)))
          .sub(at(mask, i + 1).mul(at(x, i + 1)))
          .intoArray(y, i);
    }
    for (; i < last; i++) {
      y[i] = diagonal[i] * x[i] - mask[i - 1] * x[i - 1] - mask[i + 1] * x[i + 1];
    }
    if (width > 1) {
      y[last] = diagonal[last] * x[last] - mask[last - 1] * x[last - 1];
    }
  }

  /** {@code y_(to + j) -= x_(from + j)} for a row. */
  static void subtract(double[] x, int from, double[] y, int to, int width) {
    int j = 0;
    for (; j <= width - LANES; j += LANES) {
      at(y, to + j).sub(at(x, from + j)).intoArray(y, to + j);
    }
    for (; j < width; j++) {
      y[to + j] -= x[from + j];
    }
  }

  /** As {@link #subtract}, of x times a mask. */
  static void subtract(double[] mask, double[] x, int from, double[] y, int to, int width) {
    int j = 0;
    for (; j <= width - LANES; j += LANES) {
      at(y, to + j).sub(at(mask, from + j).mul(at(x, from + j))).intoArray(y, to + j);
    }
    for (; j < width; j++) {
      y[to + j] -= mask[from + j] * x[from + j];
    }
  }

  /** {@code y_j *= mask_j} for a row. */
  static void mask(double[] mask, double[] y, int from, int width) {
    for (int i = from; i < from + width; i++) {
      y[i] *= mask[i];
    }
  }
}
