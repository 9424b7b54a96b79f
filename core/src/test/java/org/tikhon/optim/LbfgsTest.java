package org.tikhon.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class LbfgsTest {
  @Test
  void minimisesRosenbrocksFunction() {
    try (Scope scope = Scope.open()) {
      long n = 10;
      Lbfgs.Result result =
          Lbfgs.minimize(
              x -> {
                Tensor a = x.slice(0, 0, n - 1);
                Tensor b = x.slice(0, 1, n);
                return b.sub(a.square()).square().mul(100).add(a.sub(1).square()).sum();
              },
              Tensor.of(new double[] {-1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1}),
              Lbfgs.Options.DEFAULT);
      assertThat(result.converged()).isTrue();
      assertThat(result.iterations()).isLessThan(150);
      assertThat(result.value()).isLessThan(1e-10);
      assertThat(result.x().sub(1).abs().max().item()).isLessThan(1e-5);
    }
  }

  @Test
  void solvesAnIllConditionedLeastSquaresProblem() {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(0);
      Tensor a =
          rng.normal(Dtype.FLOAT64, 30, 8)
              .mul(Tensor.of(new double[] {1, 3, 10, 30, 0.3, 0.1, 1, 1}));
      Tensor b = rng.normal(Dtype.FLOAT64, 30);
      Lbfgs.Result result =
          Lbfgs.minimize(
              x -> a.matmul(x).sub(b).square().sum(),
              Tensor.zeros(Dtype.FLOAT64, 8),
              Lbfgs.Options.DEFAULT);
      Tensor exact = Linalg.lstsq(a, b.unsqueeze(1)).squeeze(1);
      assertThat(result.converged()).isTrue();
      assertThat(result.x().sub(exact).abs().max().item()).isCloseTo(0, within(1e-5));
    }
  }

  @Test
  void saysWhenItDidNotConverge() {
    try (Scope scope = Scope.open()) {
      Tensor start = Tensor.of(new double[] {5, -3});
      Lbfgs.Options one = new Lbfgs.Options(5, 1, 1e-12);
      Lbfgs.Result result = Lbfgs.minimize(x -> x.pow(4).sum(), start, one);
      assertThat(result.converged()).isFalse();
      assertThat(result.iterations()).isEqualTo(1);
      assertThat(start.toDoubleArray()).containsExactly(5, -3);
      // Unbounded below: ends, and does not say that it converged.
      assertThat(Lbfgs.minimize(x -> x.sum(), start, new Lbfgs.Options(5, 20, 1e-9)).converged())
          .isFalse();
    }
  }

  @Test
  void leavesARegionWhereTheFunctionIsNotFinite() {
    try (Scope scope = Scope.open()) {
      // Steps that are too long lead to where the logarithm has no value.
      Lbfgs.Result result =
          Lbfgs.minimize(
              x -> x.sub(x.log()).sum(), Tensor.of(new double[] {8}, 1), Lbfgs.Options.DEFAULT);
      assertThat(result.x().item()).isCloseTo(1, within(1e-6));
    }
  }

  @Test
  void refusesAStartWithoutAValue() {
    try (Scope scope = Scope.open()) {
      assertThatThrownBy(
              () ->
                  Lbfgs.minimize(
                      x -> x.log().sum(), Tensor.of(new double[] {-1}, 1), Lbfgs.Options.DEFAULT))
          .hasMessageContaining("finite");
      assertThatThrownBy(
              () -> Lbfgs.minimize(Tensor::sum, Tensor.ones(2, 2), Lbfgs.Options.DEFAULT))
          .hasMessageContaining("start must be a vector");
      assertThatThrownBy(() -> new Lbfgs.Options(0, 1, 0)).hasMessageContaining("memory");
    }
  }
}
