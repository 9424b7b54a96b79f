package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class CompSumTest {
  private static final double[] TAUS = {0, 0.5, 1, 1.5, 2, 3};
  private static final double[] PI = {0.5, 0.3, 0.2};
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor row(double... values) {
    return Tensor.of(new double[][] {values});
  }

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  private static double loss(double tau, Tensor h, long y) {
    return new CompSumLoss(tau).apply(h, label(y)).item();
  }

  @Test
  void lossesOfTheCard() {
    Tensor h = row(2, 1, -1);
    double[] expected = {
      2.8536171117, 1.9261263921, 1.3490122168, 0.9811840984, 0.7405035397, 0.4663307935
    };
    for (int i = 0; i < TAUS.length; i++) {
      assertThat(loss(TAUS[i], h, 1)).isCloseTo(expected[i], within(1e-9));
      assertThat(new CompSumLoss(TAUS[i]).phi(2.8536171117)).isCloseTo(expected[i], within(1e-9));
    }
    assertThat(loss(1 + 1e-7, h, 1)).isCloseTo(expected[2], within(1e-6));
    assertThat(loss(1 - 1e-7, h, 1)).isCloseTo(expected[2], within(1e-6));
    assertThat(loss(1 + 2e-6, h, 1)).isCloseTo(expected[2], within(1e-5));
  }

  @Test
  void bestConditionalRisksOfTheCardAreMinima() {
    double[] expected = {1.8969501498, 1.3845944546, 1.0296530141, 0.7671171994, 0.5, 0.25};
    for (int i = 0; i < TAUS.length; i++) {
      CompSumLoss loss = new CompSumLoss(TAUS[i]);
      assertThat(loss.bestConditionalRisk(PI)).isCloseTo(expected[i], within(1e-9));
      if (TAUS[i] < 2) {
        double[] best = loss.bayesScores(PI);
        assertThat(loss.conditionalRisk(best, PI)).isCloseTo(expected[i], within(1e-9));
        Tensor pi = Tensor.of(PI);
        double tau = TAUS[i];
        Lbfgs.Result found =
            Lbfgs.minimize(
                h -> {
                  Tensor surprise = h.logSoftmax(0).neg();
                  Tensor each = tau == 1 ? surprise : surprise.mul(1 - tau).expm1().div(1 - tau);
                  return each.mul(pi).sum();
                },
                Tensor.zeros(Dtype.FLOAT64, 3),
                Lbfgs.Options.DEFAULT);
        assertThat(found.value()).isCloseTo(expected[i], within(1e-6));
      } else {
        double[] decided = {60, 0, 0};
        assertThat(loss.conditionalRisk(decided, PI)).isCloseTo(expected[i], within(1e-6));
        assertThatThrownBy(() -> loss.bayesScores(PI)).isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void transformsOfTheCard() {
    assertThat(HConsistency.transform(0, 2, 0.6)).isCloseTo(0.2, within(1e-10));
    assertThat(HConsistency.transform(0.5, 2, 0.6)).isCloseTo(0.1869627151, within(1e-10));
    assertThat(HConsistency.transform(1, 2, 0.6)).isCloseTo(0.1927447570, within(1e-10));
    double[][] withClasses = {
      {1.5, 0.2350286879, 0.1051080245},
      {1.7, 0.2668315027, 0.0864884470},
      {2, 0.3, 0.06},
      {3, 0.075, 0.003}
    };
    for (double[] e : withClasses) {
      assertThat(HConsistency.transform(e[0], 2, 0.6)).isCloseTo(e[1], within(1e-10));
      assertThat(HConsistency.transform(e[0], 10, 0.6)).isCloseTo(e[2], within(1e-10));
    }
  }

  @Test
  void boundsAreTightForTwoClasses() {
    double[] pi = {0.8, 0.2};
    for (double tau : new double[] {0, 0.5, 1, 1.5, 1.7, 2}) {
      CompSumLoss loss = new CompSumLoss(tau);
      double regret = loss.conditionalRisk(new double[] {0, 0}, pi) - loss.bestConditionalRisk(pi);
      assertThat(regret).isCloseTo(HConsistency.transform(tau, 2, 0.6), within(1e-12));
      assertThat(HConsistency.bound(tau, 2, regret)).isCloseTo(0.6, within(1e-9));
    }
  }

  @Test
  void boundsAreNeverViolated() {
    Random random = new Random(1);
    double[] taus = {0, 0.3, 0.5, 0.9, 1, 1.3, 1.5, 1.8, 2, 2.5, 3};
    for (int i = 0; i < 4000; i++) {
      int n = new int[] {2, 3, 5, 10}[i % 4];
      double[] pi = distribution(n, random);
      double[] h = new double[n];
      Arrays.setAll(h, k -> 2 * random.nextGaussian());
      int predicted = 0;
      for (int k = 1; k < n; k++) {
        predicted = h[k] > h[predicted] ? k : predicted;
      }
      double zeroOne = Arrays.stream(pi).max().orElseThrow() - pi[predicted];
      for (double tau : taus) {
        CompSumLoss loss = new CompSumLoss(tau);
        double regret = loss.conditionalRisk(h, pi) - loss.bestConditionalRisk(pi);
        assertThat(regret).isGreaterThan(-1e-9);
        double bound = HConsistency.bound(tau, n, regret);
        assertThat(zeroOne).isLessThanOrEqualTo(bound + 1e-9);
        assertThat(bound).isLessThanOrEqualTo(HConsistency.explicitBound(tau, n, regret) + 1e-9);
      }
    }
  }

  private static double[] distribution(int n, Random random) {
    double[] pi = new double[n];
    double sum = 0;
    for (int k = 0; k < n; k++) {
      pi[k] = -Math.log(1 - random.nextDouble());
      sum += pi[k];
    }
    double total = sum;
    return Arrays.stream(pi).map(p -> p / total).toArray();
  }

  @Test
  void gradientIsThatOfCrossEntropyReweighted() {
    Tensor h = new Rng(0).normal(Dtype.FLOAT64, 6, 4).setRequiresGrad(true);
    Tensor y = new Rng(1).integers(0, 4, 6);
    Tensor p = h.detach().softmax(1);
    Tensor own = p.gather(1, y.unsqueeze(1));
    Tensor residual = p.sub(Functional.oneHot(y, 4).to(Dtype.FLOAT64));
    for (double tau : TAUS) {
      Tensor g = Autograd.grad(new CompSumLoss(tau).perSample(h, y).sum(), h);
      assertThat(g.sub(own.pow(tau - 1).mul(residual)).abs().max().item()).isLessThan(1e-9);
      double error =
          Autograd.checkGrad(
              in -> new CompSumLoss(tau).apply(in.getFirst(), y), List.of(h.detach()));
      assertThat(error).isLessThan(1e-6);
    }
    assertThat(new CompSumLoss(1).apply(h, y).item())
        .isCloseTo(Functional.crossEntropy(h, y).item(), within(1e-12));
  }

  @Test
  void deterministicLabels() {
    double[] expected = {1.2180175491, 0.9786020541, 0.7966138010, 0.6570881483, 0.5491469396};
    double[] phiOfOne = {1, 0.8284271247, 0.6931471806, 0.5857864376, 0.5};
    for (int i = 0; i < 5; i++) {
      assertThat(HConsistency.deterministicBest(TAUS[i], 10, 1))
          .isCloseTo(expected[i], within(1e-9));
      assertThat(new CompSumLoss(TAUS[i]).phi(1)).isCloseTo(phiOfOne[i], within(1e-9));
    }
  }

  @Test
  void gapsAndLearningBounds() {
    double[][] pi = {PI, {1, 0, 0}};
    double best = (new CompSumLoss(1).bestConditionalRisk(PI) + 0) / 2;
    assertThat(HConsistency.minimizabilityGap(best + 0.1, 1, pi)).isCloseTo(0.1, within(1e-12));
    double few = HConsistency.learningBound(1, 10, 0, 0, 0.001, 1, 10_000, 0.05);
    double many = HConsistency.learningBound(1, 10, 0, 0, 0.001, 1, 1_000_000, 0.05);
    assertThat(many).isLessThan(few).isPositive();
  }

  @Test
  void extremeScores() {
    for (double tau : new double[] {1, 1.5, 2, 3}) {
      for (double size : new double[] {1e4, -1e4}) {
        assertThat(loss(tau, row(size, 0).to(Dtype.FLOAT32), 0)).isFinite().isNotNegative();
      }
    }
    CompSumLoss exponential = new CompSumLoss(0);
    Tensor wrong = row(-1e4, 0).to(Dtype.FLOAT32);
    assertThat(exponential.apply(wrong, label(0)).item()).isFinite().isGreaterThan(1e34);
    assertThat(exponential.isCapped(wrong, label(0))).isTrue();
    assertThat(exponential.isCapped(row(-10, 0), label(0))).isFalse();
    assertThat(new CompSumLoss(1).isCapped(wrong, label(0))).isFalse();
  }

  @Test
  void refusals() {
    assertThatThrownBy(() -> new CompSumLoss(-1)).hasMessage("tau must be 0 or more, was -1.0");
    CompSumLoss loss = new CompSumLoss(1.5);
    assertThatThrownBy(() -> loss.apply(row(1), label(0)))
        .hasMessageContaining("at least 2 classes");
    assertThatThrownBy(() -> loss.apply(row(1, 2), label(2))).hasMessage("label 2 outside 0..1");
    assertThatThrownBy(() -> loss.apply(row(1, Double.NaN), label(0)))
        .hasMessage("logits contain NaN at row 0");
    assertThatThrownBy(() -> loss.bestConditionalRisk(new double[] {0.5, 0.6}))
        .hasMessageContaining("pi must be a distribution");
    assertThatThrownBy(() -> loss.bestConditionalRisk(new double[] {-0.5, 1.5}))
        .hasMessageContaining("pi must be a distribution");
    assertThatThrownBy(() -> HConsistency.transform(1, 2, 1.1)).hasMessageContaining("beta");
    assertThatThrownBy(() -> HConsistency.transform(1, 1, 0.1)).hasMessageContaining("n must be");
    assertThatThrownBy(() -> HConsistency.bound(1, 2, -0.1))
        .hasMessageContaining("surrogateExcess");
    assertThat(HConsistency.bound(1, 2, -1e-10)).isZero();
    assertThat(HConsistency.bound(1, 2, 5)).isEqualTo(1);
  }
}
