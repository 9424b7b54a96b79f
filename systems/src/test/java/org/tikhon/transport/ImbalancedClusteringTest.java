package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.ImbalancedClustering.Epoch;

class ImbalancedClusteringTest {
  /** Three far blobs of 160, 60 and 20 samples. */
  private static final int[] LABELS = labels();

  private static int[] labels() {
    int[] labels = new int[240];
    Arrays.fill(labels, 160, 220, 1);
    Arrays.fill(labels, 220, 240, 2);
    return labels;
  }

  private static Views blobs() {
    double[][] centres = {{6, 0, 0, 0}, {0, 6, 0, 0}, {0, 0, 6, 0}};
    double[][] x = new double[LABELS.length][];
    Arrays.setAll(x, i -> centres[LABELS[i]].clone());
    Rng rng = new Rng(1);
    Tensor inputs = Tensor.of(x).to(Dtype.FLOAT32).add(rng.normal(240, 4).mul(0.4));
    return Views.noisy(inputs, 0.1);
  }

  private static ImbalancedClustering clustering(PseudoLabels labels, long seed) {
    return new ImbalancedClustering(new Mlp(4, List.of(16), 8, new Rng(seed)), 8, 3, labels, seed)
        .batchSize(120)
        .memory(0)
        .learningRate(5e-3);
  }

  @ParameterizedTest
  @EnumSource
  void learnsWithEveryKindOfLabels(PseudoLabels labels) {
    Views data = blobs();
    ImbalancedClustering clustering = clustering(labels, 3);
    List<Epoch> history = clustering.fit(data, 10);
    assertThat(history).hasSize(10);
    assertThat(history.getFirst().solves()).isEqualTo(4);
    assertThat(history.getFirst().iterations()).isPositive();
    assertThat(history.getFirst().rho()).isBetween(labels.rho0(), 1.0);
    int[] clusters = clustering.predict(data.inputs());
    ClusterScores scores = ClusterScores.of(clusters, 3, LABELS, 3);
    assertThat(scores.nmi()).isGreaterThan(labels == PseudoLabels.BALANCED ? 0.4 : 0.5);
    assertThat(clustering.probabilities(data.inputs()).sum(1).sub(1).abs().max().item())
        .isLessThan(1e-5);
  }

  @Test
  void theSameSeedGivesTheSameClusters() {
    Views data = blobs();
    ImbalancedClustering a = clustering(PseudoLabels.SP2OT, 5);
    ImbalancedClustering b = clustering(PseudoLabels.SP2OT, 5);
    assertThat(a.fit(data, 3)).isEqualTo(b.fit(data, 3));
    assertThat(a.predict(data.inputs())).isEqualTo(b.predict(data.inputs()));
    ImbalancedClustering loaded = clustering(PseudoLabels.SP2OT, 6);
    loaded.load(a.state());
    assertThat(loaded.probabilities(data.inputs()).toFloatArray())
        .isEqualTo(a.probabilities(data.inputs()).toFloatArray());
  }

  @Test
  void theModelOfTheLowestSelectedLossIsKept() {
    Views data = blobs();
    ImbalancedClustering whole = clustering(PseudoLabels.PPOT, 2).learningRate(0.2);
    List<int[]> afterEpoch = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    whole.listener(
        e -> {
          losses.add(e.selectedLoss());
          afterEpoch.add(whole.predict(data.inputs()));
        });
    whole.fit(data, 6);
    int best = losses.indexOf(losses.stream().min(Double::compare).orElseThrow());
    assertThat(whole.predict(data.inputs())).isEqualTo(afterEpoch.get(best));
  }

  @Test
  void aMemoryTransportsMoreThanTheBatch() {
    Views data = blobs();
    ImbalancedClustering small = clustering(PseudoLabels.SP2OT, 4).batchSize(40).memory(100);
    List<Epoch> history = small.fit(data, 6);
    assertThat(history.getLast().loss()).isLessThan(history.getFirst().selectedLoss());
    assertThat(small.predict(data.inputs())).hasSize(240);
  }

  @Test
  void aPriorInAnyOrderHelpsTheSizes() {
    Views data = blobs();
    ImbalancedClustering clustering =
        clustering(PseudoLabels.PPOT, 1).prior(new double[] {20 / 240.0, 160 / 240.0, 60 / 240.0});
    clustering.fit(data, 10);
    int[] sizes = new int[3];
    Arrays.stream(clustering.predict(data.inputs())).forEach(k -> sizes[k]++);
    assertThat(Arrays.stream(sizes).sorted().toArray()[2]).isBetween(120, 200);
  }

  @Test
  void theLossDoesNotNormaliseItsRows() {
    Tensor logits = new Rng(1).normal(Dtype.FLOAT64, 5, 3);
    Tensor q = new Rng(2).uniform(Dtype.FLOAT64, 5, 3).mul(0.2);
    Tensor expected = q.mul(logits.logSoftmax(1)).sum().div(-5);
    assertThat(ImbalancedClustering.loss(logits, q).item())
        .isEqualTo(expected.item(), within(1e-15));
    assertThat(ImbalancedClustering.loss(logits, q.mul(0.5)).item())
        .isEqualTo(expected.item() / 2, within(1e-15));
    assertThat(
            Autograd.checkGrad(
                inputs -> ImbalancedClustering.loss(inputs.getFirst(), q), List.of(logits)))
        .isLessThan(1e-8);
    // A sample that is not selected does not pull.
    Tensor free = logits.cloned().setRequiresGrad(true);
    Tensor unselected = q.cloned();
    unselected.get(2).fill_(0);
    Tensor gradient = Autograd.grad(ImbalancedClustering.loss(free, unselected), free);
    assertThat(gradient.get(2).abs().sum().item()).isZero();
  }

  @Test
  void survivesSmallProblems() {
    Views one = Views.noisy(new Rng(1).normal(1, 4), 0.1);
    assertThat(clustering(PseudoLabels.SP2OT, 1).fit(one, 2)).hasSize(2);
    ImbalancedClustering single =
        new ImbalancedClustering(
            new Mlp(4, List.of(4), 2, new Rng(1)), 2, 1, PseudoLabels.SP2OT, 1);
    single.fit(blobs(), 1);
    assertThat(single.predict(blobs().inputs())).containsOnly(0);
    // Equal rows, and more clusters than samples.
    Views equal = Views.noisy(Tensor.ones(Dtype.FLOAT32, 2, 4), 0);
    assertThat(clustering(PseudoLabels.BALANCED, 1).fit(equal, 2).getLast().loss()).isFinite();
  }

  @Test
  void refusesBadInput() {
    Mlp encoder = new Mlp(4, List.of(4), 2, new Rng(1));
    assertThatThrownBy(() -> new ImbalancedClustering(encoder, 2, 0, PseudoLabels.PPOT, 1))
        .hasMessage("clusters must be at least 1, was 0");
    ImbalancedClustering c = clustering(PseudoLabels.PPOT, 1);
    assertThatThrownBy(() -> c.batchSize(0)).hasMessage("batchSize must be at least 1, was 0");
    assertThatThrownBy(() -> c.memory(-1)).hasMessage("memory must be at least 0, was -1");
    assertThatThrownBy(() -> c.learningRate(0))
        .hasMessage("learningRate must be positive, was 0.0");
    assertThatThrownBy(() -> c.rho0(0)).hasMessage("rho0 must be in (0, 1], was 0.0");
    assertThatThrownBy(() -> c.similarity(0, 2)).hasMessage("neighbours must be at least 1, was 0");
    assertThatThrownBy(() -> c.similarity(1, -2)).hasMessage("width must be positive, was -2.0");
    assertThatThrownBy(() -> c.prior(new double[] {1, 1, 1})).hasMessageContaining("sum 1");
    assertThatThrownBy(() -> c.fit(blobs(), 0)).hasMessage("epochs must be at least 1, was 0");
    Tensor x = Tensor.ones(Dtype.FLOAT32, 3, 2);
    assertThatThrownBy(() -> Views.noisy(x.mul(Double.NaN), 0))
        .hasMessage("inputs must be finite, has NaN or infinite values");
    assertThatThrownBy(() -> Views.noisy(x, -1))
        .hasMessage("sigma must be finite and 0 or more, was -1.0");
    assertThatThrownBy(() -> new Views(x, x.slice(0, 0, 2), (b, rng) -> b))
        .hasMessage("features must be [3, d], was [2, 2]");
    assertThatThrownBy(() -> new Views(x.slice(0, 0, 0), x, (b, rng) -> b))
        .hasMessageContaining("inputs must have at least one sample");
  }

  @Test
  void saysWhenTrainingDiverges() {
    Views broken = new Views(blobs().inputs(), blobs().features(), (b, rng) -> b.mul(Double.NaN));
    assertThatThrownBy(() -> clustering(PseudoLabels.PPOT, 1).fit(broken, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("training diverged: the predictions are not finite in epoch 1");
  }

  @Test
  void clustersAreMatchedToClasses() {
    int[] labels = {0, 0, 0, 0, 1, 1, 2, 2};
    int[] clusters = {2, 2, 2, 0, 0, 0, 1, 0};
    ClusterScores s = ClusterScores.of(clusters, 3, labels, 3);
    assertThat(s.classOf()).containsExactly(1, 2, 0);
    assertThat(s.accuracy()).isEqualTo((0.75 + 1 + 0.5) / 3, within(1e-12));
    assertThat(s.overall()).isEqualTo(6 / 8.0, within(1e-12));
    assertThat(s.f1()).isEqualTo((6 / 7.0 + 4 / 6.0 + 2 / 3.0) / 3, within(1e-12));
    assertThat(s.head()).isEqualTo(0.75, within(1e-12));
    assertThat(s.medium()).isEqualTo(1, within(1e-12));
    assertThat(s.tail()).isEqualTo(0.5, within(1e-12));
    // More clusters than classes, and fewer.
    ClusterScores more = ClusterScores.of(new int[] {0, 1, 2, 2}, 3, new int[] {0, 0, 1, 1}, 2);
    assertThat(more.classOf()).contains(-1);
    assertThat(more.accuracy()).isEqualTo(0.75, within(1e-12));
    ClusterScores fewer = ClusterScores.of(new int[] {0, 0, 0}, 1, new int[] {0, 0, 1}, 2);
    assertThat(fewer.accuracy()).isEqualTo(0.5, within(1e-12));
    assertThatThrownBy(() -> ClusterScores.of(new int[] {3}, 3, new int[] {0}, 1))
        .hasMessage("clusters[0] must be in 0..2, was 3");
    assertThatThrownBy(() -> ClusterScores.of(new int[] {0}, 1, new int[0], 1))
        .hasMessageContaining("same length");
  }
}
