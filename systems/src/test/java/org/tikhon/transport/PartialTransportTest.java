package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.PartialTransport.Domain;

class PartialTransportTest {
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final Tensor COST =
      Tensor.of(new double[][] {{.1, 2}, {.3, 1.5}, {1.2, .4}, {2.5, 2}}).escape();

  private static PartialTransport precise(double gamma, Domain domain) {
    return new PartialTransport(0.1, gamma, 1e-13, 1_000_000, domain);
  }

  /** The column sums of Q^. */
  private static double[] columns(PartialSolution solution) {
    double n = solution.plan().size(0);
    double[] real = solution.plan().sum(0).div(n).toDoubleArray();
    double[] all = Arrays.copyOf(real, real.length + 1);
    all[real.length] = solution.confidence().mul(-1).add(1).sum().item() / n;
    return all;
  }

  /** {@code -log P} of random predictions. */
  private static Tensor predictions(int n, int k, double spread, Dtype dtype, long seed) {
    return new Rng(seed).normal(Dtype.FLOAT64, n, k).mul(spread).logSoftmax(1).neg().to(dtype);
  }

  @ParameterizedTest
  @EnumSource
  void findsTheCardsPlans(Domain domain) {
    PartialTransport ot = precise(1, domain);
    PartialSolution half = ot.solve(COST, 0.5);
    assertThat(half.converged()).isTrue();
    assertThat(half.plan().toDoubleArray())
        .containsExactly(
            new double[] {.803888, 0, .356793, .000056, .000011, .839251, 0, .000001},
            within(1e-6));
    assertThat(half.confidence().mul(-1).add(1).toDoubleArray())
        .containsExactly(new double[] {.196111, .643151, .160738, .999999}, within(1e-6));
    assertThat(columns(half)).containsExactly(new double[] {.290173, .209827, .5}, within(1e-6));
    assertThat(columns(ot.solve(COST, 0.1)))
        .containsExactly(new double[] {.057046, .042954, .9}, within(1e-6));
    assertThat(columns(ot.solve(COST, 0.9)))
        .containsExactly(new double[] {.500102, .399898, .1}, within(1e-6));
  }

  @Test
  void reachesTheLeastObjective() {
    PartialTransport ot = precise(1, Domain.LOG);
    Tensor plan = ot.solve(COST, 0.5).plan();
    double best = ot.objective(COST, plan, 0.5, null);
    assertThat(best).isEqualTo(-0.1410427226, within(1e-10));
    // Any other feasible plan, here with mass moved between entries, is worse.
    Rng rng = new Rng(3);
    for (int trial = 0; trial < 50; trial++) {
      Tensor other = plan.mul(rng.uniform(0.9, 1.1, Dtype.FLOAT64, 4, 2));
      other = other.mul(2.0 / other.sum().item());
      if (other.sum(1).max().item() <= 1) {
        assertThat(ot.objective(COST, other, 0.5, null)).isGreaterThan(best);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsAreExactAndConfidenceGrowsWithRho(Domain domain) {
    Tensor cost = predictions(67, 9, 3, Dtype.FLOAT64, 1);
    PartialTransport ot = new PartialTransport(0.1, 1, 1e-10, 1_000_000, domain);
    double before = 0;
    for (double rho : new double[] {0.05, 0.1, 0.3, 0.6, 0.9, 1}) {
      PartialSolution s = ot.solve(cost, rho);
      assertThat(s.converged()).isTrue();
      double total = s.confidence().mean().item();
      assertThat(total).isEqualTo(rho, within(1e-9)).isGreaterThan(before);
      before = total;
      for (double c : s.confidence().toDoubleArray()) {
        assertThat(c).isBetween(0.0, 1 + 1e-12);
      }
      assertThat(Arrays.stream(fullRows(s, cost, 0.1)))
          .allMatch(sum -> Math.abs(sum - 1.0 / 67) < 1e-12);
    }
  }

  /** Row sums of Q^ from the potentials alone. */
  private static double[] fullRows(PartialSolution s, Tensor cost, double epsilon) {
    int k = (int) cost.size(1);
    double[] c = cost.toDoubleArray();
    double[] u = s.potentials().u();
    double[] v = s.potentials().v();
    return IntStream.range(0, u.length)
        .mapToDouble(
            i ->
                IntStream.rangeClosed(0, k)
                    .mapToDouble(
                        j -> Math.exp((u[i] + v[j] - (j < k ? c[i * k + j] : 0)) / epsilon))
                    .sum())
        .toArray();
  }

  @ParameterizedTest
  @EnumSource
  void limitsAreSinkhornAndTheClosedForm(Domain domain) {
    assertThat(columns(precise(1e6, domain).solve(COST, 0.5)))
        .containsExactly(new double[] {.25, .25, .5}, within(1e-6));
    PartialSolution exact = precise(INFINITY, domain).solve(COST, 0.5);
    assertThat(columns(exact)).containsExactly(new double[] {.25, .25, .5}, within(1e-12));
    assertThat(columns(precise(1e-6, domain).solve(COST, 0.5)))
        .containsExactly(new double[] {.39718, .10282, .5}, within(1e-5));
    PartialSolution free = precise(0, domain).solve(COST, 0.5);
    // tau is e^(v_virtual / epsilon) for real clusters of potential 0.
    double tau = Math.exp(free.potentials().v()[2] / 0.1);
    Tensor weights = COST.div(-0.1).exp();
    assertThat(free.plan().toDoubleArray())
        .containsExactly(weights.div(weights.sumKeep(1).add(tau)).toDoubleArray(), within(1e-12));
    double[] prior = {.8, .2};
    assertThat(columns(precise(1, domain).solve(COST, 0.5, prior, null)))
        .containsExactly(new double[] {.399445, .100555, .5}, within(1e-6));
  }

  @Test
  void agreesWithTheRoomsSinkhornOnTheExtendedProblem() {
    Tensor cost = predictions(40, 6, 2, Dtype.FLOAT64, 2);
    double[][] extended = rows(cost, 7);
    double[] alpha = new double[40];
    Arrays.fill(alpha, 1 / 40.0);
    double[] beta = {.05, .05, .05, .05, .05, .05, .7};
    Sinkhorn sinkhorn = new Sinkhorn(10, Sinkhorn.Mode.LOG).tolerance(1e-12);
    Plan plan = sinkhorn.solve(extended, alpha, beta).plan();
    Tensor ours = precise(INFINITY, Domain.LOG).solve(cost, 0.3).plan();
    for (int i = 0; i < 40; i++) {
      double[] row = Arrays.stream(plan.row(i)).map(q -> 40 * q).toArray();
      assertThat(ours.get(i).toDoubleArray()).containsExactly(Arrays.copyOf(row, 6), within(1e-8));
    }
  }

  @Test
  void agreesWithTheRoomsRelaxedSinkhornWhereAllIsMoved() {
    Tensor cost = predictions(40, 6, 2, Dtype.FLOAT64, 2);
    double[] alpha = new double[40];
    Arrays.fill(alpha, 1 / 40.0);
    double[] beta = {.3, .2, .2, .1, .1, .1};
    TransportProblem problem = TransportProblem.of(rows(cost, 6), alpha, beta).relax(INFINITY, 0.7);
    Plan plan = new Sinkhorn(10, Sinkhorn.Mode.LOG).tolerance(1e-12).solve(problem).plan();
    Tensor ours = precise(0.7, Domain.LOG).solve(cost, 1, beta, null).plan();
    for (int i = 0; i < 40; i++) {
      assertThat(ours.get(i).div(40).toDoubleArray()).containsExactly(plan.row(i), within(1e-10));
    }
  }

  private static double[][] rows(Tensor cost, int width) {
    double[][] rows = new double[(int) cost.size(0)][];
    Arrays.setAll(rows, i -> Arrays.copyOf(cost.get(i).toDoubleArray(), width));
    return rows;
  }

  @Test
  void domainsAgree() {
    for (double rho : new double[] {0.1, 0.5, 1}) {
      double[] log = precise(1, Domain.LOG).solve(COST, rho).plan().toDoubleArray();
      for (Domain domain : Domain.values()) {
        assertThat(precise(1, domain).solve(COST, rho).plan().toDoubleArray())
            .containsExactly(log, within(1e-9));
      }
    }
  }

  @Test
  void largeCostsNeedTheLogDomainOrAbsorption() {
    Tensor large = COST.mul(1000);
    for (Domain domain : List.of(Domain.LOG, Domain.STABILISED)) {
      PartialTransport ot = new PartialTransport(0.1, 1, 1e-9, 20_000, domain);
      PartialSolution s = ot.solve(large, 0.5);
      assertThat(s.plan().allFinite()).isTrue();
      assertThat(Arrays.stream(fullRows(s, large, 0.1)))
          .allMatch(sum -> Math.abs(sum - 0.25) < 1e-9);
      assertThat(s.confidence().max().item()).isLessThanOrEqualTo(1);
    }
    assertThatThrownBy(() -> precise(1, Domain.SCALING).solve(large, 1))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("LOG or STABILISED");
  }

  @Test
  void stabilisedScalingAbsorbsAndStaysWithTheLogDomain() {
    // Potentials travel thousands of epsilons from zero.
    Tensor cost = predictions(200, 5, 40, Dtype.FLOAT64, 7).mul(3);
    PartialSolution log = new PartialTransport(0.1, 1, 1e-9, 50_000).solve(cost, 0.6);
    PartialSolution absorbed =
        new PartialTransport(0.1, 1, 1e-9, 50_000, Domain.STABILISED).solve(cost, 0.6);
    assertThat(log.converged()).isTrue();
    assertThat(absorbed.converged()).isTrue();
    assertThat(absorbed.iterations()).isCloseTo(log.iterations(), within(2));
    assertThat(absorbed.plan().toDoubleArray())
        .containsExactly(log.plan().toDoubleArray(), within(1e-7));
  }

  @Test
  void aRowsConstantCounts() {
    Tensor shift = Tensor.of(new double[] {0.5, 0, 0, 0}, 4, 1);
    double before = precise(1, Domain.LOG).solve(COST, 0.5).confidence().get(0).item();
    double after = precise(1, Domain.LOG).solve(COST.add(shift), 0.5).confidence().get(0).item();
    assertThat(after).isLessThan(before - 0.1);
  }

  @ParameterizedTest
  @EnumSource
  void singlePrecisionIsCloseAndKeepsItsType(Domain domain) {
    Tensor cost = predictions(300, 17, 2, Dtype.FLOAT64, 4);
    PartialTransport ot = new PartialTransport(0.1, 1, 1e-6, 5000, domain);
    PartialSolution s = ot.solve(cost.to(Dtype.FLOAT32), 0.4);
    assertThat(s.converged()).isTrue();
    assertThat(s.plan().dtype()).isEqualTo(Dtype.FLOAT32);
    assertThat(s.plan().to(Dtype.FLOAT64).toDoubleArray())
        .containsExactly(ot.solve(cost, 0.4).plan().toDoubleArray(), within(1e-4));
  }

  @Test
  void theGradientOfTheObjectiveIsThePlan() {
    // The envelope theorem: at the optimum dF / dC = Q.
    PartialTransport ot = precise(1, Domain.LOG);
    Tensor plan = ot.solve(COST, 0.5).plan();
    double error =
        Autograd.checkGrad(
            inputs -> {
              Tensor c = inputs.getFirst();
              double value = ot.objective(c, ot.solve(c, 0.5).plan(), 0.5, null);
              return Autograd.custom(
                  Tensor.of(new double[] {value}, 1).sum(), c.mul(plan).sum().div(4));
            },
            List.of(COST.cloned()));
    assertThat(error).isLessThan(1e-7);
  }

  @Test
  void aWarmStartSavesIterations() {
    Tensor cost = predictions(200, 10, 3, Dtype.FLOAT64, 5);
    PartialTransport ot = new PartialTransport(0.1, 1, 1e-8, 10_000);
    PartialSolution cold = ot.solve(cost, 0.2);
    PartialSolution again = ot.solve(cost, 0.2, null, cold.potentials());
    assertThat(again.iterations()).isLessThan(5);
    Tensor next = predictions(150, 10, 3, Dtype.FLOAT64, 6);
    int warm = ot.solve(next, 0.21, null, cold.potentials()).iterations();
    assertThat(warm).isLessThan(ot.solve(next, 0.21).iterations());
  }

  @Test
  void permutedSamplesAndClustersGivePermutedPlans() {
    Tensor cost = predictions(50, 7, 2, Dtype.FLOAT64, 8);
    PartialTransport ot = precise(1, Domain.LOG);
    Tensor plan = ot.solve(cost, 0.4).plan();
    Tensor rows = new Rng(1).permutation(50);
    Tensor columns = new Rng(2).permutation(7);
    Tensor moved = cost.indexSelect(0, rows).indexSelect(1, columns);
    assertThat(ot.solve(moved, 0.4).plan().toDoubleArray())
        .containsExactly(
            plan.indexSelect(0, rows).indexSelect(1, columns).toDoubleArray(), within(1e-10));
  }

  @Test
  void sizesGoToTheClustersThatArePredictedMost() {
    Tensor cost = Tensor.of(new double[][] {{3, 1, .5}, {3, 1, .7}, {3, .2, 2}});
    assertThat(PartialTransport.inPredictedOrder(new double[] {.2, .5, .3}, cost))
        .containsExactly(.2, .5, .3);
    assertThat(PartialTransport.inPredictedOrder(new double[] {.2, .5, .3}, cost.add(1)))
        .containsExactly(.2, .5, .3);
  }

  @ParameterizedTest
  @EnumSource
  void allOfTheMassLeavesTheVirtualClusterEmpty(Domain domain) {
    PartialSolution s = precise(1, domain).solve(COST, 1);
    assertThat(s.converged()).isTrue();
    assertThat(s.confidence().toDoubleArray())
        .containsExactly(new double[] {1, 1, 1, 1}, within(1e-15));
    assertThat(s.potentials().v()[2]).isEqualTo(-INFINITY);
  }

  @ParameterizedTest
  @EnumSource
  void survivesSmallAndExtremeProblems(Domain domain) {
    PartialTransport ot = new PartialTransport(0.1, 1, 1e-8, 200_000, domain);
    PartialSolution one = ot.solve(Tensor.of(new double[][] {{0.7}}), 0.3);
    assertThat(one.plan().toDoubleArray()).containsExactly(new double[] {0.3}, within(1e-7));
    assertThat(ot.solve(Tensor.of(new double[][] {{0.7, 0.2}}), 0.3).confidence().item())
        .isEqualTo(0.3, within(1e-7));
    PartialSolution column = ot.solve(Tensor.of(new double[][] {{0.7}, {.2}}), 0.5);
    assertThat(column.confidence().sum().item()).isEqualTo(1, within(1e-7));
    PartialSolution same = ot.solve(Tensor.zeros(Dtype.FLOAT64, 5, 3).add(1), 0.5);
    assertThat(Arrays.stream(same.plan().toDoubleArray()))
        .allMatch(q -> Math.abs(q - 0.5 / 3) < 1e-8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"LOG", "STABILISED"})
  void survivesOneHotPredictionsAndUnwantedClusters(Domain domain) {
    PartialTransport ot = new PartialTransport(0.1, 1, 1e-6, 1000, domain);
    Tensor oneHot = Tensor.zeros(Dtype.FLOAT64, 20, 4).add(1e3);
    for (int i = 0; i < 20; i++) {
      oneHot.get(i).slice(0, i % 3, i % 3 + 1).fill_(0);
    }
    for (double rho : new double[] {0.2, 1}) {
      PartialSolution s = ot.solve(oneHot, rho);
      assertThat(s.plan().allFinite()).isTrue();
      assertThat(s.confidence().min().item()).isGreaterThanOrEqualTo(0);
      assertThat(s.error()).isFinite();
      // Nobody predicts the last cluster.
      assertThat(s.plan().select(1, 3).sum().item()).isLessThan(1e-3);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aForbiddenClusterStaysEmpty(Domain domain) {
    Tensor cost = Tensor.of(new double[][] {{.1, INFINITY}, {.3, INFINITY}, {.2, INFINITY}});
    PartialSolution s = precise(1, domain).solve(cost, 0.5);
    assertThat(s.plan().select(1, 1).sum().item()).isZero();
    assertThat(s.confidence().mean().item()).isEqualTo(0.5, within(1e-10));
    Tensor some = Tensor.of(new double[][] {{.1, INFINITY}, {.3, 0}});
    assertThat(precise(1, domain).solve(some, 0.5).plan().get(0).get(1).item()).isZero();
    double[] empty = {1, 0};
    PartialSolution without = precise(1, domain).solve(COST, 0.5, empty, null);
    assertThat(without.plan().select(1, 1).sum().item()).isZero();
    assertThatThrownBy(() -> precise(INFINITY, domain).solve(cost, 0.5))
        .hasMessageContaining("column 1 of the cost has no finite cost");
    Tensor stuck = Tensor.of(new double[][] {{.1, .2}, {INFINITY, .1}});
    assertThatThrownBy(() -> precise(1, domain).solve(stuck, 1, empty, null))
        .hasMessageContaining("row 1 of the cost has no finite cost");
  }

  @Test
  void saysWhenItHasNotConverged() {
    PartialSolution s = new PartialTransport(0.1, 1, 1e-9, 3).solve(COST, 0.5);
    assertThat(s.converged()).isFalse();
    assertThat(s.iterations()).isEqualTo(3);
    assertThat(s.error()).isGreaterThan(1e-9);
    assertThat(Arrays.stream(fullRows(s, COST, 0.1))).allMatch(sum -> Math.abs(sum - 0.25) < 1e-12);
  }

  @Test
  void refusesBadInput() {
    PartialTransport ot = new PartialTransport();
    for (double rho : new double[] {0, -0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> ot.solve(COST, rho))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("rho must be in (0, 1], was " + rho);
    }
    for (double epsilon : new double[] {0, -1, Double.NaN, INFINITY}) {
      assertThatThrownBy(() -> new PartialTransport(epsilon, 1, 1e-6, 10))
          .hasMessage("epsilon must be positive and finite, was " + epsilon);
    }
    for (double gamma : new double[] {-1, Double.NaN}) {
      assertThatThrownBy(() -> new PartialTransport(0.1, gamma, 1e-6, 10))
          .hasMessage("gamma must be 0 or more, was " + gamma);
    }
    assertThatThrownBy(() -> new PartialTransport(0.1, 1, -1, 10))
        .hasMessageContaining("tolerance must be 0 or more");
    assertThatThrownBy(() -> new PartialTransport(0.1, 1, 1e-6, 0))
        .hasMessageContaining("maxIterations must be at least 1, was 0");
    Tensor nan = Tensor.of(new double[][] {{.1, 2}, {Double.NaN, 1}});
    assertThatThrownBy(() -> ot.solve(nan, 0.5))
        .hasMessage("cost[1][0] must be a number or +infinity, was NaN");
    Tensor row = Tensor.of(new double[][] {{.1, 2}, {INFINITY, INFINITY}});
    assertThatThrownBy(() -> ot.solve(row, 0.5)).hasMessage("row 1 of the cost has no finite cost");
    assertThatThrownBy(() -> ot.solve(Tensor.of(new double[][] {{.1, -INFINITY}}), 0.5))
        .hasMessageContaining("cost[0][1]");
    assertThatThrownBy(() -> ot.solve(COST, 0.5, new double[] {.5, .6}, null))
        .hasMessage("prior must have the sum 1, has 1.1");
    assertThatThrownBy(() -> ot.solve(COST, 0.5, new double[] {1.5, -.5}, null))
        .hasMessage("prior[1] must be 0 or more, was -0.5");
    assertThatThrownBy(() -> ot.solve(COST, 0.5, new double[] {1}, null))
        .hasMessageContaining("prior must have a size for each of the 2 clusters, has 1");
    assertThatThrownBy(() -> ot.solve(Tensor.zeros(Dtype.FLOAT64, 3, 0), 0.5))
        .hasMessageContaining("one cluster, was [3, 0]");
    assertThatThrownBy(() -> ot.solve(Tensor.zeros(Dtype.FLOAT64, 3), 0.5))
        .hasMessageContaining("cost must be [N, K]");
    assertThatThrownBy(() -> ot.solve(Tensor.of(new long[] {1, 2}, 2, 1), 0.5))
        .hasMessageContaining("FLOAT32 or FLOAT64");
    Potentials three = new Potentials(new double[1], new double[2]);
    assertThatThrownBy(() -> ot.solve(COST, 0.5, null, three))
        .hasMessageContaining("warm.v must have a potential for each of the 2 clusters");
    assertThatThrownBy(() -> ot.objective(COST, Tensor.zeros(Dtype.FLOAT64, 4, 3), .5, null))
        .hasMessageContaining("plan must have the cost's shape");
    assertThatThrownBy(() -> PartialTransport.inPredictedOrder(new double[3], COST))
        .hasMessageContaining("sizes must have one for each of the 2 clusters");
  }
}
