package org.tikhon.tensor;

import org.bytedeco.pytorch.T_TensorTensorTensorTensor_T;
import org.bytedeco.pytorch.T_TensorTensorTensor_T;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.global.torch;

/** Linear algebra of (batches of) matrices: the last two dimensions are the matrix. */
public final class Linalg {
  private Linalg() {}

  /** {@code A = U diag(S) Vh}, with singular values in falling order. */
  public record Svd(Tensor u, Tensor s, Tensor vh) {}

  /**
   * {@code A = V diag(values) V^-1}. For a symmetric matrix the values rise and V is orthogonal.
   */
  public record Eigen(Tensor values, Tensor vectors) {}

  /** {@code A = Q R}. */
  public record Qr(Tensor q, Tensor r) {}

  /** The determinant as sign and logarithm of its absolute value. */
  public record LogDet(Tensor sign, Tensor logAbsDet) {}

  /**
   * The thin singular value decomposition: {@code [m, n] -> [m, k], [k], [k, n]} with k = min(m,
   * n).
   */
  public static Svd svd(Tensor a) {
    return Tensor.call(
        () -> {
          try (T_TensorTensorTensor_T r = torch.linalg_svd(a.raw, false, Tensor.NO_STRING)) {
            return new Svd(Tensor.alias(r.get0()), Tensor.alias(r.get1()), Tensor.alias(r.get2()));
          }
        });
  }

  /**
   * The leading singular triplets by randomised subspace iteration (Halko, Martinsson and Tropp
   * 2011, algorithms 4.4 and 5.1): with a Gaussian matrix {@code G [n, q]} and q = rank +
   * oversampling,
   *
   * <pre>
   * Q = qr(A G);  iterations times: Q = qr(A^T Q), Q = qr(A Q);  A ~ Q svd(Q^T A)
   * </pre>
   *
   * cut to the rank. Costs {@code O(m n q (2 iterations + 2))}.
   *
   * @param a a real matrix {@code [m, n]}
   * @param rank how many triplets, 1 to min(m, n)
   * @param oversampling extra columns of G, 0 or more; a few make the result markedly better
   * @param iterations 0 or more; more for a spectrum that falls slowly
   */
  public static Svd randomizedSvd(Tensor a, long rank, long oversampling, int iterations, Rng rng) {
    if (a.dim() != 2) {
      throw new IllegalArgumentException("a must be a matrix, it has " + a.dim() + " dimensions");
    }
    long full = Math.min(a.size(0), a.size(1));
    if (rank < 1 || rank > full) {
      throw new IllegalArgumentException(
          "rank must be in 1.."
              + full
              + " for a matrix "
              + a.size(0)
              + " x "
              + a.size(1)
              + ", was "
              + rank);
    }
    if (oversampling < 0 || iterations < 0) {
      throw new IllegalArgumentException(
          "oversampling and iterations must be 0 or more, were "
              + oversampling
              + " and "
              + iterations);
    }
    try (Scope scope = Scope.open()) {
      long columns = Math.min(full, rank + oversampling);
      Tensor gaussian = rng.normal(a.dtype(), a.size(1), columns).to(a.device());
      Tensor q = qr(a.matmul(gaussian)).q();
      for (int i = 0; i < iterations; i++) {
        q = qr(a.mT().matmul(q)).q();
        q = qr(a.matmul(q)).q();
      }
      Svd small = svd(q.mT().matmul(a));
      return new Svd(
          scope.keep(q.matmul(small.u().narrow(1, 0, rank))),
          scope.keep(small.s().narrow(0, 0, rank).cloned()),
          scope.keep(small.vh().narrow(0, 0, rank).contiguous()));
    }
  }

  /** The singular values in falling order. */
  public static Tensor svdvals(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_svdvals(a.raw));
  }

  /** Eigenvalues and eigenvectors of a symmetric (Hermitian) matrix; its lower triangle is read. */
  public static Eigen eigh(Tensor a) {
    return eigen(Tensor.pair(() -> torch.linalg_eigh(a.raw)));
  }

  /** Eigenvalues of a symmetric (Hermitian) matrix, rising. */
  public static Tensor eigvalsh(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_eigvalsh(a.raw));
  }

  /** Complex eigenvalues and eigenvectors of a square matrix. */
  public static Eigen eig(Tensor a) {
    return eigen(Tensor.pair(() -> torch.linalg_eig(a.raw)));
  }

  private static Eigen eigen(Tensor.Indexed pair) {
    return new Eigen(pair.values(), pair.indices());
  }

  /** The reduced QR decomposition. */
  public static Qr qr(Tensor a) {
    Tensor.Indexed pair = Tensor.pair(() -> torch.linalg_qr(a.raw));
    return new Qr(pair.values(), pair.indices());
  }

  /**
   * The reduced QR decomposition whose R has a non-negative diagonal, which makes it unique for
   * full rank.
   */
  public static Qr qrPositive(Tensor a) {
    Qr qr = qr(a);
    Tensor diagonal = qr.r().diagonal();
    Tensor signs = Tensor.where(diagonal.lt(0), diagonal.fullLike(-1), diagonal.onesLike());
    return new Qr(qr.q().mul(signs.unsqueeze(-2)), qr.r().mul(signs.unsqueeze(-1)));
  }

  /**
   * The lower Cholesky factor of a positive definite matrix.
   *
   * @throws TensorException if it is not positive definite
   */
  public static Tensor cholesky(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_cholesky(a.raw));
  }

  /** The solution of {@code A X = B} for square A. */
  public static Tensor solve(Tensor a, Tensor b) {
    return Tensor.wrap(() -> torch.linalg_solve(a.raw, b.raw));
  }

  /** The solution of {@code A X = B} from the lower Cholesky factor of A. */
  public static Tensor choleskySolve(Tensor b, Tensor factor) {
    return Tensor.wrap(() -> torch.cholesky_solve(b.raw, factor.raw));
  }

  /** The solution of {@code A X = B} for triangular A. */
  public static Tensor solveTriangular(Tensor a, Tensor b, boolean upper) {
    return Tensor.wrap(() -> torch.linalg_solve_triangular(a.raw, b.raw, upper));
  }

  /** The X that minimises {@code ||A X - B||} (full rank assumed, QR with pivoting). */
  public static Tensor lstsq(Tensor a, Tensor b) {
    return Tensor.call(
        () -> {
          try (T_TensorTensorTensorTensor_T r =
              torch.linalg_lstsq(a.raw, b.raw, Tensor.NO_DOUBLE, Tensor.NO_STRING)) {
            return Tensor.alias(r.get0());
          }
        });
  }

  /** The Moore-Penrose inverse. */
  public static Tensor pinv(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_pinv(a.raw));
  }

  /** The inverse of a square matrix. */
  public static Tensor inv(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_inv(a.raw));
  }

  public static Tensor det(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_det(a.raw));
  }

  /** Sign and log-absolute value of the determinant. */
  public static LogDet slogdet(Tensor a) {
    try (T_TensorTensor_T r = Tensor.call(() -> torch.linalg_slogdet(a.raw))) {
      return new LogDet(Tensor.alias(r.get0()), Tensor.alias(r.get1()));
    }
  }

  /** The logarithm of the determinant; NaN where it is negative. */
  public static Tensor logdet(Tensor a) {
    return Tensor.wrap(() -> torch.logdet(a.raw));
  }

  /** The matrix exponential. */
  public static Tensor matrixExp(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_matrix_exp(a.raw));
  }

  /** An integer power of a square matrix. */
  public static Tensor matrixPower(Tensor a, long exponent) {
    return Tensor.wrap(() -> torch.matrix_power(a.raw, exponent));
  }

  /** The Frobenius norm. */
  public static Tensor frobeniusNorm(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_matrix_norm(a.raw));
  }

  /** The spectral norm: the largest singular value. */
  public static Tensor spectralNorm(Tensor a) {
    return Tensor.scalar(2, s -> torch.linalg_matrix_norm(a.raw, s));
  }

  /** The nuclear norm: the sum of the singular values. */
  public static Tensor nuclearNorm(Tensor a) {
    return svdvals(a).sum(-1);
  }

  /** The numerical rank. */
  public static Tensor matrixRank(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_matrix_rank(a.raw));
  }

  /** The condition number in the spectral norm. */
  public static Tensor cond(Tensor a) {
    return Tensor.wrap(() -> torch.linalg_cond(a.raw));
  }
}
