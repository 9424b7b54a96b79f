package org.tikhon.solve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/** A directed acyclic graph with a weight on each edge. */
public final class Dag {
  private final double[][] weights;
  private final List<Integer> order;

  /**
   * An edge.
   *
   * @param from the cause's number, from 0
   * @param to the effect's
   */
  public record Edge(int from, int to, double weight) {}

  private Dag(double[][] weights, List<Integer> order) {
    this.weights = weights;
    this.order = order;
  }

  /**
   * The graph of the entries that are not 0.
   *
   * @param weights {@code [d, d]}, W_ij for the edge i to j; they are copied
   * @throws IllegalArgumentException if they are not square or not finite, or have a cycle; the
   *     message names one
   */
  public static Dag of(double[][] weights) {
    double[][] w = checked(weights);
    return new Dag(
        w,
        order(w)
            .orElseThrow(
                () ->
                    new IllegalArgumentException("the graph must have no cycle, has " + cycle(w))));
  }

  /**
   * The graph of the weights above a threshold in absolute value, without edges from a node to
   * itself; while a cycle is left, the smallest remaining weight is dropped.
   *
   * @param threshold 0 or more
   */
  public static Dag threshold(double[][] weights, double threshold) {
    DagData.require(threshold >= 0, "threshold", threshold, "0 or more");
    double[][] w = checked(weights);
    List<Edge> rising = new ArrayList<>();
    for (int i = 0; i < w.length; i++) {
      for (int j = 0; j < w.length; j++) {
        if (i == j || Math.abs(w[i][j]) <= threshold) {
          w[i][j] = 0;
        } else {
          rising.add(new Edge(i, j, w[i][j]));
        }
      }
    }
    rising.sort(Comparator.comparingDouble(e -> Math.abs(e.weight)));
    // The smallest number of dropped edges that leaves no cycle: dropping more never adds one.
    int low = 0;
    int high = rising.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (order(without(w, rising.subList(0, middle))).isPresent()) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    double[][] acyclic = without(w, rising.subList(0, low));
    return new Dag(acyclic, order(acyclic).orElseThrow());
  }

  private static double[][] checked(double[][] weights) {
    DagData.checkSquare("the weights", weights);
    double[][] w = SquareRows.copy(weights);
    for (int i = 0; i < w.length; i++) {
      for (int j = 0; j < w.length; j++) {
        if (!Double.isFinite(w[i][j])) {
          throw new IllegalArgumentException(
              "the weight of edge %d -> %d must be finite, is %s".formatted(i, j, w[i][j]));
        }
      }
    }
    return w;
  }

  private static double[][] without(double[][] w, List<Edge> dropped) {
    double[][] rest = SquareRows.copy(w);
    dropped.forEach(e -> rest[e.from][e.to] = 0);
    return rest;
  }

  /** Causes before effects; empty if there is a cycle. */
  private static Optional<List<Integer>> order(double[][] w) {
    int[] causes = new int[w.length];
    for (double[] row : w) {
      for (int j = 0; j < w.length; j++) {
        causes[j] += row[j] != 0 ? 1 : 0;
      }
    }
    Deque<Integer> free = new ArrayDeque<>();
    for (int j = 0; j < w.length; j++) {
      if (causes[j] == 0) {
        free.add(j);
      }
    }
    List<Integer> order = new ArrayList<>();
    while (!free.isEmpty()) {
      int i = free.remove();
      order.add(i);
      for (int j = 0; j < w.length; j++) {
        if (w[i][j] != 0 && --causes[j] == 0) {
          free.add(j);
        }
      }
    }
    return order.size() == w.length ? Optional.of(List.copyOf(order)) : Optional.empty();
  }

  /** Some cycle of a graph that has one, such as {@code 0 -> 2 -> 0}. */
  private static String cycle(double[][] w) {
    boolean[] alive = new boolean[w.length];
    Arrays.fill(alive, true);
    // Nodes without a living cause are on no cycle; from any other one can go back for ever.
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int j = 0; j < w.length; j++) {
        if (alive[j] && cause(w, alive, j) < 0) {
          alive[j] = false;
          changed = true;
        }
      }
    }
    int node = 0;
    while (!alive[node]) {
      node++;
    }
    List<Integer> back = new ArrayList<>();
    while (!back.contains(node)) {
      back.add(node);
      node = cause(w, alive, node);
    }
    StringBuilder text = new StringBuilder();
    text.append(node);
    for (int k = back.size() - 1; k >= back.indexOf(node); k--) {
      text.append(" -> ").append(back.get(k));
    }
    return text.toString();
  }

  private static int cause(double[][] w, boolean[] alive, int j) {
    for (int i = 0; i < w.length; i++) {
      if (alive[i] && w[i][j] != 0) {
        return i;
      }
    }
    return -1;
  }

  /** The number of nodes. */
  public int size() {
    return weights.length;
  }

  /** Whether there is an edge. */
  public boolean has(int from, int to) {
    return weights[from][to] != 0;
  }

  /** The weights, {@code [d, d]}, 0 where there is no edge; a copy. */
  public double[][] weights() {
    return SquareRows.copy(weights);
  }

  /** The edges, by cause and then effect. */
  public List<Edge> edges() {
    List<Edge> edges = new ArrayList<>();
    for (int i = 0; i < weights.length; i++) {
      for (int j = 0; j < weights.length; j++) {
        if (weights[i][j] != 0) {
          edges.add(new Edge(i, j, weights[i][j]));
        }
      }
    }
    return edges;
  }

  /** The nodes, causes before effects. */
  public List<Integer> topologicalOrder() {
    return order;
  }

  /** The causes of a node, rising. */
  public List<Integer> parents(int node) {
    return edges().stream().filter(e -> e.to == node).map(Edge::from).toList();
  }
}
