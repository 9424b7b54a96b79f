package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.transport.EntropicPlan.Stage;

/**
 * Sinkhorn's algorithm: coordinate ascent on the dual of entropic transport,
 *
 * <pre>min &lt;C, P&gt; + (1 / eta) sum_ij P_ij log P_ij  over  P 1 = r, P' 1 = c.</pre>
 *
 * A sweep makes the rows right, then the columns. The error falls linearly, and slowly when eta is
 * large; {@link SinkhornNewtonSparse} is for that. Cost per sweep: one pass over the matrix.
 *
 * <p>Default settings: tolerance 1e-9 in {@code |P 1 - r|_1 + |P' 1 - c|_1}, at most 100,000
 * sweeps, no epsilon scaling. The arguments of {@code solve} are as in {@link
 * SinkhornNewtonSparse}.
 *
 * <p>Source: Marco Cuturi, <i>Sinkhorn Distances</i>, NeurIPS 2013; absorption: Bernhard Schmitzer,
 * <i>Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport Problems</i>, 2019.
 */
public final class Sinkhorn {
  /** How the sweeps are computed; both modes give the same iterates up to rounding. */
  public enum Mode {
    /** In the log domain: an exponential for each entry in each sweep, never an overflow. */
    LOG,
    /**
     * Scalings u, v of a fixed kernel: {@code u = r / K v, v = c / K' u}, two matrix-vector
     * products a sweep. When {@code |log u|} or {@code |log v|} passes 50, the scalings go into the
     * potentials and the kernel is computed anew; what underflows nevertheless takes a sweep in the
     * log domain.
     */
    KERNEL
  }

  private static final double LARGEST_LOG_SCALING = 50;
  private static final int SCALING_SWEEPS = 100;

  private final double eta;
  private final Mode mode;
  private double tolerance = 1e-9;
  private int maxSweeps = 100_000;
  private boolean epsilonScaling;

  /**
   * @param eta the inverse of the regularisation epsilon, positive, in 1 / units of the cost
   */
  public Sinkhorn(double eta, Mode mode) {
    this.eta = EntropicProblem.checkEta(eta);
    this.mode = mode;
  }

  /** Stops at this L1 marginal error, 0 or more. */
  public Sinkhorn tolerance(double tolerance) {
    this.tolerance = EntropicProblem.checkTolerance(tolerance);
    return this;
  }

  /** The number of sweeps after which it gives up, at least 1. */
  public Sinkhorn maxSweeps(int sweeps) {
    if (sweeps < 1) {
      throw new IllegalArgumentException("maxSweeps must be at least 1, was " + sweeps);
    }
    this.maxSweeps = sweeps;
    return this;
  }

  /** Starts with up to 100 sweeps each for eta / 8, eta / 4 and eta / 2. */
  public Sinkhorn epsilonScaling(boolean on) {
    this.epsilonScaling = on;
    return this;
  }

  /** Solves from the start x = y = 0. */
  public EntropicPlan solve(double[][] cost, double[] r, double[] c) {
    return solve(cost, r, c, null);
  }

  /**
   * Solves from the potentials of an earlier plan.
   *
   * @param warmStart for a problem of the same shape, or null
   */
  public EntropicPlan solve(double[][] cost, double[] r, double[] c, EntropicPlan warmStart) {
    EntropicProblem problem = EntropicProblem.of(eta, cost, r, c);
    double[] x = problem.startX(warmStart);
    double[] y = problem.startY(warmStart);
    Trace trace = new Trace();
    EntropicDual dual =
        epsilonScaling
            ? EpsilonScaling.start(problem, x, y, SCALING_SWEEPS, trace)
            : new EntropicDual(problem, x, y);
    int end = trace.sweeps() + maxSweeps;
    do {
      switch (mode) {
        case LOG -> dual.sweeps(end - trace.sweeps(), tolerance, trace);
        case KERNEL -> kernelSweeps(dual, end - trace.sweeps(), trace);
      }
      // The sweeps look at the rows only; rounding in the columns may ask for more.
    } while (dual.error() > tolerance && trace.sweeps() < end);
    return dual.result(tolerance, trace);
  }

  private void kernelSweeps(EntropicDual dual, int most, Trace trace) {
    // Without potentials the kernel exp(-eta C) would underflow.
    dual.sweeps(1, tolerance, trace);
    if (dual.error() <= tolerance || most == 1) {
      return;
    }
    Scaling scaling = new Scaling(dual);
    double seconds = 0;
    for (int k = 1; k < most; k++) {
      double before = scaling.sweep();
      if (k > 1) {
        trace.add(Stage.SINKHORN, before, 1, seconds);
      }
      seconds = trace.seconds();
      if (before <= tolerance) {
        break;
      }
    }
    scaling.absorb();
    trace.add(Stage.SINKHORN, dual.error(), 1, seconds);
  }

  /** Scalings of the plan at a dual's last evaluation, which is the kernel. */
  private static final class Scaling {
    private final EntropicDual dual;
    private final double[] u;
    private final double[] v;
    private final double[] oldU;
    private final double[] columnSums;

    Scaling(EntropicDual dual) {
      this.dual = dual;
      this.u = new double[dual.a.length];
      this.v = new double[dual.b.length];
      this.oldU = new double[u.length];
      this.columnSums = new double[v.length];
      Arrays.fill(u, 1);
      Arrays.fill(v, 1);
    }

    /** {@code u = r / K v}, {@code v = c / K' u}; gives the rows' error before. */
    double sweep() {
      double[] r = dual.problem.r();
      double[] c = dual.problem.c();
      System.arraycopy(u, 0, oldU, 0, u.length);
      Arrays.fill(columnSums, 0);
      double error = 0;
      for (int i = 0; i < u.length; i++) {
        double product = RowKernels.dot(dual.plan[i], v);
        error += Math.abs(u[i] * product - r[i]);
        u[i] = r[i] / product;
        RowKernels.addScaled(columnSums, dual.plan[i], u[i]);
      }
      double least = Math.exp(-LARGEST_LOG_SCALING);
      double most = Math.exp(LARGEST_LOG_SCALING);
      if (!within(u, 0, Double.MAX_VALUE) || !within(columnSums, 0, Double.MAX_VALUE)) {
        System.arraycopy(oldU, 0, u, 0, u.length);
        absorb();
        dual.sweep();
        dual.evaluate();
        return error;
      }
      for (int j = 0; j < v.length; j++) {
        v[j] = c[j] / columnSums[j];
      }
      if (!within(u, least, most) || !within(v, least, most)) {
        absorb();
      }
      return error;
    }

    /** Whether all values lie strictly between; NaN does not. */
    private static boolean within(double[] values, double least, double most) {
      for (double value : values) {
        if (!(value > least && value < most)) {
          return false;
        }
      }
      return true;
    }

    /** Moves the scalings into the potentials and computes the kernel anew. */
    void absorb() {
      for (int i = 0; i < u.length; i++) {
        dual.a[i] += Math.log(u[i]);
      }
      for (int j = 0; j < v.length; j++) {
        dual.b[j] += Math.log(v[j]);
      }
      Arrays.fill(u, 1);
      Arrays.fill(v, 1);
      dual.evaluate();
    }
  }
}
