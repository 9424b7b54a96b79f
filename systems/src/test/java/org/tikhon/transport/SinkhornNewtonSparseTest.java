package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.TransportSolution.Iteration;
import org.tikhon.transport.TransportSolution.Stage;

class SinkhornNewtonSparseTest {
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private static double[][] uniform(int n, int m, long seed) {
    Random random = new Random(seed);
    double[][] cost = new double[n][m];
    for (double[] row : cost) {
      Arrays.setAll(row, j -> random.nextDouble());
    }
    return cost;
  }

  private static double[] equal(int n) {
    double[] weights = new double[n];
    Arrays.fill(weights, 1.0 / n);
    return weights;
  }

  private static double[] weights(int n, long seed) {
    Random random = new Random(seed);
    double[] weights = random.doubles(n, 0.2, 1).toArray();
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  private static double[][] transposed(double[][] a) {
    double[][] t = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        t[j][i] = a[i][j];
      }
    }
    return t;
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double distance(double[][] a, double[][] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> distance(a[i], b[i])).max().orElseThrow();
  }

  private static double distance(double[] a, double[] b) {
    assertThat(a).hasSameSizeAs(b);
    return IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElseThrow();
  }

  private static double[] centred(double[] v) {
    double mean = Arrays.stream(v).average().orElseThrow();
    return Arrays.stream(v).map(a -> a - mean).toArray();
  }

  private static TransportSolution sparseNewton(
      double eta, double[][] cost, double[] r, double[] c) {
    return new SinkhornNewtonSparse(eta).solve(cost, r, c);
  }

  @Test
  void goldenTwoByTwo() {
    double[][] cost = {{0, 1}, {1, 0}};
    double[] half = {0.5, 0.5};
    for (TransportSolution p :
        List.of(
            sparseNewton(1, cost, half, half),
            new DenseNewtonSinkhorn(1).solve(cost, half, half),
            new Sinkhorn(1, Sinkhorn.Mode.LOG).tolerance(1e-12).solve(cost, half, half),
            new Sinkhorn(1, Sinkhorn.Mode.KERNEL).tolerance(1e-12).solve(cost, half, half))) {
      assertThat(p.dense()[0]).containsExactly(new double[] {.36552929, .13447071}, within(1e-8));
      // The card's digits are rounded; these are (1 / 2) / (1 + e) and its likes.
      double off = 0.5 / (1 + Math.E);
      assertThat(p.dense()[0][1]).isCloseTo(off, within(1e-10));
      assertThat(p.dense()[1][0]).isCloseTo(off, within(1e-10));
      assertThat(p.dense()[1][1]).isCloseTo(0.5 - off, within(1e-10));
      assertThat(p.cost()).isCloseTo(2 * off, within(1e-10)).isCloseTo(.26894142, within(5e-9));
      assertThat(p.objective()).isCloseTo(-1.00640887, within(5e-9));
      assertThat(p.converged()).isTrue();
    }
    TransportSolution p = sparseNewton(10, cost, half, half);
    assertThat(p.dense()[0][1]).isCloseTo(2.26989344e-5, within(1e-10));
    assertThat(p.cost()).isCloseTo(4.53978687e-5, within(1e-10));
    assertThat(p.objective()).isCloseTo(-0.06931926, within(5e-9));
  }

  @Test
  void dualEqualsPrimalAtTheOptimum() {
    double eta = 50;
    double[][] cost = uniform(30, 20, 1);
    double[] r = weights(30, 2);
    double[] c = weights(20, 3);
    TransportSolution p = sparseNewton(eta, cost, r, c);
    double potentials = dot(r, p.x()) + dot(c, p.y());
    double mass = Arrays.stream(p.dense()).flatMapToDouble(Arrays::stream).sum();
    double f = potentials - mass / eta;
    assertThat(f).isCloseTo(p.objective(), within(1e-10));
    assertThat(potentials - 1 / eta).isCloseTo(p.objective(), within(1e-10));
    double cost1 = IntStream.range(0, 30).mapToDouble(i -> dot(cost[i], p.dense()[i])).sum();
    assertThat(p.cost()).isCloseTo(cost1, within(1e-13));
  }

  @Test
  void derivativesOfTheDualMatchFiniteDifferences() {
    int n = 5;
    int m = 4;
    double eta = 3;
    EntropicProblem problem =
        EntropicProblem.of(eta, uniform(n, m, 1), weights(n, 2), weights(m, 3));
    double[] x = new Random(4).doubles(n, 0, 0.4).toArray();
    double[] y = new Random(5).doubles(m, 0, 0.4).toArray();
    EntropicDual dual = evaluated(problem, x, y);
    double[] g = dual.gradient();
    SparseHessian hessian = SparseHessian.of(dual.plan, dual.sums, (long) n * m, 0);
    double h = 1e-5;
    for (int k = 0; k < n + m; k++) {
      EntropicDual up = shifted(problem, x, y, k, h);
      EntropicDual down = shifted(problem, x, y, k, -h);
      assertThat(g[k]).isCloseTo((up.value() - down.value()) / (2 * h), within(1e-6));
      double[] unit = new double[n + m];
      unit[k] = 1;
      double[] column = new double[n + m];
      hessian.multiply(unit, column);
      for (int l = 0; l < n + m; l++) {
        assertThat(-eta * column[l])
            .isCloseTo((up.gradient()[l] - down.gradient()[l]) / (2 * h), within(1e-6));
      }
    }
  }

  private static EntropicDual evaluated(EntropicProblem problem, double[] x, double[] y) {
    EntropicDual dual = new EntropicDual(problem, x, y, true);
    dual.evaluate();
    return dual;
  }

  private static EntropicDual shifted(
      EntropicProblem problem, double[] x, double[] y, int k, double h) {
    double[] x1 = x.clone();
    double[] y1 = y.clone();
    if (k < x.length) {
      x1[k] += h;
    } else {
      y1[k - x.length] += h;
    }
    return evaluated(problem, x1, y1);
  }

  @Test
  void theNullVectorIsOneMinusOne() {
    EntropicDual dual =
        evaluated(
            EntropicProblem.of(5, uniform(6, 9, 1), weights(6, 2), weights(9, 3)),
            new double[6],
            new double[9]);
    double[] w = new double[15];
    Arrays.fill(w, 0, 6, 1);
    Arrays.fill(w, 6, 15, -1);
    double[] hw = new double[15];
    SparseHessian.of(dual.plan, dual.sums, 54, 0).multiply(w, hw);
    assertThat(hw).containsExactly(new double[15], within(1e-12));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 13, 30, 53, 54})
  void theSparseHessianIsPositiveDefiniteAcrossTheNullVector(int q) {
    int n = 6;
    int m = 9;
    double[][] plan = uniform(n, m, 10 + q);
    double[] sums = new double[n + m];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < m; j++) {
        sums[i] += plan[i][j];
        sums[n + j] += plan[i][j];
      }
    }
    SparseHessian hessian = SparseHessian.of(plan, sums, q, 0);
    assertThat(hessian.offDiagonal().size()).isEqualTo(q);
    double[][] dense = new double[n + m][n + m];
    for (int k = 0; k < n + m; k++) {
      double[] unit = new double[n + m];
      unit[k] = 1;
      hessian.multiply(unit, dense[k]);
      // With the null vector lifted, all eigenvalues must be positive.
      for (int l = 0; l < n + m; l++) {
        dense[k][l] += k < n == l < n ? 1 : -1;
      }
    }
    try (Scope scope = Scope.open()) {
      double[] values = Linalg.eigvalsh(Tensor.of(dense)).toDoubleArray();
      assertThat(Arrays.stream(values).min().orElseThrow()).isGreaterThan(1e-6);
    }
  }

  @Test
  void keepsTheLargestEntries() {
    double[][] plan = uniform(13, 17, 3);
    double[] sorted =
        Arrays.stream(plan).flatMapToDouble(Arrays::stream).map(v -> -v).sorted().toArray();
    for (int k : new int[] {1, 2, 50, 220, 221}) {
      assertThat(Selection.kthLargest(plan, k)).isEqualTo(-sorted[k - 1]);
    }
    double[][] ties = {{1, 2, 2}, {2, 0, 2}};
    assertThat(Selection.kthLargest(ties, 3)).isEqualTo(2);
    assertThat(Selection.kthLargest(ties, 6)).isZero();
    assertThat(SparsePlan.largest(ties, 3).value()).containsExactly(2, 2, 2);
    assertThat(SparsePlan.largest(ties, 6).value()).containsExactly(1, 2, 2, 2, 2);
  }

  @Test
  void keepingEverythingIsDenseNewton() {
    double[][] cost = uniform(20, 20, 1);
    double[] r = weights(20, 2);
    double[] c = weights(20, 3);
    int compared = 0;
    for (int steps = 1; steps <= 6; steps++) {
      TransportSolution sparse =
          new SinkhornNewtonSparse(30)
              .warmup(5)
              .keepPerRow(20)
              .damping(0)
              .cgTolerance(1e-13)
              .maxNewton(steps)
              .solve(cost, r, c);
      TransportSolution dense =
          new DenseNewtonSinkhorn(30).warmup(5).maxNewton(steps).solve(cost, r, c);
      assertThat(distance(sparse.x(), dense.x())).isLessThan(1e-9);
      assertThat(distance(sparse.y(), dense.y())).isLessThan(1e-9);
      assertThat(sparse.newtonSteps()).isEqualTo(dense.newtonSteps());
      compared += sparse.newtonSteps() == steps ? 1 : 0;
    }
    assertThat(compared).isGreaterThanOrEqualTo(3);
  }

  @Test
  void withoutNewtonStepsItIsSinkhornBitForBit() {
    double[][] cost = uniform(15, 10, 1);
    double[] r = weights(15, 2);
    double[] c = weights(10, 3);
    TransportSolution newton =
        new SinkhornNewtonSparse(40).warmup(17).maxNewton(0).solve(cost, r, c);
    TransportSolution sinkhorn =
        new Sinkhorn(40, Sinkhorn.Mode.LOG).tolerance(1e-12).maxSweeps(17).solve(cost, r, c);
    assertThat(newton.x()).isEqualTo(sinkhorn.x());
    assertThat(newton.y()).isEqualTo(sinkhorn.y());
    assertThat(newton.dense()).isDeepEqualTo(sinkhorn.dense());
    assertThat(newton.sweeps()).isEqualTo(17);
    assertThat(newton.converged()).isFalse();
  }

  @Test
  void solversAgree() {
    double eta = 50;
    double[][] cost = uniform(40, 40, 7);
    double[] r = weights(40, 8);
    double[] c = weights(40, 9);
    TransportSolution sns = sparseNewton(eta, cost, r, c);
    assertThat(sns.converged()).isTrue();
    for (TransportSolution other :
        List.of(
            new Sinkhorn(eta, Sinkhorn.Mode.LOG).tolerance(1e-10).solve(cost, r, c),
            new Sinkhorn(eta, Sinkhorn.Mode.KERNEL).tolerance(1e-10).solve(cost, r, c),
            new Sinkhorn(eta, Sinkhorn.Mode.LOG)
                .tolerance(1e-10)
                .epsilonScaling(true)
                .solve(cost, r, c),
            new SinkhornNewtonSparse(eta).autoWarmup().epsilonScaling(true).solve(cost, r, c),
            new DenseNewtonSinkhorn(eta).solve(cost, r, c))) {
      assertThat(other.converged()).isTrue();
      assertThat(distance(other.dense(), sns.dense())).isLessThan(1e-8);
      assertThat(distance(centred(other.x()), centred(sns.x()))).isLessThan(1e-8);
    }
  }

  @Test
  void shiftsTranspositionAndUnits() {
    double eta = 60;
    int n = 25;
    int m = 30;
    double[][] cost = uniform(n, m, 1);
    double[] r = weights(n, 2);
    double[] c = weights(m, 3);
    double[] u = new Random(4).doubles(n, -1, 1).toArray();
    double[] v = new Random(5).doubles(m, -1, 1).toArray();
    TransportSolution p = sparseNewton(eta, cost, r, c);

    double[][] moved = new double[n][m];
    double[][] scaled = new double[n][m];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < m; j++) {
        moved[i][j] = cost[i][j] + u[i] + v[j];
        scaled[i][j] = 1000 * cost[i][j];
      }
    }
    TransportSolution shifted = sparseNewton(eta, moved, r, c);
    assertThat(distance(shifted.dense(), p.dense())).isLessThan(1e-11);
    double[] dx = IntStream.range(0, n).mapToDouble(i -> shifted.x()[i] - u[i]).toArray();
    double[] dy = IntStream.range(0, m).mapToDouble(j -> shifted.y()[j] - v[j]).toArray();
    assertThat(distance(centred(dx), centred(p.x()))).isLessThan(1e-11);
    assertThat(distance(centred(dy), centred(p.y()))).isLessThan(1e-11);

    TransportSolution turned = sparseNewton(eta, transposed(cost), c, r);
    assertThat(distance(transposed(turned.dense()), p.dense())).isLessThan(1e-11);

    TransportSolution otherUnits = sparseNewton(eta / 1000, scaled, r, c);
    assertThat(distance(otherUnits.dense(), p.dense())).isLessThan(1e-12);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2})
  void convergesQuadratically(long seed) {
    int n = 200;
    TransportSolution p =
        new SinkhornNewtonSparse(500)
            .warmup(20)
            .keepPerRow(16)
            .solve(uniform(n, n, seed), equal(n), equal(n));
    assertThat(p.converged()).isTrue();
    assertThat(p.marginalError()).isLessThanOrEqualTo(1e-12);
    assertThat(p.sweeps()).isEqualTo(20);
    assertThat(p.newtonSteps()).isLessThanOrEqualTo(12);
    assertThat(p.cgIterations()).isPositive();
    double[] errors = newtonErrors(p);
    // In the end the digits double: the exponent of the error grows by more than a half a step.
    double last = Math.log(errors[errors.length - 1]) / Math.log(errors[errors.length - 2]);
    double before = Math.log(errors[errors.length - 2]) / Math.log(errors[errors.length - 3]);
    assertThat(Math.max(last, before)).isGreaterThan(1.5);
  }

  private static double[] newtonErrors(TransportSolution p) {
    return p.history().stream()
        .filter(h -> h.stage() == Stage.NEWTON)
        .mapToDouble(Iteration::marginalError)
        .toArray();
  }

  @Test
  void theHistoryTellsEveryIteration() {
    TransportSolution p = sparseNewton(100, uniform(30, 30, 1), weights(30, 2), weights(30, 3));
    assertThat(p.history()).hasSize(p.sweeps() + p.newtonSteps());
    assertThat(p.history().getFirst().stage()).isEqualTo(Stage.SINKHORN);
    assertThat(p.history().getLast().marginalError()).isEqualTo(p.marginalError());
    assertThat(p.history()).isSortedAccordingTo((a, b) -> Double.compare(a.seconds(), b.seconds()));
    assertThat(p.history()).allMatch(h -> h.stepLength() > 0 && h.stepLength() <= 1);
  }

  @Test
  void sweepErrorsAreThoseOfTheirPlans() {
    double[][] cost = uniform(12, 9, 1);
    double[] r = weights(12, 2);
    double[] c = weights(9, 3);
    for (Sinkhorn.Mode mode : Sinkhorn.Mode.values()) {
      List<Iteration> history = new Sinkhorn(30, mode).maxSweeps(8).solve(cost, r, c).history();
      for (int k = 1; k <= 8; k++) {
        TransportSolution p = new Sinkhorn(30, mode).maxSweeps(k).solve(cost, r, c);
        assertThat(history.get(k - 1).marginalError()).isCloseTo(p.marginalError(), within(1e-14));
      }
    }
  }

  @Test
  void potentialsAreTheGradientsOfTheValue() {
    double eta = 20;
    double[][] cost = uniform(6, 7, 1);
    double[] r = weights(6, 2);
    double[] c = weights(7, 3);
    TransportSolution p = sparseNewton(eta, cost, r, c);
    double h = 1e-5;
    double[] up = r.clone();
    up[0] += h;
    up[1] -= h;
    double[] down = r.clone();
    down[0] -= h;
    down[1] += h;
    double slope =
        (sparseNewton(eta, cost, up, c).objective() - sparseNewton(eta, cost, down, c).objective())
            / (2 * h);
    assertThat(slope).isCloseTo(p.x()[0] - p.x()[1], within(1e-6));

    double[][] higher = Arrays.stream(cost).map(double[]::clone).toArray(double[][]::new);
    higher[2][3] += h;
    double change = sparseNewton(eta, higher, r, c).objective() - p.objective();
    assertThat(change / h).isCloseTo(p.dense()[2][3], within(1e-4));
  }

  @Test
  void startsFromAnEarlierPlan() {
    double[][] cost = uniform(60, 60, 1);
    double[] r = weights(60, 2);
    double[] c = weights(60, 3);
    SinkhornNewtonSparse sns = new SinkhornNewtonSparse(200);
    TransportSolution cold = sns.solve(cost, r, c);
    TransportSolution again = sns.solve(cost, r, c, cold);
    assertThat(again.converged()).isTrue();
    assertThat(again.newtonSteps()).isZero();
    assertThat(again.sweeps()).isEqualTo(1);
    assertThat(distance(again.dense(), cold.dense())).isLessThan(1e-12);
    Sinkhorn log = new Sinkhorn(200, Sinkhorn.Mode.LOG);
    assertThat(log.solve(cost, r, c, cold).sweeps()).isEqualTo(1);
    assertThat(log.solve(cost, r, c).sweeps()).isGreaterThan(20);
    assertThat(new DenseNewtonSinkhorn(200).solve(cost, r, c, cold).newtonSteps()).isZero();
    assertThatThrownBy(() -> sns.solve(uniform(60, 2, 1), r, equal(2), cold))
        .hasMessage("warmStart.y must have length 2, has 60");
  }

  @Test
  void placesWithoutMassAreLeftOut() {
    double[][] cost = uniform(5, 4, 1);
    double[] r = {0.3, 0, 0.4, 0.3, 0};
    double[] c = {0.5, 0.2, 0, 0.3};
    cost[1][0] = INFINITY;
    Arrays.fill(cost[4], INFINITY);
    TransportSolution p = sparseNewton(30, cost, r, c);
    assertThat(p.converged()).isTrue();
    assertThat(p.dense()[1]).containsOnly(0);
    assertThat(p.dense()[4]).containsOnly(0);
    assertThat(transposed(p.dense())[2]).containsOnly(0);
    assertThat(p.x()[1]).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(p.y()[2]).isEqualTo(Double.NEGATIVE_INFINITY);
    double[][] dense = {
      {cost[0][0], cost[0][1], cost[0][3]},
      {cost[2][0], cost[2][1], cost[2][3]},
      {cost[3][0], cost[3][1], cost[3][3]}
    };
    TransportSolution small =
        sparseNewton(30, dense, new double[] {0.3, 0.4, 0.3}, new double[] {0.5, 0.2, 0.3});
    assertThat(p.dense()[2][3]).isEqualTo(small.dense()[1][2]);
    assertThat(p.cost()).isEqualTo(small.cost());
    // The warm start has no potential for places that have mass now.
    TransportSolution all =
        new SinkhornNewtonSparse(30).solve(uniform(5, 4, 2), equal(5), equal(4), p);
    assertThat(all.converged()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(Sinkhorn.Mode.class)
  void forbiddenPairsStayEmpty(Sinkhorn.Mode mode) {
    double[][] cost = uniform(6, 6, 1);
    cost[0][3] = INFINITY;
    cost[2][2] = INFINITY;
    cost[5][0] = INFINITY;
    TransportSolution p = sparseNewton(20, cost, equal(6), equal(6));
    TransportSolution q = new Sinkhorn(20, mode).tolerance(1e-12).solve(cost, equal(6), equal(6));
    for (TransportSolution plan : List.of(p, q)) {
      assertThat(plan.converged()).isTrue();
      assertThat(plan.dense()[0][3]).isZero();
      assertThat(plan.dense()[2][2]).isZero();
      assertThat(plan.dense()[5][0]).isZero();
      assertThat(plan.cost()).isFinite();
      assertThat(plan.objective()).isFinite();
    }
    assertThat(distance(p.dense(), q.dense())).isLessThan(1e-10);
  }

  @Test
  void infeasibleForbiddenPairsDoNotLoop() {
    // Both rows may go to the first column only, which has too little room.
    double[][] cost = {{0, INFINITY, INFINITY}, {0, INFINITY, INFINITY}, {0, 0, 0}};
    for (TransportSolution p :
        List.of(
            sparseNewton(10, cost, equal(3), equal(3)),
            new Sinkhorn(10, Sinkhorn.Mode.KERNEL)
                .maxSweeps(500)
                .solve(cost, equal(3), equal(3)))) {
      assertThat(p.converged()).isFalse();
      assertThat(p.marginalError()).isFinite().isGreaterThan(0.1);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,7", "7,1", "3,50", "60,20"})
  void rectangularProblems(int n, int m) {
    double[] r = weights(n, 2);
    double[] c = weights(m, 3);
    TransportSolution p = sparseNewton(40, uniform(n, m, 1), r, c);
    assertThat(p.converged()).isTrue();
    assertThat(p.dense()).hasNumberOfRows(n);
    for (int i = 0; i < n; i++) {
      assertThat(Arrays.stream(p.dense()[i]).sum()).isCloseTo(r[i], within(1e-12));
    }
  }

  @Test
  void anyMassWillDo() {
    double[][] cost = uniform(20, 20, 1);
    double[] r = Arrays.stream(weights(20, 2)).map(v -> 1000 * v).toArray();
    double[] c = Arrays.stream(weights(20, 3)).map(v -> 1000 * v).toArray();
    TransportSolution p = new SinkhornNewtonSparse(50).tolerance(1e-9).solve(cost, r, c);
    TransportSolution one = sparseNewton(50, cost, weights(20, 2), weights(20, 3));
    assertThat(p.converged()).isTrue();
    assertThat(p.dense()[3][4]).isCloseTo(1000 * one.dense()[3][4], within(1e-9));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e4, 1e6})
  void largeExponentsDoNotOverflow(double eta) {
    double[][] cost = uniform(30, 30, 1);
    for (TransportSolution p :
        List.of(
            sparseNewton(eta, cost, equal(30), equal(30)),
            new Sinkhorn(eta, Sinkhorn.Mode.LOG).maxSweeps(200).solve(cost, equal(30), equal(30)),
            new Sinkhorn(eta, Sinkhorn.Mode.KERNEL)
                .maxSweeps(200)
                .solve(cost, equal(30), equal(30)))) {
      assertThat(p.marginalError()).isFinite();
      assertThat(p.x()).doesNotContain(Double.NaN);
      assertThat(p.objective()).isFinite();
    }
  }

  @Test
  void nearPermutationsRiseAndEnd() {
    double[][] cost = uniform(100, 100, 0);
    double eta = 1200;
    double before = Double.NEGATIVE_INFINITY;
    for (int steps = 0; steps <= 12; steps += 3) {
      TransportSolution p =
          new SinkhornNewtonSparse(eta).maxNewton(steps).solve(cost, equal(100), equal(100));
      double f = dualValue(eta, p);
      assertThat(f).isGreaterThanOrEqualTo(before - 1e-13);
      before = f;
    }
    TransportSolution p =
        new SinkhornNewtonSparse(eta).maxNewton(3).solve(cost, equal(100), equal(100));
    assertThat(p.newtonSteps()).isEqualTo(3);
    assertThat(p.converged()).isEqualTo(p.marginalError() <= 1e-12);
  }

  private static double dualValue(double eta, TransportSolution p) {
    double mass = Arrays.stream(p.dense()).flatMapToDouble(Arrays::stream).sum();
    return (Arrays.stream(p.x()).sum() + Arrays.stream(p.y()).sum()) / 100 - mass / eta;
  }

  @Test
  void roundingMakesTheMarginalsExact() {
    double[][] cost = uniform(40, 30, 1);
    double[] r = weights(40, 2);
    double[] c = weights(30, 3);
    TransportSolution p = new Sinkhorn(100, Sinkhorn.Mode.LOG).maxSweeps(5).solve(cost, r, c);
    assertThat(p.marginalError()).isGreaterThan(1e-4);
    double[][] rounded = Rounding.toMarginals(p.dense(), r, c);
    double roundedCost = 0;
    for (int i = 0; i < 40; i++) {
      assertThat(Arrays.stream(rounded[i]).min().orElseThrow()).isNotNegative();
      assertThat(Arrays.stream(rounded[i]).sum()).isCloseTo(r[i], within(1e-15));
      roundedCost += dot(rounded[i], cost[i]);
    }
    double[][] turned = transposed(rounded);
    for (int j = 0; j < 30; j++) {
      assertThat(Arrays.stream(turned[j]).sum()).isCloseTo(c[j], within(1e-15));
    }
    double largest = Arrays.stream(cost).flatMapToDouble(Arrays::stream).max().orElseThrow();
    assertThat(Math.abs(roundedCost - p.cost()))
        .isLessThanOrEqualTo(2 * largest * p.marginalError());
    assertThatThrownBy(() -> Rounding.toMarginals(p.dense(), c, r))
        .hasMessage("plan must have shape [30, 40], the lengths of r and c");
  }

  @Test
  void sparsePlansKeepTheLargeEntries() {
    double[][] plan = {{0, 0.5, 0.1}, {0.3, 0.05, 0.05}};
    SparsePlan sparse =
        new SinkhornNewtonSparse(10)
            .solve(new double[][] {{0, 1}, {1, 0}}, equal(2), equal(2))
            .sparsePlan(1e-3);
    assertThat(sparse.size()).isEqualTo(2);
    SparsePlan large = SparsePlan.of(plan, 0.1);
    assertThat(large.rowStart()).containsExactly(0, 2, 3);
    assertThat(large.column()).containsExactly(1, 2, 0);
    assertThat(large.value()).containsExactly(0.5, 0.1, 0.3);
    assertThat(large.mass()).isCloseTo(0.9, within(1e-15));
    assertThat(SparsePlan.of(plan, 0).size()).isEqualTo(5);
    assertThatThrownBy(() -> SparsePlan.of(plan, -1))
        .hasMessage("threshold must be 0 or more, was -1.0");
  }

  @Test
  void refusesBadInput() {
    SinkhornNewtonSparse sns = new SinkhornNewtonSparse(10);
    double[][] cost = uniform(2, 2, 1);
    double[] half = {0.5, 0.5};
    assertThatThrownBy(() -> new SinkhornNewtonSparse(0))
        .hasMessage("eta must be positive and finite, was 0.0");
    assertThatThrownBy(() -> new Sinkhorn(Double.NaN, Sinkhorn.Mode.LOG))
        .hasMessage("eta must be positive and finite, was NaN");
    assertThatThrownBy(() -> new DenseNewtonSinkhorn(-1)).hasMessageContaining("was -1.0");
    assertThatThrownBy(() -> sns.warmup(0))
        .hasMessage(
            "warmup must be at least 1 (Newton's method diverges from a cold start), was 0");
    assertThatThrownBy(() -> sns.keepPerRow(-1)).hasMessageContaining("keepPerRow");
    assertThatThrownBy(() -> sns.tolerance(Double.NaN)).hasMessageContaining("tolerance");
    assertThatThrownBy(() -> sns.maxNewton(-1)).hasMessageContaining("maxNewton");
    assertThatThrownBy(() -> sns.damping(-1)).hasMessageContaining("damping");
    assertThatThrownBy(() -> sns.cgTolerance(1)).hasMessageContaining("cgTolerance");
    assertThatThrownBy(() -> sns.solve(cost, new double[] {0.5, -0.5}, half))
        .hasMessage("r[1] must be finite and 0 or more, was -0.5");
    assertThatThrownBy(() -> sns.solve(cost, half, new double[] {0.5, Double.NaN}))
        .hasMessage("c[1] must be finite and 0 or more, was NaN");
    assertThatThrownBy(() -> sns.solve(cost, half, new double[] {0.5, 0.48}))
        .hasMessage("marginals have different mass: 1.0 and 0.98");
    assertThatThrownBy(() -> sns.solve(new double[0][], new double[0], new double[0]))
        .hasMessage("r must have at least one weight, was empty");
    assertThatThrownBy(() -> sns.solve(cost, new double[2], new double[2]))
        .hasMessage("r must have a positive finite sum, was 0.0");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, 1}, {Double.NaN, 0}}, half, half))
        .hasMessage("cost[1][0] must be a number or +infinity, was NaN");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, 1}, {-INFINITY, 0}}, half, half))
        .hasMessage("cost[1][0] must be a number or +infinity, was -Infinity");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, 1}}, half, half))
        .hasMessage("cost must have a row for each of the 2 weights of r, has 1");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, 1}, {1}}, half, half))
        .hasMessage("cost must have a column for each of the 2 weights of c, row 1 has 1");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, 1}, {INFINITY, INFINITY}}, half, half))
        .hasMessage("row 1 has mass 0.5 but no finite cost");
    assertThatThrownBy(() -> sns.solve(new double[][] {{0, INFINITY}, {1, INFINITY}}, half, half))
        .hasMessage("column 1 has mass 0.5 but no finite cost");
  }
}
