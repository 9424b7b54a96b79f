package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class MongeGapTest {
  private static final Tensor THREE = Tensor.of(new double[][] {{0, 0}, {1, 0}, {0, 1}}).escape();

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

  private static MongeGap precise(GroundCost cost, double epsilon) {
    return MongeGap.of(cost).epsilon(Epsilon.absolute(epsilon)).stopping(1e-9, 100_000);
  }

  static List<GroundCost> costs() {
    return List.of(
        GroundCost.squaredEuclidean(),
        GroundCost.halfSquaredEuclidean(),
        GroundCost.euclidean(),
        GroundCost.power(1.5),
        GroundCost.power(3),
        GroundCost.manhattan(),
        GroundCost.elastic(0.7),
        GroundCost.cosine(),
        GroundCost.geodesic(),
        GroundCost.squaredGeodesic(),
        GroundCost.of("largest", (x, y) -> x.sub(y).square().add(0.01).sqrt().amax(-1)));
  }

  static List<GroundCost> convexCosts() {
    return costs().stream()
        .filter(c -> !List.of("cosine", "geodesic", "sqgeodesic").contains(c.name()))
        .toList();
  }

  // ---- Golden numbers

  @Test
  void cyclicShiftOfThreePoints() {
    Tensor mapped = Tensor.of(new double[][] {{1, 0}, {0, 1}, {0, 0}});
    GroundCost cost = GroundCost.squaredEuclidean();
    assertThat(MongeGap.exact(cost, THREE, mapped)).isCloseTo(4.0 / 3, within(1e-12));
    assertThat(MongeGap.relativeExact(cost, THREE, mapped)).isCloseTo(1, within(1e-12));
    double[][] golden = {{0.01, 1.344319}, {0.1, 1.443201}, {1, 2.886320}};
    for (double[] g : golden) {
      MongeGap.Result r = precise(cost, g[0]).evaluate(THREE, mapped);
      assertThat(r.value()).isCloseTo(g[1], within(1e-5));
      assertThat(r.displacement()).isCloseTo(4.0 / 3, within(1e-12));
      assertThat(r.centred()).isCloseTo(g[1] - g[0] * Math.log(3), within(1e-5));
      assertThat(r.epsilon()).isEqualTo(g[0]);
      assertThat(r.converged()).isTrue();
    }
    assertThat(precise(cost, 0.01).evaluate(THREE, mapped).otCost()).isCloseTo(0, within(1e-9));
  }

  @Test
  void identityHasNoGap() {
    GroundCost cost = GroundCost.squaredEuclidean();
    assertThat(MongeGap.exact(cost, THREE, THREE)).isZero();
    MongeGap.Result r = precise(cost, 0.1).evaluate(THREE, THREE);
    assertThat(r.value()).isCloseTo(0.109867, within(1e-6));
    assertThat(0.1 * Math.log(3)).isCloseTo(0.109861, within(1e-6));
  }

  @ParameterizedTest
  @MethodSource("convexCosts")
  void translationsAreOptimalForCostsOfTheDifference(GroundCost cost) {
    Tensor x = normal(1, 40, 3);
    Tensor shifted = x.add(Tensor.of(new double[] {0.3, -1, 2}, 3));
    assertThat(MongeGap.exact(cost, x, shifted)).isCloseTo(0, within(1e-10));
  }

  @Test
  void linearMaps() {
    GroundCost cost = GroundCost.squaredEuclidean();
    Tensor x = normal(2, 60, 2);
    double meanSquare = x.square().sum(1).mean().item();
    Tensor psd = Tensor.of(new double[][] {{2, 0.5}, {0.5, 0.4}});
    assertThat(MongeGap.exact(cost, x, x.matmul(psd))).isCloseTo(0, within(1e-10));

    Tensor rotated = x.matmul(Tensor.of(new double[][] {{0, 1}, {-1, 0}}));
    assertThat(precise(cost, 1).evaluate(x, rotated).displacement())
        .isCloseTo(2 * meanSquare, within(1e-12));
    double[] w = new double[60];
    Arrays.fill(w, 1.0 / 60);
    double assignment =
        new ExactTransport().solve(cost.pairwise(x, rotated).toDoubleRows(), w, w).cost();
    assertThat(MongeGap.exact(cost, x, rotated))
        .isCloseTo(2 * meanSquare - assignment, within(1e-10))
        .isGreaterThan(0.5);
    assertThat(precise(cost, 1).evaluate(x, x.neg()).displacement())
        .isCloseTo(4 * meanSquare, within(1e-12));
  }

  @ParameterizedTest
  @MethodSource("costs")
  void gradientIsThatOfTheConvergedValue(GroundCost cost) {
    Tensor x = normal(3, 7, 2);
    Tensor mapped = normal(4, 7, 2);
    MongeGap gap = precise(cost, 0.3);
    assertThat(Autograd.checkGrad(t -> gap.apply(t.get(0), t.get(1)), List.of(x, mapped)))
        .isLessThan(1e-5);
    MongeGap kl = gap.convention(MongeGap.Convention.KL);
    assertThat(Autograd.checkGrad(t -> kl.apply(t.get(0), t.get(1)), List.of(x, mapped)))
        .isLessThan(1e-5);
  }

  @ParameterizedTest
  @MethodSource("costs")
  void boundSymmetryAndScale(GroundCost cost) {
    Tensor x = normal(5, 30, 3);
    Rng rng = new Rng(cost.name().hashCode());
    MapNetwork network = new MapNetwork(MapNetwork.Spec.of(MapNetwork.Kind.PLAIN, 3), rng);
    Tensor mapped = network.forward(x.mul(5).to(Dtype.FLOAT32)).detach().to(Dtype.FLOAT64).mul(5);
    MongeGap gap = precise(cost, 0.2);
    double value = gap.evaluate(x, mapped).value();
    assertThat(value).isGreaterThanOrEqualTo(0.2 * Math.log(30) - 1e-9);
    // The entropic transport costs less than any plan, the exact one among them.
    assertThat(value).isGreaterThanOrEqualTo(MongeGap.exact(cost, x, mapped) - 1e-9);
    Tensor order = new Rng(7).permutation(30);
    assertThat(gap.evaluate(x.indexSelect(0, order), mapped.indexSelect(0, order)).value())
        .isCloseTo(value, within(1e-8));
    GroundCost fivefold = times(cost, 5);
    assertThat(precise(fivefold, 1).evaluate(x, mapped).value()).isCloseTo(5 * value, within(1e-7));
  }

  private static GroundCost times(GroundCost cost, double factor) {
    return new GroundCost() {
      @Override
      public Tensor pairwise(Tensor x, Tensor y) {
        return cost.pairwise(x, y).mul(factor);
      }

      @Override
      public Tensor paired(Tensor x, Tensor y) {
        return cost.paired(x, y).mul(factor);
      }

      @Override
      public String name() {
        return "scaled";
      }
    };
  }

  // ---- Conventions and settings

  @Test
  void conventionsDifferByConstantsOrTheEntropy() {
    Tensor x = normal(8, 20, 2);
    Tensor mapped = x.mul(0.5).add(1).setRequiresGrad(true);
    MongeGap gap = precise(GroundCost.squaredEuclidean(), 0.5);
    MongeGap.Result entropic = gap.evaluate(x, mapped);
    MongeGap.Result kl = gap.convention(MongeGap.Convention.KL).evaluate(x, mapped);
    MongeGap.Result primal = gap.convention(MongeGap.Convention.PRIMAL).evaluate(x, mapped);
    assertThat(kl.value())
        .isCloseTo(entropic.value() - 2 * 0.5 * Math.log(20), within(1e-12))
        .isNegative();
    double entropy = 0;
    for (double[] row : entropic.plan().dense()) {
      for (double p : row) {
        entropy -= p > 0 ? p * Math.log(p) : 0;
      }
    }
    assertThat(primal.value())
        .isCloseTo(entropic.value() - 0.5 * entropy, within(1e-8))
        .isCloseTo(primal.displacement() - primal.otCost(), within(1e-12));
    assertThat(List.of(kl.centred(), primal.centred())).containsOnly(entropic.centred());
    Tensor expected = Autograd.grad(gap.apply(x, mapped), mapped);
    for (MongeGap.Convention convention : MongeGap.Convention.values()) {
      Tensor value = gap.convention(convention).apply(x, mapped);
      assertThat(Autograd.grad(value, mapped).allClose(expected, 0, 1e-14)).isTrue();
    }
  }

  @Test
  void relativeEpsilonFollowsTheCost() {
    Tensor x = normal(9, 20, 2);
    Tensor mapped = normal(10, 20, 2);
    GroundCost cost = GroundCost.squaredEuclidean();
    Tensor matrix = cost.pairwise(x, mapped);
    assertThat(MongeGap.of(cost).evaluate(x, mapped).epsilon())
        .isCloseTo(0.01 * matrix.mean().item(), within(1e-12));
    assertThat(MongeGap.of(cost).epsilon(Epsilon.relativeStd(0.2)).evaluate(x, mapped).epsilon())
        .isCloseTo(0.2 * matrix.std(false).item(), within(1e-12));
    MongeGap fixed = MongeGap.of(cost).fixedOn(x, mapped);
    assertThat(fixed.epsilon()).isEqualTo(Epsilon.absolute(0.01 * matrix.mean().item()));
    assertThat(fixed.evaluate(x, mapped.mul(100)).epsilon()).isEqualTo(fixed.epsilon().factor());
  }

  @ParameterizedTest
  @EnumSource(Epsilon.Scale.class)
  void blocksOfRowsGiveWhatTheMatrixGives(Epsilon.Scale scale) {
    Tensor x = normal(11, 50, 2);
    Tensor y = normal(12, 40, 2);
    SampleTransport.Stopping stopping = new SampleTransport.Stopping(1e-9, 10_000);
    Epsilon epsilon = new Epsilon(scale, 0.5);
    GroundCost cost = GroundCost.euclidean();
    SampleTransport dense = SampleTransport.solve(cost, x, y, epsilon, stopping);
    SampleTransport blocks = SampleTransport.solve(cost, x, y, epsilon, stopping, 1999);
    assertThat(blocks.solution().plan()).isInstanceOf(LazyPlan.class);
    assertThat(blocks.epsilon()).isCloseTo(dense.epsilon(), within(1e-12));
    assertThat(blocks.value()).isCloseTo(dense.value(), within(1e-9));
    assertThat(blocks.gradientX().allClose(dense.gradientX(), 0, 1e-9)).isTrue();
    assertThat(blocks.gradientY().allClose(dense.gradientY(), 0, 1e-9)).isTrue();
  }

  // ---- Extremes

  @ParameterizedTest
  @MethodSource("costs")
  void identicalPointsHaveNoGapAndNoNan(GroundCost cost) {
    Tensor x = Tensor.of(new double[][] {{0.6, 0.8}, {0.6, 0.8}, {0.6, 0.8}});
    Tensor mapped = x.cloned().setRequiresGrad(true);
    MongeGap.Result r = MongeGap.of(cost).evaluate(x, mapped);
    assertThat(r.value()).isCloseTo(0, within(0.02));
    // Between the exact gap, 0, and epsilon log n above it.
    assertThat(r.centred()).isBetween(-1e-12, r.epsilon() * Math.log(3) + 1e-12);
    Tensor gradient = Autograd.grad(MongeGap.of(cost).apply(x, mapped), mapped);
    assertThat(gradient.abs().max().item()).isLessThan(1e-6);
  }

  @Test
  void relativeEpsilonHasAFloor() {
    Tensor x = Tensor.of(new double[][] {{1, 2}, {1, 2}});
    MongeGap.Result r = MongeGap.of(GroundCost.squaredEuclidean()).evaluate(x, x);
    assertThat(r.epsilon()).isEqualTo(1e-12);
    assertThat(r.value()).isCloseTo(0, within(1e-11));
    assertThat(r.converged()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      value = Dtype.class,
      names = {"FLOAT32", "FLOAT64"})
  void farCloudsNeitherOverflowNorVanish(Dtype dtype) {
    Tensor x = normal(13, 40, 2).to(dtype);
    Tensor mapped = normal(14, 40, 2).mul(3).add(1000).to(dtype).setRequiresGrad(true);
    // Costs are about 2e6: 1e5 times epsilon.
    MongeGap gap = MongeGap.of(GroundCost.squaredEuclidean()).epsilon(Epsilon.absolute(20));
    MongeGap.Result r = gap.evaluate(x, mapped);
    assertThat(r.value()).isFinite();
    assertThat(r.centred())
        .isCloseTo(
            MongeGap.exact(GroundCost.squaredEuclidean(), x, mapped), within(20 * Math.log(40)));
    assertThat(Autograd.grad(gap.apply(x, mapped), mapped).allFinite()).isTrue();
    Tensor spread = x.mul(300).setRequiresGrad(true);
    MongeGap sharp = gap.epsilon(Epsilon.absolute(10));
    assertThat(Autograd.grad(sharp.apply(x, spread), spread).allFinite()).isTrue();
    assertThat(sharp.evaluate(x, spread).value()).isFinite();
  }

  @Test
  void saysThatItDidNotConverge() {
    Tensor x = normal(15, 50, 2);
    Tensor mapped = normal(16, 50, 2);
    MongeGap hasty = MongeGap.of(GroundCost.squaredEuclidean()).stopping(1e-9, 3);
    MongeGap.Result r = hasty.evaluate(x, mapped);
    assertThat(r.converged()).isFalse();
    assertThat(r.iterations()).isEqualTo(3);
    assertThat(r.value()).isFinite();
    assertThat(hasty.term(x, mapped).converged()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"euclidean", "manhattan", "power-1.5", "geodesic"})
  void gradientWherePointsCoincideIsFinite(String name) {
    Tensor x = normal(17, 5, 2);
    Tensor mapped = x.cloned().setRequiresGrad(true);
    GroundCost cost = GroundCost.named(name);
    Tensor gradient = Autograd.grad(cost.paired(x, mapped).sum(), mapped);
    assertThat(gradient.allFinite()).isTrue();
    if (!name.equals("geodesic")) {
      assertThat(gradient.abs().max().item()).isZero();
    }
    assertThat(Autograd.grad(MongeGap.of(cost).apply(x, mapped), mapped).allFinite()).isTrue();
  }

  // ---- Bad input

  @Test
  void refusesWithTheCulprit() {
    GroundCost cost = GroundCost.squaredEuclidean();
    MongeGap gap = MongeGap.of(cost);
    Tensor x = normal(18, 6, 2);
    assertThatThrownBy(() -> gap.apply(x, normal(1, 5, 2)))
        .hasMessage("source has 6 points, mapped 5");
    assertThatThrownBy(() -> gap.evaluate(x, normal(1, 6, 3)))
        .hasMessage(
            "source has points of dimension 2, mapped of dimension 3; the cost sqeuclidean needs"
                + " equal ones");
    assertThatThrownBy(() -> MongeGap.exact(cost, x, normal(1, 6, 3)))
        .hasMessageContaining("of dimension 3");
    assertThatThrownBy(() -> gap.apply(normal(1, 1, 2), normal(1, 1, 2)))
        .hasMessage("source must have at least 2 points, has 1");
    assertThatThrownBy(() -> gap.apply(x.flatten(), x))
        .hasMessage("source must have shape [n, d], has [12]");
    assertThatThrownBy(() -> gap.apply(x.to(Dtype.INT64), x))
        .hasMessageContaining("source must be of a floating-point type");
    Tensor broken = x.cloned();
    broken.select(0, 3).select(0, 1).fill_(Double.NaN);
    assertThatThrownBy(() -> gap.apply(x, broken))
        .hasMessage("mapped[3][1] must be finite, was NaN");
    assertThatThrownBy(() -> MongeGap.exact(cost, broken, x))
        .hasMessage("source[3][1] must be finite, was NaN");
    assertThatThrownBy(() -> Epsilon.absolute(0))
        .hasMessage("epsilon must be positive and finite, was 0.0");
    assertThatThrownBy(() -> Epsilon.relativeMean(-1)).hasMessageContaining("was -1.0");
    assertThatThrownBy(() -> Epsilon.relativeStd(Double.NaN)).hasMessageContaining("was NaN");
    assertThatThrownBy(() -> gap.stopping(0, 10))
        .hasMessage("tolerance must be positive and finite, was 0.0");
    assertThatThrownBy(() -> gap.stopping(1e-3, 0))
        .hasMessage("maxSweeps must be at least 1, was 0");
  }

  @Test
  void refusesCostsThatAreNoNumbers() {
    Tensor x = normal(19, 4, 2);
    GroundCost broken = GroundCost.of("logs", (a, b) -> a.sub(b).sum(-1).log());
    assertThatThrownBy(() -> MongeGap.of(broken).apply(x, x))
        .hasMessageStartingWith("cost logs of points 0 and 0 must be finite, was ");
    GroundCost flat = GroundCost.of("flat", (a, b) -> a.sub(b).square());
    assertThatThrownBy(() -> MongeGap.of(flat).apply(x, x))
        .hasMessage("cost flat must give shape [4, 4], gave [4, 4, 2]");
    // A user's cost may compare points of different dimension.
    GroundCost lengths =
        GroundCost.of("lengths", (a, b) -> a.square().sum(-1).sub(b.square().sum(-1)).square());
    assertThat(MongeGap.of(lengths).evaluate(x, normal(20, 4, 3)).value()).isFinite();
  }

  @Test
  void namesOfCostsAreReadAgain() {
    for (GroundCost cost : costs().subList(0, 10)) {
      GroundCost again = GroundCost.named(cost.name());
      Tensor x = Functional.normalize(normal(21, 4, 3), -1);
      Tensor y = Functional.normalize(normal(22, 4, 3), -1);
      assertThat(again.name()).isEqualTo(cost.name());
      assertThat(again.pairwise(x, y).allClose(cost.pairwise(x, y), 0, 1e-15)).isTrue();
    }
    assertThatThrownBy(() -> GroundCost.named("power-1")).hasMessageContaining("p must be more");
    assertThatThrownBy(() -> GroundCost.named("power-x")).hasMessageEndingWith("was power-x");
  }
}
