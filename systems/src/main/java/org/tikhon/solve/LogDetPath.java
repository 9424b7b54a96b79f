package org.tikhon.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The central path on which CoLiDE and DAGMA go: stage after stage {@code mu S(W, sigma) + h_s(W)}
 * is minimised from the last stage's end, with mu ten times smaller each time.
 */
final class LogDetPath {
  private static final double BETA1 = 0.99;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;
  private static final double LEAST_RATE = 1e-16;
  private static final double MU_FACTOR = 0.1;
  private static final int CHECK_EVERY = 1000;
  private static final double TOLERANCE = 1e-6;
  private static final int MOST_FAILURES = 20;

  /** Up to this s a stage that leaves the domain starts again; above it steps back. */
  private static final double STRICT = 0.9;

  private static final double S_RISE = 0.1;

  /**
   * The settings.
   *
   * @param s of each stage
   * @param warm the most iterations of all stages but the last
   * @param last those of the last
   */
  record Settings(double[] s, int warm, int last, double rate) {}

  private final int d;
  private final NoiseLevels noise;
  private final double lambda;
  private final double[] floor;

  private final double[][] w;
  private final double[][] before;
  private final double[][] step;
  private final double[][] m;
  private final double[][] v;
  private final double[][] inverse;
  private final Residuals residuals;
  private final double[] sigma;
  private final double[] scale;

  private LogDetPath(double[][] c, NoiseLevels noise, double lambda) {
    this.d = c.length;
    this.noise = noise;
    this.lambda = lambda;
    double[] variances = new double[d];
    Arrays.setAll(variances, j -> c[j][j]);
    floor = noise.floor(variances);
    w = new double[d][d];
    before = new double[d][d];
    step = new double[d][d];
    m = new double[d][d];
    v = new double[d][d];
    inverse = new double[d][d];
    residuals = new Residuals(c);
    sigma = new double[d];
    scale = new double[d];
  }

  static DagEstimate follow(DagData data, NoiseLevels noise, double lambda, Settings settings) {
    return new LogDetPath(data.covariance(), noise, lambda).follow(data, settings);
  }

  static double score(double[][] c, NoiseLevels noise, double lambda, double[][] weights) {
    LogDetPath at = new LogDetPath(c, noise, lambda);
    SquareRows.copyTo(weights, at.w);
    at.refresh();
    return at.score();
  }

  private DagEstimate follow(DagData data, Settings settings) {
    List<DagEstimate.Stage> trace = new ArrayList<>();
    double mu = 1;
    boolean converged = false;
    double s = 1;
    double h = 0;
    for (int stage = 0; stage < settings.s.length; stage++) {
      double[][] start = SquareRows.copy(w);
      int most = stage < settings.s.length - 1 ? settings.warm : settings.last;
      double rate = settings.rate;
      s = settings.s[stage];
      int failures = 0;
      Ended ended = minimize(mu, s, rate, most);
      while (ended == null) {
        failures++;
        if (failures > MOST_FAILURES) {
          throw new IllegalStateException(
              "stage %d left the domain of log det %d times, at last with s = %.1f: the learning"
                      .formatted(stage, failures, s)
                  + " rate may be too large, or the columns' scales too different");
        }
        SquareRows.copyTo(start, w);
        rate /= 2;
        s += S_RISE;
        ended = minimize(mu, s, rate, most);
      }
      converged = ended.converged;
      h = acyclicity(s);
      trace.add(
          new DagEstimate.Stage(
              mu, s, ended.iterations, failures, mu * score() + h, h, ended.converged));
      mu *= MU_FACTOR;
    }
    double[] std = sigma.clone();
    if (noise == NoiseLevels.FIXED) {
      NoiseLevels.UNEQUAL.estimate(residuals.variances, floor, std);
    }
    return new DagEstimate(w, std, score(), h, converged, trace, data.rows(), data.warnings());
  }

  /** How a stage ended. */
  private record Ended(int iterations, boolean converged) {}

  /** Minimises from w; null if w left the domain and the stage has to start again. */
  private Ended minimize(double mu, double s, double firstRate, int most) {
    double rate = firstRate;
    double previous = Double.POSITIVE_INFINITY;
    double power1 = 1;
    double power2 = 1;
    for (int i = 0; i < d; i++) {
      Arrays.fill(m[i], 0);
      Arrays.fill(v[i], 0);
    }
    refresh();
    for (int t = 1; t <= most; t++) {
      while (!invert(s)) {
        if (t == 1 || s <= STRICT) {
          return null;
        }
        rate /= 2;
        if (rate <= LEAST_RATE) {
          SquareRows.copyTo(before, w);
          refresh();
          return new Ended(t, true);
        }
        for (int i = 0; i < d; i++) {
          stepFrom(before[i], step[i], rate, w[i]);
        }
        refresh();
      }
      power1 *= BETA1;
      power2 *= BETA2;
      for (int j = 0; j < d; j++) {
        scale[j] = mu / sigma[j];
      }
      for (int i = 0; i < d; i++) {
        gradient(residuals.product[i], scale, w[i], inverse[i], mu * lambda);
        adam(inverse[i], m[i], v[i], 1 / (1 - power1), 1 / (1 - power2), step[i]);
        System.arraycopy(w[i], 0, before[i], 0, d);
        stepFrom(before[i], step[i], rate, w[i]);
      }
      refresh();
      if (t % CHECK_EVERY == 0) {
        double objective = mu * score() + acyclicity(s);
        if (Math.abs(previous - objective) <= TOLERANCE * Math.abs(previous)
            && Double.isFinite(previous)) {
          return new Ended(t, true);
        }
        previous = objective;
      }
    }
    if (Double.isNaN(acyclicity(s))) {
      SquareRows.copyTo(before, w);
      refresh();
    }
    return new Ended(most, false);
  }

  /** M', the inverse of (s I - W o W)'; false outside of the domain. */
  private boolean invert(double s) {
    negativeSquares(s, inverse);
    return SquareRows.invertMMatrix(inverse);
  }

  /** {@code (s I - W o W)'}. */
  private void negativeSquares(double s, double[][] out) {
    for (int i = 0; i < d; i++) {
      double[] row = w[i];
      for (int j = 0; j < d; j++) {
        out[j][i] = -row[j] * row[j];
      }
    }
    for (int i = 0; i < d; i++) {
      out[i][i] += s;
    }
  }

  private double acyclicity(double s) {
    double[][] matrix = new double[d][d];
    negativeSquares(s, matrix);
    return Acyclicity.LogDet.value(s, matrix);
  }

  private double score() {
    return noise.score(residuals.variances, sigma) + lambda * SquareRows.absSum(w);
  }

  /** C (I - W), the diagonal of D(W), and with it sigma. */
  private void refresh() {
    residuals.at(w);
    noise.estimate(residuals.variances, floor, sigma);
  }

  // One row at a time, in loops that the JIT makes vector code of.

  private static void stepFrom(double[] from, double[] step, double rate, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] = from[j] - rate * step[j];
    }
  }

  /** Replaces a row of M' by one of the gradient. */
  private static void gradient(
      double[] product, double[] scale, double[] w, double[] out, double lambda) {
    for (int j = 0; j < out.length; j++) {
      out[j] = 2 * w[j] * out[j] + lambda * Math.signum(w[j]) - product[j] * scale[j];
    }
  }

  private static void adam(
      double[] g, double[] m, double[] v, double correction1, double correction2, double[] out) {
    for (int j = 0; j < out.length; j++) {
      m[j] = BETA1 * m[j] + (1 - BETA1) * g[j];
      v[j] = BETA2 * v[j] + (1 - BETA2) * g[j] * g[j];
      out[j] = correction1 * m[j] / (Math.sqrt(correction2 * v[j]) + EPSILON);
    }
  }
}
