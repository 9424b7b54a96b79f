package org.tikhon.transport;

/** How the part rho of the mass that is moved grows from {@code rho0} to 1 during a training. */
public enum MassSchedule {
  /** {@code rho0 + (1 - rho0) exp(-5 (1 - t / T)^2)}: slow, fast, slow. */
  SIGMOID {
    @Override
    double share(double progress) {
      return Math.exp(-5 * (1 - progress) * (1 - progress));
    }
  },
  /** {@code rho0 + (1 - rho0) t / T}. */
  LINEAR {
    @Override
    double share(double progress) {
      return progress;
    }
  },
  /** Always {@code rho0}. */
  FIXED {
    @Override
    double share(double progress) {
      return 0;
    }
  };

  abstract double share(double progress);

  /**
   * rho at an iteration.
   *
   * @param t the iteration, in 0, ..., total
   * @param total the number of iterations, at least 1
   * @param rho0 in (0, 1]; 0.1 in the paper
   */
  public double at(long t, long total, double rho0) {
    if (total < 1) {
      throw new IllegalArgumentException("total must be at least 1, was " + total);
    }
    if (t < 0 || t > total) {
      throw new IllegalArgumentException("t must be in 0..%d, was %d".formatted(total, t));
    }
    if (!(rho0 > 0 && rho0 <= 1)) {
      throw new IllegalArgumentException("rho0 must be in (0, 1], was " + rho0);
    }
    return rho0 + (1 - rho0) * share((double) t / total);
  }
}
