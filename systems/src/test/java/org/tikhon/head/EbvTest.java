package org.tikhon.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

class EbvTest {
  private static final double[][] ROWS = {{1, 0}, {0.6, 0.8}, {0, 1}};
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  @Test
  void welchBounds() {
    double[][] expected = {
      {1000, 100, 0.0949157996},
      {1000, 500, 0.0316385999},
      {500, 128, 0.0763161077},
      {100, 50, 0.1005037815},
      {6, 3, 0.4472135955},
      {4, 3, 1 / 3.0},
      {100, 100, 0}
    };
    for (double[] e : expected) {
      assertThat(EquiangularBasis.welchBound((int) e[0], (int) e[1])).isCloseTo(e[2], within(1e-9));
    }
  }

  @Test
  void hingeLossGradientAndStepOfTheCard() {
    Tensor w = Tensor.of(ROWS);
    EquiangularBasis.Hinge hinge = EquiangularBasis.hinge(w, 0, 0.1, 3);
    assertThat(hinge.loss()).isCloseTo(2.4, within(1e-12));
    assertThat(hinge.gradient().toDoubleArray())
        .containsExactly(new double[] {1.2, 1.6, 2, 2, 1.2, 1.6}, within(1e-12));
    Tensor next = Functional.normalize(w.addScaled(hinge.gradient(), -0.1), 1);
    assertThat(next.toDoubleArray())
        .containsExactly(
            new double[] {0.98386991, -0.17888544, 0.5547002, 0.83205029, -0.14142136, 0.98994949},
            within(1e-7));
    Tensor v = Tensor.of(ROWS).setRequiresGrad(true);
    Tensor off = Tensor.eye(3, Dtype.FLOAT64).neg().add(1);
    Tensor loss = v.matmul(v.mT()).abs().mul(off).sub(0.1).clampMin(0).sum();
    assertThat(Autograd.grad(loss, v).sub(hinge.gradient()).abs().max().item()).isLessThan(1e-12);
  }

  @Test
  void slicesGiveTheSame() {
    Tensor w = Functional.normalize(new Rng(1).normal(Dtype.FLOAT64, 23, 6), 1);
    EquiangularBasis.Hinge whole = EquiangularBasis.hinge(w, 0, 0.2, 23);
    for (int slice : new int[] {1, 7}) {
      EquiangularBasis.Hinge sliced = EquiangularBasis.hinge(w, 0, 0.2, slice);
      assertThat(sliced.loss()).isCloseTo(whole.loss(), within(1e-6));
      assertThat(sliced.max()).isEqualTo(whole.max());
      assertThat(sliced.gradient().sub(whole.gradient()).abs().max().item()).isLessThan(1e-6);
    }
  }

  private static void checkSet(EquiangularBasis basis, double limit, int maxSteps) {
    EquiangularBasis.Coherence c = basis.coherence();
    assertThat(c.reached()).isTrue();
    assertThat(c.max()).isLessThanOrEqualTo(limit + 1e-6).isGreaterThanOrEqualTo(c.welch() - 1e-9);
    assertThat(c.mean()).isLessThanOrEqualTo(c.max());
    assertThat(c.steps()).isLessThan(maxSteps);
    assertThat(basis.vectors().norm(2, 1).sub(1).abs().max().item()).isLessThan(1e-6);
  }

  @Test
  void generatesTheSetsOfTheCard() {
    EbvSpec square = EbvSpec.of(100, 100, 0.002);
    EquiangularBasis first = EquiangularBasis.generate(square);
    checkSet(first, 0.0021, 2000);
    assertThat(EquiangularBasis.generate(square).vectors().toFloatArray())
        .containsExactly(first.vectors().toFloatArray());
    checkSet(
        EquiangularBasis.generate(EbvSpec.of(100, 50, 0.14).withLearningRate(1e-2)), 0.1401, 5000);
    checkSet(
        EquiangularBasis.generate(EbvSpec.of(200, 64, 0.14).withLearningRate(1e-2)), 0.1401, 5000);
  }

  @Test
  void findsAThousandVectorsInAHundredDimensions() {
    double limit = 1.5 * EquiangularBasis.welchBound(1000, 100);
    EbvSpec spec = EbvSpec.of(1000, 100, limit).withLearningRate(2e-3).withSliceSize(130);
    checkSet(EquiangularBasis.generate(spec), limit + 1e-4, 2000);
  }

  @Test
  void orthonormalAndSingleVectors() {
    EquiangularBasis q = EquiangularBasis.orthonormal(5, 8, new Rng(0));
    assertThat(q.coherence().max()).isLessThan(1e-6);
    assertThat(EquiangularBasis.generate(EbvSpec.of(1, 3, 0)).coherence().steps()).isZero();
    assertThat(
            EquiangularBasis.of(q.vectors().mul(3)).vectors().sub(q.vectors()).abs().max().item())
        .isLessThan(1e-6);
  }

  @Test
  void extendingKeepsTheOldVectors() {
    EbvSpec spec = EbvSpec.of(50, 64, 0.15).withLearningRate(1e-2);
    EquiangularBasis old = EquiangularBasis.generate(spec);
    EquiangularBasis more = old.extend(10, spec);
    assertThat(more.vectors().shape()).containsExactly(60, 64);
    assertThat(more.vectors().slice(0, 0, 50).contiguous().toFloatArray())
        .containsExactly(old.vectors().toFloatArray());
    checkSet(more, 0.1501, 5000);
    assertThatThrownBy(() -> old.extend(0, spec)).hasMessageContaining("extra");
    assertThatThrownBy(() -> old.extend(1, EbvSpec.of(50, 63, 0.15)))
        .hasMessage("dimension must be 64 as in the old set, was 63");
  }

  @Test
  void saysWhenABoundWasNotReached() {
    EbvSpec hopeless = EbvSpec.of(6, 3, 0.448).withMaxSteps(20).withRestarts(1);
    assertThatThrownBy(() -> EquiangularBasis.generate(hopeless))
        .isInstanceOf(EquiangularBasis.NotConvergedException.class)
        .hasMessageContaining("6 vectors in dimension 3")
        .hasMessageContaining("was reached");
    EquiangularBasis best = EquiangularBasis.generate(hopeless.lenient());
    assertThat(best.coherence().reached()).isFalse();
    assertThat(best.coherence().steps()).isEqualTo(40);
    // Restarts help where a tight problem has poor local optima.
    EbvSpec tight = EbvSpec.of(6, 3, 0.46).withLearningRate(1e-2).withMaxSteps(3000);
    assertThat(EquiangularBasis.generate(tight.withRestarts(10)).coherence().max())
        .isLessThanOrEqualTo(0.4602);
  }

  @Test
  void refusesImpossibleSets() {
    assertThatThrownBy(() -> EquiangularBasis.generate(EbvSpec.of(1000, 100, 0.05)))
        .hasMessage(
            "maxCosine 0.05 is below the Welch bound 0.0949 for 1000 vectors in dimension 100");
    assertThatThrownBy(() -> EbvSpec.of(0, 3, 0.1)).hasMessage("count must be at least 1, was 0");
    assertThatThrownBy(() -> EbvSpec.of(3, 0, 0.1)).hasMessageContaining("dimension");
    assertThatThrownBy(() -> EbvSpec.of(3, 3, 1))
        .hasMessage("maxCosine must be in [0, 1), was 1.0");
    assertThatThrownBy(() -> EquiangularBasis.orthonormal(4, 3, new Rng(0)))
        .hasMessageContaining("1..3");
  }

  private static EbvHead goldenHead() {
    return new EbvHead(EquiangularBasis.of(Tensor.of(ROWS)));
  }

  @Test
  void probabilitiesLossAndDistancesOfTheCard() {
    EbvHead head = goldenHead();
    Tensor v = Tensor.of(new double[][] {{0.8, 0.6}});
    Tensor logits = head.logits(v);
    assertThat(logits.mul(0.07).toDoubleArray())
        .containsExactly(new double[] {0.8, 0.96, 0.6}, within(1e-9));
    assertThat(logits.softmax(1).toDoubleArray())
        .containsExactly(new double[] {0.09182619, 0.90289999, 0.00527382}, within(1e-8));
    // The card's 0.1021434722 has a slip in the ninth digit: log(1 + e^(-16/7) + e^(-36/7)).
    assertThat(Functional.crossEntropy(logits, label(1)).item())
        .isCloseTo(0.1021434792, within(1e-9));
    assertThat(Functional.crossEntropy(logits, label(2)).item())
        .isCloseTo(5.2450006221, within(1e-9));
    assertThat(head.angularDistance(v).toDoubleArray())
        .containsExactly(new double[] {0.64350111, 0.28379411, 0.92729522}, within(1e-8));
    assertThat(head.predict(v).itemLong()).isEqualTo(1);
    assertThat(head.predict(v, 0.3).itemLong()).isEqualTo(1);
    assertThat(head.predict(v, 0.2).itemLong()).isEqualTo(EbvHead.REJECTED);
  }

  @Test
  void lossDoesNotDependOnTheLength() {
    EbvHead head = new EbvHead(EquiangularBasis.orthonormal(6, 8, new Rng(0)));
    Tensor v = new Rng(1).normal(1, 8).setRequiresGrad(true);
    Tensor g = Autograd.grad(Functional.crossEntropy(head.forward(v), label(2)), v);
    assertThat(g.mul(v.detach()).sum().item()).isCloseTo(0, within(1e-6));
    Tensor many = new Rng(2).normal(1000, 8);
    Tensor nearest = head.angularDistance(many).argmin(1);
    assertThat(head.predict(many).ne(nearest).sum().item()).isZero();
  }

  @Test
  void pixelsHaveTheirVectors() {
    EbvHead head = new EbvHead(EquiangularBasis.orthonormal(6, 8, new Rng(0)));
    Tensor v = new Rng(1).normal(2, 8, 3, 4);
    Tensor logits = head.logits(v);
    assertThat(logits.shape()).containsExactly(2, 6, 3, 4);
    Tensor one = head.logits(v.select(3, 1).select(2, 2)).select(0, 1);
    assertThat(logits.select(0, 1).select(2, 1).select(1, 2).sub(one).abs().max().item())
        .isLessThan(1e-5);
  }

  @Test
  void extremesAndRefusals() {
    EbvHead head = new EbvHead(EquiangularBasis.orthonormal(6, 8, new Rng(0)));
    Tensor zero = Tensor.zeros(1, 8).setRequiresGrad(true);
    Tensor loss = Functional.crossEntropy(head.forward(zero), label(0));
    assertThat(loss.item()).isCloseTo(Math.log(6), within(1e-5));
    assertThat(Autograd.grad(loss, zero).abs().max().item()).isFinite();
    assertThatThrownBy(() -> head.logits(Tensor.zeros(1, 7)))
        .hasMessage("embeddings must have the shape [b, 8, ...], was [1, 7]");
    assertThatThrownBy(() -> head.predict(Tensor.zeros(1, 8).add(Double.NaN)))
        .hasMessageContaining("not all finite");
    assertThatThrownBy(() -> new EbvHead(EquiangularBasis.orthonormal(2, 8, new Rng(0)), 0))
        .hasMessage("temperature must be above 0, was 0.0");
  }

  private static Learner learner(int classes) {
    Setup setup =
        new Setup(
            new Task.Classification(classes),
            rng -> new Mlp(8, List.of(16), classes, rng),
            60,
            2,
            Setup.Optimization.sgd(0.05, 0.9, 5e-4),
            new Rng(7));
    return new EbvRecipe().learner(setup, Map.of("dimension", 64.0));
  }

  @Test
  void vectorsAreNotTrainedAndParametersDoNotGrowWithTheClasses() {
    Learner small = learner(10);
    assertThat(small.model().namedParameters().keySet()).noneMatch(n -> n.contains("vectors"));
    assertThat(small.model().stateDict().keySet()).anyMatch(n -> n.endsWith("vectors"));
    assertThat(learner(300).model().parameterCount()).isEqualTo(small.model().parameterCount());
    EbvHead many = new EbvHead(EquiangularBasis.of(new Rng(0).normal(10_000, 64)));
    assertThat(many.parameterCount()).isZero();
  }
}
