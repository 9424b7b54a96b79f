package org.tikhon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AutogradTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** f(x) = sum x^3, so that the gradient is 3 x^2 and the Hessian diag(6 x). */
  private static Tensor cubes(Tensor x) {
    return x.pow(3).sum();
  }

  private static Tensor leaf(double... values) {
    return Tensor.of(values).setRequiresGrad(true);
  }

  @Test
  void gradientsMayBeDifferentiatedAgain() {
    Tensor x = leaf(1, 2);
    Tensor g = Autograd.grad(cubes(x), List.of(x), true).getFirst();
    assertThat(g.toDoubleArray()).containsExactly(3, 12);
    assertThat(Autograd.grad(g.sum(), x).toDoubleArray()).containsExactly(6, 12);
  }

  @Test
  void backwardAccumulatesUntilCleared() {
    Tensor x = leaf(1, 2);
    assertThat(x.grad()).isNull();
    cubes(x).backward();
    cubes(x).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(6, 24);
    x.clearGrad();
    assertThat(x.grad()).isNull();
  }

  @Test
  void anUnusedInputHasAZeroGradient() {
    Tensor x = leaf(1);
    Tensor unused = leaf(1, 2);
    assertThat(Autograd.grad(cubes(x), List.of(x, unused), false).get(1).toDoubleArray())
        .containsExactly(0, 0);
  }

  @Test
  void productsWithJacobianAndHessian() {
    Tensor x = leaf(1, 2);
    Tensor v = Tensor.of(new double[] {1, -1});
    assertThat(Autograd.hvp(cubes(x), List.of(x), List.of(v)).getFirst().toDoubleArray())
        .containsExactly(6, -12);
    Tensor y = x.mul(x);
    assertThat(Autograd.jvp(y, List.of(x), List.of(v)).toDoubleArray()).containsExactly(2, -4);
    assertThat(Autograd.vjp(y, List.of(x), v, false).getFirst().toDoubleArray())
        .containsExactly(2, -4);
    assertThat(Autograd.hessianTrace(cubes(x), List.of(x), 3, new Rng(0)))
        .isCloseTo(18, within(1e-12));
  }

  @Test
  void perSampleGradientsAreRows() {
    Tensor w = leaf(1, 2);
    Tensor x = Tensor.of(new double[][] {{1, 0}, {3, 4}});
    Tensor losses = x.matmul(w).square();
    assertThat(Autograd.perSampleGrad(losses, List.of(w)).toDoubleArray())
        .containsExactly(2, 0, 66, 88);
  }

  @Test
  void flattenAndUnflattenAreInverse() {
    List<Tensor> parameters = List.of(leaf(1, 2), Tensor.of(new double[] {3, 4, 5, 6}, 2, 2));
    List<Tensor> back = Autograd.unflatten(Autograd.flatten(parameters), parameters);
    assertThat(back.get(1).toDoubleArray()).containsExactly(3, 4, 5, 6);
    assertThat(back.get(1).shape()).containsExactly(2, 2);
  }

  @Test
  void aCustomBackwardReplacesTheDerivative() {
    Tensor x = leaf(0.3, -1.2);
    Tensor rounded = Autograd.straightThrough(x.round(), x);
    assertThat(rounded.toDoubleArray()).containsExactly(0, -1);
    assertThat(Autograd.grad(rounded.sum(), x).toDoubleArray()).containsExactly(1, 1);
  }

  @Test
  void nothingIsRecordedWithoutGradients() {
    Tensor x = leaf(1);
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      assertThat(cubes(x).requiresGrad()).isFalse();
    }
    assertThat(cubes(x).requiresGrad()).isTrue();
  }

  @Test
  void finiteDifferencesFindAWrongGradient() {
    Tensor x = Tensor.of(new double[] {0.5, 1.5});
    assertThat(Autograd.checkGrad(in -> cubes(in.getFirst()), List.of(x))).isLessThan(1e-8);
    assertThat(
            Autograd.checkGrad(
                in -> Autograd.custom(cubes(in.getFirst()), in.getFirst().sum()), List.of(x)))
        .isGreaterThan(0.5);
  }
}
