package org.tikhon.optimize;

import java.util.Arrays;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.tensor.TensorException;

/**
 * Solves with a small symmetric positive semi-definite matrix: by its Cholesky factor, or, where it
 * is singular, by the pseudo-inverse of the matrix scaled to a diagonal of ones.
 */
final class SymmetricFactor {
  /** A pivot below this part of its diagonal entry, or an eigenvalue, counts as zero. */
  private static final double SINGULAR = 1e-11;

  /** From this side on LibTorch's factor costs less than a plain loop. */
  private static final int LARGE = 64;

  private final double[][] lower;
  private final double[][] pseudoInverse;

  private SymmetricFactor(double[][] lower, double[][] pseudoInverse) {
    this.lower = lower;
    this.pseudoInverse = pseudoInverse;
  }

  static SymmetricFactor of(double[][] h) {
    double[][] lower = h.length < LARGE ? cholesky(h) : largeCholesky(h);
    return lower != null
        ? new SymmetricFactor(lower, null)
        : new SymmetricFactor(null, pseudoInverse(h));
  }

  private static double[][] cholesky(double[][] h) {
    int n = h.length;
    double[][] lower = new double[n][];
    for (int i = 0; i < n; i++) {
      double[] row = new double[i + 1];
      for (int j = 0; j < i; j++) {
        row[j] = (h[i][j] - prefixDot(row, lower[j], j)) / lower[j][j];
      }
      double pivot = h[i][i] - prefixDot(row, row, i);
      if (!(pivot > SINGULAR * h[i][i])) {
        return null;
      }
      row[i] = Math.sqrt(pivot);
      lower[i] = row;
    }
    return lower;
  }

  private static double[][] largeCholesky(double[][] h) {
    int n = h.length;
    double[] flat;
    try (Scope scope = Scope.open()) {
      flat = Linalg.cholesky(Tensor.of(h)).contiguous().toDoubleArray();
    } catch (TensorException e) {
      return null;
    }
    double[][] lower = new double[n][];
    for (int i = 0; i < n; i++) {
      lower[i] = Arrays.copyOfRange(flat, i * n, i * n + i + 1);
      if (!(lower[i][i] * lower[i][i] > SINGULAR * h[i][i])) {
        return null;
      }
    }
    return lower;
  }

  /** In four sums, which do not wait for each other. */
  private static double prefixDot(double[] a, double[] b, int length) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < length; i += 4) {
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (; i < length; i++) {
      s0 += a[i] * b[i];
    }
    return s0 + s1 + s2 + s3;
  }

  private static double[][] pseudoInverse(double[][] h) {
    int n = h.length;
    double[] scale = new double[n];
    double[][] scaled = new double[n][n];
    for (int i = 0; i < n; i++) {
      scale[i] = h[i][i] > 0 ? 1 / Math.sqrt(h[i][i]) : 0;
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        scaled[i][j] = scale[i] * h[i][j] * scale[j];
      }
    }
    double[][] inverse = new double[n][n];
    try (Scope scope = Scope.open()) {
      Linalg.Eigen eigen = Linalg.eigh(Tensor.of(scaled));
      double[] values = eigen.values().toDoubleArray();
      double[] vectors = eigen.vectors().contiguous().toDoubleArray();
      for (int e = 0; e < n; e++) {
        if (values[e] <= SINGULAR * values[n - 1]) {
          continue;
        }
        for (int i = 0; i < n; i++) {
          double left = scale[i] * vectors[i * n + e] / values[e];
          for (int j = 0; j < n; j++) {
            inverse[i][j] += left * vectors[j * n + e] * scale[j];
          }
        }
      }
    }
    return inverse;
  }

  /** H^-1 b. */
  double[] solve(double[] b) {
    int n = b.length;
    double[] out = new double[n];
    if (pseudoInverse != null) {
      for (int i = 0; i < n; i++) {
        out[i] = Vectors.dot(pseudoInverse[i], b);
      }
      return out;
    }
    for (int i = 0; i < n; i++) {
      out[i] = (b[i] - prefixDot(lower[i], out, i)) / lower[i][i];
    }
    for (int i = n - 1; i >= 0; i--) {
      out[i] /= lower[i][i];
      for (int j = 0; j < i; j++) {
        out[j] -= lower[i][j] * out[i];
      }
    }
    return out;
  }

  /** The largest eigenvalue. */
  static double largestEigenvalue(double[][] h) {
    if (h.length == 1) {
      return h[0][0];
    }
    try (Scope scope = Scope.open()) {
      return Linalg.eigvalsh(Tensor.of(h)).max().item();
    }
  }
}
