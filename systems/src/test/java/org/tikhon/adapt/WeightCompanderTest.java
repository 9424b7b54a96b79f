package org.tikhon.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tikhon.TrainingInTwo;
import org.tikhon.adapt.WeightCompanderConfig.Scale;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.nn.SmallCnn;
import org.tikhon.optim.Sgd;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;

class WeightCompanderTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor scalar(double x) {
    return Tensor.of(new double[] {x});
  }

  private static final WeightCompanderConfig CONFIG = WeightCompanderConfig.MILD;

  // ---- The functions

  @Test
  void arctanOfTheCard() {
    Tensor a = scalar(0.1);
    Tensor b = scalar(0.05);
    Tensor v = Tensor.of(new double[] {-0.2, -0.05, 0, 0.01, 0.05, 0.2});
    assertThat(Compander.ARCTAN.apply(v, a, b).toDoubleArray())
        .containsExactly(
            new double[] {-0.13258177, -0.07853982, 0, 0.01973956, 0.07853982, 0.13258177},
            within(1e-8));
    assertThat(Compander.ARCTAN.bound(0.1)).isCloseTo(0.15707963, within(1e-8));
    Tensor slopes = Compander.ARCTAN.derivative(Tensor.of(new double[] {0, 0.05}), a, b);
    assertThat(slopes.toDoubleArray()).containsExactly(new double[] {2, 1}, within(1e-12));
    Tensor w = Tensor.of(new double[] {0.02, -0.1, 0.15});
    assertThat(Compander.ARCTAN.inverse(w, a, b).toDoubleArray())
        .containsExactly(new double[] {0.01013550, -0.07787039, 0.70507100}, within(1e-8));
  }

  @ParameterizedTest
  @EnumSource
  void inverseAndDerivativeFitTheFunction(Compander f) {
    Tensor a = scalar(0.7);
    Tensor b = scalar(0.4);
    double bound = f.bound(0.7);
    Tensor w = Tensor.linspace(-0.99 * bound, 0.99 * bound, 101, Dtype.FLOAT64);
    assertThat(f.apply(f.inverse(w, a, b), a, b).sub(w).abs().max().item()).isLessThan(1e-12);
    Tensor v = Tensor.linspace(-2, 2, 41, Dtype.FLOAT64).setRequiresGrad(true);
    Tensor slope = Autograd.grad(f.apply(v, a, b).sum(), v);
    assertThat(slope.sub(f.derivative(v.detach(), a, b)).abs().max().item()).isLessThan(1e-12);
    // The scale for a slope at zero.
    Tensor scaled = scalar(f.scaleFor(0.7, 1.5));
    assertThat(f.derivative(scalar(0), a, scaled).item()).isCloseTo(1.5, within(1e-12));
  }

  @ParameterizedTest
  @EnumSource
  void isMonotoneOddAndBounded(Compander f) {
    Tensor a = scalar(0.3);
    Tensor b = scalar(0.2);
    Tensor v = new Rng(0).normal(Dtype.FLOAT64, 1000).mul(3).sort(0, false).values();
    Tensor w = f.apply(v, a, b);
    assertThat(w.slice(0, 1, 1000).sub(w.slice(0, 0, 999)).min().item()).isNotNegative();
    assertThat(w.add(f.apply(v.neg(), a, b)).abs().max().item()).isZero();
    for (Dtype dtype : List.of(Dtype.FLOAT64, Dtype.FLOAT32)) {
      Tensor far = Tensor.of(new double[] {-1e30, 1e30, -40, 40}).to(dtype);
      Tensor ends = f.apply(far, a.to(dtype), b.to(dtype));
      assertThat(ends.abs().max().item()).isLessThanOrEqualTo(f.bound(0.3) * (1 + 1e-6));
      assertThat(ends.slice(0, 1, 2).item()).isPositive();
    }
  }

  @Test
  void gradientsAreTheClosedForms() {
    Tensor v = new Rng(1).normal(Dtype.FLOAT64, 6).setRequiresGrad(true);
    Tensor a = scalar(0.8).setRequiresGrad(true);
    Tensor b = scalar(0.5).setRequiresGrad(true);
    Tensor c = new Rng(2).normal(Dtype.FLOAT64, 6);
    Tensor loss = Compander.ARCTAN.apply(v, a, b).mul(c).sum();
    List<Tensor> g = Autograd.grad(loss, List.of(v, a, b), false);
    double[] vs = v.detach().toDoubleArray();
    double[] cs = c.toDoubleArray();
    double da = 0;
    double db = 0;
    for (int i = 0; i < 6; i++) {
      double t = vs[i] / 0.5;
      assertThat(g.get(0).toDoubleArray()[i])
          .isCloseTo(cs[i] * 0.8 / 0.5 / (1 + t * t), within(1e-12));
      da += cs[i] * Math.atan(t);
      db -= cs[i] * 0.8 * vs[i] / (0.25 + vs[i] * vs[i]);
    }
    assertThat(g.get(1).item()).isCloseTo(da, within(1e-12));
    assertThat(g.get(2).item()).isCloseTo(db, within(1e-12));
    double error =
        Autograd.checkGrad(
            in -> Compander.ARCTAN.apply(in.get(0), in.get(1), in.get(2)).mul(c).sum(),
            List.of(v.detach(), a.detach(), b.detach()));
    assertThat(error).isLessThan(1e-6);
  }

  @Test
  void secondDerivative() {
    Tensor v = Tensor.of(new double[] {-0.3, 0.1, 2}).setRequiresGrad(true);
    Tensor a = scalar(0.8);
    Tensor b = scalar(0.5);
    Tensor first =
        Autograd.grad(Compander.ARCTAN.apply(v, a, b).sum(), List.of(v), true).getFirst();
    double[] second = Autograd.grad(first.sum(), v).toDoubleArray();
    double[] vs = v.detach().toDoubleArray();
    for (int i = 0; i < 3; i++) {
      double q = 0.25 + vs[i] * vs[i];
      assertThat(second[i]).isCloseTo(-2 * 0.8 * vs[i] * 0.5 / (q * q), within(1e-12));
    }
  }

  // ---- On networks

  @Test
  void attachingKeepsTheFunctionAndBakingIsExact() {
    for (Scale mode : List.of(Scale.RELATIVE_TO_INIT, Scale.LEARNED)) {
      for (Compander f : Compander.values()) {
        SmallCnn network = new SmallCnn(1, 4, 3, new Rng(3));
        network.eval();
        Tensor x = new Rng(4).normal(5, 1, 8, 8);
        Tensor before = network.forward(x).detach();
        WeightCompander compander =
            WeightCompander.attach(network, CONFIG.withMode(mode).withCompander(f));
        assertThat(compander.clipped()).isZero();
        Tensor attached = network.forward(x).detach();
        assertThat(attached.sub(before).abs().max().item()).isLessThanOrEqualTo(1e-6);
        compander.bake();
        assertThat(network.forward(x).detach().sub(attached).abs().max().item()).isZero();
        assertThat(network.stateDict().keySet()).noneMatch(k -> k.contains("parametrizations"));
      }
    }
  }

  @Test
  void normalisationAndBiasesAreLeftAlone() {
    SmallCnn network = new SmallCnn(1, 4, 3, new Rng(3));
    WeightCompander.attach(network, CONFIG);
    assertThat(network.stateDict().keySet())
        .filteredOn(k -> k.contains("original"))
        .allMatch(k -> k.endsWith("weight.original"))
        .hasSameSizeAs(
            new SmallCnn(1, 4, 3, new Rng(3))
                .stateDict().values().stream().filter(t -> t.dim() >= 2).toList());
    Mlp biased = new Mlp(4, List.of(3), 2, new Rng(0));
    WeightCompander.attach(biased, CONFIG.withBiases());
    assertThat(biased.stateDict()).containsKey("head.parametrizations.bias.original");
  }

  @Test
  void aHugeScaleIsThePlainNetwork() {
    Mlp plain = new Mlp(6, List.of(8), 3, new Rng(5));
    Mlp companded = new Mlp(6, List.of(8), 3, new Rng(5));
    WeightCompander compander =
        WeightCompander.attach(companded, WeightCompanderConfig.relative(1e4, 1));
    Tensor x = new Rng(6).normal(10, 6);
    for (Mlp m : List.of(plain, companded)) {
      m.forward(x).square().sum().backward();
      new Sgd(m.parameters(), 0.01, 0, 0).step();
    }
    compander.bake();
    Map<String, Tensor> expected = plain.stateDict();
    companded
        .stateDict()
        .forEach(
            (name, w) -> {
              double scale = expected.get(name).detach().abs().max().item();
              assertThat(w.detach().sub(expected.get(name).detach()).abs().max().item())
                  .isLessThan(2e-6 * scale);
            });
  }

  @Test
  void stepsAreLargestAtZero() {
    double slope = 1.5;
    double rate = 1e-3;
    double b = Compander.ARCTAN.scaleFor(2, slope);
    double atZero = stepFrom(0, rate, slope);
    assertThat(atZero).isCloseTo(-slope * slope * rate, within(1e-7));
    double w3 = 2 * Math.atan(3);
    assertThat(b).isCloseTo(2 / slope, within(1e-12));
    assertThat(stepFrom(w3, rate, slope) / atZero).isCloseTo(0.01, within(1e-4));
  }

  /** How far one step with the gradient 1 moves a single weight w. */
  private static double stepFrom(double w, double rate, double slope) {
    Linear layer = new Linear(1, 1, false, new Rng(0));
    layer.weight().detach().fill_(w);
    WeightCompander.attach(
        layer,
        new WeightCompanderConfig(
            Compander.ARCTAN, Scale.FIXED, 2, slope, false, path -> true, false));
    double before = layer.weight().item();
    layer.weight().sum().backward();
    new Sgd(layer.parameters(), rate, 0, 0).step();
    return layer.weight().item() - before;
  }

  @Test
  void weightDecayActsOnTheTrainedTensor() {
    Linear layer = new Linear(4, 3, new Rng(1));
    WeightCompander compander = WeightCompander.attach(layer, CONFIG.withMode(Scale.LEARNED));
    Tensor v = layer.parameter("weight").original();
    double[] before = v.detach().toDoubleArray();
    Sgd sgd = new Sgd(compander.parameterGroups(0.1, 0.5), 0, false);
    Map<String, Tensor> scales = new LinkedHashMap<>();
    layer
        .stateDict()
        .forEach(
            (k, t) -> {
              if (k.endsWith(".a") || k.endsWith(".b")) {
                scales.put(k, t.detach().cloned());
              }
            });
    layer.weight().sum().mul(0).backward();
    sgd.step();
    for (int i = 0; i < before.length; i++) {
      assertThat(v.detach().toDoubleArray()[i])
          .isCloseTo(before[i] * (1 - 0.1 * 0.5), within(1e-8));
    }
    assertThat(scales).hasSize(2);
    scales.forEach((k, t) -> assertThat(layer.stateDict().get(k).item()).as(k).isEqualTo(t.item()));
  }

  @Test
  void learntScalesMove() {
    Linear layer = new Linear(4, 3, new Rng(1));
    WeightCompander compander = WeightCompander.attach(layer, CONFIG.withMode(Scale.LEARNED));
    double a = compander.report().getFirst().a();
    Sgd sgd = new Sgd(compander.parameterGroups(0.1, 0), 0, false);
    for (int i = 0; i < 200; i++) {
      sgd.zeroGrad();
      // Wants large weights, then drives b to zero.
      layer.weight().abs().sum().neg().backward();
      sgd.step();
    }
    WeightCompander.LayerReport report = compander.report().getFirst();
    assertThat(report.a()).isGreaterThan(a);
    assertThat(report.b()).isGreaterThanOrEqualTo(CompandedWeight.FLOOR);
    assertThat(layer.weight().abs().max().item()).isFinite();
  }

  @Test
  void randomStepsStayBelowTheBound() {
    Linear layer = new Linear(5, 4, false, new Rng(1));
    WeightCompander compander = WeightCompander.attach(layer, CONFIG);
    double bound = Compander.ARCTAN.bound(compander.report().getFirst().a());
    Tensor v = layer.parameter("weight").original();
    Rng rng = new Rng(2);
    for (int i = 0; i < 10_000; i++) {
      try (Scope inner = Scope.open()) {
        v.detach().add_(rng.normal(4, 5).mul(10));
      }
    }
    assertThat(layer.weight().detach().abs().max().item()).isLessThan(bound);
  }

  @Test
  void reportsShapesOfWeights() {
    Linear layer = new Linear(50, 40, false, new Rng(1));
    WeightCompander.LayerReport plain = WeightCompander.report("w", layer.weight().detach());
    // Uniform weights: P(|w| < 0.2 sd) = 0.2 / sqrt 3, max sqrt 3, kurtosis 1.8.
    assertThat(plain.nearZero()).isCloseTo(0.2 / Math.sqrt(3), within(0.02));
    assertThat(plain.maxOverDeviation()).isCloseTo(Math.sqrt(3), within(0.02));
    assertThat(plain.kurtosis()).isCloseTo(1.8, within(0.05));
    WeightCompander.LayerReport report =
        WeightCompander.attach(layer, WeightCompanderConfig.relative(1.1, 1)).report().getFirst();
    assertThat(report.nearZero()).isCloseTo(plain.nearZero(), within(0.01));
    assertThat(report.saturated()).isPositive();
    assertThat(report.name()).isEqualTo("weight");
  }

  @Test
  void oddWeightsSurvive() {
    Linear zero = new Linear(4, 3, new Rng(1));
    zero.weight().detach().fill_(0);
    WeightCompander.attach(zero, CONFIG);
    assertThat(zero.weight().detach().abs().max().item()).isZero();
    Linear scalarWeight = new Linear(1, 1, new Rng(1));
    double w = scalarWeight.weight().item();
    WeightCompander.attach(scalarWeight, CONFIG);
    assertThat(scalarWeight.weight().item()).isCloseTo(w, within(1e-6));
    Linear frozen = new Linear(4, 3, new Rng(1));
    frozen.freeze();
    WeightCompander.attach(frozen, CONFIG);
    assertThat(frozen.parameters()).isEmpty();
  }

  @Test
  void weightsBeyondTheBoundAreClippedOrRefused() {
    Linear layer = new Linear(2, 2, false, new Rng(1));
    layer.weight().detach().copy_(Tensor.of(new double[][] {{1, -1}, {1, 100}}).to(Dtype.FLOAT32));
    WeightCompanderConfig fixed =
        new WeightCompanderConfig(Compander.ARCTAN, Scale.FIXED, 2, 1, false, path -> true, true);
    assertThatThrownBy(() -> WeightCompander.attach(layer, fixed))
        .hasMessageContaining("1 weights of weight are beyond 2.985")
        .hasMessageContaining("largest is 100");
    assertThat(layer.parameter("weight").isParametrized()).isFalse();
    WeightCompander lenient =
        WeightCompander.attach(
            layer,
            new WeightCompanderConfig(
                Compander.ARCTAN, Scale.FIXED, 2, 1, false, path -> true, false));
    assertThat(lenient.clipped()).isEqualTo(1);
    assertThat(layer.weight().max().item()).isCloseTo(2.985, within(1e-3));
  }

  @Test
  void refusesBadArguments() {
    assertThatThrownBy(() -> WeightCompanderConfig.relative(0, 1))
        .hasMessage("a must be above 0, was 0.0");
    assertThatThrownBy(() -> WeightCompanderConfig.relative(1, -1))
        .hasMessage("slope must be above 0, was -1.0");
    Module network = new Mlp(4, List.of(3), 2, new Rng(0));
    assertThatThrownBy(() -> WeightCompander.attach(network, CONFIG.withLayers(p -> false)))
        .hasMessageContaining("no weights matched");
    WeightCompander.attach(network, CONFIG.withLayers("head"::equals));
    Map<String, Tensor> before = new LinkedHashMap<>(network.stateDict());
    assertThatThrownBy(() -> WeightCompander.attach(network, CONFIG))
        .hasMessage("weight head.weight is parametrized already");
    assertThat(network.stateDict().keySet()).isEqualTo(before.keySet());
  }

  // ---- Training

  @Test
  void aTrainingThatIsCutInTwoEndsWithTheSameNumbers() {
    Recipe recipe =
        Recipe.all().stream().filter(r -> r.name().equals("weight-compander")).findFirst().get();
    TrainingInTwo.check(
        () -> {
          Setup setup = TrainingInTwo.setup(Setup.Optimization.sgd(0.05, 0.9, 5e-4));
          return recipe.learner(setup, recipe.grid(setup.task()).getFirst());
        });
  }
}
