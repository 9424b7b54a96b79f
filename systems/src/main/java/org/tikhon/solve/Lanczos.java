package org.tikhon.solve;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The Lanczos process with full re-orthogonalisation: {@code Q'Q = I} and {@code Q'AQ = T} with
 * {@code T = tridiag(beta, alpha, beta)}, in exact arithmetic of any length up to the dimension of
 * the Krylov space, where it ends by itself.
 *
 * <p>With {@code T = V Theta V'}, the Ritz values Theta and vectors {@code QV} approximate
 * eigenvalues and eigenvectors of A.
 *
 * @param q the basis as rows, {@code [m, n]}, FLOAT64
 * @param alpha the diagonal of T, {@code [m]}
 * @param beta what stands beside it, {@code [m - 1]}
 */
record Lanczos(Tensor q, double[] alpha, double[] beta) {
  /** The Krylov space ends where beta falls below this part of the largest entry of T. */
  private static final double END = 1e-12;

  /**
   * Ritz pairs, ascending.
   *
   * @param values {@code [m]}
   * @param vectors as rows, {@code [m, n]}, FLOAT64
   */
  record Ritz(double[] values, Tensor vectors) {}

  /** Runs m steps from {@code A g} with g normal. The basis belongs to the current scope. */
  static Lanczos run(SpdOperator a, int m, Rng rng) {
    int n = a.size();
    if (m < 1 || m > n) {
      throw new IllegalArgumentException(
          "the number of Lanczos steps must be in 1 to %d, was %d".formatted(n, m));
    }
    Tensor basis = Tensor.zeros(Dtype.FLOAT64, m, n);
    double[] alpha = new double[m];
    double[] beta = new double[m];
    double[] w = new double[n];
    try (Scope scope = Scope.open()) {
      a.apply(rng.normal(Dtype.FLOAT64, n).toDoubleArray(), w);
    }
    double largest = 0;
    for (int j = 0; j < m; j++) {
      double norm = Vectors.norm(w);
      largest = Math.max(largest, norm);
      if (!(norm > END * largest)) {
        return cut(basis, alpha, beta, j);
      }
      if (j > 0) {
        beta[j - 1] = norm;
      }
      Vectors.scale(w, w, 1 / norm);
      double[] v = w.clone();
      a.apply(v, w);
      alpha[j] = Vectors.dot(v, w);
      largest = j == 0 ? Math.abs(alpha[0]) : Math.max(largest, Math.abs(alpha[j]));
      orthogonalise(basis, v, w, j);
    }
    return cut(basis, alpha, beta, m);
  }

  /** Stores v as row j and takes all rows up to it out of w, twice, which is enough. */
  private static void orthogonalise(Tensor basis, double[] v, double[] w, int j) {
    try (Scope scope = Scope.open()) {
      basis.select(0, j).copy_(Tensor.of(v, v.length));
      Tensor rows = basis.narrow(0, 0, j + 1);
      Tensor rest = Tensor.of(w, w.length);
      for (int pass = 0; pass < 2; pass++) {
        rest = rest.sub(rows.t().mv(rows.mv(rest)));
      }
      System.arraycopy(rest.toDoubleArray(), 0, w, 0, w.length);
    }
  }

  private static Lanczos cut(Tensor basis, double[] alpha, double[] beta, int m) {
    if (m == 0) {
      throw new IllegalArgumentException("A must not be 0, but A g is 0 for a random vector g");
    }
    return new Lanczos(basis.narrow(0, 0, m), Arrays.copyOf(alpha, m), Arrays.copyOf(beta, m - 1));
  }

  /** {@code T}, {@code [m, m]}. */
  Tensor tridiagonal() {
    Tensor sides = Tensor.of(beta, beta.length).diagEmbed();
    int m = alpha.length;
    Tensor t = Tensor.of(alpha, m).diagEmbed();
    if (m > 1) {
      t.narrow(0, 0, m - 1).narrow(1, 1, m - 1).add_(sides);
      t.narrow(0, 1, m - 1).narrow(1, 0, m - 1).add_(sides);
    }
    return t;
  }

  /** All Ritz pairs. */
  Ritz ritz() {
    Linalg.Eigen eigen = Linalg.eigh(tridiagonal());
    return new Ritz(eigen.values().toDoubleArray(), eigen.vectors().t().matmul(q));
  }
}
