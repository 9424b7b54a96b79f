package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Rng;

class CoLiDETest {
  private static final double[][] CYCLE = {{0, 0.5}, {0.8, 0}};
  private static final double[][] CHAIN = {{0, 1.5, 0}, {0, 0, -1}, {0, 0, 0}};

  private static double[][] random(int d, double size, long seed) {
    Rng rng = new Rng(seed);
    double[][] w = new double[d][d];
    for (double[] row : w) {
      Arrays.setAll(row, j -> size * (2 * rng.nextDouble() - 1));
    }
    return w;
  }

  private static double[][] covariance(int d, long seed) {
    return DagData.ofRows(random(3 * d, 1, seed, d)).covariance();
  }

  private static double[][] random(int n, double size, long seed, int d) {
    Rng rng = new Rng(seed);
    double[][] x = new double[n][d];
    for (double[] row : x) {
      Arrays.setAll(row, j -> size * rng.nextGaussian());
    }
    return x;
  }

  private static void assertClose(double[][] actual, double[][] expected, double tolerance) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected.length; j++) {
        // Math.max keeps NaN.
        largest = Math.max(largest, Math.abs(actual[i][j] - expected[i][j]));
      }
    }
    assertThat(largest).isLessThanOrEqualTo(tolerance);
  }

  private static double[][] differences(double[][] w, ToDoubleFunction<double[][]> f) {
    double step = 1e-5;
    double[][] gradient = new double[w.length][w.length];
    for (int i = 0; i < w.length; i++) {
      for (int j = 0; j < w.length; j++) {
        double[][] up = SquareRows.copy(w);
        double[][] down = SquareRows.copy(w);
        up[i][j] += step;
        down[i][j] -= step;
        gradient[i][j] = (f.applyAsDouble(up) - f.applyAsDouble(down)) / (2 * step);
      }
    }
    return gradient;
  }

  // ---- acyclicity

  @Test
  void measuresACycle() {
    Acyclicity logDet = Acyclicity.logDet(1);
    assertThat(logDet.value(CYCLE)).isCloseTo(0.17435339, within(1e-8));
    assertClose(logDet.gradient(CYCLE), new double[][] {{0, 0.76190476}, {0.47619048, 0}}, 1e-8);
    assertThat(Acyclicity.expm().value(CYCLE))
        .isCloseTo(2 * Math.cosh(0.4) - 2, within(1e-14))
        .isCloseTo(0.16214474, within(1e-8));
  }

  @Test
  void isZeroForAcyclicGraphs() {
    for (double s : new double[] {1, 0.7, 2}) {
      assertThat(Acyclicity.logDet(s).value(CHAIN)).isCloseTo(0, within(1e-12));
    }
    assertThat(Acyclicity.expm().value(CHAIN)).isCloseTo(0, within(1e-12));
    double[][] w = LinearSem.erdosRenyi(50, 200).sample(1, new Rng(0)).graph().weights();
    assertThat(Acyclicity.logDet(1).value(w)).isCloseTo(0, within(1e-12));
    assertThat(Acyclicity.expm().value(w)).isCloseTo(0, within(1e-12));
  }

  @Test
  void gradientsOfTheMeasuresAreThoseOfDifferences() {
    double[][] w = random(5, 0.4, 3);
    for (Acyclicity a : List.of(Acyclicity.logDet(1), Acyclicity.logDet(0.8), Acyclicity.expm())) {
      assertClose(a.gradient(w), differences(w, a::value), 1e-6);
    }
  }

  @Test
  void hasADomain() {
    double[][] outside = {{0, 2}, {2, 0}};
    assertThat(Acyclicity.logDet(1).value(outside)).isNaN();
    assertThatThrownBy(() -> Acyclicity.logDet(1).gradient(outside))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not an M-matrix for s = 1.0");
    assertThat(Acyclicity.logDet(5).value(outside)).isPositive();
    // The determinant of I - W o W is positive for two cycles outside, yet its inverse is not.
    double[][] twice = {{0, 2, 0, 0}, {2, 0, 0, 0}, {0, 0, 0, 2}, {0, 0, 2, 0}};
    assertThat(Acyclicity.logDet(1).value(twice)).isNaN();
    assertThatThrownBy(() -> Acyclicity.logDet(0))
        .hasMessageContaining("s must be positive, was 0");
    assertThatThrownBy(() -> Acyclicity.expm().value(new double[][] {{1, 2}, {3}}))
        .hasMessageContaining("w must be square, has 2 rows but row 2 has 1 entries");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 7, 30, 256})
  void invertsMatrices(int d) {
    double[][] w = random(d, 0.5 / Math.sqrt(d), 1);
    double[][] a = SquareRows.identity(d);
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        a[i][j] -= w[i][j] * w[i][j];
      }
    }
    double[][] inverse = SquareRows.copy(a);
    assertThat(SquareRows.invertMMatrix(inverse)).isTrue();
    double[][] product = new double[d][d];
    SquareRows.multiply(a, inverse, product);
    assertClose(product, SquareRows.identity(d), 1e-12);
    double[][] any = random(d, 1, 2);
    inverse = SquareRows.copy(any);
    SquareRows.invert(inverse);
    SquareRows.multiply(any, inverse, product);
    assertClose(product, SquareRows.identity(d), 1e-10);
    a[0][0] = -1;
    assertThat(SquareRows.invertMMatrix(a)).isFalse();
  }

  // ---- scores

  @Test
  void estimatesTheNoise() {
    Residuals residuals = new Residuals(new double[][] {{1, 0.5}, {0.5, 1}});
    residuals.at(new double[][] {{0, 0.5}, {0, 0}});
    double[] sigma = new double[2];
    NoiseLevels.EQUAL.estimate(residuals.variances, new double[2], sigma);
    assertThat(sigma).containsExactly(new double[] {0.93541435, 0.93541435}, within(1e-8));
    assertThat(NoiseLevels.EQUAL.score(residuals.variances, sigma))
        .isCloseTo(1.87082869, within(1e-8));
    NoiseLevels.UNEQUAL.estimate(residuals.variances, new double[2], sigma);
    assertThat(sigma).containsExactly(new double[] {1, 0.86602540}, within(1e-8));
    assertThat(NoiseLevels.UNEQUAL.score(residuals.variances, sigma))
        .isCloseTo(1.86602540, within(1e-8));
  }

  @Test
  void theScoreAtItsMinimumIsTheSumOfTheNoise() {
    double[][] w = random(6, 0.5, 2);
    Residuals residuals = new Residuals(covariance(6, 5));
    residuals.at(w);
    double[] sigma = new double[6];
    for (NoiseLevels levels : List.of(NoiseLevels.EQUAL, NoiseLevels.UNEQUAL)) {
      levels.estimate(residuals.variances, new double[6], sigma);
      double least = levels.score(residuals.variances, sigma);
      assertThat(least).isCloseTo(Arrays.stream(sigma).sum(), within(1e-12));
      for (double factor : new double[] {0.9, 1.1}) {
        double[] other = Arrays.stream(sigma).map(v -> factor * v).toArray();
        assertThat(levels.score(residuals.variances, other)).isGreaterThan(least);
      }
      // S(W, c sigma; c X, c lambda) = c S(W, sigma; X, lambda); the penalty scales by itself.
      double[] scaled = Arrays.stream(residuals.variances).map(v -> 9 * v).toArray();
      double[] scaledSigma = Arrays.stream(sigma).map(v -> 3 * v).toArray();
      assertThat(levels.score(scaled, scaledSigma)).isCloseTo(3 * least, within(1e-12));
    }
  }

  private static double[][] gradient(Residuals residuals, double[] sigma) {
    double[][] gradient = new double[sigma.length][sigma.length];
    for (int i = 0; i < sigma.length; i++) {
      int row = i;
      Arrays.setAll(gradient[i], j -> -residuals.product[row][j] / sigma[j]);
    }
    return gradient;
  }

  @ParameterizedTest
  @EnumSource
  void gradientsOfTheScoresAreThoseOfDifferences(NoiseLevels levels) {
    double[][] w = random(5, 0.5, 4);
    Residuals residuals = new Residuals(covariance(5, 6));
    residuals.at(w);
    double[] sigma = new double[5];
    levels.estimate(residuals.variances, new double[5], sigma);
    double[][] gradient = gradient(residuals, sigma);
    assertClose(
        gradient,
        differences(
            w,
            v -> {
              residuals.at(v);
              return levels.score(residuals.variances, sigma);
            }),
        1e-6);
  }

  @Test
  void equalVariancesAreTheCaseOfEqualSigmas() {
    Residuals residuals = new Residuals(covariance(5, 6));
    residuals.at(random(5, 0.5, 4));
    double[] sigma = {2, 2, 2, 2, 2};
    assertThat(NoiseLevels.UNEQUAL.score(residuals.variances, sigma))
        .isCloseTo(NoiseLevels.EQUAL.score(residuals.variances, sigma), within(1e-12));
  }

  @Test
  void scoresGraphs() {
    double[][] c = {{1, 0.5}, {0.5, 1}};
    double[][] w = {{0, 0.5}, {0, 0}};
    assertThat(CoLiDE.equalVariance(0.1).score(c, w)).isCloseTo(1.87082869 + 0.05, within(1e-8));
    assertThat(CoLiDE.nonEqualVariance(0.1).score(c, w)).isCloseTo(1.86602540 + 0.05, within(1e-8));
    assertThat(new Dagma(0.1).score(c, w)).isCloseTo(0.875 + 0.05, within(1e-12));
    double[][] x = chain(1000);
    double[][] covariance = DagData.ofRows(x).covariance();
    for (LogDetLearner<?> learner : List.of(CoLiDE.equalVariance(1), new Dagma(1))) {
      DagEstimate r = learner.fit(x);
      assertThat(learner.score(covariance, r.weights())).isCloseTo(r.objective(), within(1e-12));
    }
    assertThatThrownBy(() -> CoLiDE.equalVariance(0.1).score(c, new double[3][3]))
        .hasMessage("the number of rows of weights must be the covariance's, 2, was 3");
  }

  @Test
  void theNoiseHasAFloor() {
    double[] sigma = new double[2];
    double[] variances = {1, 9};
    NoiseLevels.UNEQUAL.estimate(
        new double[] {-1e-17, 4}, NoiseLevels.UNEQUAL.floor(variances), sigma);
    assertThat(sigma).containsExactly(new double[] {0.01, 2}, within(1e-15));
    NoiseLevels.EQUAL.estimate(new double[] {0, 0}, NoiseLevels.EQUAL.floor(variances), sigma);
    assertThat(sigma)
        .containsExactly(new double[] {0.01 * Math.sqrt(5), 0.01 * Math.sqrt(5)}, within(1e-15));
  }

  // ---- learning

  private static double[][] chain(int n) {
    Rng rng = new Rng(7);
    double[] z = Noise.gaussian(1).draw(n, 3, rng);
    double[][] x = new double[n][3];
    for (int i = 0; i < n; i++) {
      x[i][0] = z[3 * i] + 5;
      x[i][1] = 1.5 * x[i][0] + z[3 * i + 1];
      x[i][2] = -x[i][1] + z[3 * i + 2];
    }
    return x;
  }

  private static List<DagLearner> learners() {
    return List.of(CoLiDE.equalVariance(0.05), CoLiDE.nonEqualVariance(0.05), new Dagma(0.05));
  }

  @Test
  void findsAChain() {
    double[][] x = chain(100_000);
    double[][] before = SquareRows.copy(x);
    double[][] c = DagData.ofRows(x).covariance();
    for (DagLearner learner : learners()) {
      DagEstimate r = learner.fit(x);
      Dag g = r.dag();
      assertThat(g.edges().stream().map(e -> e.from() + "->" + e.to()))
          .as(learner.toString())
          .containsExactly("0->1", "1->2");
      assertThat(g.topologicalOrder()).containsExactly(0, 1, 2);
      assertThat(g.parents(1)).containsExactly(0);
      for (double std : r.noiseStd()) {
        assertThat(std * std).isCloseTo(1, within(0.05));
      }
      assertThat(r.acyclicity()).isBetween(0.0, 1e-3);
      assertThat(r.trace()).hasSize(4).allMatch(s -> s.iterations() > 0 && s.restarts() == 0);
      assertThat(r.rows()).isEqualTo(100_000);
      assertThat(r.warnings()).isEmpty();
      assertThat(learner.fitCovariance(c, 100_000).weights()).isDeepEqualTo(r.weights());
    }
    assertThat(x).isDeepEqualTo(before);
  }

  @Test
  void permutesWithTheColumns() {
    double[][] x = chain(100_000);
    int[] place = {2, 0, 1};
    double[][] permuted = new double[x.length][3];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < 3; j++) {
        permuted[i][place[j]] = x[i][j];
      }
    }
    for (DagLearner learner : learners()) {
      double[][] w = learner.fit(x).weights();
      double[][] v = learner.fit(permuted).weights();
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
          assertThat(v[place[i]][place[j]]).isCloseTo(w[i][j], within(1e-6));
        }
      }
    }
  }

  @Test
  void minimisesWithAPenaltyOfAbsoluteValues() {
    // sum_i a_i (x_i - b_i)^2 / 2 + |x|_1: each x_i is b_i, nearer to 0 by 1 / a_i.
    double[] a = {1, 1e3, 0.1, 10, 1};
    double[] b = {3, -2, 4, 0.05, -0.5};
    double[] x = {-1, 1, 0, 5, 0};
    OrthantLbfgs.minimize(
        (at, gradient) -> {
          double value = 0;
          for (int i = 0; i < a.length; i++) {
            gradient[i] = a[i] * (at[i] - b[i]);
            value += gradient[i] * (at[i] - b[i]) / 2;
          }
          return value;
        },
        1,
        x);
    assertThat(x).containsExactly(new double[] {2, -1.999, 0, 0, 0}, within(1e-3));
  }

  @Test
  void baselinesFindTheChainToo() {
    double[][] x = chain(10_000);
    DagEstimate notears = new Notears(0.1).fit(x);
    assertThat(notears.converged()).isTrue();
    assertThat(notears.acyclicity()).isBetween(0.0, 1e-8);
    List<DagEstimate> all =
        List.of(
            notears,
            Golem.equalVariance().steps(3000).fit(x),
            Golem.nonEqualVariance().steps(3000).fit(x));
    for (DagEstimate r : all) {
      assertThat(r.noiseStd()).hasSize(3);
      assertThat(Double.isFinite(r.objective())).isTrue();
    }
    for (DagEstimate r : all.subList(0, 2)) {
      assertThat(r.dag().edges().stream().map(e -> e.from() + "->" + e.to()))
          .containsExactly("0->1", "1->2");
    }
  }

  @Test
  void followsItsSettings() {
    double[][] x = chain(1000);
    DagEstimate r = CoLiDE.equalVariance(0.05).stages(2).iterations(10, 20).fit(x);
    assertThat(r.converged()).isFalse();
    assertThat(r.trace().stream().map(DagEstimate.Stage::iterations)).containsExactly(10, 20);
    assertThat(r.trace().stream().map(DagEstimate.Stage::parameter)).containsExactly(1.0, 0.1);
    assertThat(r.trace().stream().map(DagEstimate.Stage::s)).containsExactly(1.0, 0.9);
    assertThat(CoLiDE.equalVariance(0.05).path(1, 0.5).iterations(5, 5).fit(x).trace()).hasSize(2);
  }

  @Test
  void stepsBackIntoTheDomainOrStartsAgain() {
    double[][] x = chain(1000);
    // Steps of this size leave the domain: with s > 0.9 they are halved, below the stage restarts.
    DagEstimate back =
        CoLiDE.equalVariance(0.05).learningRate(0.9).iterations(50, 50).path(1).fit(x);
    assertThat(back.trace().getFirst().restarts()).isZero();
    assertThat(Acyclicity.logDet(1).value(back.weights())).isNotNaN();
    DagEstimate again =
        CoLiDE.equalVariance(0.05).learningRate(0.9).iterations(50, 50).path(0.8).fit(x);
    assertThat(again.trace().getFirst().restarts()).isPositive();
    assertThat(again.trace().getFirst().s())
        .isCloseTo(0.8 + 0.1 * again.trace().getFirst().restarts(), within(1e-12));
    CoLiDE jump = CoLiDE.equalVariance(0.05).path(1e4, 1e-3).learningRate(5).iterations(3, 3);
    assertThatThrownBy(() -> jump.fit(x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("stage 1 left the domain of log det 21 times, at last with s = 2.0");
  }

  @Test
  void toleratesCollinearColumns() {
    double[][] x = chain(500);
    for (double[] row : x) {
      row[2] = 2 * row[0];
    }
    for (DagLearner learner : learners()) {
      DagEstimate r = learner.fit(x);
      for (double[] row : r.weights()) {
        assertThat(row).doesNotContain(Double.NaN);
      }
      assertThat(r.noiseStd()).doesNotContain(Double.NaN).doesNotContain(0);
    }
  }

  @Test
  void learnsFromFewerRowsThanColumns() {
    double[][] x = LinearSem.erdosRenyi(20, 20).sample(15, new Rng(2)).x();
    DagEstimate r = CoLiDE.equalVariance(0.05).iterations(1000, 1000).learningRate(1e-3).fit(x);
    assertThat(r.warnings()).containsExactly("15 rows for 20 columns: the covariance is singular");
    assertThat(Double.isFinite(r.objective())).isTrue();
  }

  @Test
  void warnsOfStandardisedData() {
    double[][] x = chain(1000);
    for (int j = 0; j < 3; j++) {
      double std = Math.sqrt(DagData.ofRows(x).covariance()[j][j]);
      for (double[] row : x) {
        row[j] /= std;
      }
    }
    assertThat(CoLiDE.equalVariance(0.05).iterations(1, 1).fit(x).warnings())
        .singleElement()
        .asString()
        .startsWith("all columns have variance 1");
  }

  @Test
  void refusesBadInput() {
    CoLiDE learner = CoLiDE.equalVariance(0.05);
    refuses(learner, new double[][] {{1, 2}}, "the number of rows of x must be at least 2, was 1");
    refuses(learner, new double[][] {{1}, {2}}, "the number of columns must be at least 2, was 1");
    refuses(learner, new double[][] {{1, 2}, {3}}, "row 2 of x has 1 columns, row 1 has 2");
    refuses(
        learner,
        new double[][] {{1, 2}, {3, Double.NaN}},
        "row 2, column 2 of x must be finite, is NaN");
    refuses(
        learner,
        new double[][] {{1, 2, 0.1}, {3, 4, 0.1}, {3, 5, 0.1}},
        "column 3 has zero variance");
    refuses(
        learner,
        new double[][] {{1, 1e200}, {3, -1e200}},
        "the variance of column 2 must be positive and finite, is Infinity");
    refusesCovariance(new double[][] {{1, 0}, {0}}, "the covariance must be square");
    refusesCovariance(new double[][] {{1, 0}, {0, 0}}, "column 2 has zero variance");
    refusesCovariance(new double[][] {{1, 0.5}, {0.4, 1}}, "must be equal and at most 1.0");
    refusesCovariance(new double[][] {{1, 2}, {2, 1}}, "must be equal and at most 1.0");
    refusesCovariance(new double[][] {{1, Double.NaN}, {2, 1}}, "must be equal");
    assertThatThrownBy(() -> learner.fitCovariance(new double[][] {{1, 0}, {0, 1}}, 1))
        .hasMessage("the number of rows must be at least 2, was 1");
    assertThatThrownBy(() -> CoLiDE.equalVariance(-1))
        .hasMessage("lambda must be 0 or more, was -1.0");
    assertThatThrownBy(() -> new Notears(Double.NaN)).hasMessageContaining("lambda must be");
    assertThatThrownBy(() -> learner.path(1, 0)).hasMessage("each s must be positive, was 0.0");
    assertThatThrownBy(() -> learner.stages(5))
        .hasMessage("stages must be 1 to the path's length, which is 4, was 5");
    assertThatThrownBy(() -> learner.iterations(0, 1)).hasMessage("warm must be at least 1, was 0");
    assertThatThrownBy(() -> learner.learningRate(0)).hasMessage("rate must be positive, was 0.0");
  }

  private static void refuses(DagLearner learner, double[][] x, String message) {
    assertThatThrownBy(() -> learner.fit(x))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  private static void refusesCovariance(double[][] c, String message) {
    assertThatThrownBy(() -> new Dagma(0.05).fitCovariance(c, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
