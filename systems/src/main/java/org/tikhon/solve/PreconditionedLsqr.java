package org.tikhon.solve;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * LSQR (Paige and Saunders 1982) for {@code min |M z - r|} with {@code M = A P}, {@code P =
 * diag(1/scale) R^-1}; then {@code x = x0 + P z}.
 */
final class PreconditionedLsqr {
  private final Tensor a;
  private final Tensor inverse;
  private final double tolerance;
  private final int most;

  /**
   * @param gradient {@code |M^T (b - A x)|}, computed anew at the end
   */
  record Result(Tensor x, int iterations, boolean converged, double residual, double gradient) {}

  PreconditionedLsqr(Tensor a, LsqResult.Factor factor, double tolerance, int most) {
    this.a = a;
    this.tolerance = tolerance;
    this.most = most;
    Tensor r = factor.r().to(a.device());
    Tensor eye = Tensor.eye(r.size(0), Dtype.FLOAT64).to(a.device());
    this.inverse =
        Linalg.solveTriangular(r, eye, true).div(factor.scale().to(a.device()).unsqueeze(1));
  }

  /** P. */
  Tensor inverse() {
    return inverse;
  }

  private Tensor forward(Tensor v) {
    return a.mv(inverse.mv(v));
  }

  private Tensor backward(Tensor u) {
    return inverse.mT().mv(a.mT().mv(u));
  }

  Result solve(Tensor b, Tensor start) {
    double size = b.norm().item();
    Tensor u = b.sub(a.mv(start));
    double beta = u.norm().item();
    Tensor z = start.zerosLike();
    int iterations = 0;
    boolean converged = beta <= tolerance * size;
    if (!converged) {
      u = u.div(beta);
      Tensor v = backward(u);
      double alpha = v.norm().item();
      converged = alpha <= tolerance;
      if (!converged) {
        v = v.div(alpha);
        Tensor w = v.cloned();
        double phi = beta;
        double rho = alpha;
        while (!converged && iterations < most) {
          try (Scope scope = Scope.open()) {
            Tensor nextU = forward(v).addScaled(u, -alpha);
            beta = nextU.norm().item();
            u.copy_(beta > 0 ? nextU.div(beta) : nextU);
            Tensor nextV = backward(u).addScaled(v, -beta);
            alpha = nextV.norm().item();
            v.copy_(alpha > 0 ? nextV.div(alpha) : nextV);
            double length = Math.hypot(rho, beta);
            double c = rho / length;
            double s = beta / length;
            z.add_(w, c * phi / length);
            w.copy_(v.addScaled(w, -s * alpha / length));
            rho = -c * alpha;
            phi = s * phi;
            iterations++;
            // |r| = phi and |M^T r| = phi alpha |c|.
            converged = phi <= tolerance * size || alpha * Math.abs(c) <= tolerance;
          }
        }
      }
    }
    Tensor x = start.add(inverse.mv(z));
    Tensor residual = b.sub(a.mv(x));
    return new Result(
        x, iterations, converged, residual.norm().item(), backward(residual).norm().item());
  }
}
