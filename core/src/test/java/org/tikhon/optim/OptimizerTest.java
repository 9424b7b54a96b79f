package org.tikhon.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class OptimizerTest {
  /** Two steps on f(p) = p^2 / 2 from p = 1, whose gradient is p. */
  private static double afterTwoSteps(Function<List<Tensor>, Optimizer> make) {
    try (Scope scope = Scope.open()) {
      Tensor p = Tensor.of(new double[] {1}).setRequiresGrad(true);
      Optimizer optimizer = make.apply(List.of(p));
      for (int i = 0; i < 2; i++) {
        optimizer.zeroGrad();
        p.square().mul(0.5).backward();
        optimizer.step();
      }
      return p.item();
    }
  }

  private static List<Optimizer.Group> group(List<Tensor> p, double rate, double decay) {
    return List.of(new Optimizer.Group(p, rate, decay));
  }

  @Test
  void sgdFollowsItsFormula() {
    // m1 = 1, p1 = 0.9; m2 = 0.9 + 0.9 = 1.8, p2 = 0.9 - 0.18.
    assertThat(afterTwoSteps(p -> new Sgd(p, 0.1, 0.9, 0))).isCloseTo(0.72, within(1e-12));
    assertThat(afterTwoSteps(p -> new Sgd(p, 0.1, 0, 0))).isCloseTo(0.81, within(1e-12));
    assertThat(afterTwoSteps(p -> new Sgd(p, 0.1, 0, 1))).isCloseTo(0.64, within(1e-12));
    // Nesterov: p1 = 1 - 0.1 (1 + 0.9) = 0.81; m2 = 0.9 + 0.81 = 1.71; p2 = 0.81 - 0.1 (0.81 + 0.9
    // * 1.71).
    assertThat(afterTwoSteps(p -> new Sgd(group(p, 0.1, 0), 0.9, true)))
        .isCloseTo(0.5751, within(1e-12));
  }

  @Test
  void adamWorksOnParametersThatAreNotContiguous() {
    try (Scope scope = Scope.open()) {
      Tensor values = Tensor.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
      Tensor dense = values.cloned().setRequiresGrad(true);
      Tensor transposed = values.t().contiguous().t().detach().setRequiresGrad(true);
      assertThat(transposed.isContiguous()).isFalse();
      for (Tensor p : List.of(dense, transposed)) {
        Adam adam = Adam.adamW(List.of(p), 0.1, 0.01);
        for (int i = 0; i < 3; i++) {
          adam.zeroGrad();
          p.square().mul(values).sum().backward();
          adam.step();
        }
      }
      assertThat(transposed.allClose(dense, 0, 1e-12)).isTrue();
      assertThat(transposed.allClose(values, 0, 1e-3)).isFalse();
    }
  }

  @Test
  void adamFollowsItsFormula() {
    double m = 0;
    double v = 0;
    double p = 1;
    for (int t = 1; t <= 2; t++) {
      m = 0.9 * m + 0.1 * p;
      v = 0.999 * v + 0.001 * p * p;
      p -= 0.1 * (m / (1 - Math.pow(0.9, t))) / (Math.sqrt(v / (1 - Math.pow(0.999, t))) + 1e-8);
    }
    assertThat(afterTwoSteps(q -> new Adam(q, 0.1))).isCloseTo(p, within(1e-12));
  }

  @Test
  void decoupledDecayDoesNotEnterTheMoments() {
    double first = (1 - 0.1 * 0.5) - 0.1 / (1 + 1e-8);
    double m = 0.9 * 0.1 + 0.1 * first;
    double v = 0.999 * 0.001 + 0.001 * first * first;
    double second =
        first * (1 - 0.05) - 0.1 * (m / 0.19) / (Math.sqrt(v / (1 - 0.999 * 0.999)) + 1e-8);
    assertThat(afterTwoSteps(q -> Adam.adamW(q, 0.1, 0.5))).isCloseTo(second, within(1e-12));
  }

  @Test
  void lionMovesByTheSign() {
    assertThat(afterTwoSteps(q -> new Lion(group(q, 0.1, 0)))).isCloseTo(0.8, within(1e-12));
  }

  static Stream<Function<List<Tensor>, Optimizer>> optimizers() {
    return Stream.of(
        p -> new Sgd(p, 0.1, 0.9, 0.01), p -> new Adam(p, 0.1), p -> new Lion(group(p, 0.01, 0.1)));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void stateGoesOnWhereItStopped(Function<List<Tensor>, Optimizer> make) {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.of(new double[] {1, -2}).setRequiresGrad(true);
      Optimizer first = make.apply(List.of(a));
      step(first, a);
      Tensor b = a.detach().cloned().setRequiresGrad(true);
      Optimizer second = make.apply(List.of(b));
      second.load(first.state());
      step(first, a);
      step(second, b);
      assertThat(b.toDoubleArray()).isEqualTo(a.toDoubleArray());
    }
  }

  private static void step(Optimizer optimizer, Tensor p) {
    optimizer.zeroGrad();
    p.pow(4).sum().backward();
    optimizer.step();
  }

  @Test
  void schedulesFollowTheirShape() {
    assertThat(Schedule.multiStep(0.1, 30, 45).factor(45)).isCloseTo(0.01, within(1e-12));
    assertThat(Schedule.cosine(10, 0).factor(5)).isCloseTo(0.5, within(1e-12));
    assertThat(Schedule.cosineWarmRestarts(10, 0).factor(10)).isEqualTo(1);
    assertThat(Schedule.constant().warmup(4).factor(1)).isEqualTo(0.25);
  }

  @Test
  void badSettingsAreRefused() {
    List<Tensor> p = List.of(Tensor.ones(1));
    assertThatThrownBy(() -> new Sgd(p, 0.1, 1, 0))
        .hasMessage("momentum must be in [0, 1), was 1.0");
    assertThatThrownBy(() -> new Adam(p, -1))
        .hasMessage("learningRate must be 0 or more, was -1.0");
    assertThatThrownBy(() -> new Adam(List.of(), 1))
        .hasMessage("there are no parameters to optimise");
  }

  @Test
  void clippingScalesAllGradientsByOneFactor() {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.of(new double[] {3}).setRequiresGrad(true);
      Tensor b = Tensor.of(new double[] {4}).setRequiresGrad(true);
      Tensor unused = Tensor.of(new double[] {1}).setRequiresGrad(true);
      Optimizer sgd = new Sgd(List.of(a, b, unused), 0.1, 0, 0);
      a.square().add(b.square()).mul(0.5).sum().backward();
      assertThat(sgd.clipGradNorm(10)).isCloseTo(5, within(1e-12));
      assertThat(a.grad().item()).isCloseTo(3, within(1e-12));
      assertThat(sgd.clipGradNorm(1)).isCloseTo(5, within(1e-12));
      assertThat(a.grad().item()).isCloseTo(0.6, within(1e-12));
      assertThat(b.grad().item()).isCloseTo(0.8, within(1e-12));
      assertThatThrownBy(() -> sgd.clipGradNorm(0)).hasMessageContaining("maxNorm");
    }
  }
}
