package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class FittingLossTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor normal(long seed, long n, long d) {
    return new Rng(seed).normal(Dtype.FLOAT64, n, d);
  }

  private static SinkhornDivergence divergence(double epsilon) {
    return new SinkhornDivergence(GroundCost.squaredEuclidean(), Epsilon.absolute(epsilon))
        .stopping(1e-11, 100_000);
  }

  static List<FittingLoss> losses() {
    return List.of(
        divergence(0.5),
        FittingLosses.mmd(),
        FittingLosses.energyDistance(),
        FittingLosses.gaussianMoments());
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 1, 10})
  void translatesAreAsFarAsTheyWereMoved(double epsilon) {
    Tensor x = new Rng(1).uniform(Dtype.FLOAT64, 12, 2);
    Tensor shifted = x.add(Tensor.of(new double[] {0.7, -0.4}, 2));
    LossTerm term = divergence(epsilon).term(shifted, x);
    assertThat(term.converged()).isTrue();
    assertThat(term.value().item()).isCloseTo(0.7 * 0.7 + 0.4 * 0.4, within(1e-8));
  }

  @ParameterizedTest
  @MethodSource("losses")
  void equalCloudsHaveNoDistanceAndOthersHave(FittingLoss loss) {
    Tensor x = normal(2, 20, 3);
    Tensor y = normal(3, 30, 3);
    assertThat(loss.apply(x, x).item()).isCloseTo(0, within(1e-10));
    assertThat(loss.apply(x, y).item()).isGreaterThan(1e-3);
    assertThat(loss.apply(x, y.add(3)).item()).isGreaterThan(loss.apply(x, y).item());
  }

  @ParameterizedTest
  @MethodSource("losses")
  void gradientsAreThoseOfFiniteDifferences(FittingLoss loss) {
    Tensor y = normal(5, 9, 2);
    assertThat(Autograd.checkGrad(t -> loss.apply(t.getFirst(), y), List.of(normal(4, 7, 2))))
        .isLessThan(1e-5);
    if (loss instanceof SinkhornDivergence) {
      assertThat(
              Autograd.checkGrad(
                  t -> loss.apply(t.getFirst(), t.getLast()), List.of(normal(4, 7, 2), y)))
          .isLessThan(1e-5);
    }
  }

  @Test
  void withoutTheTermsOfACloudWithItselfTheFitShrinks() {
    Tensor y = normal(6, 60, 2);
    Tensor scale = Tensor.of(new double[] {1}, 1).setRequiresGrad(true);
    Tensor mapped = y.mul(scale);
    SampleTransport across =
        SampleTransport.solve(
            GroundCost.squaredEuclidean(),
            mapped,
            y,
            Epsilon.absolute(2),
            new SampleTransport.Stopping(1e-9, 1000));
    assertThat(Autograd.grad(across.surrogate(mapped, y.detach()), scale).item())
        .isGreaterThan(0.5);
    assertThat(Autograd.grad(divergence(2).apply(y.mul(scale), y), scale).item())
        .isCloseTo(0, within(1e-8));
  }

  @Test
  void aStaticTargetHasTheSameGradient() {
    Tensor x = normal(7, 30, 2).setRequiresGrad(true);
    Tensor y = normal(8, 40, 2);
    SinkhornDivergence relative =
        new SinkhornDivergence(GroundCost.squaredEuclidean(), Epsilon.relativeMean(0.1));
    SinkhornDivergence fixed = relative.fixedOn(y);
    SinkhornDivergence still = relative.staticTarget(true).fixedOn(y);
    assertThat(still.apply(x, y).item()).isCloseTo(fixed.apply(x, y).item(), within(1e-9));
    assertThat(fixed.apply(x, y).item()).isCloseTo(relative.apply(x, y).item(), within(1e-9));
    Tensor expected = Autograd.grad(fixed.apply(x, y), x);
    assertThat(Autograd.grad(still.apply(x, y), x).allClose(expected, 0, 1e-14)).isTrue();
    // Another batch changes what is constant, not the gradient.
    Tensor other = normal(9, 40, 2);
    Tensor exact = Autograd.grad(fixed.apply(x, other), x);
    assertThat(Autograd.grad(still.apply(x, other), x).allClose(exact, 0, 1e-14)).isTrue();
  }

  @Test
  void saysThatItDidNotConverge() {
    SinkhornDivergence hasty = SinkhornDivergence.squaredEuclidean().stopping(1e-12, 2);
    assertThat(hasty.term(normal(1, 20, 2), normal(2, 20, 2)).converged()).isFalse();
  }

  @ParameterizedTest
  @MethodSource("losses")
  void refusesWithTheCulprit(FittingLoss loss) {
    Tensor x = normal(1, 6, 2);
    assertThatThrownBy(() -> loss.apply(x, normal(1, 6, 3)))
        .hasMessageContaining("target of dimension 3");
    assertThatThrownBy(() -> loss.apply(normal(1, 1, 2), x))
        .hasMessage("mapped must have at least 2 points, has 1");
    Tensor broken = x.cloned();
    broken.select(0, 5).select(0, 0).fill_(Double.POSITIVE_INFINITY);
    assertThatThrownBy(() -> loss.apply(x, broken))
        .hasMessage("target[5][0] must be finite, was Infinity");
  }
}
