package org.tikhon.solve;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/**
 * Generated data for graph learners: a random graph with random weights, and observations of {@code
 * x_j = sum_i W_ij x_i + z_j}.
 */
public final class LinearSem {
  private final int d;
  private final int edges;
  private final boolean scaleFree;
  private double least = 0.5;
  private double largest = 2;
  private Noise noise = Noise.gaussian(1);

  /**
   * Observations and what made them.
   *
   * @param x {@code [n, d]}
   * @param graph with the weights
   * @param noiseVariances {@code [d]}
   */
  public record Sample(double[][] x, Dag graph, double[] noiseVariances) {}

  private LinearSem(int d, int edges, boolean scaleFree) {
    this.d = d;
    this.edges = edges;
    this.scaleFree = scaleFree;
  }

  /**
   * Erdos-Renyi graphs: each pair of nodes has an edge with the same probability, in the direction
   * of a random order.
   *
   * @param nodes at least 2
   * @param edges the expected number, 0 to {@code nodes (nodes - 1) / 2}; "ER4" is 4 times nodes
   */
  public static LinearSem erdosRenyi(int nodes, int edges) {
    check(nodes, edges);
    return new LinearSem(nodes, edges, false);
  }

  /**
   * Scale-free graphs (Barabasi and Albert): one node after the other gets edges to {@code edges /
   * nodes} earlier ones, rounded, drawn with probabilities proportional to the edges that these
   * have already, plus one.
   *
   * @param nodes at least 2
   * @param edges about how many, from {@code nodes / 2}; "SF4" is 4 times nodes
   */
  public static LinearSem scaleFree(int nodes, int edges) {
    check(nodes, edges);
    DagData.require(2 * edges >= nodes, "edges", edges, "at least nodes / 2");
    return new LinearSem(nodes, edges, true);
  }

  private static void check(int nodes, int edges) {
    DagData.require(nodes >= 2, "nodes", nodes, "at least 2");
    DagData.require(
        edges >= 0 && edges <= (long) nodes * (nodes - 1) / 2,
        "edges",
        edges,
        "0 to nodes (nodes - 1) / 2");
  }

  /** The range of the weights' absolute values; default 0.5 to 2. Signs are random. */
  public LinearSem weights(double least, double largest) {
    DagData.require(least > 0 && Double.isFinite(least), "least", least, "positive");
    DagData.require(
        largest >= least && Double.isFinite(largest), "largest", largest, "at least " + least);
    this.least = least;
    this.largest = largest;
    return this;
  }

  /** The noise; default Gaussian with variance 1. */
  public LinearSem noise(Noise noise) {
    this.noise = noise;
    return this;
  }

  /**
   * Draws a graph and observations.
   *
   * @param n how many, at least 1
   */
  public Sample sample(int n, Rng rng) {
    DagData.require(n >= 1, "n", n, "at least 1");
    int[] name = permutation(rng);
    double[][] w = new double[d][d];
    for (int[] edge : scaleFree ? barabasiAlbert(rng) : erdosRenyi(rng)) {
      double size = least + (largest - least) * rng.nextDouble();
      w[name[edge[0]]][name[edge[1]]] = rng.nextDouble() < 0.5 ? -size : size;
    }
    Dag graph = Dag.of(w);
    double[] variances = noise.variances(d, rng);
    return new Sample(observe(graph, variances, n, rng), graph, variances);
  }

  private int[] permutation(Rng rng) {
    try (Scope scope = Scope.open()) {
      double[] order = rng.permutation(d).toDoubleArray();
      int[] name = new int[d];
      for (int i = 0; i < d; i++) {
        name[i] = (int) order[i];
      }
      return name;
    }
  }

  private List<int[]> erdosRenyi(Rng rng) {
    double probability = 2.0 * edges / ((double) d * (d - 1));
    List<int[]> result = new ArrayList<>();
    for (int i = 0; i < d; i++) {
      for (int j = i + 1; j < d; j++) {
        if (rng.nextDouble() < probability) {
          result.add(new int[] {i, j});
        }
      }
    }
    return result;
  }

  private List<int[]> barabasiAlbert(Rng rng) {
    int m = (int) Math.round((double) edges / d);
    double[] attraction = new double[d];
    List<int[]> result = new ArrayList<>();
    for (int node = 0; node < d; node++) {
      double[] left = attraction.clone();
      for (int k = 0; k < Math.min(m, node); k++) {
        int chosen = choose(left, node, rng);
        left[chosen] = 0;
        attraction[chosen]++;
        result.add(new int[] {node, chosen});
      }
      attraction[node] = 1;
    }
    return result;
  }

  /** One of the first nodes, with probabilities proportional to their weights. */
  private static int choose(double[] weights, int nodes, Rng rng) {
    double all = 0;
    for (int i = 0; i < nodes; i++) {
      all += weights[i];
    }
    double rest = all * rng.nextDouble();
    int chosen = -1;
    for (int i = 0; i < nodes && rest >= 0; i++) {
      if (weights[i] > 0) {
        chosen = i;
        rest -= weights[i];
      }
    }
    return chosen;
  }

  private double[][] observe(Dag graph, double[] variances, int n, Rng rng) {
    double[] unit = noise.draw(n, d, rng);
    double[][] w = graph.weights();
    double[][] x = new double[n][d];
    for (int row = 0; row < n; row++) {
      for (int j = 0; j < d; j++) {
        x[row][j] = Math.sqrt(variances[j]) * unit[row * d + j];
      }
      for (int i : graph.topologicalOrder()) {
        for (int j = 0; j < d; j++) {
          x[row][j] += w[i][j] * x[row][i];
        }
      }
    }
    return x;
  }
}
