package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tikhon.data.DataException;
import org.tikhon.tensor.Rng;

class DagTest {
  @TempDir private Path folder;

  private static Dag graph(int d, int[]... edges) {
    double[][] w = new double[d][d];
    for (int[] edge : edges) {
      w[edge[0]][edge[1]] = 1;
    }
    return Dag.of(w);
  }

  @Test
  void breaksCyclesAtTheirSmallestWeight() {
    double[][] w = {{0.9, 0.5, 0}, {0, 0, -0.6}, {0.7, 0, 0}};
    Dag g = Dag.threshold(w, 0.3);
    assertThat(g.edges()).containsExactly(new Dag.Edge(1, 2, -0.6), new Dag.Edge(2, 0, 0.7));
    assertThat(g.topologicalOrder()).containsExactly(1, 2, 0);
    assertThat(w[0][1]).isEqualTo(0.5);
    assertThat(Dag.threshold(g.weights(), 0.3).weights()).isDeepEqualTo(g.weights());
    assertThat(Dag.threshold(w, 0.65).edges()).containsExactly(new Dag.Edge(2, 0, 0.7));
    double[][] acyclic = LinearSem.erdosRenyi(30, 100).sample(1, new Rng(3)).graph().weights();
    assertThat(Dag.threshold(acyclic, 0.3).weights()).isDeepEqualTo(acyclic);
  }

  @Test
  void refusesCycles() {
    assertThatThrownBy(() -> Dag.of(new double[][] {{0, 1, 0}, {0, 0, 1}, {0, 1, 0}}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the graph must have no cycle, has 1 -> 2 -> 1");
    assertThatThrownBy(() -> Dag.of(new double[][] {{0, 0}, {0, 1}}))
        .hasMessage("the graph must have no cycle, has 1 -> 1");
    assertThatThrownBy(() -> Dag.of(new double[][] {{0, Double.NaN}, {0, 0}}))
        .hasMessage("the weight of edge 0 -> 1 must be finite, is NaN");
    assertThatThrownBy(() -> Dag.threshold(new double[2][2], -1))
        .hasMessage("threshold must be 0 or more, was -1.0");
  }

  @Test
  void comparesGraphs() {
    Dag truth = graph(3, new int[] {0, 1}, new int[] {1, 2});
    DagMetrics m = DagMetrics.compare(truth, graph(3, new int[] {1, 0}, new int[] {0, 2}));
    assertThat(m.shd()).isEqualTo(3);
    assertThat(m.tpr()).isZero();
    assertThat(m.fdr()).isEqualTo(1);
    assertThat(m.fpr()).isEqualTo(2);
    assertThat(m.reversed()).isEqualTo(1);
    assertThat(m.extra()).isEqualTo(1);
    assertThat(m.missing()).isEqualTo(1);
    assertThat(DagMetrics.compare(truth, truth)).isEqualTo(new DagMetrics(0, 1, 0, 0, 2, 0, 0, 0));
    assertThat(DagMetrics.compare(truth, graph(3)))
        .isEqualTo(new DagMetrics(2, 0, 0, 0, 0, 0, 2, 0));
    assertThatThrownBy(() -> DagMetrics.compare(truth, graph(2)))
        .hasMessage("the number of nodes of estimate must be truth's, 3, was 2");
    assertThat(DagMetrics.relativeError(new double[] {1, 2}, new double[] {1.1, 1}))
        .isCloseTo(0.3, within(1e-12));
  }

  @ParameterizedTest
  @EnumSource
  void noiseHasItsVariance(Noise.Kind kind) {
    double[] z = Noise.of(kind, 1).draw(100_000, 1, new Rng(4));
    double mean = 0;
    for (double v : z) {
      mean += v / z.length;
    }
    double variance = 0;
    for (double v : z) {
      variance += (v - mean) * (v - mean) / z.length;
    }
    assertThat(variance).isCloseTo(1, within(0.03));
  }

  @Test
  void generatesGraphs() {
    LinearSem.Sample er =
        LinearSem.erdosRenyi(200, 800)
            .noise(Noise.gaussian(1).unequal(0.5, 10))
            .sample(50, new Rng(5));
    assertThat(er.x()).hasDimensions(50, 200);
    assertThat(er.graph().edges())
        .hasSizeBetween(700, 900)
        .allMatch(e -> Math.abs(e.weight()) >= 0.5 && Math.abs(e.weight()) <= 2)
        .anyMatch(e -> e.weight() < 0)
        .anyMatch(e -> e.weight() > 0);
    assertThat(er.noiseVariances()).hasSize(200);
    for (double variance : er.noiseVariances()) {
      assertThat(variance).isBetween(0.5, 10.0);
    }
    LinearSem.Sample sf = LinearSem.scaleFree(100, 400).sample(10, new Rng(5));
    // Each node but the first four has four edges to earlier ones.
    assertThat(sf.graph().edges()).hasSize(4 * 96 + 3 + 2 + 1);
    int most = 0;
    for (int j = 0; j < 100; j++) {
      most = Math.max(most, sf.graph().parents(j).size());
    }
    assertThat(most).isGreaterThan(15);
    assertThat(LinearSem.scaleFree(100, 400).sample(10, new Rng(5)).x()).isDeepEqualTo(sf.x());
    assertThatThrownBy(() -> LinearSem.erdosRenyi(3, 4))
        .hasMessage("edges must be 0 to nodes (nodes - 1) / 2, was 4");
    assertThatThrownBy(() -> LinearSem.erdosRenyi(3, 2).weights(0, 1))
        .hasMessage("least must be positive, was 0.0");
    assertThatThrownBy(() -> Noise.gaussian(0))
        .hasMessage("the variance must be positive, was 0.0");
  }

  @Test
  void observationsFollowTheModel() {
    LinearSem.Sample s =
        LinearSem.erdosRenyi(6, 8).noise(Noise.gaussian(2)).sample(50_000, new Rng(6));
    Residuals residuals = new Residuals(DagData.ofRows(s.x()).covariance());
    residuals.at(s.graph().weights());
    assertThat(DagMetrics.relativeError(s.noiseVariances(), residuals.variances)).isLessThan(0.02);
  }

  @Test
  void bootstrapsEdges() {
    LinearSem.Sample s = LinearSem.erdosRenyi(5, 6).sample(300, new Rng(8));
    CoLiDE learner = CoLiDE.equalVariance(0.05).learningRate(1e-3).iterations(2000, 3000);
    double[][] f = DagBootstrap.frequencies(learner, s.x(), 0.3, 10, new Rng(0));
    double found = 0;
    for (Dag.Edge e : s.graph().edges()) {
      found += f[e.from()][e.to()];
    }
    assertThat(found / s.graph().edges().size()).isGreaterThan(0.7);
    for (int i = 0; i < 5; i++) {
      assertThat(f[i][i]).isZero();
      for (double v : f[i]) {
        assertThat(10 * v).isCloseTo(Math.rint(10 * v), within(1e-9));
      }
    }
    assertThat(DagBootstrap.frequencies(learner, s.x(), 0.3, 10, new Rng(0))).isDeepEqualTo(f);
    assertThatThrownBy(() -> DagBootstrap.frequencies(learner, s.x(), 0.3, 0, new Rng(0)))
        .hasMessage("resamples must be at least 1, was 0");
    double[][] rare = new double[2][2];
    rare[0][0] = 1;
    rare[1][1] = 1;
    assertThat(DagBootstrap.frequencies(learner, rare, 0.3, 3, new Rng(0))).hasDimensions(2, 2);
  }

  @Test
  void readsTetradGraphs() throws IOException {
    Path file =
        write("Graph Nodes:\nraf;mek;erk\n\nGraph Edges:\n1. raf --> mek\n2. mek --> erk\n\n");
    TetradGraph g = TetradGraph.read(file);
    assertThat(g.names()).containsExactly("raf", "mek", "erk");
    assertThat(g.graph().edges()).containsExactly(new Dag.Edge(0, 1, 1), new Dag.Edge(1, 2, 1));
    assertThat(g.ordered(List.of("erk", "mek", "raf")).edges())
        .containsExactly(new Dag.Edge(1, 0, 1), new Dag.Edge(2, 1, 1));
    assertThatThrownBy(() -> g.ordered(List.of("erk", "mek")))
        .isInstanceOf(DataException.class)
        .hasMessage("the graph's nodes must be the columns erk, mek, are raf, mek, erk");
  }

  @Test
  void refusesBadTetradGraphs() throws IOException {
    refuses(
        "Graph Nodes:\na;b\nGraph Edges:\n1. a --> b\n2. b --> a\n", "no cycle, has a -> b -> a");
    refuses("Graph Nodes:\na;b\nGraph Edges:\n1. a --- b\n", "line 4 must be an edge such as");
    refuses("Graph Nodes:\na;b\nGraph Edges:\n1. a --> c\n", "line 4 names c, which is not among");
    refuses("a,b\n1,2\n", "must have the line \"Graph Nodes:\"");
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("graph.txt"), text);
  }

  private void refuses(String text, String message) throws IOException {
    Path file = write(text);
    assertThatThrownBy(() -> TetradGraph.read(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("graph.txt: ")
        .hasMessageContaining(message);
  }
}
