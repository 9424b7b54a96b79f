package org.tikhon.optimize;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Partitions of the nodes of a graph into few blocks that are solved exactly in linear time. */
public final class TreePartition {
  private TreePartition() {}

  /**
   * Two combs of a lattice, the nodes numbered by rows: the top row with the even columns without
   * their last node, and the rest. A single row is one tree.
   *
   * @param rows at least 1
   * @param columns at least 1
   */
  public static List<int[]> lattice(int rows, int columns) {
    checkLattice(rows, columns);
    return split(
        rows * columns,
        i -> rows == 1 || i < columns || (i % columns % 2 == 0 && i < (rows - 1) * columns));
  }

  /**
   * The two colours of a chessboard: blocks without neighbours.
   *
   * @param rows at least 1
   * @param columns at least 1
   */
  public static List<int[]> redBlack(int rows, int columns) {
    checkLattice(rows, columns);
    return split(rows * columns, i -> (i / columns + i % columns) % 2 == 0);
  }

  private static void checkLattice(int rows, int columns) {
    Check.require(
        rows >= 1 && columns >= 1, "the lattice", rows + " x " + columns, "at least 1 x 1");
  }

  private static List<int[]> split(int nodes, IntPredicate first) {
    List<int[]> blocks = new ArrayList<>();
    blocks.add(IntStream.range(0, nodes).filter(first).toArray());
    int[] rest = IntStream.range(0, nodes).filter(first.negate()).toArray();
    if (rest.length > 0) {
      blocks.add(rest);
    }
    return blocks;
  }

  /**
   * Few forests of any graph: every node goes to the first forest in which it touches every tree at
   * most once.
   *
   * @param graph symmetric, {@code [n, n]}
   */
  public static List<int[]> greedy(SparseMatrix graph) {
    List<Forest> forests = new ArrayList<>();
    int[] which = new int[graph.rows()];
    for (int i = 0; i < which.length; i++) {
      int f = 0;
      while (f < forests.size() && !forests.get(f).add(i)) {
        f++;
      }
      if (f == forests.size()) {
        forests.add(new Forest(graph));
        forests.get(f).add(i);
      }
      which[i] = f;
    }
    return classes(which, forests.size());
  }

  /**
   * A colouring: blocks with a diagonal matrix. The nodes choose in the order of their diagonal
   * entries, the largest first, the least used colour that no neighbour has.
   *
   * @param graph symmetric, {@code [n, n]}
   */
  public static List<int[]> colouring(SparseMatrix graph) {
    int n = graph.rows();
    int[] colour = new int[n];
    Arrays.fill(colour, -1);
    int[] used = new int[n];
    boolean[] taken = new boolean[n];
    int colours = 0;
    double[] diagonal = IntStream.range(0, n).mapToDouble(i -> graph.get(i, i)).toArray();
    for (int i : Ranking.descending(diagonal)) {
      for (int e = graph.start[i]; e < graph.start[i + 1]; e++) {
        int c = colour[graph.index[e]];
        if (c >= 0 && graph.value[e] != 0) {
          taken[c] = true;
        }
      }
      int best = colours;
      for (int c = 0; c < colours; c++) {
        if (!taken[c] && (best == colours || used[c] < used[best])) {
          best = c;
        }
        taken[c] = false;
      }
      colours = Math.max(colours, best + 1);
      colour[i] = best;
      used[best]++;
    }
    return classes(colour, colours);
  }

  private static List<int[]> classes(int[] which, int count) {
    return IntStream.range(0, count)
        .mapToObj(c -> IntStream.range(0, which.length).filter(i -> which[i] == c).toArray())
        .toList();
  }
}
