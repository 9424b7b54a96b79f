package org.tikhon.optimize;

import java.util.Arrays;

/**
 * Solves {@code A_bb x_b = rhs} exactly in O(|b|) where the graph of A_bb is a forest (Gaussian
 * belief propagation, as elimination): from the leaves to the roots
 *
 * <pre>P_parent -= A_ip^2 / P_i,  h_parent -= A_ip h_i / P_i,</pre>
 *
 * and back, {@code x_i = (h_i - A_ip x_parent) / P_i}. Arrays of length n are kept, so that a block
 * costs no more than its entries.
 */
public final class TreeSolver {
  private final SparseMatrix a;

  /** Positions in the block, -1 outside. */
  private final int[] position;

  /**
   * A solver.
   *
   * @param a A, {@code [n, n]}, symmetric positive definite
   */
  public TreeSolver(SparseMatrix a) {
    this.a = a;
    position = new int[a.rows()];
    Arrays.fill(position, -1);
  }

  /**
   * Solves for one block.
   *
   * @param block different coordinates
   * @param rhs as long as the block
   * @param out takes x_b; may be rhs
   * @throws IllegalArgumentException if the block is not a forest, or names a coordinate twice
   */
  public static void solve(SparseMatrix a, int[] block, double[] rhs, double[] out) {
    new TreeSolver(a).factor(block).solve(rhs, out);
  }

  /**
   * Eliminates a block, for any number of right-hand sides.
   *
   * @throws IllegalArgumentException if the block is not a forest, or names a coordinate twice
   */
  public Factor factor(int[] block) {
    int size = block.length;
    // Positions in breadth-first order, parents before children.
    int[] order = new int[size];
    int[] parent = new int[size];
    double[] link = new double[size];
    double[] pivot = new double[size];
    Arrays.fill(parent, -2);
    try {
      for (int k = 0; k < size; k++) {
        Check.require(
            position[block[k]] < 0,
            "coordinate " + block[k] + " of a block",
            "twice",
            "named once");
        position[block[k]] = k;
      }
      int found = 0;
      for (int root = 0; root < size; root++) {
        if (parent[root] != -2) {
          continue;
        }
        parent[root] = -1;
        order[found++] = root;
        for (int next = found - 1; next < found; next++) {
          found = children(block, order[next], order, found, parent, link, pivot);
        }
      }
    } finally {
      for (int i : block) {
        position[i] = -1;
      }
    }
    for (int t = size - 1; t >= 0; t--) {
      int i = order[t];
      if (!(pivot[i] > 0)) {
        throw new IllegalArgumentException(
            "A must be positive definite in a block, has the pivot " + pivot[i]);
      }
      if (parent[i] >= 0) {
        pivot[parent[i]] -= link[i] * link[i] / pivot[i];
      }
    }
    return new Factor(order, parent, link, pivot);
  }

  /** Appends the neighbours of a node that are in the block to the order, as its children. */
  private int children(
      int[] block, int node, int[] order, int found, int[] parent, double[] link, double[] pivot) {
    int count = found;
    int row = block[node];
    for (int e = a.start[row]; e < a.start[row + 1]; e++) {
      int j = position[a.index[e]];
      if (j == node) {
        pivot[node] = a.value[e];
      } else if (j >= 0 && j != parent[node] && a.value[e] != 0) {
        if (parent[j] != -2) {
          throw new IllegalArgumentException("block is not a forest");
        }
        parent[j] = node;
        link[j] = a.value[e];
        order[count++] = j;
      }
    }
    return count;
  }

  /** A block whose pivots are known. */
  public static final class Factor {
    private final int[] order;
    private final int[] parent;
    private final double[] link;
    private final double[] pivot;

    private Factor(int[] order, int[] parent, double[] link, double[] pivot) {
      this.order = order;
      this.parent = parent;
      this.link = link;
      this.pivot = pivot;
    }

    /** The P_i, in the order of the block. */
    double[] pivots() {
      return pivot.clone();
    }

    /**
     * Solves.
     *
     * @param rhs in the order of the block
     * @param out takes x_b; may be rhs
     */
    public void solve(double[] rhs, double[] out) {
      System.arraycopy(rhs, 0, out, 0, order.length);
      for (int t = order.length - 1; t >= 0; t--) {
        int i = order[t];
        if (parent[i] >= 0) {
          out[parent[i]] -= link[i] * out[i] / pivot[i];
        }
      }
      for (int i : order) {
        double h = parent[i] >= 0 ? out[i] - link[i] * out[parent[i]] : out[i];
        out[i] = h / pivot[i];
      }
    }
  }
}
