package org.tikhon.transport;

import java.util.Arrays;

/** Sweeps by scalings of the plan at a dual's last evaluation, which is the kernel. */
final class ScalingIteration {
  private final EntropicDual dual;
  private final GibbsKernel kernel;
  private final double rowDamping;
  private final double columnDamping;
  private final double[] u;
  private final double[] v;
  private final double[] oldU;
  private final double[] columnSums;
  private final RowChunks chunks;
  private final double[] errors;

  ScalingIteration(EntropicDual dual, boolean singlePrecision) {
    EntropicProblem problem = dual.problem;
    this.dual = dual;
    this.rowDamping = problem.damping(problem.gammaRows());
    this.columnDamping = problem.damping(problem.gammaColumns());
    this.chunks = dual.chunks;
    this.kernel =
        singlePrecision
            ? new GibbsKernel.Floats(problem.n(), problem.m(), chunks)
            : new GibbsKernel.Doubles(dual.plan, new double[problem.m()], chunks);
    this.u = new double[problem.n()];
    this.v = new double[problem.m()];
    this.oldU = new double[u.length];
    this.columnSums = new double[v.length];
    this.errors = new double[RowChunks.COUNT];
    Arrays.fill(u, 1);
    Arrays.fill(v, 1);
    // Without potentials the kernel exp(-eta C) would underflow.
    kernel.load(dual, true);
  }

  /** {@code u = r / K v}, {@code v = c / K' u}; gives the rows' error before. */
  double sweep() {
    System.arraycopy(u, 0, oldU, 0, u.length);
    kernel.multiplyBy(v);
    chunks.run(this::rows);
    kernel.takeSums(columnSums);
    double error = Arrays.stream(errors).sum();
    double least = Math.exp(-kernel.largestLogScaling());
    double most = Math.exp(kernel.largestLogScaling());
    if (!within(u, 0, Double.MAX_VALUE) || !within(columnSums, 0, Double.MAX_VALUE)) {
      System.arraycopy(oldU, 0, u, 0, u.length);
      absorb();
      dual.sweep();
      kernel.load(dual, false);
      return error;
    }
    double[] c = dual.problem.c();
    for (int j = 0; j < v.length; j++) {
      v[j] = scaling(c[j] / columnSums[j], columnDamping, dual.b[j]);
    }
    if (!within(u, least, most) || !within(v, least, most)) {
      absorb();
      kernel.load(dual, false);
    }
    return error;
  }

  /** The rows of one chunk. */
  private void rows(int chunk) {
    double[] r = dual.problem.r();
    double error = 0;
    int end = chunks.start(chunk + 1);
    for (int i = chunks.start(chunk); i < end; i++) {
      double product = kernel.product(i);
      error += Math.abs(u[i] * product - target(r[i], i));
      u[i] = scaling(r[i] / product, rowDamping, dual.a[i]);
      kernel.addToSums(chunk, i, u[i]);
    }
    errors[chunk] = error;
  }

  /** What the i-th row's sum should be at its potential, absorbed and scaling together. */
  private double target(double r, int i) {
    double power = 1 / (dual.problem.eta() * dual.problem.gammaRows());
    return rowDamping == 1 ? r : r * Math.exp(-(dual.a[i] + Math.log(u[i])) * power);
  }

  /**
   * The scaling of a potential that is {@code potential} already: a relaxed marginal damps the two
   * together.
   */
  private static double scaling(double quotient, double damping, double potential) {
    return damping == 1
        ? quotient
        : Math.exp(damping * (Math.log(quotient) + potential) - potential);
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

  /** Moves the scalings into the potentials. */
  private void absorb() {
    for (int i = 0; i < u.length; i++) {
      dual.a[i] += Math.log(u[i]);
    }
    for (int j = 0; j < v.length; j++) {
      dual.b[j] += Math.log(v[j]);
    }
    Arrays.fill(u, 1);
    Arrays.fill(v, 1);
  }

  /** Leaves the dual evaluated at the point that the scalings have led to. */
  void finish() {
    double[] lastU = u.clone();
    double[] lastV = v.clone();
    absorb();
    kernel.unload(dual, lastU, lastV);
  }
}
