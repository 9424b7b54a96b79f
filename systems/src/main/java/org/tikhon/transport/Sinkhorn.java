package org.tikhon.transport;

import org.tikhon.transport.TransportSolution.Stage;

/**
 * Sinkhorn's algorithm: coordinate ascent on the dual of entropic transport,
 *
 * <pre>min &lt;C, P&gt; + (1 / eta) sum_ij P_ij log P_ij  over  P 1 = r, P' 1 = c.</pre>
 *
 * A sweep makes the rows right, then the columns. The error falls linearly, and slowly when eta is
 * large; {@link SinkhornNewtonSparse} is for that. Cost per sweep: one pass over the matrix.
 *
 * <p>Default settings: tolerance 1e-9 in {@code |P 1 - r|_1 + |P' 1 - c|_1}, at most 100,000
 * sweeps, no epsilon scaling, double precision.
 *
 * <p>In the log domain a problem of points needs no matrix at all; its plan is a {@link LazyPlan}.
 * The sweeps of a kernel use all processors, in sums whose order does not depend on their number.
 *
 * <p>Source: Marco Cuturi, <i>Sinkhorn Distances</i>, NeurIPS 2013; absorption: Bernhard Schmitzer,
 * <i>Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport Problems</i>, 2019.
 */
public final class Sinkhorn implements TransportSolver {
  /** How the sweeps are computed; both modes give the same iterates up to rounding. */
  public enum Mode {
    /** In the log domain: an exponential for each entry in each sweep, never an overflow. */
    LOG,
    /**
     * Scalings u, v of a fixed kernel: {@code u = r / K v, v = c / K' u}, two matrix-vector
     * products a sweep. When {@code |log u|} or {@code |log v|} passes 50 (20 in single precision),
     * the scalings go into the potentials and the kernel is computed anew; what underflows
     * nevertheless takes a sweep in the log domain.
     */
    KERNEL
  }

  private static final int SCALING_SWEEPS = 100;

  /** Below this, single precision's rounding is larger than the error. */
  private static final double LEAST_SINGLE = 1e-6;

  private final double eta;
  private final Mode mode;
  private double tolerance = 1e-9;
  private int maxSweeps = 100_000;
  private boolean epsilonScaling;
  private boolean singlePrecision;

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

  /** Whether the kernel is kept in single precision: half the memory, and nearly half the time. */
  public Sinkhorn singlePrecision(boolean on) {
    this.singlePrecision = on;
    return this;
  }

  @Override
  public TransportSolution solve(TransportProblem transport, TransportSolution warmStart) {
    EntropicProblem problem = EntropicProblem.of(eta, transport);
    if (singlePrecision && (mode == Mode.LOG || tolerance < LEAST_SINGLE * problem.mass())) {
      throw new IllegalArgumentException(
          mode == Mode.LOG
              ? "singlePrecision is for a kernel, but the mode is LOG"
              : "tolerance must be at least %s of the mass in single precision, was %s"
                  .formatted(LEAST_SINGLE, tolerance));
    }
    double[] x = problem.startX(warmStart);
    double[] y = problem.startY(warmStart);
    Trace trace = new Trace();
    boolean keepPlan = mode == Mode.KERNEL ? !singlePrecision : !transport.isLazy();
    EntropicDual dual =
        epsilonScaling
            ? EpsilonScaling.start(problem, x, y, SCALING_SWEEPS, trace, keepPlan)
            : new EntropicDual(problem, x, y, keepPlan);
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
    ScalingIteration scaling = new ScalingIteration(dual, singlePrecision);
    double seconds = 0;
    for (int k = 0; k < most; k++) {
      double before = scaling.sweep();
      if (k > 0) {
        trace.add(Stage.SINKHORN, before, 1, seconds);
      }
      seconds = trace.seconds();
      // The columns are not right before the first sweep.
      if (k > 0 && before <= tolerance) {
        break;
      }
    }
    scaling.finish();
    trace.add(Stage.SINKHORN, dual.error(), 1, seconds);
  }
}
