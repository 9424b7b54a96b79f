package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.data.GeneratedAlgorithms;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Sequential;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class StableMaxTest {
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

  private static double loss(Tensor logits, long y) {
    return StableMax.crossEntropy(logits, label(y), Reduction.MEAN).item();
  }

  @Test
  void valuesOfTheCard() {
    Tensor z = row(2, 0, -1, -3);
    assertThat(StableMax.s(z).toDoubleArray())
        .containsExactly(new double[] {3, 1, 0.5, 0.25}, within(1e-12));
    assertThat(StableMax.probabilities(z).toDoubleArray())
        .containsExactly(
            new double[] {0.6315789474, 0.2105263158, 0.1052631579, 0.0526315789}, within(1e-9));
    double[] losses = {0.4595323294, 1.558144618, 2.2512917986, 2.9444389792};
    for (int y = 0; y < 4; y++) {
      assertThat(loss(z, y)).isCloseTo(losses[y], within(1e-9));
      assertThat(-StableMax.logProbabilities(z).toDoubleArray()[y])
          .isCloseTo(losses[y], within(1e-9));
    }
  }

  @Test
  void gradientsOfTheCard() {
    Tensor z = row(2, 0, -1, -3).setRequiresGrad(true);
    double[][] expected = {
      {-0.1228070175, 0.2105263158, 0.0526315789, 0.0131578947},
      {},
      {},
      {0.2105263158, 0.2105263158, 0.0526315789, -0.2368421053}
    };
    for (int y : new int[] {0, 3}) {
      Tensor g = Autograd.grad(StableMax.crossEntropy(z, label(y), Reduction.MEAN), z);
      assertThat(g.toDoubleArray()).containsExactly(expected[y], within(1e-9));
    }
    Tensor smooth = row(1.3, 0.4, -1, -3);
    double error =
        Autograd.checkGrad(
            in -> StableMax.crossEntropy(in.getFirst(), label(1), Reduction.MEAN), List.of(smooth));
    assertThat(error).isLessThan(1e-6);
  }

  @Test
  void largeLogitsNeitherCollapseNorOverflow() {
    for (Dtype dtype : List.of(Dtype.FLOAT64, Dtype.FLOAT32)) {
      Tensor z = row(1000, -1000).to(dtype);
      assertThat(loss(z, 0)).isCloseTo(9.98002498e-07, within(1e-13)).isPositive();
      assertThat(loss(z, 1)).isCloseTo(13.81751056, within(1e-7));
    }
    Tensor huge = row(1e30, -1e30).setRequiresGrad(true);
    for (int y = 0; y < 2; y++) {
      Tensor loss = StableMax.crossEntropy(huge, label(y), Reduction.MEAN);
      assertThat(loss.item()).isFinite();
      assertThat(Autograd.grad(loss, huge).abs().max().item()).isFinite();
    }
  }

  @Test
  void isReciprocalAndASoftmaxOfLogarithms() {
    Tensor x = new Rng(0).uniform(-1e6, 1e6, Dtype.FLOAT64, 1000);
    assertThat(StableMax.s(x).mul(StableMax.s(x.neg())).sub(1).abs().max().item())
        .isLessThan(1e-12);
    Tensor z = new Rng(1).normal(Dtype.FLOAT64, 20, 7).mul(5);
    Tensor g = z.sign().mul(z.abs().log1p());
    assertThat(StableMax.probabilities(z).sub(g.softmax(1)).abs().max().item()).isLessThan(1e-12);
    assertThat(StableMax.probabilities(z).argmax(1).ne(z.argmax(1)).sum().item()).isZero();
  }

  @Test
  void reductions() {
    Tensor z = new Rng(1).normal(Dtype.FLOAT64, 5, 3);
    Tensor y = Tensor.of(new long[] {0, 1, 2, 0, 1}, 5);
    double[] each = StableMax.crossEntropy(z, y, Reduction.NONE).toDoubleArray();
    double sum = 0;
    for (double e : each) {
      sum += e;
    }
    assertThat(StableMax.crossEntropy(z, y, Reduction.SUM).item()).isCloseTo(sum, within(1e-12));
    assertThat(StableMax.crossEntropy(z, y, Reduction.MEAN).item())
        .isCloseTo(sum / 5, within(1e-12));
    assertThat(loss(row(4), 0)).isZero();
  }

  @Test
  void refusals() {
    Tensor z = row(1, 2, 3);
    assertThatThrownBy(() -> loss(z, 7)).hasMessage("label 7 outside 0..2");
    assertThatThrownBy(() -> loss(z.to(Dtype.INT64), 0)).hasMessageContaining("floating-point");
    assertThatThrownBy(() -> loss(Tensor.zeros(1, 0), 0))
        .hasMessageContaining("at least one class");
    Tensor nan = Tensor.of(new double[][] {{1, 2}, {Double.NaN, 1}});
    Tensor y = Tensor.of(new long[] {0, 0}, 2);
    assertThatThrownBy(() -> StableMax.crossEntropy(nan, y, Reduction.MEAN))
        .hasMessage("logits contain NaN at row 1");
    assertThatThrownBy(() -> loss(row(1, Double.POSITIVE_INFINITY), 0))
        .hasMessage("logits contain an infinity at row 0");
    assertThatThrownBy(
            () ->
                StableMax.crossEntropy(
                    Tensor.zeros(0, 3), Tensor.of(new long[0], 0), Reduction.MEAN))
        .hasMessageContaining("at least one row");
  }

  // ---- Collapse

  private static CollapseReport collapse(double margin, Dtype dtype) {
    return CollapseMonitor.measure(row(margin, 0).to(dtype), label(0), dtype, Map.of());
  }

  @Test
  void thresholdsOfCollapse() {
    CollapseReport below = collapse(16.6, Dtype.FLOAT32);
    assertThat(below.softmaxCollapse()).isZero();
    assertThat(new CrossEntropy(Dtype.FLOAT32, Reduction.MEAN).apply(row(16.6, 0), label(0)).item())
        .isCloseTo(1.192e-7, within(1e-10));
    assertThat(collapse(16.7, Dtype.FLOAT32).softmaxCollapse()).isEqualTo(1);
    assertThat(collapse(16.7, Dtype.FLOAT32).zeroLoss()).isEqualTo(1);
    assertThat(collapse(36.7, Dtype.FLOAT64).softmaxCollapse()).isZero();
    assertThat(collapse(36.8, Dtype.FLOAT64).softmaxCollapse()).isEqualTo(1);
    assertThat(collapse(5, Dtype.BFLOAT16).softmaxCollapse()).isZero();
    assertThat(collapse(6, Dtype.BFLOAT16).softmaxCollapse()).isEqualTo(1);
    assertThat(collapse(7, Dtype.FLOAT16).softmaxCollapse()).isZero();
    assertThat(collapse(8, Dtype.FLOAT16).softmaxCollapse()).isEqualTo(1);
  }

  @Test
  void gradientsAtCollapse() {
    Tensor z = row(20, 0).to(Dtype.FLOAT32).setRequiresGrad(true);
    double[] g =
        Autograd.grad(new CrossEntropy(Dtype.FLOAT32, Reduction.MEAN).apply(z, label(0)), z)
            .toDoubleArray();
    assertThat(g[0]).isZero();
    assertThat(g[1]).isCloseTo(2.06e-9, within(1e-11));
    Tensor stable = Autograd.grad(StableMax.crossEntropy(z, label(0), Reduction.MEAN), z);
    assertThat(stable.toDoubleArray()[0]).isNegative();
  }

  @Test
  void reportsCosinesAndNorms() {
    Tensor a = Tensor.of(new double[] {3, 4}).setRequiresGrad(true);
    Tensor b = Tensor.of(new double[] {1, 1}).setRequiresGrad(true);
    Tensor unused = Tensor.of(new double[] {2, 0}).setRequiresGrad(true);
    // Gradients -a and (1, -1).
    a.square().sum().mul(-0.5).add(b.mul(Tensor.of(new double[] {1, -1})).sum()).backward();
    CollapseReport report =
        CollapseMonitor.measure(
            row(1, 0), label(0), Dtype.FLOAT32, Map.of("a", a, "b", b, "unused", unused));
    assertThat(report.tensorCosines().get("a")).isCloseTo(1, within(1e-12));
    assertThat(report.tensorCosines().get("b")).isCloseTo(0, within(1e-12));
    assertThat(report.nlmCosine()).isCloseTo(25 / 27.0, within(1e-12));
    assertThat(report.weightNorms()).containsEntry("a", 5.0).containsEntry("unused", 2.0);
    assertThatThrownBy(() -> new CrossEntropy(Dtype.INT64, Reduction.MEAN))
        .hasMessageContaining("lossDtype");
  }

  @Test
  void homogeneousNetworksScaleTheirLogits() {
    Rng rng = new Rng(0);
    for (int layers = 1; layers <= 3; layers++) {
      Sequential network =
          switch (layers) {
            case 1 -> new Sequential(new Linear(6, 4, false, rng));
            case 2 ->
                new Sequential(
                    new Linear(6, 8, false, rng), Lambda.relu(), new Linear(8, 4, false, rng));
            default ->
                new Sequential(
                    new Linear(6, 8, false, rng),
                    Lambda.relu(),
                    new Linear(8, 8, false, rng),
                    Lambda.relu(),
                    new Linear(8, 4, false, rng));
          };
      Tensor x = rng.normal(10, 6);
      Tensor before = network.forward(x).detach();
      network.parameters().forEach(p -> p.detach().mul_(1.1));
      Tensor after = network.forward(x).detach();
      Tensor expected = before.mul(Math.pow(1.1, layers));
      assertThat(after.sub(expected).abs().max().item() / expected.abs().max().item())
          .isLessThan(1e-5);
      assertThat(after.argmax(1).ne(before.argmax(1)).sum().item()).isZero();
    }
  }

  @Test
  void algorithmicData() {
    GeneratedAlgorithms add = GeneratedAlgorithms.modularAddition(7, 0.4, 1);
    assertThat(add.trainInputs().shape()).containsExactly(20, 14);
    assertThat(add.testInputs().shape()).containsExactly(29, 14);
    Tensor first = add.trainInputs().slice(1, 0, 7).argmax(1);
    Tensor second = add.trainInputs().slice(1, 7, 14).argmax(1);
    assertThat(first.add(second).remainder(7).ne(add.trainLabels()).sum().item()).isZero();
    GeneratedAlgorithms product = GeneratedAlgorithms.modularProduct(7, 0.5, 1);
    Tensor a = product.testInputs().slice(1, 0, 7).argmax(1);
    Tensor b = product.testInputs().slice(1, 7, 14).argmax(1);
    assertThat(a.mul(b).remainder(7).ne(product.testLabels()).sum().item()).isZero();
    GeneratedAlgorithms parity = GeneratedAlgorithms.sparseParity(10, 3, 100, 2);
    assertThat(parity.trainInputs().shape()).containsExactly(50, 10);
    Tensor bits = parity.testInputs().slice(1, 0, 3).sum(1).remainder(2).to(Dtype.INT64);
    assertThat(bits.ne(parity.testLabels()).sum().item()).isZero();
    assertThatThrownBy(() -> GeneratedAlgorithms.modularAddition(7, 1, 1))
        .hasMessageContaining("trainFraction");
    assertThatThrownBy(() -> GeneratedAlgorithms.sparseParity(3, 4, 10, 1))
        .hasMessage("parityBits must be in 1..3 (bits), was 4");
  }

  @Test
  void predictionsAreStableMaxProbabilities() {
    Tensor z = new Rng(1).normal(Dtype.FLOAT64, 4, 3);
    Tensor softmaxOfLogs = StableMax.s(z).log().softmax(1);
    assertThat(softmaxOfLogs.sub(StableMax.probabilities(z)).abs().max().item()).isLessThan(1e-12);
    assertThat(
            Functional.crossEntropy(StableMax.s(z).log(), Tensor.of(new long[] {0, 1, 2, 0}, 4))
                .item())
        .isCloseTo(
            StableMax.crossEntropy(z, Tensor.of(new long[] {0, 1, 2, 0}, 4), Reduction.MEAN).item(),
            within(1e-12));
  }
}
