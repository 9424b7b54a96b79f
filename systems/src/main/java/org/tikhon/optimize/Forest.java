package org.tikhon.optimize;

import java.util.Arrays;

/** Grows a set of nodes of a graph, the entries of a symmetric matrix off its diagonal. */
public final class Forest {
  private final SparseMatrix graph;

  /** The union-find parent of a node, -1 for one that is not in the set. */
  private final int[] tree;

  /** The node that touched a tree last, at its root. */
  private final int[] touched;

  /** An empty set. */
  Forest(SparseMatrix graph) {
    this.graph = graph;
    tree = new int[graph.rows()];
    touched = new int[graph.rows()];
    clear();
  }

  /**
   * Whether a block of coordinates has no cycle.
   *
   * @param graph symmetric
   * @param block different coordinates
   */
  public static boolean isForest(SparseMatrix graph, int[] block) {
    Forest forest = new Forest(graph);
    for (int i : block) {
      if (!forest.add(i)) {
        return false;
      }
    }
    return true;
  }

  void clear() {
    Arrays.fill(tree, -1);
    Arrays.fill(touched, -1);
  }

  /**
   * Adds a node unless that closes a cycle: unless two of its neighbours are in the same tree.
   *
   * @return whether it was added
   */
  boolean add(int node) {
    for (int e = graph.start[node]; e < graph.start[node + 1]; e++) {
      if (joins(node, e)) {
        int root = find(graph.index[e]);
        if (touched[root] == node) {
          return false;
        }
        touched[root] = node;
      }
    }
    tree[node] = node;
    for (int e = graph.start[node]; e < graph.start[node + 1]; e++) {
      if (joins(node, e)) {
        tree[find(graph.index[e])] = node;
      }
    }
    return true;
  }

  private boolean joins(int node, int entry) {
    int j = graph.index[entry];
    return j != node && tree[j] >= 0 && graph.value[entry] != 0;
  }

  /** The root, halving the path to it. */
  private int find(int node) {
    int i = node;
    while (tree[i] != i) {
      tree[i] = tree[tree[i]];
      i = tree[i];
    }
    return i;
  }
}
