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
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TransportProblemTest {
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private static double[][] points(int n, int d, long seed) {
    Random random = new Random(seed);
    double[][] points = new double[n][d];
    for (double[] point : points) {
      Arrays.setAll(point, k -> random.nextGaussian());
    }
    return points;
  }

  private static double[] weights(int n, long seed, double mass) {
    double[] weights = new Random(seed).doubles(n, 0.2, 1).toArray();
    double sum = Arrays.stream(weights).sum();
    return Arrays.stream(weights).map(w -> mass * w / sum).toArray();
  }

  private static double[] equal(int n) {
    double[] weights = new double[n];
    Arrays.fill(weights, 1.0 / n);
    return weights;
  }

  private static double[] rowSums(Plan plan) {
    return IntStream.range(0, plan.rows())
        .mapToDouble(i -> Arrays.stream(plan.row(i)).sum())
        .toArray();
  }

  private static double[] columnSums(Plan plan) {
    double[] sums = new double[plan.columns()];
    for (int i = 0; i < plan.rows(); i++) {
      RowKernels.addScaled(sums, plan.row(i), 1);
    }
    return sums;
  }

  @Test
  void pointsInBlocksGiveThePlanOfTheMatrix() {
    double[][] x = points(70, 3, 1);
    double[][] y = points(50, 3, 2);
    double[] r = weights(70, 3, 1);
    double[] c = weights(50, 4, 1);
    Sinkhorn log = new Sinkhorn(2, Sinkhorn.Mode.LOG);
    TransportSolution matrix = log.solve(Costs.squaredEuclidean(x, y), r, c);
    TransportProblem points = TransportProblem.of(x, y, GroundCost.squaredEuclidean(), r, c);
    TransportSolution lazy = log.solve(points);
    assertThat(lazy.plan()).isInstanceOf(LazyPlan.class);
    assertThat(lazy.cost()).isCloseTo(matrix.cost(), within(1e-12));
    assertThat(lazy.sweeps()).isEqualTo(matrix.sweeps());
    for (int i = 0; i < 70; i++) {
      assertThat(lazy.plan().row(i)).containsExactly(matrix.dense()[i], within(1e-13));
    }
    // The solvers that keep a plan or a kernel take points as well.
    assertThat(new SinkhornNewtonSparse(2).solve(points).cost())
        .isCloseTo(matrix.cost(), within(1e-8));
    assertThat(new Sinkhorn(2, Sinkhorn.Mode.KERNEL).solve(points).cost())
        .isCloseTo(matrix.cost(), within(1e-8));
    assertThat(new ExactTransport().solve(points).cost()).isLessThan(matrix.cost());
  }

  @Test
  void lazyPlansAnswerAsDenseOnes() {
    double[][] x = points(9, 2, 1);
    double[][] y = points(7, 2, 2);
    double[] r = weights(9, 3, 1);
    r[4] = 0;
    double[] c = weights(7, 4, Arrays.stream(r).sum());
    Sinkhorn log = new Sinkhorn(5, Sinkhorn.Mode.LOG);
    Plan lazy = log.solve(TransportProblem.of(x, y, GroundCost.squaredEuclidean(), r, c)).plan();
    Plan dense = log.solve(Costs.squaredEuclidean(x, y), r, c).plan();
    assertThat(lazy.row(4)).containsOnly(0);
    assertThat(lazy.mass()).isCloseTo(dense.mass(), within(1e-14));
    assertThat(lazy.times(c)).containsExactly(dense.times(c), within(1e-14));
    assertThat(lazy.sparse(0.01).value())
        .containsExactly(dense.sparse(0.01).value(), within(1e-13));
    assertThat(lazy.barycentres(y)[0]).containsExactly(dense.barycentres(y)[0], within(1e-12));
    assertThat(lazy.barycentres(y)[4]).containsOnly(Double.NaN);
    double[][] sparse = dense.sparse(0).dense();
    assertThat(sparse).isDeepEqualTo(dense.dense());
  }

  @ParameterizedTest
  @EnumSource(Sinkhorn.Mode.class)
  void relaxedMarginalsMeetTheirOptimality(Sinkhorn.Mode mode) {
    double[][] cost = Costs.squaredEuclidean(points(12, 2, 1), points(9, 2, 2));
    double[] r = weights(12, 3, 1);
    double[] c = weights(9, 4, 1.7);
    double gamma = 0.8;
    TransportProblem problem = TransportProblem.of(cost, r, c).relax(gamma, 2 * gamma);
    TransportSolution s = new Sinkhorn(10, mode).tolerance(1e-11).solve(problem);
    assertThat(s.converged()).isTrue();
    double[] rows = rowSums(s.plan());
    double[] columns = columnSums(s.plan());
    for (int i = 0; i < 12; i++) {
      assertThat(rows[i]).isCloseTo(r[i] * Math.exp(-s.x()[i] / gamma), within(1e-10));
    }
    for (int j = 0; j < 9; j++) {
      assertThat(columns[j]).isCloseTo(c[j] * Math.exp(-s.y()[j] / (2 * gamma)), within(1e-10));
    }
    // The objective is stationary: no small change of the plan lowers it.
    double[][] p = s.dense();
    double best = objective(p, cost, r, c, gamma, 2 * gamma, 0.1);
    assertThat(s.objective()).isCloseTo(best, within(1e-12));
    p[3][2] *= 1.01;
    assertThat(objective(p, cost, r, c, gamma, 2 * gamma, 0.1)).isGreaterThan(best);
    p[3][2] /= 1.01 * 1.01;
    assertThat(objective(p, cost, r, c, gamma, 2 * gamma, 0.1)).isGreaterThan(best);
  }

  private static double objective(
      double[][] p, double[][] cost, double[] r, double[] c, double gr, double gc, double eps) {
    double value = 0;
    for (int i = 0; i < p.length; i++) {
      for (int j = 0; j < p[i].length; j++) {
        value += p[i][j] * cost[i][j] + eps * p[i][j] * Math.log(p[i][j]);
      }
    }
    double[] rows = rowSums(new DensePlan(p));
    double[] columns = columnSums(new DensePlan(p));
    for (int i = 0; i < r.length; i++) {
      value += gr * (rows[i] * Math.log(rows[i] / r[i]) - rows[i] + r[i]);
    }
    for (int j = 0; j < c.length; j++) {
      value += gc * (columns[j] * Math.log(columns[j] / c[j]) - columns[j] + c[j]);
    }
    return value;
  }

  @Test
  void muchRelaxationPriceMeetsTheMarginals() {
    double[][] cost = Costs.squaredEuclidean(points(8, 2, 1), points(6, 2, 2));
    double[] r = weights(8, 3, 1);
    double[] c = weights(6, 4, 1);
    Sinkhorn log = new Sinkhorn(10, Sinkhorn.Mode.LOG).tolerance(1e-11);
    TransportSolution exact = log.solve(cost, r, c);
    TransportSolution dear = log.solve(TransportProblem.of(cost, r, c).relax(1e7, INFINITY));
    assertThat(rowSums(dear.plan())).containsExactly(r, within(1e-6));
    assertThat(dear.cost()).isCloseTo(exact.cost(), within(1e-6));
  }

  @Test
  void exactTransportIsTheCheapestOfAllPermutations() {
    double[][] cost = Costs.euclidean(points(6, 2, 1), points(6, 2, 2));
    TransportSolution s = new ExactTransport().solve(cost, equal(6), equal(6));
    assertThat(s.cost()).isCloseTo(cheapest(cost, new boolean[6], 0) / 6, within(1e-12));
    assertThat(s.plan()).isInstanceOf(SparsePlan.class);
    assertThat(((SparsePlan) s.plan()).size()).isLessThanOrEqualTo(11);
  }

  private static double cheapest(double[][] cost, boolean[] used, int i) {
    if (i == cost.length) {
      return 0;
    }
    double best = INFINITY;
    for (int j = 0; j < cost.length; j++) {
      if (!used[j]) {
        used[j] = true;
        best = Math.min(best, cost[i][j] + cheapest(cost, used, i + 1));
        used[j] = false;
      }
    }
    return best;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void exactTransportHasDualsThatProveIt(long seed) {
    double[][] cost = Costs.squaredEuclidean(points(40, 2, seed), points(25, 2, seed + 50));
    double[] r = weights(40, seed + 1, 1);
    double[] c = weights(25, seed + 2, 1);
    c[3] = 0;
    double mass = Arrays.stream(c).sum();
    double scale = mass / Arrays.stream(r).sum();
    double[] scaled = Arrays.stream(r).map(v -> v * scale).toArray();
    TransportSolution s = new ExactTransport().solve(cost, scaled, c);
    assertThat(s.converged()).isTrue();
    assertThat(rowSums(s.plan())).containsExactly(scaled, within(1e-12));
    assertThat(columnSums(s.plan())).containsExactly(c, within(1e-12));
    double dual = 0;
    for (int i = 0; i < 40; i++) {
      dual += scaled[i] * s.x()[i];
      for (int j = 0; j < 25; j++) {
        assertThat(s.x()[i] + s.y()[j]).isLessThanOrEqualTo(cost[i][j] + 1e-12);
      }
    }
    for (int j = 0; j < 25; j++) {
      dual += c[j] > 0 ? c[j] * s.y()[j] : 0;
    }
    assertThat(dual).isCloseTo(s.cost(), within(1e-12));
    TransportSolution entropic = new Sinkhorn(50, Sinkhorn.Mode.LOG).solve(cost, scaled, c);
    assertThat(entropic.cost()).isBetween(s.cost() - 1e-10, s.cost() + 0.1);
  }

  @Test
  void partialTransportMovesTheCheapestMass() {
    double[][] cost = {{1, 9}, {9, 2}, {9, 30}};
    double[] r = {0.5, 0.5, 1};
    double[] c = {0.5, 0.5};
    TransportProblem problem = TransportProblem.of(cost, r, c);
    TransportSolution half = new ExactTransport().solve(problem.partial(0.5));
    assertThat(half.dense()).isDeepEqualTo(new double[][] {{0.5, 0}, {0, 0}, {0, 0}});
    assertThat(half.cost()).isCloseTo(0.5, within(1e-14));
    TransportSolution most = new ExactTransport().solve(problem.partial(1));
    assertThat(most.dense()).isDeepEqualTo(new double[][] {{0.5, 0}, {0, 0.5}, {0, 0}});
    for (Sinkhorn.Mode mode : Sinkhorn.Mode.values()) {
      TransportSolution entropic = new Sinkhorn(10, mode).solve(problem.partial(0.75));
      assertThat(entropic.plan().mass()).isCloseTo(0.75, within(1e-8));
      assertThat(rowSums(entropic.plan())[0]).isLessThanOrEqualTo(0.5 + 1e-9);
      assertThat(entropic.cost()).isCloseTo(1, within(0.05));
    }
    assertThat(new SinkhornNewtonSparse(50).solve(problem.partial(0.75)).cost())
        .isCloseTo(1, within(1e-3));
    assertThatThrownBy(() -> problem.partial(1.5))
        .hasMessage("mass must be positive and at most that of r and c, 1.0, was 1.5");
  }

  @Test
  void singlePrecisionIsAsGoodAsItsDigits() {
    double[][] cost = Costs.squaredEuclidean(points(300, 2, 1), points(200, 2, 2));
    double[] r = weights(300, 3, 1);
    double[] c = weights(200, 4, 1);
    Sinkhorn single = new Sinkhorn(5, Sinkhorn.Mode.KERNEL).tolerance(2e-6).singlePrecision(true);
    TransportSolution s = single.solve(cost, r, c);
    TransportSolution d = new Sinkhorn(5, Sinkhorn.Mode.KERNEL).solve(cost, r, c);
    assertThat(s.converged()).isTrue();
    assertThat(s.cost()).isCloseTo(d.cost(), within(1e-5));
    assertThat(new Sinkhorn(5, Sinkhorn.Mode.KERNEL).solve(cost, r, c, s).sweeps())
        .isLessThan(d.sweeps());
    assertThatThrownBy(() -> single.tolerance(1e-9).solve(cost, r, c))
        .hasMessageStartingWith("tolerance must be at least 1.0E-6 of the mass");
  }

  @Test
  void refusesWithTheCulprit() {
    double[][] x = points(3, 2, 1);
    double[] w = equal(3);
    List<GroundCost> costs = GroundCost.NAMES.stream().map(GroundCost::named).toList();
    assertThat(costs).hasSameSizeAs(GroundCost.NAMES);
    assertThatThrownBy(
            () -> TransportProblem.of(x, new double[][] {{1, 2}}, costs.getFirst(), w, w))
        .hasMessage("y must have a point for each of its 3 weights, has 1");
    double[][] broken = points(3, 2, 1);
    broken[1][0] = Double.NaN;
    assertThatThrownBy(() -> TransportProblem.of(broken, x, costs.getFirst(), w, w))
        .hasMessage("x[1][0] must be finite, was NaN");
    assertThatThrownBy(() -> TransportProblem.of(x, x, costs.getFirst(), new double[] {0, 0, 0}, w))
        .hasMessage("r must have a positive finite sum, was 0.0");
    TransportProblem relaxed = TransportProblem.of(x, x, costs.getFirst(), w, w).relax(1, 1);
    assertThatThrownBy(() -> new SinkhornNewtonSparse(1).solve(relaxed))
        .hasMessageContaining("a relaxed problem is for Sinkhorn");
    assertThatThrownBy(() -> relaxed.relax(0, 1)).hasMessage("gammaRows must be positive, was 0.0");
    assertThatThrownBy(() -> relaxed.partial(0.5))
        .hasMessage("a relaxed problem cannot be partial as well");
    assertThatThrownBy(() -> GroundCost.named("l7")).hasMessageContaining("was l7");
    double[][] blocked = {{1, INFINITY}, {1, INFINITY}};
    assertThatThrownBy(() -> new ExactTransport().solve(blocked, equal(2), equal(2)))
        .hasMessage("column 1 has mass 0.5 but no finite cost");
    double[][] tight = {{INFINITY, 1, INFINITY}, {INFINITY, 1, INFINITY}, {1, 1, 1}};
    assertThatThrownBy(() -> new ExactTransport().solve(tight, w, w))
        .hasMessageContaining("no plan has finite cost");
  }
}
