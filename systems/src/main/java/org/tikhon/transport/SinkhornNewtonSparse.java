package org.tikhon.transport;

import org.tikhon.Paper;

/**
 * Sinkhorn-Newton-Sparse: entropic optimal transport to machine precision, also with little
 * regularisation.
 *
 * <p>For a cost C {@code [n, m]}, marginals r {@code [n]} and c {@code [m]} of the same mass and
 * {@code eta = 1 / epsilon},
 *
 * <pre>
 * min &lt;C, P&gt; + (1 / eta) sum_ij P_ij log P_ij  over  P 1 = r, P' 1 = c
 * = max f(x, y) = -(1 / eta) sum_ij exp(eta (x_i + y_j - C_ij) - 1) + &lt;r, x&gt; + &lt;c, y&gt;.
 * </pre>
 *
 * <p>Stage 1: N1 sweeps of {@link Sinkhorn}. Stage 2, with {@code g = (r - P 1; c - P' 1)} and
 * {@code H = [[diag(P 1), P], [P', diag(P' 1)]]}, at most N2 times:
 *
 * <ol>
 *   <li>stop if {@code |g|_1 <= tolerance};
 *   <li>keep the {@code ceil(rho max(n, m))} largest entries of P off the diagonal and all of the
 *       diagonal, times {@code 1 + 0.01 |g|_1}: H_s;
 *   <li>solve {@code H_s d = g / eta} by conjugate gradients with the diagonal as preconditioner,
 *       to 1e-4 (1e-6 once {@code |g|_2 < 1e-6}), at most 2 (n + m) iterations, orthogonally to (1;
 *       -1), along which f is constant;
 *   <li>go along d by 1, 1/2, 1/4, ... until f has risen by 1e-4 of what the slope promises, or,
 *       near the end, the gradient has become smaller; if nothing helps, ten Sinkhorn sweeps.
 * </ol>
 *
 * <p>After a few sweeps P is near a vertex of the linear program, which has fewer than n + m
 * entries, so H_s is nearly H and a step costs about a sweep; the error squares from step to step.
 *
 * <p>Default settings: 20 warm-up sweeps (the paper's; use {@link #autoWarmup} where the optimum of
 * the linear program is not unique, as with L1 costs), rho 16 (30 for L1-like costs), tolerance
 * 1e-12 in {@code |g|_1}, at most 50 steps, damping 0.01. With a plan that is nearly a permutation
 * H_s is close to singular and 50 steps may not do; then the plan says that it has not converged.
 *
 * <p>The keeping of whole diagonals, damping, projection, the acceptance rule and the rescue sweeps
 * are ours. In double precision an error of 1e-12 needs {@code eta max C} below about 1e4; up to
 * 1e6 nothing overflows, but the last digits are lost.
 */
@Paper(
    number = 25,
    title = "Accelerating Sinkhorn Algorithm with Sparse Newton Iterations",
    authors =
        "Xun Tang, Michael Shavlovsky, Holakou Rahmanian, Elisa Tardini, Kiran Koshy Thekumparampil, Tesi Xiao, Lexing Ying",
    year = 2024,
    url = "https://arxiv.org/abs/2401.12253")
public final class SinkhornNewtonSparse implements TransportSolver {
  private static final int AUTO = 0;
  private static final int AUTO_CHUNK = 10;
  private static final int AUTO_MOST = 500;
  private static final double AUTO_ERROR = 0.1;
  private static final double AUTO_LOST_MASS = 1e-3;

  private final double eta;
  private int warmup = 20;
  private double keepPerRow = 16;
  private double tolerance = 1e-12;
  private int maxNewton = 50;
  private double damping = 0.01;
  private double cgTolerance = 1e-4;
  private boolean epsilonScaling;

  /**
   * @param eta the inverse of the regularisation epsilon, positive, in 1 / units of the cost
   */
  public SinkhornNewtonSparse(double eta) {
    this.eta = EntropicProblem.checkEta(eta);
  }

  /** N1, the number of sweeps before the first Newton step: at least 1. */
  public SinkhornNewtonSparse warmup(int sweeps) {
    if (sweeps < 1) {
      throw new IllegalArgumentException(
          "warmup must be at least 1 (Newton's method diverges from a cold start), was " + sweeps);
    }
    this.warmup = sweeps;
    return this;
  }

  /**
   * Sweeps until the marginal error is below a tenth of the mass and the entries that are kept hold
   * all but a thousandth of it; at most 500 sweeps.
   */
  public SinkhornNewtonSparse autoWarmup() {
    this.warmup = AUTO;
    return this;
  }

  /** rho: the entries of P that are kept, divided by max(n, m); 0 or more. */
  public SinkhornNewtonSparse keepPerRow(double rho) {
    if (!(rho >= 0)) {
      throw new IllegalArgumentException("keepPerRow must be 0 or more, was " + rho);
    }
    this.keepPerRow = rho;
    return this;
  }

  /** Stops at this L1 marginal error, 0 or more. */
  public SinkhornNewtonSparse tolerance(double tolerance) {
    this.tolerance = EntropicProblem.checkTolerance(tolerance);
    return this;
  }

  /** N2, the number of Newton steps after which it gives up; 0 is Sinkhorn alone. */
  public SinkhornNewtonSparse maxNewton(int steps) {
    if (steps < 0) {
      throw new IllegalArgumentException("maxNewton must be 0 or more, was " + steps);
    }
    this.maxNewton = steps;
    return this;
  }

  /** The diagonal of H_s is multiplied by 1 + damping times the marginal error; 0 or more. */
  public SinkhornNewtonSparse damping(double damping) {
    if (!(damping >= 0) || Double.isInfinite(damping)) {
      throw new IllegalArgumentException("damping must be 0 or more, was " + damping);
    }
    this.damping = damping;
    return this;
  }

  /** The conjugate gradients' relative tolerance, in (0, 1); at most 1e-6 is used near the end. */
  public SinkhornNewtonSparse cgTolerance(double relative) {
    if (!(relative > 0 && relative < 1)) {
      throw new IllegalArgumentException("cgTolerance must be in (0, 1), was " + relative);
    }
    this.cgTolerance = relative;
    return this;
  }

  /** Starts with up to N1 sweeps (500 if automatic) each for eta / 8, eta / 4 and eta / 2. */
  public SinkhornNewtonSparse epsilonScaling(boolean on) {
    this.epsilonScaling = on;
    return this;
  }

  @Override
  public TransportSolution solve(TransportProblem transport, TransportSolution warmStart) {
    EntropicProblem problem = EntropicNewton.problem(eta, transport);
    double[] x = problem.startX(warmStart);
    double[] y = problem.startY(warmStart);
    long q = (long) Math.ceil(keepPerRow * Math.max(problem.n(), problem.m()));
    Trace trace = new Trace();
    EntropicDual dual =
        epsilonScaling
            ? EpsilonScaling.start(problem, x, y, warmup == AUTO ? AUTO_MOST : warmup, trace, true)
            : new EntropicDual(problem, x, y, true);
    if (warmup == AUTO) {
      sweepUntilSparse(dual, q, trace);
    } else {
      dual.sweeps(warmup, tolerance, trace);
    }
    EntropicNewton.ascend(
        dual,
        (d, g, error, direction) -> direction(d, q, g, error, direction),
        tolerance,
        maxNewton,
        trace);
    return dual.result(tolerance, trace);
  }

  private void sweepUntilSparse(EntropicDual dual, long q, Trace trace) {
    double mass = dual.problem.mass();
    for (int sweeps = 0; sweeps < AUTO_MOST; sweeps += AUTO_CHUNK) {
      dual.sweeps(AUTO_CHUNK, tolerance, trace);
      if (dual.error() <= tolerance
          || (dual.error() < AUTO_ERROR * mass
              && SparsePlan.largest(dual.plan, q).mass() >= (1 - AUTO_LOST_MASS) * mass)) {
        return;
      }
    }
  }

  private int direction(EntropicDual dual, long q, double[] g, double error, double[] direction) {
    double relativeError = error / dual.problem.mass();
    SparseHessian hessian = SparseHessian.of(dual.plan, dual.sums, q, damping * relativeError);
    double relative = EntropicNewton.norm(g) < 1e-6 ? Math.min(cgTolerance, 1e-6) : cgTolerance;
    return hessian.solve(g, relative, 2 * g.length, direction);
  }
}
