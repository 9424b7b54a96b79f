package org.tikhon.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.TrainingInTwo;
import org.tikhon.head.NormalizedSoftmaxHead.Normalisation;
import org.tikhon.head.NovelClassifier.KnownClass;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;

class HypersphericalTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static final Module IDENTITY = new Lambda(x -> x);

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  private static NormalizedSoftmaxHead golden(Normalisation mode) {
    return new NormalizedSoftmaxHead(
        10, mode, Tensor.of(new double[][] {{1, 0}, {0, 1}, {-0.6, 0.8}}));
  }

  // ---- The head

  @Test
  void probabilitiesAndLossOfTheCard() {
    Tensor u = Tensor.of(new double[][] {{3, 4}});
    for (Normalisation mode : Normalisation.values()) {
      Tensor logits = golden(mode).forward(u);
      assertThat(logits.div(10).toDoubleArray())
          .containsExactly(new double[] {0.6, 0.8, 0.28}, within(1e-9));
      assertThat(logits.softmax(1).toDoubleArray())
          .containsExactly(new double[] {0.11862652, 0.876538, 0.00483548}, within(1e-8));
      assertThat(Functional.crossEntropy(logits, label(1)).item())
          .isCloseTo(0.1317752182, within(1e-9));
    }
  }

  @Test
  void lengthsDoNotMatter() {
    NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(6, 4, 10, Normalisation.PROJECT, new Rng(0));
    Tensor u = new Rng(1).normal(5, 6).setRequiresGrad(true);
    Tensor y = Tensor.of(new long[] {0, 1, 2, 3, 0}, 5);
    Tensor logits = head.forward(u);
    assertThat(head.forward(u.mul(7)).sub(logits).abs().max().item()).isLessThan(1e-5);
    Tensor g = Autograd.grad(Functional.crossEntropy(logits, y), u);
    assertThat(g.mul(u.detach()).sum(1).abs().max().item()).isLessThan(1e-6);
    head.parameter("weight").original().detach().mul_(3);
    head.project();
    assertThat(head.parameter("weight").original().detach().norm(2, 1).sub(1).abs().max().item())
        .isLessThan(2e-7);
  }

  @Test
  void gradientInForwardIsOrthogonalToTheClassVector() {
    NormalizedSoftmaxHead head = golden(Normalisation.IN_FORWARD);
    Tensor w = head.parameter("weight").original();
    Tensor u = new Rng(1).normal(Dtype.FLOAT64, 8, 2);
    Tensor loss = Functional.crossEntropy(head.forward(u), new Rng(2).integers(0, 3, 8));
    assertThat(Autograd.grad(loss, w).mul(w.detach()).sum(1).abs().max().item()).isLessThan(1e-6);
    double error =
        Autograd.checkGrad(
            in ->
                Functional.crossEntropy(
                    golden(Normalisation.IN_FORWARD).forward(in.getFirst()),
                    new Rng(2).integers(0, 3, 8)),
            List.of(u));
    assertThat(error).isLessThan(1e-6);
  }

  @Test
  void scales() {
    assertThat(NormalizedSoftmaxHead.minimalScale(8, 0.99)).isCloseTo(5.7234012493, within(1e-9));
    assertThat(NormalizedSoftmaxHead.largestProbability(8, 10))
        .isCloseTo(0.9999238448, within(1e-9));
    double s = NormalizedSoftmaxHead.minimalScale(50, 0.9);
    assertThat(NormalizedSoftmaxHead.largestProbability(50, s)).isCloseTo(0.9, within(1e-12));
  }

  @Test
  void aSingleClassHasNoLoss() {
    NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(6, 1, 10, Normalisation.PROJECT, new Rng(0));
    assertThat(Functional.crossEntropy(head.forward(new Rng(1).normal(1, 6)), label(0)).item())
        .isZero();
    Tensor zero = Tensor.zeros(1, 6).setRequiresGrad(true);
    assertThat(head.forward(zero).item()).isZero();
  }

  @Test
  void headRefusals() {
    Rng rng = new Rng(0);
    assertThatThrownBy(() -> new NormalizedSoftmaxHead(6, 2, 0, Normalisation.PROJECT, rng))
        .hasMessage("scale must be above 0, was 0.0");
    assertThatThrownBy(() -> new NormalizedSoftmaxHead(1, 2, 10, Normalisation.PROJECT, rng))
        .hasMessage("dimension must be at least 2, was 1");
    assertThatThrownBy(() -> golden(Normalisation.PROJECT).forward(Tensor.zeros(1, 3)))
        .hasMessage("embeddings must have the shape [b, 2], was [1, 3]");
    assertThatThrownBy(() -> NormalizedSoftmaxHead.minimalScale(8, 1))
        .hasMessageContaining("probability");
  }

  // ---- Novel classes

  private static Tensor rows(double[]... rows) {
    return Tensor.of(rows).to(Dtype.FLOAT32);
  }

  @Test
  void prototypesOfTheCard() {
    for (double s : new double[] {1, 10}) {
      NovelClassifier c =
          NovelClassifier.disjoint(IDENTITY, s)
              .addClass("a", rows(new double[] {1, 0}, new double[] {0.6, 0.8}));
      assertThat(c.prototype("a").toDoubleArray())
          .containsExactly(new double[] {0.894427191, 0.4472135955}, within(1e-7));
      assertThat(c.concentration("a")).isCloseTo(0.894427191, within(1e-7));
    }
  }

  @Test
  void addingAClassLeavesTheOthersAlone() {
    Rng rng = new Rng(3);
    NovelClassifier base = NovelClassifier.disjoint(IDENTITY, 10);
    for (int i = 0; i < 9; i++) {
      base = base.addClass("old " + i, rng.normal(3, 16));
    }
    Tensor a = rng.normal(4, 16);
    Tensor b = rng.normal(4, 16);
    Tensor x = rng.normal(20, 16);
    Tensor before = base.logits(x);
    NovelClassifier ab = base.addClass("a", a).addClass("b", b);
    NovelClassifier ba = base.addClass("b", b).addClass("a", a);
    assertThat(ab.names()).endsWith("a", "b");
    assertThat(ab.logits(x).slice(1, 0, 9).sub(before).abs().max().item()).isZero();
    assertThat(base.logits(x).sub(before).abs().max().item()).isZero();
    assertThat(ab.logits(x).select(1, 9).sub(ba.logits(x).select(1, 10)).abs().max().item())
        .isZero();
    assertThat(ab.logits(x).select(1, 10).sub(ba.logits(x).select(1, 9)).abs().max().item())
        .isZero();
  }

  @Test
  void refiningEqualsAddingAtOnce() {
    Tensor all = new Rng(4).normal(10, 8);
    NovelClassifier empty = NovelClassifier.disjoint(IDENTITY, 10).addClass("x", all.neg());
    NovelClassifier once = empty.addClass("a", all);
    NovelClassifier parts =
        empty.addClass("a", all.slice(0, 0, 3)).refine("a", all.slice(0, 3, 10));
    assertThat(parts.prototype("a").sub(once.prototype("a")).abs().max().item()).isLessThan(1e-6);
    assertThat(parts.concentration("a")).isCloseTo(once.concentration("a"), within(1e-6));
  }

  @Test
  void oneExampleIsItsOwnPrototype() {
    Tensor example = rows(new double[] {3, -4, 1});
    NovelClassifier c =
        NovelClassifier.disjoint(IDENTITY, 10)
            .addClass("other", rows(new double[] {1, 1, 1}))
            .addClass("one", example);
    NovelClassifier.Prediction p = c.classify(example);
    assertThat(p.names()).containsExactly("one");
    assertThat(p.cosines()[0]).isCloseTo(1, within(1e-6));
    assertThat(p.probabilities().sum(1).item()).isCloseTo(1, within(1e-6));
    assertThat(p.unknown()[0]).isFalse();
    assertThat(c.withThreshold(0.9).classify(rows(new double[] {-1, 0, 0})).unknown()[0]).isTrue();
    assertThat(c.nearest(example, 2).indices().toLongArray()).containsExactly(1, 0);
  }

  @Test
  void bothKindsOfVectorAgreeWhereEmbeddingsAreTheClassVectors() {
    NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(5, 3, 10, Normalisation.PROJECT, new Rng(0));
    Tensor y = Tensor.of(new long[] {0, 0, 1, 1, 2, 2}, 6);
    Dataset training = new Dataset(head.classVectors().indexSelect(0, y).mul(2), y);
    NovelClassifier means = NovelClassifier.joint(IDENTITY, head, KnownClass.CLASS_MEAN, training);
    NovelClassifier weights = NovelClassifier.joint(IDENTITY, head, KnownClass.WEIGHT, null);
    Tensor x = new Rng(1).normal(10, 5);
    assertThat(means.logits(x).sub(weights.logits(x)).abs().max().item()).isLessThan(1e-5);
    assertThat(means.names()).containsExactly("0", "1", "2");
    assertThat(weights.concentration("1")).isEqualTo(1);
    NovelClassifier sure = means.withThresholdAt(0.1, training.inputs());
    assertThat(sure.classify(training.inputs().neg()).unknown()).doesNotContain(false);
  }

  @Test
  void theNetworkIsUsedInEvaluationMode() {
    Mlp network = Mlp.batchNormalized(6, List.of(8), 4, new Rng(0));
    network.train();
    NovelClassifier c = NovelClassifier.disjoint(network, 10);
    Tensor x = new Rng(1).normal(3, 6);
    Tensor alone = c.addClass("a", x.slice(0, 0, 1)).prototype("a");
    network.eval();
    Tensor expected = Functional.normalize(network.forward(x.slice(0, 0, 1)), 1).squeeze(0);
    assertThat(alone.sub(expected.detach()).abs().max().item()).isLessThan(1e-6);
    network.train();
    c.addClass("b", x);
    assertThat(network.isTraining()).isTrue();
  }

  @Test
  void novelClassRefusals() {
    NovelClassifier empty = NovelClassifier.disjoint(IDENTITY, 10);
    Tensor x = rows(new double[] {1, 0});
    assertThatThrownBy(() -> empty.classify(x)).hasMessageContaining("no classes yet");
    assertThatThrownBy(() -> empty.addClass("bag", Tensor.zeros(0, 2)))
        .hasMessage("class 'bag' has no examples");
    assertThatThrownBy(() -> empty.addClass("bag", Tensor.zeros(3, 2)))
        .hasMessage("prototype of class 'bag' has zero length");
    assertThatThrownBy(() -> empty.addClass("bag", rows(new double[] {1, 0}, new double[] {-1, 0})))
        .hasMessage("prototype of class 'bag' has zero length");
    assertThatThrownBy(() -> empty.addClass("bag", x.add(Double.NaN)))
        .hasMessageContaining("not finite");
    NovelClassifier one = empty.addClass("bag", x);
    assertThatThrownBy(() -> one.addClass("bag", x)).hasMessage("class 'bag' exists already");
    assertThatThrownBy(() -> one.refine("hat", x)).hasMessageContaining("no class 'hat'");
    assertThatThrownBy(
            () ->
                NovelClassifier.joint(
                    IDENTITY, golden(Normalisation.PROJECT), KnownClass.CLASS_MEAN, null))
        .hasMessageContaining("training must be given");
    assertThatThrownBy(() -> NovelClassifier.disjoint(IDENTITY, -1)).hasMessageContaining("scale");
  }

  // ---- Metric losses

  @Test
  void metricLossesFollowTheirFormulas() {
    Tensor a = Tensor.of(new double[][] {{2, 0}, {2, 0}});
    Tensor b = Tensor.of(new double[][] {{0, 5}, {3, 0}});
    Tensor same = Tensor.of(new long[] {1, 0}, 2).to(Dtype.BOOL);
    // D^2 = 2 for the first pair, D = 0 for the second.
    assertThat(MetricLosses.contrastive(a, b, same, 1).item()).isCloseTo(1.5, within(1e-5));
    assertThat(MetricLosses.triplet(a, b, a, 0.5).item()).isCloseTo((2.5 + 0.5) / 2, within(1e-9));
    assertThatThrownBy(() -> MetricLosses.triplet(a, b, a, 0)).hasMessageContaining("margin");
  }

  @Test
  void randomPairsAndTripletsSeparateClasses() {
    Tensor u = Tensor.of(new double[][] {{1, 0}, {1, 0}, {-1, 0}, {-1, 0}});
    Tensor y = Tensor.of(new long[] {0, 0, 1, 1}, 4);
    Rng rng = new Rng(0);
    assertThat(MetricLosses.randomTriplets(u, y, 0.5, rng).item()).isZero();
    assertThat(MetricLosses.randomPairs(u, y, 1, rng).item()).isZero();
  }

  // ---- Training

  @Test
  void aTrainingThatIsCutInTwoEndsWithTheSameNumbersOnTheSphere() {
    Learner whole =
        TrainingInTwo.check(
            () ->
                new HypersphericalRecipe()
                    .learner(
                        TrainingInTwo.setup(Setup.Optimization.sgd(0.05, 0.9, 5e-4)),
                        Map.of("scale", 10.0)));
    Tensor w = whole.model().stateDict().get("head.1.weight").detach();
    assertThat(w.norm(2, 1).sub(1).abs().max().item()).isLessThan(1e-6);
  }
}
