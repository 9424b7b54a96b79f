package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.loss.FactoredSphericalLayer.Stability;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class ZLossTest {
  private static final double[] O = {2, -1, 0.5, 3, 0};
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor scores(double... o) {
    return Tensor.of(new double[][] {o});
  }

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  private static double loss(SphericalLoss loss, double... o) {
    return loss.dense(scores(o), label(3)).item();
  }

  private static double[] gradient(SphericalLoss loss) {
    Tensor o = scores(O).setRequiresGrad(true);
    return Autograd.grad(loss.dense(o, label(3)), o).toDoubleArray();
  }

  @Test
  void valuesAndGradientsOfTheCard() {
    ZLoss plain = new ZLoss(1, 0);
    assertThat(loss(plain, O)).isCloseTo(0.2068986154, within(1e-8));
    assertThat(gradient(plain))
        .containsExactly(
            new double[] {0.05580569, -0.02501634, 0.01539467, -0.04810835, 0.00192433},
            within(1e-8));
    ZLoss sharp = new ZLoss(2, 1.5);
    assertThat(loss(sharp, O)).isCloseTo(0.3616471240, within(1e-8));
    assertThat(gradient(sharp))
        .containsExactly(
            new double[] {0.15372819, -0.06891264, 0.04240778, -0.13252431, 0.00530097},
            within(1e-8));
    assertThat(loss(new SquaredErrorLoss(), O)).isCloseTo(9.25, within(1e-9));
    assertThat(loss(new LogTaylorSoftmax(), O)).isCloseTo(0.6708414230, within(1e-9));
    assertThat(loss(new LogSphericalSoftmax(0.01), O)).isCloseTo(0.4619244656, within(1e-9));
  }

  @Test
  void isInvariantToShiftAndScale() {
    ZLoss loss = new ZLoss(2, 1.5);
    double[] g = gradient(loss);
    double sum = 0;
    double dot = 0;
    double[] moved = new double[5];
    double[] mirrored = new double[5];
    for (int k = 0; k < 5; k++) {
      sum += g[k];
      dot += g[k] * O[k];
      moved[k] = 3.7 * O[k] - 11;
      mirrored[k] = -O[k];
    }
    assertThat(sum).isCloseTo(0, within(1e-12));
    assertThat(dot).isCloseTo(0, within(1e-12));
    assertThat(loss(loss, moved)).isCloseTo(loss(loss, O), within(1e-12));
    assertThat(Math.abs(loss(loss, mirrored) - loss(loss, O))).isGreaterThan(0.1);
  }

  @Test
  void gradientsAreThoseOfFiniteDifferences() {
    Tensor o = new Rng(0).normal(Dtype.FLOAT64, 4, 6);
    Tensor y = Tensor.of(new long[] {0, 5, 2, 2}, 4);
    for (SphericalLoss loss : losses()) {
      assertThat(Autograd.checkGrad(in -> loss.dense(in.getFirst(), y), List.of(o)))
          .isLessThan(1e-6);
    }
  }

  /**
   * All members; the second derivative 2 / epsilon of one would blow up rounding where it is 0.01.
   */
  private static List<SphericalLoss> losses() {
    return List.of(
        new ZLoss(1.3, 0.7),
        new SquaredErrorLoss(),
        new LogSphericalSoftmax(0.1),
        new LogTaylorSoftmax());
  }

  @Test
  void theLargestZIsThatOfAOneHotVector() {
    assertThat(loss(new ZLoss(1, 0), 0, 0, 0, 1, 0)).isCloseTo(0.1269280110, within(1e-9));
    for (Dtype dtype : List.of(Dtype.FLOAT32, Dtype.FLOAT64)) {
      Tensor equal = Tensor.of(new double[][] {{3, 3, 3, 3}}).to(dtype).setRequiresGrad(true);
      Tensor loss = new ZLoss(1, 0).dense(equal, label(1));
      assertThat(loss.item()).isCloseTo(Math.log(2), within(1e-9));
      assertThat(Autograd.grad(loss, equal).abs().max().item()).isZero();
    }
  }

  // ---- The factored layer

  /** What a dense layer does: the gradient of the summed losses, then plain descent. */
  private static final class Dense {
    private Tensor w;

    Dense(Tensor w) {
      this.w = w;
    }

    /** Returns the gradient for h. */
    Tensor step(Tensor h, Tensor targets, SphericalLoss loss, double eta) {
      Tensor weight = w.cloned().setRequiresGrad(true);
      Tensor input = h.cloned().setRequiresGrad(true);
      Tensor o = input.matmul(weight.mT());
      Tensor a = o.gather(1, targets.reshape(h.size(0), -1));
      Tensor total =
          loss.value(a, o.sum(1).unsqueeze(1), o.square().sum(1).unsqueeze(1), w.size(0)).sum();
      List<Tensor> g = Autograd.grad(total, List.of(weight, input), false);
      w = w.addScaled(g.get(0), -eta);
      return g.get(1);
    }
  }

  private static double difference(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item();
  }

  /** The difference in units of the largest entry, where that is above 1. */
  private static double relative(Tensor a, Tensor b) {
    return difference(a, b) / Math.max(1, b.abs().max().item());
  }

  @Test
  void theFactoredStepIsTheDenseStep() {
    Rng rng = new Rng(1);
    Tensor single = Tensor.of(new long[] {0, 6, 2, 2, 5}, 5);
    Tensor pairs = Tensor.of(new long[] {0, 1, 6, 2, 2, 3, 2, 2, 5, 0}, 5, 2);
    for (SphericalLoss loss : losses()) {
      for (Tensor targets : List.of(single, pairs)) {
        Tensor w0 = rng.normal(Dtype.FLOAT64, 7, 3).mul(0.5);
        FactoredSphericalLayer layer = new FactoredSphericalLayer(w0, Stability.NONE);
        Dense dense = new Dense(w0);
        for (int i = 0; i < 20; i++) {
          Tensor h = rng.normal(Dtype.FLOAT64, 5, 3).mul(0.3);
          Tensor expected = dense.step(h, targets, loss, 0.1);
          FactoredSphericalLayer.StepResult result = layer.step(h, targets, loss, 0.1);
          assertThat(relative(result.gradH(), expected))
              .as("%s, step %d", loss, i)
              .isLessThan(1e-12);
          if (i % 5 == 4) {
            layer.weightDecay(0.2, 0.1);
            dense.w = dense.w.mul(1 - 0.02);
          }
          assertThat(relative(layer.materialise(), dense.w)).isLessThan(1e-12);
          assertThat(relative(layer.gram(), dense.w.mT().matmul(dense.w))).isLessThan(1e-12);
          assertThat(relative(layer.sum(), dense.w.sum(0))).isLessThan(1e-12);
        }
        Tensor h = rng.normal(Dtype.FLOAT64, 4, 3);
        Tensor o = h.matmul(dense.w.mT());
        assertThat(difference(layer.scores(h), o)).isLessThan(1e-12);
        assertThat(layer.topK(h, 2).indices().select(1, 0).toLongArray())
            .containsExactly(o.argmax(1).toLongArray());
      }
    }
  }

  @Test
  void singlePrecisionWithManyClasses() {
    Rng rng = new Rng(2);
    long classes = 100_000;
    Tensor w0 = rng.normal(classes, 128).mul(0.01);
    Tensor h = rng.normal(128, 128);
    Tensor targets = rng.integers(0, classes, 128);
    SphericalLoss loss = new ZLoss(1, 0);
    FactoredSphericalLayer layer = new FactoredSphericalLayer(w0, Stability.NONE);
    FactoredSphericalLayer.StepResult result = layer.step(h, targets, loss, 0.01);
    Dense dense = new Dense(w0.to(Dtype.FLOAT64));
    Tensor expected = dense.step(h.to(Dtype.FLOAT64), targets, loss, 0.01);
    double gradientError =
        result.gradH().to(Dtype.FLOAT64).sub(expected).norm().item() / expected.norm().item();
    assertThat(gradientError).isLessThanOrEqualTo(2e-6);
    double weightError =
        layer.materialise().to(Dtype.FLOAT64).sub(dense.w).norm().item() / dense.w.norm().item();
    assertThat(weightError).isLessThanOrEqualTo(1e-6);
  }

  @Test
  void stabilisingKeepsTheWeights() {
    Rng rng = new Rng(3);
    for (double decay : new double[] {0.05, 0.9}) {
      FactoredSphericalLayer layer =
          new FactoredSphericalLayer(rng.normal(Dtype.FLOAT64, 20, 9), Stability.NONE);
      for (int i = 0; i < 30; i++) {
        layer.step(
            rng.normal(Dtype.FLOAT64, 2, 9), rng.integers(0, 20, 2), new SquaredErrorLoss(), 0.01);
      }
      // A large decay takes all singular values out of the range: more than d / 3.
      layer.weightDecay(decay, 1);
      Tensor before = layer.materialise();
      layer.stabilise();
      assertThat(difference(layer.materialise(), before)).isLessThan(1e-10);
      assertThat(layer.drift().condition()).isLessThanOrEqualTo(4);
      assertThat(layer.drift().inverse()).isLessThan(1e-10);
    }
  }

  @Test
  void driftIsVisibleWithoutStabilityAndSmallWithIt() {
    double unstable = driftAfter(Stability.NONE);
    double stable = driftAfter(new Stability(100, 0.5, 2, true));
    assertThat(stable).isLessThanOrEqualTo(1e-5);
    assertThat(unstable).isGreaterThan(10 * stable);
  }

  private static double driftAfter(Stability stability) {
    Rng rng = new Rng(4);
    FactoredSphericalLayer layer =
        new FactoredSphericalLayer(rng.normal(50, 8).mul(0.1), stability);
    for (int i = 0; i < 5000; i++) {
      try (Scope inner = Scope.open()) {
        layer.step(rng.normal(4, 8), rng.integers(0, 50, 4), new SquaredErrorLoss(), 0.02);
      }
    }
    return layer.drift().gram();
  }

  @Test
  void aZeroExampleChangesNothing() {
    FactoredSphericalLayer layer =
        new FactoredSphericalLayer(new Rng(5).normal(Dtype.FLOAT64, 9, 4), Stability.DEFAULT);
    Tensor before = layer.materialise();
    FactoredSphericalLayer.StepResult result =
        layer.step(Tensor.zeros(Dtype.FLOAT64, 1, 4), label(3), new ZLoss(1, 0), 0.1);
    assertThat(result.loss().item()).isCloseTo(Math.log(2), within(1e-9));
    assertThat(difference(layer.materialise(), before)).isZero();
  }

  @Test
  void refusals() {
    assertThatThrownBy(() -> new ZLoss(0, 0)).hasMessage("sharpness must be above 0, was 0.0");
    assertThatThrownBy(() -> new ZLoss(1, 0).dense(Tensor.zeros(1, 1), label(0)))
        .hasMessage("classes must be at least 2, was 1");
    Tensor w0 = new Rng(5).normal(Dtype.FLOAT64, 9, 4);
    assertThatThrownBy(() -> new FactoredSphericalLayer(w0.slice(0, 0, 1), Stability.DEFAULT))
        .hasMessage("classes must be at least 2, was 1");
    FactoredSphericalLayer layer = new FactoredSphericalLayer(w0, Stability.DEFAULT);
    ZLoss loss = new ZLoss(1, 0);
    Tensor h = Tensor.ones(Dtype.FLOAT64, 1, 4);
    assertThatThrownBy(() -> layer.step(h, label(9), loss, 0.1))
        .hasMessage("target 9 outside 0..8");
    assertThatThrownBy(() -> layer.step(h, label(3), loss, 0))
        .hasMessage("eta must be above 0, was 0.0");
    assertThatThrownBy(() -> layer.step(h.mul(Double.NaN), label(3), loss, 0.1))
        .hasMessageContaining("h is not finite");
    assertThatThrownBy(() -> layer.step(h.slice(0, 0, 0), Tensor.of(new long[0], 0), loss, 0.1))
        .hasMessageContaining("at least one row");
    assertThatThrownBy(() -> layer.topK(h, 10)).hasMessage("k must be in 1..9, was 10");
    // Squared error with |h|^2 = 4: U shrinks along h by 1 - 2 eta |h|^2, which is 0 here.
    Tensor before = layer.materialise();
    assertThatThrownBy(() -> layer.step(h, label(3), new SquaredErrorLoss(), 0.125))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("step size too large for the factored update");
    assertThat(difference(layer.materialise(), before)).isLessThan(1e-12);
  }
}
