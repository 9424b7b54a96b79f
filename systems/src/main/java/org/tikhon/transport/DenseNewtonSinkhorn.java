package org.tikhon.transport;

import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Sinkhorn sweeps followed by Newton steps with the whole Hessian: {@link SinkhornNewtonSparse}
 * without sparsity, damping and conjugate gradients, as a reference for small problems.
 *
 * <p>A step solves {@code ([[diag(P 1), P], [P', diag(P' 1)]] + s w w') d = g} directly; {@code w =
 * (1; -1)} is the null vector, and the term makes d the solution orthogonal to it. Memory {@code 8
 * (n + m)^2} bytes, time {@code O((n + m)^3)} a step.
 *
 * <p>Default settings: 20 warm-up sweeps, tolerance 1e-12 in the L1 marginal error, at most 50
 * steps.
 */
public final class DenseNewtonSinkhorn implements TransportSolver {
  private final double eta;
  private int warmup = 20;
  private double tolerance = 1e-12;
  private int maxNewton = 50;

  /**
   * @param eta the inverse of the regularisation epsilon, positive, in 1 / units of the cost
   */
  public DenseNewtonSinkhorn(double eta) {
    this.eta = EntropicProblem.checkEta(eta);
  }

  /** The number of sweeps before the first Newton step, at least 1. */
  public DenseNewtonSinkhorn warmup(int sweeps) {
    if (sweeps < 1) {
      throw new IllegalArgumentException(
          "warmup must be at least 1 (Newton's method diverges from a cold start), was " + sweeps);
    }
    this.warmup = sweeps;
    return this;
  }

  /** Stops at this L1 marginal error, 0 or more. */
  public DenseNewtonSinkhorn tolerance(double tolerance) {
    this.tolerance = EntropicProblem.checkTolerance(tolerance);
    return this;
  }

  /** The number of Newton steps after which it gives up, 0 or more. */
  public DenseNewtonSinkhorn maxNewton(int steps) {
    if (steps < 0) {
      throw new IllegalArgumentException("maxNewton must be 0 or more, was " + steps);
    }
    this.maxNewton = steps;
    return this;
  }

  @Override
  public TransportSolution solve(TransportProblem transport, TransportSolution warmStart) {
    EntropicProblem problem = EntropicNewton.problem(eta, transport);
    Trace trace = new Trace();
    EntropicDual dual =
        new EntropicDual(problem, problem.startX(warmStart), problem.startY(warmStart), true);
    dual.sweeps(warmup, tolerance, trace);
    EntropicNewton.ascend(dual, DenseNewtonSinkhorn::direction, tolerance, maxNewton, trace);
    return dual.result(tolerance, trace);
  }

  private static int direction(EntropicDual dual, double[] g, double error, double[] direction) {
    int n = dual.a.length;
    int length = g.length;
    // Of the size of the other eigenvalues, which lie around the mean of the sums.
    double s = 2 * dual.planMass() / length / length;
    double[] h = new double[Math.multiplyExact(length, length)];
    for (int i = 0; i < length; i++) {
      for (int j = 0; j < length; j++) {
        boolean sameBlock = i < n == j < n;
        double entry = sameBlock ? 0 : i < n ? dual.plan[i][j - n] : dual.plan[j][i - n];
        h[i * length + j] = entry + (sameBlock ? s : -s);
      }
      h[i * length + i] += dual.sums[i];
    }
    try (Scope scope = Scope.open()) {
      Tensor d = Linalg.solve(Tensor.of(h, length, length), Tensor.of(g, length, 1));
      System.arraycopy(d.toDoubleArray(), 0, direction, 0, length);
    }
    return 0;
  }
}
