package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

class SemanticTransportTest {
  private static final PartialTransport INNER = new PartialTransport(0.1, 1, 1e-12, 1_000_000);
  private static final Tensor COST =
      Tensor.of(new double[][] {{.1, 2}, {.3, 1.5}, {1.2, .4}, {2.5, 2}}).escape();

  /** Samples 0 and 1, and 2 and 3, are alike. */
  private static final SparseSimilarity PAIRS =
      new SparseSimilarity(new int[][] {{1}, {0}, {3}, {2}}, new float[][] {{1}, {1}, {1}, {1}});

  /** lambda = 2 at rho = 0.5. */
  private static SemanticTransport pairs(double shift, int steps, boolean guard) {
    return new SemanticTransport(INNER, 1, steps, 1, shift, guard);
  }

  @Test
  void withoutADiagonalTheStepsRunInACircle() {
    List<Double> values = pairs(0, 8, false).solve(COST, PAIRS, 0.5).objective();
    double[] card = {-.212748, -.205526, -.209258, -.185094};
    for (int t = 0; t < card.length; t++) {
      assertThat(values.get(t)).isEqualTo(card[t], within(1e-6));
    }
    // Period 2.
    assertThat(values.get(7) - values.get(5)).isCloseTo(0, within(1e-3));
    assertThat(values.get(7) - values.get(6)).isGreaterThan(0.02);
  }

  @Test
  void aShiftedSimilarityGoesDown() {
    List<Double> values = pairs(1, 60, false).solve(COST, PAIRS, 0.5).objective();
    double[] card = {-.397483, -.404764, -.408112, -.409599, -.410228};
    for (int t = 0; t < card.length; t++) {
      assertThat(values.get(t)).isEqualTo(card[t], within(1e-6));
    }
    assertThat(values).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    assertThat(values.getLast()).isEqualTo(-.410645, within(2e-6));
    SemanticSolution s = pairs(1, 60, true).solve(COST, PAIRS, 0.5);
    assertThat(s.converged()).isTrue();
    assertThat(s.outerSteps()).isLessThan(60);
    assertThat(pairs(1, 60, true).objective(COST, s.plan(), PAIRS, 0.5, null))
        .isEqualTo(s.objective().getLast(), within(1e-12));
  }

  @Test
  void theGuardGoesDownWithoutAShift() {
    SemanticSolution s = pairs(0, 100, true).solve(COST, PAIRS, 0.5);
    assertThat(s.objective()).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    assertThat(s.converged()).isTrue();
    assertThat(s.objective().getLast()).isLessThan(-.2127);
    assertThat(s.confidence().mean().item()).isEqualTo(0.5, within(1e-9));
    assertThat(s.plan().min().item()).isGreaterThanOrEqualTo(0);
    // Half steps do not run in the circle of whole ones.
    SemanticTransport damped = new SemanticTransport(INNER, 1, 200, 0.5, 0, false);
    assertThat(damped.solve(COST, PAIRS, 0.5).objective().getLast())
        .isEqualTo(s.objective().getLast(), within(1e-4));
  }

  @Test
  void theGradientAtTheSolutionVanishesAlongFeasibleDirections() {
    // The derivative of the objective towards other plans, by finite differences, is not negative.
    SemanticTransport ot = pairs(0, 1000, true);
    Tensor plan = ot.solve(COST, PAIRS, 0.5).plan();
    double best = ot.objective(COST, plan, PAIRS, 0.5, null);
    Tensor other = INNER.solve(COST, 0.5).plan();
    double t = 1e-2;
    double there = ot.objective(COST, plan.mul(1 - t).add(other.mul(t)), PAIRS, 0.5, null);
    assertThat((there - best) / t).isGreaterThan(-1e-3);
  }

  @Test
  void withoutWeightItIsPartialTransport() {
    SemanticSolution s = SemanticTransport.without(INNER).solve(COST, null, 0.5);
    PartialSolution partial = INNER.solve(COST, 0.5);
    assertThat(s.outerSteps()).isEqualTo(1);
    assertThat(s.plan().toDoubleArray()).isEqualTo(partial.plan().toDoubleArray());
    assertThat(s.iterations()).isEqualTo(partial.iterations());
    assertThat(s.converged()).isTrue();
    // All mass moved: the similarity has no weight left.
    assertThat(pairs(0, 10, true).solve(COST, PAIRS, 1).plan().toDoubleArray())
        .isEqualTo(INNER.solve(COST, 1).plan().toDoubleArray());
  }

  @Test
  void similarSamplesAreSentToTheSameCluster() {
    Tensor cost = Tensor.of(new double[][] {{.1, 2}, {.7, .6}, {1.2, .4}, {2.5, 2}});
    Tensor alone = INNER.solve(cost, 0.5).plan();
    Tensor together = pairs(1, 100, true).solve(cost, PAIRS, 0.5).plan();
    assertThat(alone.get(1).get(1).item()).isGreaterThan(alone.get(1).get(0).item());
    assertThat(together.get(1).get(0).item()).isGreaterThan(10 * together.get(1).get(1).item());
  }

  @Test
  void permutedSamplesGivePermutedPlans() {
    Rng rng = new Rng(4);
    Tensor x = rng.normal(Dtype.FLOAT64, 40, 3);
    Tensor cost = rng.normal(Dtype.FLOAT64, 40, 5).logSoftmax(1).neg();
    SemanticTransport ot = new SemanticTransport(INNER, 0.2, 20, 1, 0, true);
    Tensor plan = ot.solve(cost, SparseSimilarity.gaussianKnn(x, 5, 2), 0.4).plan();
    Tensor rows = rng.permutation(40);
    Tensor columns = rng.permutation(5);
    SparseSimilarity s = SparseSimilarity.gaussianKnn(x.indexSelect(0, rows), 5, 2);
    Tensor moved = cost.indexSelect(0, rows).indexSelect(1, columns);
    assertThat(ot.solve(moved, s, 0.4).plan().toDoubleArray())
        .containsExactly(
            plan.indexSelect(0, rows).indexSelect(1, columns).toDoubleArray(), within(1e-7));
  }

  @Test
  void neighboursAreTheNearestAndNotOneself() {
    Tensor x = Tensor.of(new double[][] {{0, 0}, {1, 0}, {0, 3}, {5, 5}});
    SparseSimilarity s = SparseSimilarity.gaussianKnn(x, 2, 2);
    assertThat(s.index()[0]).containsExactly(1, 2);
    assertThat(s.value()[0][0]).isEqualTo((float) Math.exp(-1 / 16.0), within(1e-6f));
    assertThat(s.value()[0][1]).isEqualTo((float) Math.exp(-9 / 16.0), within(1e-6f));
    assertThat(s.index()[3]).containsExactly(2, 1);
    // With fewer others all of them, and none for a single sample.
    assertThat(SparseSimilarity.gaussianKnn(x, 20, 2).index()[0]).hasSize(3);
    assertThat(SparseSimilarity.gaussianKnn(x.slice(0, 0, 1), 20, 2).index()[0]).isEmpty();
    Tensor same = Tensor.zeros(Dtype.FLOAT32, 5, 2);
    assertThat(SparseSimilarity.gaussianKnn(same, 3, 2).value()[1]).containsExactly(1, 1, 1);
  }

  @Test
  void sparseProductsAreThoseOfTheMatrix() {
    Tensor x = new Rng(5).normal(Dtype.FLOAT64, 1500, 4);
    SparseSimilarity s = SparseSimilarity.gaussianKnn(x, 7, 2);
    double[][] dense = new double[1500][1500];
    for (int i = 0; i < 1500; i++) {
      for (int e = 0; e < 7; e++) {
        dense[i][s.index()[i][e]] = s.value()[i][e];
      }
    }
    Tensor matrix = Tensor.of(dense);
    Tensor q = new Rng(6).uniform(Dtype.FLOAT64, 1500, 3);
    assertThat(s.times(q).toDoubleArray())
        .containsExactly(matrix.matmul(q).toDoubleArray(), within(1e-10));
    assertThat(s.timesSymmetric(q).toDoubleArray())
        .containsExactly(matrix.add(matrix.mT()).matmul(q).toDoubleArray(), within(1e-10));
    // Blocks do not change the neighbours.
    assertThat(matrix.matmul(Tensor.ones(Dtype.FLOAT64, 1500, 1)).min().item()).isPositive();
  }

  @Test
  void rhoGrowsAsTheCardSays() {
    double[] expected = {.106064, .154049, .357854, .758454, 1};
    for (int t = 0; t <= 4; t++) {
      assertThat(MassSchedule.SIGMOID.at(t, 4, 0.1)).isEqualTo(expected[t], within(1e-6));
    }
    assertThat(MassSchedule.LINEAR.at(1, 4, 0.2)).isEqualTo(0.4, within(1e-15));
    assertThat(MassSchedule.FIXED.at(3, 4, 0.2)).isEqualTo(0.2);
    assertThatThrownBy(() -> MassSchedule.FIXED.at(5, 4, 0.2))
        .hasMessage("t must be in 0..4, was 5");
    assertThatThrownBy(() -> MassSchedule.FIXED.at(0, 0, 0.2))
        .hasMessage("total must be at least 1, was 0");
    assertThatThrownBy(() -> MassSchedule.LINEAR.at(0, 4, 0))
        .hasMessage("rho0 must be in (0, 1], was 0.0");
  }

  @Test
  void survivesASingleSample() {
    Tensor x = Tensor.zeros(Dtype.FLOAT32, 1, 2);
    SemanticSolution s =
        new SemanticTransport(INNER)
            .solve(Tensor.of(new double[][] {{1, 2}}), SparseSimilarity.gaussianKnn(x, 20, 2), 0.5);
    assertThat(s.confidence().item()).isEqualTo(0.5, within(1e-9));
  }

  @Test
  void saysWhenItHasNotConverged() {
    assertThat(pairs(0, 3, false).solve(COST, PAIRS, 0.5).converged()).isFalse();
    PartialTransport hasty = new PartialTransport(0.1, 1, 1e-12, 2);
    assertThat(SemanticTransport.without(hasty).solve(COST, null, 0.5).converged()).isFalse();
  }

  @Test
  void refusesBadInput() {
    assertThatThrownBy(() -> new SemanticTransport(INNER, -1, 10, 1, 0, true))
        .hasMessage("neighbourWeight must be finite and 0 or more, was -1.0");
    assertThatThrownBy(() -> new SemanticTransport(INNER, 1, 0, 1, 0, true))
        .hasMessage("outerSteps must be at least 1, was 0");
    assertThatThrownBy(() -> new SemanticTransport(INNER, 1, 1, 0, 0, true))
        .hasMessage("damping must be in (0, 1], was 0.0");
    assertThatThrownBy(() -> new SemanticTransport(INNER, 1, 1, 1, -0.5, true))
        .hasMessage("psdShift must be finite and 0 or more, was -0.5");
    Tensor five = Tensor.zeros(Dtype.FLOAT64, 5, 2);
    assertThatThrownBy(() -> pairs(0, 1, true).solve(five, PAIRS, 0.5))
        .hasMessage("s must be of the cost's 5 samples, is of 4");
    assertThatThrownBy(() -> pairs(0, 1, true).solve(five, null, 0.5))
        .hasMessageContaining("s must not be null");
    assertThatThrownBy(() -> pairs(0, 1, true).solve(COST, PAIRS, 2))
        .hasMessage("rho must be in (0, 1], was 2.0");
    assertThatThrownBy(() -> new SparseSimilarity(new int[][] {{1}}, new float[][] {{1}}))
        .hasMessage("index[0][0] must be in 0..0, was 1");
    assertThatThrownBy(() -> new SparseSimilarity(new int[][] {{0}}, new float[][] {{-1}}))
        .hasMessage("value[0][0] must be finite and 0 or more, was -1.0");
    assertThatThrownBy(() -> new SparseSimilarity(new int[1][1], new float[2][1]))
        .hasMessageContaining("same number of rows");
    assertThatThrownBy(() -> new SparseSimilarity(new int[1][1], new float[1][2]))
        .hasMessageContaining("same length");
    assertThatThrownBy(() -> PAIRS.times(five)).hasMessageContaining("N = 4");
    assertThatThrownBy(() -> SparseSimilarity.gaussianKnn(five, 0, 2))
        .hasMessage("k must be at least 1, was 0");
    assertThatThrownBy(() -> SparseSimilarity.gaussianKnn(five, 1, 0))
        .hasMessage("width must be positive and finite, was 0.0");
    assertThatThrownBy(() -> SparseSimilarity.gaussianKnn(five.add(Double.NaN), 1, 2))
        .hasMessage("x must be finite, has NaN or infinite values");
  }
}
