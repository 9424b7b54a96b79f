package org.tikhon.solve;

import java.util.Arrays;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.tensor.TensorException;

/**
 * Square matrices as arrays of rows, for loops in which a LibTorch call costs more than its
 * arithmetic; large ones go to LibTorch all the same.
 */
final class SquareRows {
  /** Up to 200 rows the loops were measured to be faster than LibTorch with its copies. */
  static final int LARGE = 256;

  private static final int BLOCK = 4;

  /** An inverse of an M-matrix is nonnegative; this much is rounding. */
  private static final double ROUNDING = -1e-6;

  private SquareRows() {}

  static double[][] copy(double[][] a) {
    double[][] copy = new double[a.length][];
    Arrays.setAll(copy, i -> a[i].clone());
    return copy;
  }

  static void copyTo(double[][] from, double[][] to) {
    for (int i = 0; i < from.length; i++) {
      System.arraycopy(from[i], 0, to[i], 0, from[i].length);
    }
  }

  static double[][] identity(int d) {
    double[][] a = new double[d][d];
    for (int i = 0; i < d; i++) {
      a[i][i] = 1;
    }
    return a;
  }

  static double trace(double[][] a) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i][i];
    }
    return sum;
  }

  static double absSum(double[][] a) {
    double sum = 0;
    for (double[] row : a) {
      for (double v : row) {
        sum += Math.abs(v);
      }
    }
    return sum;
  }

  /** {@code out = a b}; {@code out} is neither of them. */
  static void multiply(double[][] a, double[][] b, double[][] out) {
    if (a.length >= LARGE) {
      try (Scope scope = Scope.open()) {
        unpack(Tensor.of(a).matmul(Tensor.of(b)), out);
      }
      return;
    }
    int d = a.length;
    int blocked = d - d % BLOCK;
    for (int i = 0; i < d; i++) {
      double[] row = a[i];
      double[] sum = out[i];
      Arrays.fill(sum, 0);
      for (int k = 0; k < blocked; k += BLOCK) {
        addScaled(
            sum, row[k], b[k], row[k + 1], b[k + 1], row[k + 2], b[k + 2], row[k + 3], b[k + 3]);
      }
      for (int k = blocked; k < d; k++) {
        addScaled(sum, row[k], b[k]);
      }
    }
  }

  private static void scale(double[] row, double f) {
    for (int j = 0; j < row.length; j++) {
      row[j] *= f;
    }
  }

  private static void addScaled(double[] out, double f, double[] x) {
    for (int j = 0; j < out.length; j++) {
      out[j] += f * x[j];
    }
  }

  private static void addScaled(
      double[] out,
      double f,
      double[] x,
      double g,
      double[] y,
      double h,
      double[] z,
      double k,
      double[] u) {
    for (int j = 0; j < out.length; j++) {
      out[j] += f * x[j] + g * y[j] + h * z[j] + k * u[j];
    }
  }

  private static void unpack(Tensor from, double[][] to) {
    double[] flat = from.toDoubleArray();
    for (int i = 0; i < to.length; i++) {
      System.arraycopy(flat, i * to.length, to[i], 0, to.length);
    }
  }

  /**
   * Inverts a matrix whose entries off the diagonal are 0 or negative, in place, if it is a
   * nonsingular M-matrix. That is so if its inverse has no negative entry, and also if elimination
   * without exchanges of rows meets positive pivots only (Berman and Plemmons 1994, theorem 6.2.3),
   * which is what small matrices are asked for.
   *
   * @return whether it is one; otherwise the content of {@code a} is of no use
   */
  static boolean invertMMatrix(double[][] a) {
    if (a.length >= LARGE) {
      return invertLarge(a);
    }
    int d = a.length;
    for (int first = 0; first < d; first += BLOCK) {
      int end = Math.min(first + BLOCK, d);
      if (!eliminate(a, first, end)) {
        return false;
      }
      for (int i = 0; i < d; i++) {
        if (i < first || i >= end) {
          subtract(a, i, first, end);
        }
      }
    }
    return true;
  }

  private static boolean invertLarge(double[][] a) {
    try (Scope scope = Scope.open()) {
      Tensor inverse = Linalg.inv(Tensor.of(a));
      if (!(inverse.min().item() >= ROUNDING)) {
        return false;
      }
      unpack(inverse, a);
      return true;
    } catch (TensorException singular) {
      return false;
    }
  }

  /** Gauss-Jordan elimination among the rows of a block. */
  private static boolean eliminate(double[][] a, int first, int end) {
    for (int k = first; k < end; k++) {
      double[] pivotRow = a[k];
      double pivot = pivotRow[k];
      if (!(pivot > 0)) {
        return false;
      }
      pivotRow[k] = 1;
      scale(pivotRow, 1 / pivot);
      for (int i = first; i < end; i++) {
        if (i != k) {
          double factor = a[i][k];
          a[i][k] = 0;
          addScaled(a[i], -factor, pivotRow);
        }
      }
    }
    return true;
  }

  private static void subtract(double[][] a, int i, int first, int end) {
    double[] row = a[i];
    if (end - first == BLOCK) {
      double f = -row[first];
      double g = -row[first + 1];
      double h = -row[first + 2];
      double k = -row[first + 3];
      Arrays.fill(row, first, end, 0);
      addScaled(row, f, a[first], g, a[first + 1], h, a[first + 2], k, a[first + 3]);
    } else {
      // All factors before the first subtraction, which changes the others.
      double[] factors = Arrays.copyOfRange(row, first, end);
      Arrays.fill(row, first, end, 0);
      for (int p = first; p < end; p++) {
        addScaled(row, -factors[p - first], a[p]);
      }
    }
  }

  /**
   * The logarithm of the determinant of a nonsingular M-matrix, by elimination; NaN if it is none.
   */
  static double logDetMMatrix(double[][] a) {
    double[][] u = copy(a);
    double sum = 0;
    for (int k = 0; k < u.length; k++) {
      double pivot = u[k][k];
      if (!(pivot > 0)) {
        return Double.NaN;
      }
      sum += Math.log(pivot);
      for (int i = k + 1; i < u.length; i++) {
        double factor = u[i][k] / pivot;
        if (factor != 0) {
          addScaled(u[i], -factor, u[k]);
        }
      }
    }
    return sum;
  }

  /**
   * {@code e^A - I} for a matrix without negative entries, each entry to nearly full precision: no
   * term cancels another. Taylor's series to the 12th power of {@code A / 2^k}, with a norm of at
   * most 1/4, then k times {@code F <- 2 F + F F}.
   */
  static double[][] expMinusIdentity(double[][] a) {
    int d = a.length;
    double norm = 0;
    for (double[] row : a) {
      norm = Math.max(norm, Arrays.stream(row).sum());
    }
    int halvings = norm > 0.25 ? (int) Math.ceil(Math.log(norm / 0.25) / Math.log(2)) : 0;
    double scale = Math.scalb(1.0, -halvings);
    double[][] first = copy(a);
    for (double[] row : first) {
      scale(row, scale);
    }
    double[][] second = new double[d][d];
    double[][] third = new double[d][d];
    double[][] fourth = new double[d][d];
    multiply(first, first, second);
    multiply(second, first, third);
    multiply(second, second, fourth);
    double[] c = new double[13];
    c[0] = 1;
    for (int n = 1; n < c.length; n++) {
      c[n] = c[n - 1] / n;
    }
    // A (c1 + c2 A + c3 A^2 + c4 A^3 + A^4 (c5 + ... + c8 A^3 + A^4 (c9 + ... + c12 A^3))).
    double[][] sum = cubic(c, 9, first, second, third);
    double[][] product = new double[d][d];
    for (int from = 5; from > 0; from -= 4) {
      multiply(fourth, sum, product);
      sum = cubic(c, from, first, second, third);
      add(sum, 1, product);
    }
    double[][] result = new double[d][d];
    multiply(first, sum, result);
    for (int k = 0; k < halvings; k++) {
      multiply(result, result, product);
      add(result, 2, product);
    }
    return result;
  }

  /** {@code c_n I + c_(n+1) A + c_(n+2) A^2 + c_(n+3) A^3}. */
  private static double[][] cubic(double[] c, int n, double[][] a, double[][] a2, double[][] a3) {
    double[][] out = new double[a.length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        out[i][j] = c[n + 1] * a[i][j] + c[n + 2] * a2[i][j] + c[n + 3] * a3[i][j];
      }
      out[i][i] += c[n];
    }
    return out;
  }

  /** {@code a = s a + b}. */
  private static void add(double[][] a, double s, double[][] b) {
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a.length; j++) {
        a[i][j] = s * a[i][j] + b[i][j];
      }
    }
  }

  /** Inverts a nonsingular matrix of any kind in place, by elimination with exchanges of rows. */
  static void invert(double[][] a) {
    int d = a.length;
    int[] exchanged = new int[d];
    for (int k = 0; k < d; k++) {
      int p = k;
      for (int i = k + 1; i < d; i++) {
        p = Math.abs(a[i][k]) > Math.abs(a[p][k]) ? i : p;
      }
      double[] pivotRow = a[p];
      a[p] = a[k];
      a[k] = pivotRow;
      exchanged[k] = p;
      double inverse = 1 / pivotRow[k];
      pivotRow[k] = 1;
      scale(pivotRow, inverse);
      for (int i = 0; i < d; i++) {
        if (i != k) {
          double factor = a[i][k];
          a[i][k] = 0;
          addScaled(a[i], -factor, pivotRow);
        }
      }
    }
    for (int k = d - 1; k >= 0; k--) {
      for (double[] row : a) {
        double v = row[k];
        row[k] = row[exchanged[k]];
        row[exchanged[k]] = v;
      }
    }
  }

  /** The logarithm of the absolute determinant of a matrix of any kind. */
  static double logAbsDet(double[][] a) {
    try (Scope scope = Scope.open()) {
      return Linalg.slogdet(Tensor.of(a)).logAbsDet().item();
    }
  }
}
