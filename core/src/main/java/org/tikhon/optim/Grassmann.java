package org.tikhon.optim;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * The Grassmann manifold Gr(k, d) of k-dimensional subspaces of R^d, in batches.
 *
 * <p>A point is an orthonormal basis S of the subspace, {@code [..., d, k]} with {@code S^T S = I};
 * only its span matters. A tangent at S is a matrix G of the same shape with {@code S^T G = 0} (the
 * horizontal lift). Source: Edelman, Arias and Smith, "The geometry of algorithms with
 * orthogonality constraints" (1998).
 */
public final class Grassmann {
  private Grassmann() {}

  /**
   * Uniformly distributed subspaces {@code [count, d, k]} in FLOAT32: Q of the QR decomposition of
   * normal entries.
   *
   * @param k the subspaces' dimension, at least 1 and below d
   */
  public static Tensor random(long count, long d, long k, Rng rng) {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, was " + count);
    }
    checkDimension(d, k);
    return Linalg.qrPositive(rng.normal(Dtype.FLOAT32, count, d, k)).q();
  }

  /** Refuses a subspace dimension below 1 or not below the space's. */
  public static void checkDimension(long d, long k) {
    if (k < 1) {
      throw new IllegalArgumentException("subspace dimension must be at least 1, was " + k);
    }
    if (k >= d) {
      throw new IllegalArgumentException(
          "subspace dimension %d must be below the feature dimension %d".formatted(k, d));
    }
  }

  /** The tangent {@code G = D - S (S^T D)} at S that is nearest to a Euclidean gradient D. */
  public static Tensor project(Tensor s, Tensor euclidean) {
    checkShapes("euclidean", s, euclidean);
    Tensor inner = s.mT().matmul(euclidean);
    return addProduct_(euclidean.cloned(), s, inner.neg());
  }

  /**
   * A geodesic and how far it turns.
   *
   * @param point the end of the geodesic
   * @param largestAngle the largest angle by which a direction of any subspace was turned, in
   *     radians
   */
  public record Move(Tensor point, double largestAngle) {}

  /** The end of the geodesic that leaves S along a tangent for the time t (exponential map). */
  public static Tensor exp(Tensor s, Tensor tangent, double t) {
    return geodesic(s, tangent, t).point();
  }

  /**
   * The geodesic with the thin SVD {@code G = U Sigma V^T} of the tangent:
   *
   * <pre>S(t) = S V cos(t Sigma) V^T + U sin(t Sigma) V^T</pre>
   *
   * <p>Computed as {@code S f(G^T G) + G h(G^T G)} with the matrix functions {@code f(l) = cos(t
   * sqrt(l))} and {@code h(l) = sin(t sqrt(l)) / sqrt(l)}, from the eigenvalues of k x k matrices
   * in FLOAT64 instead of the SVD of d x k ones. Both functions are entire, so that small and zero
   * singular values cost no accuracy and need no U.
   */
  public static Move geodesic(Tensor s, Tensor tangent, double t) {
    checkShapes("tangent", s, tangent);
    Linalg.Eigen gram = Linalg.eigh(tangent.mT().matmul(tangent).to(Dtype.FLOAT64));
    Tensor v = gram.vectors();
    Tensor sigma = gram.values().clampMin(0).sqrt();
    Tensor angle = sigma.mul(t);
    // sin(t sigma) / sigma is t at 0.
    Tensor slope =
        Tensor.where(
            sigma.gt(0), angle.sin().div(sigma.clampMin(Double.MIN_NORMAL)), angle.fullLike(t));
    Tensor point =
        addProduct_(
            s.matmul(spectral(v, angle.cos(), s.dtype())), tangent, spectral(v, slope, s.dtype()));
    return new Move(point, angle.abs().max().item());
  }

  /** Adds {@code a b} to a sum in place: at this size, memory for another result costs more. */
  private static Tensor addProduct_(Tensor sum, Tensor a, Tensor b) {
    return sum.dim() == 3 ? sum.baddbmm_(a, b) : sum.add_(a.matmul(b));
  }

  /** {@code V diag(values) V^T}. */
  private static Tensor spectral(Tensor v, Tensor values, Dtype dtype) {
    return v.mul(values.unsqueeze(-2)).matmul(v.mT()).to(dtype);
  }

  /**
   * The QR retraction {@code qf(S + t G)}: agrees with the geodesic to second order in t. Q's
   * columns are signed so that they move continuously with t.
   */
  public static Tensor retractQr(Tensor s, Tensor tangent, double t) {
    checkShapes("tangent", s, tangent);
    return Linalg.qrPositive(s.addScaled(tangent, t)).q();
  }

  /**
   * The k principal angles between subspaces {@code [..., d, k]}, ascending, {@code [..., k]}.
   *
   * <p>Cosines are the singular values of {@code A^T B}, sines those of {@code B - A A^T B}; from
   * both, small and large angles are equally accurate.
   */
  public static Tensor principalAngles(Tensor a, Tensor b) {
    checkShapes("b", a, b);
    Tensor inner = a.mT().matmul(b);
    Tensor cosines = Linalg.svdvals(inner);
    Tensor sines = Linalg.svdvals(b.sub(a.matmul(inner))).flip(-1);
    return sines.atan2(cosines);
  }

  /** The length of the shortest geodesic: the norm of the principal angles, {@code [...]}. */
  public static Tensor distance(Tensor a, Tensor b) {
    return principalAngles(a, b).square().sum(-1).sqrt();
  }

  /**
   * The orthonormal basis of the same subspace that QR gives, with columns signed so that a basis
   * which is orthonormal already moves by rounding only.
   */
  public static Tensor reorthonormalize(Tensor s) {
    return Linalg.qrPositive(s).q();
  }

  private static void checkShapes(String name, Tensor s, Tensor other) {
    if (s.dim() < 2 || !Arrays.equals(s.shape(), other.shape())) {
      throw new IllegalArgumentException(
          "%s must have the shape [..., d, k] of the subspaces, %s, was %s"
              .formatted(name, Arrays.toString(s.shape()), Arrays.toString(other.shape())));
    }
  }
}
