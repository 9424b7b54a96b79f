package org.tikhon.solve;

import java.util.Arrays;

/**
 * How a score models the noise's standard deviations, given the diagonal of {@code D(W) = (I - W)'
 * C (I - W)}, {@code [d]}: the residuals' variances.
 */
enum NoiseLevels {
  /** All are 1: the score {@code tr D / 2} of DAGMA and NOTEARS. */
  FIXED {
    @Override
    void estimate(double[] residual, double[] floor, double[] sigma) {
      Arrays.fill(sigma, 1);
    }

    @Override
    double score(double[] residual, double[] sigma) {
      return Arrays.stream(residual).sum() / 2;
    }
  },

  /** All are equal and estimated: {@code tr D / (2 sigma) + d sigma / 2}. */
  EQUAL {
    @Override
    void estimate(double[] residual, double[] floor, double[] sigma) {
      double mean = Math.max(Arrays.stream(residual).sum(), 0) / residual.length;
      Arrays.fill(sigma, Math.max(Math.sqrt(mean), floor[0]));
    }

    @Override
    double score(double[] residual, double[] sigma) {
      return Arrays.stream(residual).sum() / (2 * sigma[0]) + residual.length * sigma[0] / 2;
    }

    @Override
    double[] floor(double[] variances) {
      double[] floor = new double[variances.length];
      Arrays.fill(floor, FLOOR * Math.sqrt(Arrays.stream(variances).average().orElseThrow()));
      return floor;
    }
  },

  /** Each is estimated: {@code sum_j D_jj / (2 sigma_j) + sigma_j / 2}. */
  UNEQUAL {
    @Override
    void estimate(double[] residual, double[] floor, double[] sigma) {
      for (int j = 0; j < sigma.length; j++) {
        sigma[j] = Math.max(Math.sqrt(Math.max(residual[j], 0)), floor[j]);
      }
    }

    @Override
    double score(double[] residual, double[] sigma) {
      double sum = 0;
      for (int j = 0; j < sigma.length; j++) {
        sum += residual[j] / (2 * sigma[j]) + sigma[j] / 2;
      }
      return sum;
    }
  };

  /** The least standard deviation, as a part of the data's. */
  private static final double FLOOR = 0.01;

  /** Sets sigma to the minimum of the score, at least {@code floor}. */
  abstract void estimate(double[] residual, double[] floor, double[] sigma);

  /** The score without its penalty. */
  abstract double score(double[] residual, double[] sigma);

  /** The least standard deviations, given the variances of the data's columns. */
  double[] floor(double[] variances) {
    return Arrays.stream(variances).map(v -> FLOOR * Math.sqrt(v)).toArray();
  }
}
