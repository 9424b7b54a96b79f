package org.tikhon.solve;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/**
 * How sure the edges of a graph are: the part of the resampled tables in which a learner finds each
 * (Efron's bootstrap; Friedman, Goldszmidt and Wyner, "Data Analysis with Bayesian Networks: A
 * Bootstrap Approach", UAI 1999).
 */
public final class DagBootstrap {
  private static final int MOST_REDRAWS = 100;

  private DagBootstrap() {}

  /**
   * Fits tables of as many rows, drawn with replacement.
   *
   * @param x {@code [n, d]}
   * @param threshold as for {@link DagEstimate#dag(double)}
   * @param resamples how many, at least 1
   * @return {@code [d, d]}: the frequency, 0 to 1, of the edge i to j
   * @throws IllegalArgumentException if x is not as {@link DagLearner#fit} wants it, or a column is
   *     nearly constant, so that it is constant in a hundred draws
   */
  public static double[][] frequencies(
      DagLearner learner, double[][] x, double threshold, int resamples, Rng rng) {
    DagData.require(resamples >= 1, "resamples", resamples, "at least 1");
    int d = DagData.ofRows(x).covariance().length;
    double[][] frequencies = new double[d][d];
    for (int k = 0; k < resamples; k++) {
      for (Dag.Edge edge : learner.fit(resample(x, rng)).dag(threshold).edges()) {
        frequencies[edge.from()][edge.to()] += 1;
      }
    }
    for (double[] row : frequencies) {
      Arrays.setAll(row, j -> row[j] / resamples);
    }
    return frequencies;
  }

  private static double[][] resample(double[][] x, Rng rng) {
    for (int draw = 0; draw < MOST_REDRAWS; draw++) {
      try (Scope scope = Scope.open()) {
        double[] places = rng.integers(0, x.length, x.length).toDoubleArray();
        double[][] drawn =
            DoubleStream.of(places).mapToObj(p -> x[(int) p]).toArray(double[][]::new);
        if (DagData.constantColumn(drawn) < 0) {
          return drawn;
        }
      }
    }
    throw new IllegalArgumentException(
        "some column has nearly always the same value: it is constant in each of %d draws with replacement"
            .formatted(MOST_REDRAWS));
  }
}
