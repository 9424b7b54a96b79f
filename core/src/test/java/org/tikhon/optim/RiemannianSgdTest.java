package org.tikhon.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.optim.RiemannianSgd.Options;
import org.tikhon.optim.RiemannianSgd.Retraction;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class RiemannianSgdTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /**
   * The leading eigenspace of diag(1, 0.9, 0.8, 0.5, 0.48, ..., 0.18), found from a random start.
   */
  private static double angleToLeadingEigenspace(double rate, Options options, int steps) {
    double[] a = new double[20];
    for (int i = 0; i < 20; i++) {
      a[i] = i < 3 ? 1 - 0.1 * i : 0.5 - 0.02 * (i - 3);
    }
    Tensor diagonal = Tensor.of(a).unsqueeze(1);
    Tensor s =
        Linalg.qrPositive(new Rng(0).normal(Dtype.FLOAT64, 1, 20, 3)).q().setRequiresGrad(true);
    RiemannianSgd sgd = new RiemannianSgd(List.of(s), rate, options);
    for (int i = 0; i < steps; i++) {
      sgd.zeroGrad();
      s.mul(diagonal).mul(s).sum().mul(-0.5).backward();
      sgd.step();
    }
    Tensor leading = Tensor.eye(20, Dtype.FLOAT64).slice(1, 0, 3).unsqueeze(0);
    return Grassmann.principalAngles(s.detach(), leading).max().item();
  }

  @Test
  void findsTheLeadingEigenspace() {
    assertThat(angleToLeadingEigenspace(0.5, Options.DEFAULT.withMomentum(0), 200))
        .isLessThanOrEqualTo(1e-6);
    assertThat(angleToLeadingEigenspace(0.1, Options.DEFAULT, 400)).isLessThanOrEqualTo(1e-5);
    Options variant = new Options(0.9, 1, Retraction.QR, true);
    assertThat(angleToLeadingEigenspace(0.1, variant, 400)).isLessThanOrEqualTo(1e-5);
  }

  @Test
  void spansDoNotDependOnTheBasis() {
    Rng rng = new Rng(1);
    Tensor start = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 4, 10, 3)).q();
    Tensor rotation = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 4, 3, 3)).q();
    Tensor target = rng.normal(Dtype.FLOAT64, 10, 6);
    Tensor a = start.cloned().setRequiresGrad(true);
    Tensor b = start.matmul(rotation).setRequiresGrad(true);
    for (Tensor s : List.of(a, b)) {
      RiemannianSgd sgd = new RiemannianSgd(List.of(s), 0.02, Options.DEFAULT);
      for (int i = 0; i < 20; i++) {
        sgd.zeroGrad();
        // A function of the span alone.
        s.mT().matmul(target).square().sum(1).sqrt().sum().neg().backward();
        sgd.step();
      }
    }
    assertThat(Grassmann.principalAngles(a.detach(), b.detach()).max().item()).isLessThan(1e-5);
    assertThat(Grassmann.distance(a.detach(), start).min().item()).isGreaterThan(0.01);
  }

  @Test
  void basesStayOrthonormal() {
    Rng rng = new Rng(2);
    Tensor s = Grassmann.random(5, 16, 4, rng).setRequiresGrad(true);
    RiemannianSgd sgd = new RiemannianSgd(List.of(s), 0.05, Options.DEFAULT);
    for (int i = 0; i < 600; i++) {
      sgd.zeroGrad();
      s.mul(rng.normal(5, 16, 4)).sum().backward();
      sgd.step();
    }
    double error =
        s.detach().mT().matmul(s.detach()).sub(Tensor.eye(4, Dtype.FLOAT32)).abs().max().item();
    assertThat(error).isLessThanOrEqualTo(1e-5);
  }

  @Test
  void changesNothingWhenAGradientIsNotFinite() {
    Tensor good = Grassmann.random(1, 5, 2, new Rng(3)).setRequiresGrad(true);
    Tensor bad = Grassmann.random(1, 5, 2, new Rng(4)).setRequiresGrad(true);
    Tensor before = good.detach().cloned();
    RiemannianSgd sgd = new RiemannianSgd(List.of(good, bad), 0.1, Options.DEFAULT);
    good.sum().add(bad.sum().mul(Double.NaN)).backward();
    assertThatThrownBy(sgd::step).isInstanceOf(ArithmeticException.class);
    assertThat(good.detach().sub(before).abs().max().item()).isZero();
    assertThat(sgd.steps()).isZero();
  }

  @Test
  void refusesWrongOptions() {
    List<Tensor> s = List.of(Grassmann.random(1, 5, 2, new Rng(3)).setRequiresGrad(true));
    assertThatThrownBy(() -> new RiemannianSgd(s, -1, Options.DEFAULT))
        .hasMessage("learningRate must be 0 or more, was -1.0");
    assertThatThrownBy(() -> Options.DEFAULT.withMomentum(1))
        .hasMessage("momentum must be in [0, 1), was 1.0");
    assertThatThrownBy(() -> new Options(0.9, 0, Retraction.QR, false))
        .hasMessageContaining("reorthonormalizeEvery must be at least 1");
    assertThatThrownBy(() -> new RiemannianSgd(List.of(Tensor.ones(4)), 0.1, Options.DEFAULT))
        .hasMessageContaining("[..., d, k]");
  }

  /** A vector and a subspace, each with its optimiser. */
  private record Pair(Tensor vector, Tensor subspace, Optimizer optimizer) {
    static Pair create() {
      Tensor vector = Tensor.ones(3).setRequiresGrad(true);
      Tensor subspace = Grassmann.random(2, 6, 2, new Rng(5)).setRequiresGrad(true);
      return new Pair(
          vector,
          subspace,
          new CompositeOptimizer(
              Adam.adamW(List.of(vector), 0.1, 0.1),
              new RiemannianSgd(List.of(subspace), 0.1, Options.DEFAULT)));
    }

    void steps(int n) {
      for (int i = 0; i < n; i++) {
        optimizer.zeroGrad();
        vector.square().sum().add(subspace.slice(1, 0, 2).square().sum()).backward();
        optimizer.step();
      }
    }
  }

  @Test
  void compositeContinuesFromItsState() {
    Pair whole = Pair.create();
    whole.steps(12);
    Pair first = Pair.create();
    first.steps(7);
    Pair second = Pair.create();
    second.vector.detach().copy_(first.vector.detach());
    second.subspace.detach().copy_(first.subspace.detach());
    Map<String, Tensor> state = new LinkedHashMap<>();
    first.optimizer.state().forEach((name, t) -> state.put(name, t.cloned()));
    assertThat(state).containsKeys("0/step", "0/0.m", "1/0.momentum");
    second.optimizer.load(state);
    second.steps(5);
    assertThat(second.vector.detach().sub(whole.vector.detach()).abs().max().item()).isZero();
    assertThat(second.subspace.detach().sub(whole.subspace.detach()).abs().max().item()).isZero();
    assertThat(second.optimizer.steps()).isEqualTo(12);
  }

  @Test
  void compositeScalesAllRates() {
    Pair pair = Pair.create();
    pair.optimizer.scaleLearningRate(0.5);
    assertThat(pair.optimizer.groups().stream().mapToDouble(Optimizer.Group::learningRate))
        .containsExactly(0.05, 0.05);
    assertThatThrownBy(
            () ->
                new CompositeOptimizer(
                    new Sgd(List.of(pair.vector), 0.1, 0, 0),
                    new Sgd(List.of(pair.vector), 0.1, 0, 0)))
        .hasMessage("a parameter belongs to two of the optimisers");
    assertThatThrownBy(CompositeOptimizer::new).hasMessageContaining("at least one");
    assertThat(pair.optimizer.groups().getFirst().learningRate()).isCloseTo(0.05, within(0.0));
  }
}
