package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class MongeMapTest {
  private static final Tensor ROTATION = Tensor.of(new double[][] {{0, -1}, {1, 0}}).escape();

  @TempDir private Path folder;
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

  static List<ConvexCost> convexCosts() {
    return List.of(
        GroundCost.squaredEuclidean(),
        GroundCost.halfSquaredEuclidean(),
        GroundCost.power(1.5),
        GroundCost.power(3),
        GroundCost.elastic(0.4));
  }

  // ---- Structured maps and conservativity

  @ParameterizedTest
  @MethodSource("convexCosts")
  void conjugateGradientsInvertGradients(ConvexCost cost) {
    Tensor z = normal(1, 50, 3);
    // Above an elastic cost's threshold, where the soft threshold loses nothing.
    Tensor outside = z.add(z.sign().mul(0.4));
    assertThat(cost.gradient(cost.conjugateGradient(outside)).allClose(outside, 0, 1e-10)).isTrue();
    assertThat(cost.conjugateGradient(cost.gradient(z)).allClose(z, 0, 1e-10)).isTrue();
    assertThat(Autograd.checkGrad(t -> cost.h(t.getFirst()).sum(), List.of(z))).isLessThan(1e-6);
    Tensor leaf = z.cloned().setRequiresGrad(true);
    assertThat(Autograd.grad(cost.h(leaf).sum(), leaf).allClose(cost.gradient(z), 0, 1e-12))
        .isTrue();
  }

  @Test
  void structuredMapOfTheHalvedSquareSubtractsTheField() {
    Tensor x = normal(2, 10, 2);
    Lambda field = new Lambda(t -> t.matmul(ROTATION).square());
    StructuredMap map = StructuredMap.of(GroundCost.halfSquaredEuclidean(), field);
    assertThat(map.forward(x).allClose(x.sub(field.forward(x)), 0, 1e-15)).isTrue();
    // An elastic cost leaves alone what its field does not push over the threshold.
    StructuredMap sparse =
        StructuredMap.of(GroundCost.elastic(1), new Lambda(t -> t.zerosLike().add(0.9)));
    assertThat(sparse.forward(x).allClose(x, 0, 0)).isTrue();
  }

  @Test
  void gradientsAreConservativeAndRotationsAreNot() {
    Tensor x = normal(3, 40, 2);
    // grad of (a x1^3 + x1 x2^2)
    Lambda gradient =
        new Lambda(
            t -> {
              Tensor a = t.slice(1, 0, 1);
              Tensor b = t.slice(1, 1, 2);
              return Tensor.cat(List.of(a.square().mul(3).add(b.square()), a.mul(b).mul(2)), 1);
            });
    assertThat(new Conservativity(gradient, 5, new Rng(1)).apply(x).item())
        .isCloseTo(0, within(1e-10));
    Lambda rotation = new Lambda(t -> t.matmul(ROTATION));
    Tensor many = normal(4, 100, 2);
    assertThat(new Conservativity(rotation, 100, new Rng(2)).apply(many).item())
        .isCloseTo(8, within(0.4));
  }

  @Test
  void potentialsHaveConservativeGradientsInEachMode() {
    MapNetwork network =
        new MapNetwork(
            new MapNetwork.Spec(MapNetwork.Kind.POTENTIAL, 3, List.of(8, 5), false), new Rng(3));
    Map<String, Tensor> doubles = new LinkedHashMap<>();
    network.stateDict().forEach((name, t) -> doubles.put(name, t.detach().to(Dtype.FLOAT64)));
    Tensor x = normal(5, 20, 3);
    try (Module.Substitution wide = network.substitute(doubles)) {
      assertThat(new Conservativity(network, 3, new Rng(4)).apply(x).item())
          .isCloseTo(0, within(1e-10));
      Tensor recorded = network.forward(x);
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        assertThat(network.forward(x).allClose(recorded, 0, 1e-15)).isTrue();
      }
    }
  }

  @Test
  void conservativityHasAGradientInTheWeights() {
    Tensor x = normal(6, 8, 2);
    Tensor weight = normal(7, 2, 2).setRequiresGrad(true);
    Tensor gradient = Autograd.grad(conservativity(weight, x), weight);
    double step = 1e-6;
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        double[][] change = new double[2][2];
        change[i][j] = step;
        Tensor h = Tensor.of(change);
        double above = conservativity(weight.detach().add(h), x).item();
        double below = conservativity(weight.detach().sub(h), x).item();
        assertThat(gradient.select(0, i).select(0, j).item())
            .isCloseTo((above - below) / (2 * step), within(1e-5));
      }
    }
  }

  /** Of {@code tanh(W x)}, with the same probes in each call. */
  private static Tensor conservativity(Tensor weight, Tensor x) {
    Lambda field = new Lambda(z -> z.matmul(weight.t()).tanh());
    return new Conservativity(field, 2, new Rng(5)).apply(x);
  }

  // ---- Networks

  @ParameterizedTest
  @EnumSource(MapNetwork.Kind.class)
  void networksStandardiseInAnyUnits(MapNetwork.Kind kind) {
    Tensor x = normal(8, 200, 2).mul(1000).add(5e4).to(Dtype.FLOAT32);
    Tensor y = normal(9, 200, 2).mul(100).sub(3e4).to(Dtype.FLOAT32);
    MapNetwork network = new MapNetwork(MapNetwork.Spec.of(kind, 2), new Rng(1)).standardize(x, y);
    Tensor mapped = network.forward(x).detach();
    Tensor near = kind == MapNetwork.Kind.PLAIN ? y.mean(0) : x;
    assertThat(mapped.sub(near).abs().max().item()).isLessThan(300);
    assertThat(network.spec().hidden()).containsExactly(32, 64, 32);
    assertThatThrownBy(() -> network.forward(normal(1, 4, 3)))
        .hasMessage("x must have shape [n, 2], has [4, 3]");
  }

  @Test
  void outputsOnTheSphereHaveLengthOne() {
    MapNetwork network =
        new MapNetwork(new MapNetwork.Spec(MapNetwork.Kind.PLAIN, 3, List.of(4), true), new Rng(1));
    Tensor lengths = network.forward(normal(1, 20, 3).to(Dtype.FLOAT32)).detach().norm(2, 1);
    assertThat(lengths.sub(1).abs().max().item()).isLessThan(1e-6);
  }

  // ---- Estimator

  /** A small Gaussian problem, in double precision points. */
  private record Problem(Tensor x, Tensor y) {
    static Problem gaussian(long n) {
      Tensor x = normal(10, n, 2);
      return new Problem(
          x, normal(11, n, 2).matmul(Tensor.of(new double[][] {{1, 0.3}, {0.3, 0.6}})).add(1));
    }
  }

  private static MongeMap quick(GroundCost cost) {
    return MongeMap.of(cost).iterations(60).batch(64).hidden(List.of(16, 16)).learningRate(5e-3);
  }

  @Test
  void theGapTurnsAFitIntoAnOptimalMap() {
    Problem p = Problem.gaussian(400);
    GroundCost cost = GroundCost.squaredEuclidean();
    TransportMap with = quick(cost).iterations(150).seed(1).fit(p.x, p.y);
    TransportMap without = quick(cost).iterations(150).seed(1).lambda(0).fit(p.x, p.y);
    Tensor fresh = normal(12, 100, 2);
    double optimal = MongeGap.relativeExact(cost, fresh, with.apply(fresh));
    double arbitrary = MongeGap.relativeExact(cost, fresh, without.apply(fresh));
    assertThat(optimal).isLessThan(arbitrary / 3);
    assertThat(with.history()).hasSize(150);
    TransportMap.Step last = with.history().getLast();
    assertThat(last.total()).isCloseTo(last.fit() + last.lambda() * last.penalty(), within(1e-5));
    assertThat(last.fit()).isLessThan(with.history().getFirst().fit() / 3);
    // Measured, though not trained.
    assertThat(without.history().getLast().penalty()).isPositive();
    assertThat(without.history().getLast().lambda()).isZero();
  }

  @Test
  void sameSeedSameMap() {
    Problem p = Problem.gaussian(100);
    MongeMap settings = quick(GroundCost.euclidean()).iterations(5).seed(3);
    Tensor first = settings.fit(p.x, p.y).apply(p.x);
    assertThat(settings.fit(p.x, p.y).apply(p.x).allClose(first, 0, 0)).isTrue();
    assertThat(settings.seed(4).fit(p.x, p.y).apply(p.x).allClose(first, 0, 0)).isFalse();
  }

  @Test
  void unitsDoNotMatter() {
    Problem p = Problem.gaussian(100);
    for (GroundCost cost : List.of(GroundCost.euclidean(), GroundCost.squaredEuclidean())) {
      MongeMap settings = quick(cost).iterations(20);
      Tensor here = settings.fit(p.x, p.y).apply(p.x);
      Tensor there = settings.fit(p.x.mul(1024), p.y.mul(1024)).apply(p.x.mul(1024));
      assertThat(there.div(1024).allClose(here, 0, 0.02)).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sqeuclidean",
        "halfsqeuclidean",
        "euclidean",
        "manhattan",
        "elastic",
        "elastic-0.5",
        "power-1.5",
        "cosine",
        "geodesic",
        "sqgeodesic"
      })
  void mapsOfEveryCostAreSavedAndOpened(String name) throws IOException {
    Problem p = Problem.gaussian(60);
    boolean sphere = name.contains("geodesic");
    Tensor x = sphere ? p.x.div(p.x.normKeep(2, 1)) : p.x;
    Tensor y = sphere ? p.y.div(p.y.normKeep(2, 1)) : p.y;
    GroundCost cost = GroundCost.named(name);
    List<MongeMap.Form> forms = new ArrayList<>(List.of(MongeMap.Form.values()));
    if (!(cost instanceof ConvexCost)) {
      forms.remove(MongeMap.Form.STRUCTURED);
    }
    for (MongeMap.Form form : forms) {
      TransportMap map = quick(cost).form(form).iterations(3).fit(x, y);
      Path file = folder.resolve(name + form);
      map.save(file, Map.of("cost", name));
      TransportMap again = TransportMap.open(file);
      assertThat(again.apply(x).allClose(map.apply(x), 0, 0)).isTrue();
      assertThat(again.history()).isEqualTo(map.history());
      assertThat(TransportMap.notes(file)).containsEntry("cost", name);
      assertThat(TransportMap.isMap(file)).isTrue();
    }
  }

  @Test
  void otherNetworksAreOpenedIntoOneOfTheirKind() throws IOException {
    Problem p = Problem.gaussian(50);
    Linear network = new Linear(2, 2, new Rng(1));
    TransportMap map =
        new MongeMapEstimator(
                network,
                FittingLosses.energyDistance(),
                MongeGap.of(GroundCost.squaredEuclidean()),
                1)
            .iterations(3)
            .fit(p.x, p.y);
    Path file = folder.resolve("linear");
    map.save(file);
    assertThatThrownBy(() -> TransportMap.open(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("not described in the file");
    TransportMap again = TransportMap.open(file, new Linear(2, 2, new Rng(2)));
    assertThat(again.apply(p.x).allClose(map.apply(p.x), 0, 0)).isTrue();
    assertThat(map.apply(new double[][] {{1, 2}})).hasDimensions(1, 2);
    assertThatThrownBy(() -> TransportMap.open(file, new Linear(3, 2, new Rng(2))))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("weight has shape");
    Path other = folder.resolve("other");
    Safetensors.write(other, Map.of("a", Tensor.zeros(1)), Map.of());
    assertThatThrownBy(() -> TransportMap.open(other)).hasMessageContaining("not a saved");
    Files.writeString(folder.resolve("text"), "no tensors");
    assertThatThrownBy(() -> TransportMap.open(folder.resolve("text")))
        .isInstanceOf(DataException.class);
  }

  @Test
  void everySettingOfTheEstimatorCounts() {
    Problem p = Problem.gaussian(80);
    MongeGap gap = MongeGap.of(GroundCost.squaredEuclidean());
    List<Integer> seen = new ArrayList<>();
    List<Integer> drawn = new ArrayList<>();
    Sampler source = Sampler.of(p.x);
    Sampler merged = Sampler.merged(source, Sampler.of(p.y));
    TransportMap map =
        new MongeMapEstimator(
                new MapNetwork(MapNetwork.Spec.of(MapNetwork.Kind.PLAIN, 2), new Rng(1)),
                FittingLosses.gaussianMoments(),
                gap,
                1)
            .lambda(step -> step / 10.0)
            .iterations(10)
            .batch(31)
            .optimizer(parameters -> Adam.adamW(parameters, 1e-2, 0.1))
            .reference(
                (n, rng) -> {
                  drawn.add(n);
                  return merged.draw(n, rng);
                })
            .validate(4, (step, now) -> seen.add(step + now.history().size()))
            .fit(source, Sampler.of(p.y));
    assertThat(seen).containsExactly(8, 16);
    assertThat(drawn).hasSize(10).containsOnly(31);
    assertThat(map.history().get(7).lambda()).isEqualTo(0.7);
    assertThat(merged.draw(31, new Rng(1)).shape()).containsExactly(31, 2);
    // A cloud smaller than the batch gives all its points.
    assertThat(source.draw(256, new Rng(1)).size(0)).isEqualTo(80);
  }

  @Test
  void solversThatDoNotConvergeAreCounted() {
    Problem p = Problem.gaussian(60);
    TransportMap map =
        quick(GroundCost.squaredEuclidean()).iterations(4).stopping(1e-12, 2).fit(p.x, p.y);
    assertThat(map.unconvergedSteps()).isEqualTo(4);
    assertThat(map.history()).noneMatch(TransportMap.Step::converged);
  }

  @Test
  void explainedVarianceIsRelativeToTheTarget() {
    Tensor x = normal(13, 1000, 2);
    assertThat(TransportMap.unexplainedVariance(x, x, x)).isZero();
    Tensor mean = x.mean(0).expandAs(x);
    assertThat(TransportMap.unexplainedVariance(mean, x, x)).isCloseTo(100, within(0.2));
  }

  // ---- Bad input

  @Test
  void stopsWithTheStepAtNan() {
    Problem p = Problem.gaussian(40);
    int[] calls = {0};
    Linear linear = new Linear(2, 2, new Rng(1));
    Module network =
        new Module() {
          {
            child("linear", linear);
          }

          @Override
          public Tensor forward(Tensor x) {
            return calls[0]++ == 3 ? linear.forward(x).mul(Double.NaN) : linear.forward(x);
          }
        };
    MongeMapEstimator estimator =
        new MongeMapEstimator(
                network, FittingLosses.energyDistance(), MongeGap.of(GroundCost.euclidean()), 1)
            .iterations(9);
    assertThatThrownBy(() -> estimator.fit(p.x, p.y))
        .isInstanceOf(MongeMapEstimator.DivergedException.class)
        .hasMessage("training diverged: the network's output is not finite in step 3");
    MongeMapEstimator infinite =
        new MongeMapEstimator(
            new Linear(2, 2, new Rng(1)),
            (mapped, target) -> LossTerm.of(mapped.sum().mul(Double.POSITIVE_INFINITY)),
            MongeGap.of(GroundCost.euclidean()),
            0);
    assertThatThrownBy(() -> infinite.fit(p.x, p.y))
        .hasMessageContaining("the objective is ")
        .hasMessageEndingWith("in step 0");
    MongeMapEstimator last =
        new MongeMapEstimator(
                new Linear(2, 2, new Rng(1)),
                (mapped, target) -> LossTerm.of(mapped.mul(0).sqrt().sum()),
                MongeGap.of(GroundCost.euclidean()),
                0)
            .iterations(1);
    assertThatThrownBy(() -> last.fit(p.x, p.y))
        .hasMessage("training diverged: the weights are not finite in step 0");
  }

  @Test
  void refusesWithTheCulprit() {
    Problem p = Problem.gaussian(20);
    GroundCost cost = GroundCost.squaredEuclidean();
    MongeMap map = MongeMap.of(cost);
    assertThatThrownBy(() -> map.lambda(-1))
        .hasMessage("lambda must be 0 or more and finite, was -1.0");
    assertThatThrownBy(
            () ->
                new MongeMapEstimator(
                    new Linear(2, 2, new Rng(1)),
                    FittingLosses.mmd(),
                    MongeGap.of(cost),
                    Double.NaN))
        .hasMessage("lambda must be 0 or more and finite, was NaN");
    assertThatThrownBy(() -> MongeMap.of(cost).batch(1).fit(p.x, p.y))
        .hasMessage("batch must be at least 2, was 1");
    assertThatThrownBy(() -> MongeMap.of(cost).iterations(0).fit(p.x, p.y))
        .hasMessageContaining("iterations must be at least 1, was 0");
    assertThatThrownBy(() -> MongeMap.fit(p.x, normal(1, 20, 3), cost))
        .hasMessageContaining("target of dimension 3");
    assertThatThrownBy(() -> MongeMap.fit(p.x, normal(1, 1, 2), cost))
        .hasMessage("target must have at least 2 points, has 1");
    double[][] broken = {{0, 1}, {2, Double.NaN}};
    assertThatThrownBy(() -> MongeMap.fit(new double[][] {{0, 1}, {2, 3}}, broken, cost))
        .hasMessage("target[1][1] must be finite, was NaN");
    assertThatThrownBy(() -> MongeMap.fit(p.x, p.y, GroundCost.geodesic()))
        .hasMessageStartingWith("source[0] must lie on the unit sphere for the cost geodesic");
    assertThatThrownBy(() -> MongeMap.of(GroundCost.euclidean()).form(MongeMap.Form.STRUCTURED))
        .hasMessageContaining("strictly convex cost of the difference, was euclidean");
    assertThatThrownBy(() -> new Conservativity(new Lambda(t -> t), 0, new Rng(1)))
        .hasMessage("probes must be at least 1, was 0");
    assertThatThrownBy(
            () -> new Conservativity(new Lambda(t -> t.slice(1, 0, 1)), 1, new Rng(1)).apply(p.x))
        .hasMessage("field must map dimension 2 to itself, gave 1");
    assertThatThrownBy(() -> new MapNetwork.Spec(MapNetwork.Kind.PLAIN, 0, List.of(1), false))
        .hasMessage("dimension must be at least 1, was 0");
    assertThatThrownBy(() -> new MapNetwork.Spec(MapNetwork.Kind.PLAIN, 2, List.of(), false))
        .hasMessageContaining("hidden must be at least one size");
    TransportMap fitted = quick(cost).iterations(1).fit(p.x, p.y);
    assertThatThrownBy(() -> fitted.apply(normal(1, 4, 3)))
        .hasMessage("x must have shape [n, 2], has [4, 3]");
    assertThatThrownBy(() -> fitted.apply(new double[][] {{Double.NaN, 1}}))
        .hasMessage("x[0][0] must be finite, was NaN");
  }

  @Test
  void identicalPointsTrainWithoutNan() {
    Tensor same = Tensor.ones(Dtype.FLOAT64, 30, 2);
    for (GroundCost cost : List.of(GroundCost.euclidean(), GroundCost.squaredEuclidean())) {
      TransportMap map = quick(cost).iterations(5).fit(same, same);
      assertThat(map.apply(same).allFinite()).isTrue();
    }
  }
}
