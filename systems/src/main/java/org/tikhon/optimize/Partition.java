package org.tikhon.optimize;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * From which blocks {@link BlockCoordinateDescent} chooses: any tau coordinates, or the blocks of a
 * fixed partition. The last block of a fixed partition may be shorter than the others (ours).
 */
public final class Partition {
  private enum Kind {
    VARIABLE,
    ORDER,
    AVERAGE,
    SORT,
    GIVEN
  }

  private final Kind kind;
  private final int size;
  private final List<int[]> given;

  private Partition(Kind kind, int size, List<int[]> given) {
    Check.require(size >= 1, "the size of a block", size, "at least 1");
    this.kind = kind;
    this.size = size;
    this.given = given;
  }

  /** Any tau coordinates, chosen anew for every step: the fastest. */
  public static Partition variable(int tau) {
    return new Partition(Kind.VARIABLE, tau, List.of());
  }

  /** Coordinates 0, ..., tau - 1, then the next tau, and so on. */
  public static Partition order(int tau) {
    return new Partition(Kind.ORDER, tau, List.of());
  }

  /** Small and large L_i in turns, so that blocks are alike. */
  public static Partition average(int tau) {
    return new Partition(Kind.AVERAGE, tau, List.of());
  }

  /** Sorted by L_i, so that a block's L_i are alike: the best of the fixed ones. */
  public static Partition sort(int tau) {
    return new Partition(Kind.SORT, tau, List.of());
  }

  /**
   * These blocks.
   *
   * @param blocks not empty; they may overlap, and are candidates then
   */
  public static Partition of(List<int[]> blocks) {
    int largest = blocks.stream().mapToInt(b -> b.length).max().orElse(0);
    return new Partition(Kind.GIVEN, largest, blocks.stream().map(int[]::clone).toList());
  }

  boolean isVariable() {
    return kind == Kind.VARIABLE;
  }

  int size() {
    return size;
  }

  /** The blocks; none if variable. */
  List<int[]> blocks(SmoothProblem problem) {
    int n = problem.dim();
    Check.require(size <= n, "the size of a block", size, "at most n = " + n);
    return switch (kind) {
      case VARIABLE -> List.of();
      case GIVEN -> given;
      case ORDER -> pieces(IntStream.range(0, n).toArray());
      case SORT -> pieces(sorted(problem));
      case AVERAGE -> {
        int[] sorted = sorted(problem);
        yield pieces(
            IntStream.range(0, n).map(i -> sorted[i % 2 == 0 ? i / 2 : n - 1 - i / 2]).toArray());
      }
    };
  }

  private List<int[]> pieces(int[] order) {
    return pieces(order, size);
  }

  static List<int[]> pieces(int[] order, int size) {
    List<int[]> blocks = new ArrayList<>();
    for (int from = 0; from < order.length; from += size) {
      blocks.add(Arrays.copyOfRange(order, from, Math.min(from + size, order.length)));
    }
    return blocks;
  }

  /** By L_i, descending. */
  private static int[] sorted(SmoothProblem problem) {
    return Ranking.descending(
        IntStream.range(0, problem.dim()).mapToDouble(problem::coordinateBound).toArray());
  }
}
