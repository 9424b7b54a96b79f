package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class EmbeddingsTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor labels(long... values) {
    return Tensor.of(values, values.length);
  }

  /** {@code perClass} samples around each of {@code classes} random directions. */
  private static Tensor clusters(int classes, int perClass, double noise, Rng rng) {
    return rng.normal(classes, 16)
        .repeatInterleave(perClass, 0)
        .add(rng.normal((long) classes * perClass, 16).mul(noise));
  }

  private static Tensor clusterLabels(int classes, int perClass) {
    return Tensor.arange(classes).repeatInterleave(perClass, 0);
  }

  @Test
  void recallLooksAtTheNearestOthers() {
    // Directions at 0, 10, 30 and 90 degrees: the nearest other of each is 10, 0, 10, 30.
    double[] degrees = {0, 10, 30, 90};
    double[][] rows = new double[4][2];
    for (int i = 0; i < 4; i++) {
      double a = Math.toRadians(degrees[i]);
      // Lengths must not matter.
      rows[i] = new double[] {(i + 1) * Math.cos(a), (i + 1) * Math.sin(a)};
    }
    Tensor x = Tensor.of(rows);
    Tensor y = labels(0, 0, 1, 1);
    assertThat(Embeddings.recallAtK(x, y, 1)).isEqualTo(0.75);
    assertThat(Embeddings.recallAtK(x, y, 2)).isEqualTo(0.75);
    assertThat(Embeddings.recallAtK(x, y, 3)).isEqualTo(1);
    assertThatThrownBy(() -> Embeddings.recallAtK(x, y, 4)).hasMessage("k must be in 1..3, was 4");
  }

  @Test
  void recallIsTheSameInBlocks() {
    Rng rng = new Rng(0);
    Tensor x = rng.normal(1500, 4);
    Tensor y = rng.integers(0, 5, 1500);
    Tensor unit = Functional.normalize(x, 1);
    Tensor similarity = unit.matmul(unit.mT()).sub(Tensor.eye(1500, Dtype.FLOAT32).mul(3));
    Tensor nearest = similarity.argmax(1);
    double hits = y.indexSelect(0, nearest).eq(y).sum().item();
    assertThat(Embeddings.recallAtK(x, y, 1)).isCloseTo(hits / 1500, within(1e-12));
  }

  @Test
  void mutualInformationAndRandIndex() {
    int[] a = {0, 0, 1, 1};
    assertThat(Embeddings.nmi(a, new int[] {7, 7, 3, 3})).isCloseTo(1, within(1e-12));
    assertThat(Embeddings.nmi(a, new int[] {0, 1, 0, 1})).isCloseTo(0, within(1e-12));
    assertThat(Embeddings.nmi(a, new int[] {0, 0, 0, 0})).isCloseTo(0, within(1e-12));
    assertThat(Embeddings.nmi(new int[] {1, 1}, new int[] {2, 2})).isEqualTo(1);
    // By hand: I = 0.7776613 and both entropies 1.0549202; pairs 1 of 2 and 2, 0.4 expected.
    int[] b = {0, 0, 1, 1, 2};
    int[] c = {0, 0, 1, 2, 2};
    assertThat(Embeddings.nmi(b, c)).isCloseTo(0.7371755, within(1e-6));
    assertThat(Embeddings.adjustedRandIndex(b, c)).isCloseTo(0.375, within(1e-12));
    assertThat(Embeddings.adjustedRandIndex(b, b)).isEqualTo(1);
    assertThatThrownBy(() -> Embeddings.nmi(a, b)).hasMessageContaining("4 and 5");
  }

  @Test
  void clusteringFindsSeparatedClasses() {
    Tensor x = clusters(5, 40, 0.1, new Rng(1));
    Tensor y = clusterLabels(5, 40);
    assertThat(Embeddings.clusteringNmi(x, y, new Rng(2))).isCloseTo(1, within(1e-12));
    Tensor noise = new Rng(3).normal(200, 16);
    assertThat(Embeddings.clusteringNmi(noise, y, new Rng(2))).isLessThan(0.2);
  }

  @Test
  void prototypesAreMeansOfUnitVectors() {
    Tensor x = Tensor.of(new double[][] {{5, 0}, {0.6, 0.8}, {0, 2}});
    Embeddings.Prototypes p = Embeddings.Prototypes.of(x, labels(4, 4, 9));
    assertThat(p.classes()).containsExactly(4, 9);
    assertThat(p.vectors().toDoubleArray())
        .containsExactly(new double[] {0.894427191, 0.4472135955, 0, 1}, within(1e-9));
    assertThat(p.classify(Tensor.of(new double[][] {{3, 0.1}, {-1, 1}}))).containsExactly(4, 9);
  }

  @Test
  void fewShotIsCertainOfSeparatedClassesAndGuessesOnNoise() {
    Tensor y = clusterLabels(8, 30);
    Embeddings.FewShot clear =
        Embeddings.fewShot(clusters(8, 30, 0.05, new Rng(1)), y, 5, 1, 10, 20, new Rng(2));
    assertThat(clear.accuracy()).isEqualTo(1);
    assertThat(clear.halfWidth()).isZero();
    Embeddings.FewShot noise =
        Embeddings.fewShot(new Rng(3).normal(240, 16), y, 5, 5, 10, 60, new Rng(2));
    assertThat(noise.accuracy()).isCloseTo(0.2, within(3 * noise.halfWidth()));
    assertThat(noise.halfWidth()).isBetween(0.001, 0.05);
    assertThatThrownBy(
            () -> Embeddings.fewShot(new Rng(3).normal(240, 16), y, 9, 1, 1, 1, new Rng(0)))
        .hasMessageContaining("there are 8");
  }

  @Test
  void novelClassesCompeteWithKnownOnes() {
    Tensor support = Tensor.of(new double[][] {{1, 0, 0}, {0, 1, 0}, {0, 0.8, 0.6}});
    Tensor test = Tensor.of(new double[][] {{1, 0.1, 0}, {0, 1, 0.1}, {0, 0.9, 0.1}, {0.1, 0, 1}});
    Embeddings.NovelClasses result =
        Embeddings.novelClasses(support, labels(0, 1, 2), test, labels(0, 1, 2, 2), Set.of(1, 2));
    assertThat(result.joint()).isEqualTo(0.75);
    assertThat(result.known()).isEqualTo(1);
    assertThat(result.novel()).isCloseTo(2 / 3.0, within(1e-12));
    assertThat(result.disjoint()).isCloseTo(2 / 3.0, within(1e-12));
    assertThatThrownBy(
            () ->
                Embeddings.novelClasses(
                    support, labels(0, 1, 2), test, labels(0, 1, 2, 2), Set.of(5)))
        .hasMessageContaining("novel must name some and not all classes");
  }

  @Test
  void variabilityIsOneMinusTheMeanCosineOfAllPairs() {
    Tensor x = Tensor.of(new double[][] {{2, 0}, {0, 3}, {1, 1}, {1, 1}});
    Tensor y = labels(0, 0, 1, 1);
    // Class 0: the mean (1/2, 1/2) has the squared length 1/2. Class 1: one direction.
    assertThat(Embeddings.intraClassVariability(x, y)).isCloseTo(0.25, within(1e-12));
    assertThat(Embeddings.meanIntraClassAngle(x, y)).isCloseTo(Math.PI / 4, within(1e-7));
    assertThat(Embeddings.meanIntraClassAngle(x, labels(0, 1, 2, 3))).isNaN();
  }

  @Test
  void kMeansSurvivesEqualSamples() {
    KMeans same = KMeans.fit(Tensor.ones(6, 3), 2, 2, new Rng(0));
    assertThat(same.inertia()).isCloseTo(0, within(1e-6));
    assertThatThrownBy(() -> KMeans.fit(Tensor.ones(6, 3), 7, 1, new Rng(0)))
        .hasMessage("k must be in 1..6 (the number of samples), was 7");
  }

  @Test
  void linearProbeMeetsItsOptimalityConditions() {
    Rng rng = new Rng(4);
    Tensor x = rng.normal(Dtype.FLOAT64, 80, 5);
    Tensor y = rng.integers(0, 3, 80);
    LinearProbe probe = LinearProbe.fit(x, y, 3, 0.1);
    Tensor residual = probe.logits(x).softmax(1).sub(Functional.oneHot(y, 3).to(Dtype.FLOAT64));
    Tensor gradient = x.mT().matmul(residual).div(80).add(probe.weight().mul(0.1));
    assertThat(gradient.abs().max().item()).isLessThan(2e-6);
    assertThat(residual.mean(0).abs().max().item()).isLessThan(2e-6);
  }

  @Test
  void linearProbeSeparatesWhatIsSeparable() {
    Tensor x = clusters(4, 30, 0.05, new Rng(5));
    Tensor y = clusterLabels(4, 30);
    assertThat(LinearProbe.fit(x, y, 4, 1e-3).accuracy(x, y)).isEqualTo(1);
    assertThatThrownBy(() -> LinearProbe.fit(x, y, 4, -1))
        .hasMessage("ridge must be 0 or more, was -1.0");
    assertThatThrownBy(() -> LinearProbe.fit(x, labels(1, 2), 4, 1)).hasMessageContaining("same n");
  }
}
