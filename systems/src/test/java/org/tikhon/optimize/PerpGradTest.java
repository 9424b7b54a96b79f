package org.tikhon.optimize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Lion;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Sgd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class PerpGradTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** The gradient after projection. */
  private static double[] projected(double[] w, double[] g, boolean rescale) {
    Tensor p = Tensor.of(w).setRequiresGrad(true);
    p.mul(Tensor.of(g)).sum().backward();
    new PerpGrad(new Sgd(List.of(p), 0.1, 0, 0), rescale).project();
    return p.grad().toDoubleArray();
  }

  @Test
  void projectionOfTheCard() {
    double[] w = {3, 4};
    double[] g = {1, 2};
    assertThat(projected(w, g, false)).containsExactly(new double[] {-0.32, 0.24}, within(1e-12));
    double[] scaled = projected(w, g, true);
    assertThat(scaled).containsExactly(new double[] {-1.788854382, 1.3416407865}, within(1e-9));
    assertThat(3 * scaled[0] + 4 * scaled[1]).isCloseTo(0, within(1e-12));
    assertThat(Math.hypot(scaled[0], scaled[1])).isCloseTo(Math.sqrt(5), within(1e-12));
  }

  @Test
  void parallelZeroAndMissingGradients() {
    assertThat(projected(new double[] {3, 4}, new double[] {6, 8}, true)).containsExactly(0, 0);
    assertThat(projected(new double[] {0.1, 0.7, 0.3}, new double[] {0.3, 2.1, 0.9}, true))
        .containsExactly(0, 0, 0);
    assertThat(projected(new double[] {0, 0}, new double[] {1, 2}, true)).containsExactly(1, 2);
    assertThat(projected(new double[] {3, 4}, new double[] {0, 0}, true)).containsExactly(0, 0);
    Tensor unused = Tensor.of(new double[] {1, 2}).setRequiresGrad(true);
    new PerpGrad(new Sgd(List.of(unused), 0.1, 0, 0), true).step();
    assertThat(unused.grad()).isNull();
    assertThatThrownBy(
            () -> new PerpGrad(new Sgd(List.of(Tensor.of(new long[] {1, 2}, 2)), 0.1, 0, 0), true))
        .hasMessageContaining("floating-point");
  }

  @Test
  void withSgdTheNormGrowsByTheSquaredStep() {
    Rng rng = new Rng(0);
    Tensor w = rng.normal(Dtype.FLOAT64, 30).setRequiresGrad(true);
    double rate = 0.05;
    PerpGrad optimizer = new PerpGrad(new Sgd(List.of(w), rate, 0, 0), true);
    for (int i = 0; i < 100; i++) {
      optimizer.zeroGrad();
      double before = w.detach().square().sum().item();
      w.mul(rng.normal(Dtype.FLOAT64, 30)).sum().backward();
      double g = w.grad().square().sum().item();
      optimizer.step();
      double after = w.detach().square().sum().item();
      assertThat(after).isCloseTo(before + rate * rate * g, within(1e-10 * after));
    }
  }

  static Stream<Function<List<Tensor>, Optimizer>> optimizers() {
    return Stream.of(
        p -> new Sgd(p, 0.1, 0.9, 0),
        p -> new Adam(p, 0.1),
        p -> Adam.adamW(p, 0.1, 0),
        p -> new Lion(List.of(new Optimizer.Group(p, 0.1, 0))));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void worksWithEveryOptimizerAndContinuesFromItsState(Function<List<Tensor>, Optimizer> make) {
    Tensor whole = start();
    PerpGrad one = new PerpGrad(make.apply(List.of(whole)), true);
    steps(whole, one, 0, 9);
    Tensor cut = start();
    PerpGrad first = new PerpGrad(make.apply(List.of(cut)), true);
    steps(cut, first, 0, 4);
    Map<String, Tensor> state = new LinkedHashMap<>();
    first.state().forEach((name, t) -> state.put(name, t.cloned()));
    PerpGrad second = new PerpGrad(make.apply(List.of(cut)), true);
    second.load(state);
    steps(cut, second, 4, 9);
    assertThat(cut.detach().sub(whole.detach()).abs().max().item()).isZero();
    assertThat(second.steps()).isEqualTo(9);
    second.scaleLearningRate(0.5);
    assertThat(second.groups().getFirst().learningRate()).isCloseTo(0.05, within(1e-15));
  }

  private static Tensor start() {
    return new Rng(1).normal(5).setRequiresGrad(true);
  }

  private static void steps(Tensor w, PerpGrad optimizer, int from, int to) {
    for (int i = from; i < to; i++) {
      optimizer.zeroGrad();
      w.mul(new Rng(10 + i).normal(5)).sum().backward();
      optimizer.step();
    }
  }
}
