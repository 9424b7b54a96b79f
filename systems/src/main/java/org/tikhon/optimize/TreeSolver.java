package org.tikhon.optimize;

import java.util.Arrays;

/**
 * Solves {@code A_bb x_b = rhs} exactly in O(|b|) where the graph of A_bb is a forest (Gaussian
 * belief propagation, as elimination): from the leaves to the roots
 *
 * <pre>P_parent -= A_ip^2 / P_i,  h_parent -= A_ip h_i / P_i,</pre>
 *
 * and back, {@code x_i = h_i / P_i - A_ip / P_i x_parent}. Arrays of length n are kept, so that a
 * block costs no more than its entries.
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
    // Of the neighbours that are left: their number, and the exclusive or of their positions and of
    // the bits of their entries. Where one is left, these are its own.
    int[] degree = new int[size];
    int[] neighbour = new int[size];
    long[] entry = new long[size];
    double[] pivot = new double[size];
    try {
      for (int k = 0; k < size; k++) {
        Check.require(
            position[block[k]] < 0,
            "coordinate " + block[k] + " of a block",
            "twice",
            "named once");
        position[block[k]] = k;
      }
      for (int k = 0; k < size; k++) {
        for (int e = a.start[block[k]]; e < a.start[block[k] + 1]; e++) {
          int j = position[a.index[e]];
          if (j == k) {
            pivot[k] = a.value[e];
          } else if (j >= 0 && a.value[e] != 0) {
            degree[k]++;
            neighbour[k] ^= j;
            entry[k] ^= Double.doubleToRawLongBits(a.value[e]);
          }
        }
      }
    } finally {
      for (int i : block) {
        position[i] = -1;
      }
    }
    return eliminate(degree, neighbour, entry, pivot);
  }

  /** Leaf by leaf; the last coordinate of the block is the root of its tree. */
  private static Factor eliminate(int[] degree, int[] neighbour, long[] entry, double[] pivot) {
    int size = degree.length;
    int last = size - 1;
    int[] order = new int[size];
    int[] parent = new int[size];
    double[] ratio = new double[size];
    int found = 0;
    for (int k = 0; k < size; k++) {
      if (degree[k] == 0 || (degree[k] == 1 && k != last)) {
        order[found++] = k;
      }
    }
    for (int t = 0; t < found; t++) {
      int i = order[t];
      if (!(pivot[i] > 0)) {
        throw new IllegalArgumentException(
            "A must be positive definite in a block, has the pivot " + pivot[i]);
      }
      if (degree[i] == 0) {
        parent[i] = -1;
        continue;
      }
      int p = neighbour[i];
      double link = Double.longBitsToDouble(entry[i]);
      parent[i] = p;
      ratio[i] = link / pivot[i];
      pivot[p] -= link * ratio[i];
      degree[p]--;
      neighbour[p] ^= i;
      entry[p] ^= entry[i];
      if (degree[p] == (p == last ? 0 : 1)) {
        order[found++] = p;
      }
    }
    if (found < size) {
      throw new IllegalArgumentException("block is not a forest");
    }
    return new Factor(order, parent, ratio, pivot);
  }

  /** A block whose pivots are known. */
  public static final class Factor {
    /** Children before their parents. */
    private final int[] order;

    private final int[] parent;

    /** A_ip / P_i. */
    private final double[] ratio;

    private final double[] pivot;

    private Factor(int[] order, int[] parent, double[] ratio, double[] pivot) {
      this.order = order;
      this.parent = parent;
      this.ratio = ratio;
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
      for (int i : order) {
        if (parent[i] >= 0) {
          out[parent[i]] -= ratio[i] * out[i];
        }
      }
      for (int t = order.length - 1; t >= 0; t--) {
        int i = order[t];
        double known = parent[i] >= 0 ? ratio[i] * out[parent[i]] : 0;
        out[i] = out[i] / pivot[i] - known;
      }
    }
  }
}
