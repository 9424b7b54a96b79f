package org.tikhon.optimize;

import java.util.Arrays;
import org.tikhon.Paper;
import org.tikhon.optimize.SubGmResult.Outcome;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Robust SubGM: recovers a positive semi-definite matrix X of low, unknown rank from linear
 * measurements {@code y_i = <A_i, X> + s_i}, part of which are grossly wrong, or all of which are
 * noisy.
 *
 * <p>With {@code X = U U'}, U {@code [d, r']}, r' up to d, and {@code q_i = <A_i, U U'> - y_i},
 *
 * <pre>
 * f(U) = (1 / m) sum_i |q_i|,
 * D(U) = (1 / m) sum_i sign(q_i) (A_i + A_i') U    (sign(0) = 0),
 * U_{t+1} = U_t - eta_t D(U_t)
 * </pre>
 *
 * from a small start in the direction of the signal: with the eigenvalues w and vectors V of {@code
 * C = (1 / m) sum_i sign(y_i) (A_i + A_i') / 2}, descending,
 *
 * <pre>U_0 = alpha V[:, 1..r'] diag(sqrt(max(w_1..r', 0))).</pre>
 *
 * <p>The signs make both C and D indifferent to the size of outliers: D points along the gradient
 * of {@code |U U' - X|_F} up to a small error ({@link SignRip}). From a small start the signal
 * grows exponentially, and the columns that are too many hardly, so the last iterate is near X even
 * where {@code U U' = X} does not minimise f.
 *
 * <p>{@link SubGmConfig} holds the settings, {@link StepRule} how steps are chosen: geometric ones
 * for outliers and noise, steps proportional to the loss for exact measurements. With Gaussian
 * noise the squared loss is a little better, with outliers it is lost.
 */
@Paper(
    number = 38,
    title =
        "Global Convergence of Sub-gradient Method for Robust Matrix Recovery: Small Initialization, Noisy Measurements, and Over-parameterization",
    authors = "Jianhao Ma, Salar Fattahi",
    year = 2023,
    url = "https://arxiv.org/abs/2202.08788")
public final class SubGm {
  private static final double SMALLEST_FLOAT_START = 1e-7;

  /** What is minimised, as a mean over the residuals q. */
  public enum Loss {
    /** |q|: the method. */
    L1 {
      @Override
      double value(Tensor q) {
        return q.abs().mean().item();
      }

      @Override
      Tensor derivative(Tensor q) {
        return q.sign();
      }
    },
    /** q^2 / 2, for comparison. */
    L2 {
      @Override
      double value(Tensor q) {
        return q.square().mean().item() / 2;
      }

      @Override
      Tensor derivative(Tensor q) {
        return q;
      }
    },
    /** q^2 / 2 where |q| is at most 1, |q| - 1 / 2 elsewhere, for comparison. */
    HUBER {
      @Override
      double value(Tensor q) {
        Tensor size = q.abs();
        Tensor clipped = size.clampMax(1);
        return clipped.mul(size.addScaled(clipped, -0.5)).mean().item();
      }

      @Override
      Tensor derivative(Tensor q) {
        return q.clamp(-1, 1);
      }
    };

    abstract double value(Tensor q);

    abstract Tensor derivative(Tensor q);
  }

  /** Is shown the iterates. */
  public interface Observer {
    /**
     * An iterate.
     *
     * @param t 0 for the start
     * @param u U_t, valid during the call
     */
    void iterate(int t, Tensor u);
  }

  private final LinearMeasurements measurements;
  private final Tensor y;
  private final SubGmConfig config;

  /**
   * A problem.
   *
   * @param measurements A
   * @param y the measured values, {@code [m]}, finite, of the measurements' type
   * @throws IllegalArgumentException if y or the search rank do not fit the measurements
   */
  public SubGm(LinearMeasurements measurements, Tensor y, SubGmConfig config) {
    Check.require(
        y.dim() == 1 && y.size(0) == measurements.m(),
        "y's shape",
        Arrays.toString(y.shape()),
        "[" + measurements.m() + "]");
    Check.require(y.dtype() == measurements.dtype(), "y's type", y.dtype(), "the measurements'");
    Check.finite(y, "y");
    Check.require(
        config.searchRank() <= measurements.d(),
        "searchRank",
        config.searchRank(),
        "at most d = " + measurements.d());
    this.measurements = measurements;
    this.y = y;
    this.config = config;
  }

  /** Runs from the spectral start. */
  public SubGmResult run() {
    return run((t, u) -> {});
  }

  /**
   * Runs from the spectral start.
   *
   * @param observer is shown every iterate
   * @throws IllegalArgumentException if C has no positive eigenvalue
   */
  public SubGmResult run(Observer observer) {
    try (Scope scope = Scope.open()) {
      if (y.countNonzero() == 0) {
        Tensor zero = Tensor.zeros(measurements.dtype(), measurements.d(), config.searchRank());
        return new SubGmResult(
            scope.keep(zero.to(y.device())), new double[] {0}, new double[0], Outcome.NO_SIGNAL);
      }
      return kept(scope, iterate(start(), observer));
    }
  }

  /**
   * Runs from a start of one's own; alpha is not used.
   *
   * @param start U_0, {@code [d, r']}, finite and not zero
   */
  public static SubGmResult from(
      Tensor start, LinearMeasurements measurements, Tensor y, SubGmConfig config) {
    return from(start, measurements, y, config, (t, u) -> {});
  }

  /**
   * Runs from a start of one's own; alpha is not used.
   *
   * @param start U_0, {@code [d, r']}, finite and not zero
   * @param observer is shown every iterate
   */
  public static SubGmResult from(
      Tensor start,
      LinearMeasurements measurements,
      Tensor y,
      SubGmConfig config,
      Observer observer) {
    SubGm problem = new SubGm(measurements, y, config);
    Check.require(
        start.dim() == 2
            && start.size(0) == measurements.d()
            && start.size(1) == config.searchRank(),
        "the start's shape",
        Arrays.toString(start.shape()),
        "[" + measurements.d() + ", " + config.searchRank() + "]");
    Check.finite(start, "the start");
    Check.require(
        start.countNonzero() > 0, "the start", "zero", "other than 0, a stationary point");
    try (Scope scope = Scope.open()) {
      return kept(scope, problem.iterate(start, observer));
    }
  }

  private static SubGmResult kept(Scope scope, SubGmResult result) {
    scope.keep(result.u());
    return result;
  }

  /** U_0. */
  Tensor start() {
    Tensor c = measurements.adjoint(y.sign()).div(measurements.m());
    Linalg.Eigen eigen = Linalg.eigh(c);
    Tensor values = eigen.values().flip(0).narrow(0, 0, config.searchRank()).clampMin(0);
    if (values.countNonzero() == 0) {
      throw new IllegalArgumentException(
          "the start has no positive direction: X is not positive semi-definite, or the noise dominates");
    }
    double alpha =
        measurements.dtype() == Dtype.FLOAT32
            ? Math.max(config.alpha(), SMALLEST_FLOAT_START)
            : config.alpha();
    return eigen.vectors().flip(1).narrow(1, 0, config.searchRank()).mul(values.sqrt()).mul_(alpha);
  }

  /** D(U). */
  Tensor subgradient(Tensor u) {
    return subgradient(u, residuals(u));
  }

  /** f(U). */
  double loss(Tensor u) {
    return config.loss().value(residuals(u));
  }

  private Tensor residuals(Tensor u) {
    return measurements.applyFactor(u).sub_(y);
  }

  private Tensor subgradient(Tensor u, Tensor q) {
    return measurements.adjointTimes(config.loss().derivative(q), u).mul_(2.0 / measurements.m());
  }

  private SubGmResult iterate(Tensor start, Observer observer) {
    Tensor u = start.detach().cloned();
    double[] losses = new double[config.maxIter() + 1];
    double[] steps = new double[config.maxIter()];
    observer.iterate(0, u);
    int t = 0;
    Outcome outcome = Outcome.MAX_ITERATIONS;
    while (t < steps.length && outcome == Outcome.MAX_ITERATIONS) {
      try (Scope scope = Scope.open()) {
        Tensor q = residuals(u);
        losses[t] = config.loss().value(q);
        if (!Double.isFinite(losses[t])) {
          outcome = Outcome.DIVERGED;
          break;
        }
        Tensor d = subgradient(u, q);
        double gradientNorm = d.norm().item();
        steps[t] = config.step().length(t, losses[t], gradientNorm);
        u.add_(d, -steps[t]);
        if (steps[t] * gradientNorm <= config.tol() * u.norm().item()) {
          outcome = Outcome.CONVERGED;
        }
        observer.iterate(++t, u);
      }
    }
    if (outcome != Outcome.DIVERGED) {
      try (Scope scope = Scope.open()) {
        losses[t] = loss(u);
      }
      if (!Double.isFinite(losses[t])) {
        outcome = Outcome.DIVERGED;
      }
    }
    return new SubGmResult(u, Arrays.copyOf(losses, t + 1), Arrays.copyOf(steps, t), outcome);
  }
}
