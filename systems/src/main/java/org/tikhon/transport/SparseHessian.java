package org.tikhon.transport;

import java.util.Arrays;

/**
 * The Hessian H of the dual potential (without -eta) with few off-diagonal entries,
 *
 * <pre>H_s = [[(1 + d) diag(P 1), P_s], [P_s', (1 + d) diag(P' 1)]].</pre>
 *
 * P_s keeps the q largest entries of P; the diagonal is that of the whole P, so H_s is diagonally
 * dominant and positive semi-definite for every q.
 *
 * @param diagonal {@code [n + m]}
 */
record SparseHessian(double[] diagonal, SparsePlan offDiagonal) {

  /**
   * @param q the number of entries to keep, 0 or more
   * @param damping d, 0 or more
   */
  static SparseHessian of(double[][] plan, double[] sums, long q, double damping) {
    double[] diagonal = new double[sums.length];
    for (int i = 0; i < sums.length; i++) {
      // A row without mass (far from the optimum) would make the preconditioner infinite.
      diagonal[i] = Math.max((1 + damping) * sums[i], Double.MIN_NORMAL);
    }
    return new SparseHessian(diagonal, SparsePlan.largest(plan, q));
  }

  /** {@code out = H_s v}. */
  void multiply(double[] v, double[] out) {
    for (int i = 0; i < v.length; i++) {
      out[i] = diagonal[i] * v[i];
    }
    offDiagonal.addSymmetric(v, out);
  }

  /**
   * Solves {@code H_s d = g} orthogonally to {@code w = (1; -1)} by conjugate gradients with the
   * diagonal as preconditioner, from 0. Right side, residuals and solution are projected: without
   * that, rounding along w stalls the last digits.
   *
   * @param direction takes the solution
   * @return the number of iterations
   */
  int solve(double[] g, double relativeTolerance, int maxIterations, double[] direction) {
    int length = g.length;
    Arrays.fill(direction, 0);
    double[] residual = g.clone();
    project(residual);
    double target = relativeTolerance * Math.sqrt(RowKernels.dot(residual, residual));
    double[] z = new double[length];
    double[] p = new double[length];
    double[] hp = new double[length];
    double rho = 0;
    int iterations = 0;
    while (iterations < maxIterations && RowKernels.dot(residual, residual) > target * target) {
      for (int i = 0; i < length; i++) {
        z[i] = residual[i] / diagonal[i];
      }
      double newRho = RowKernels.dot(residual, z);
      double beta = iterations == 0 ? 0 : newRho / rho;
      for (int i = 0; i < length; i++) {
        p[i] = z[i] + beta * p[i];
      }
      multiply(p, hp);
      double curvature = RowKernels.dot(p, hp);
      double alpha = newRho / curvature;
      if (!(curvature > 0) || !Double.isFinite(alpha)) {
        break;
      }
      RowKernels.addScaled(direction, p, alpha);
      RowKernels.addScaled(residual, hp, -alpha);
      project(residual);
      rho = newRho;
      iterations++;
    }
    project(direction);
    return iterations;
  }

  /** {@code v - w <w, v> / |w|^2}. */
  private void project(double[] v) {
    int n = offDiagonal.rows();
    double along = 0;
    for (int i = 0; i < n; i++) {
      along += v[i];
    }
    for (int i = n; i < v.length; i++) {
      along -= v[i];
    }
    along /= v.length;
    for (int i = 0; i < n; i++) {
      v[i] -= along;
    }
    for (int i = n; i < v.length; i++) {
      v[i] += along;
    }
  }
}
