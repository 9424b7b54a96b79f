package org.tikhon.transport;

import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * The rows of a matrix in chunks that are worked on at once, each with column sums of its own that
 * are added in a fixed order: the sums do not depend on the number of processors.
 */
final class RowChunks {
  static final int COUNT = 8;

  /** So many entries are worth several threads. */
  private static final long LARGE = 1 << 17;

  private final int rows;
  private final boolean parallel;
  private final double[][] columnSums;

  /**
   * @param shareable whether several threads may work on the rows
   */
  RowChunks(int rows, int columns, boolean shareable) {
    this.rows = rows;
    this.parallel = shareable && (long) rows * columns >= LARGE;
    this.columnSums = new double[COUNT][columns];
  }

  /** The first row of a chunk. */
  int start(int chunk) {
    return (int) ((long) rows * chunk / COUNT);
  }

  /** Does something for each chunk. */
  void run(IntConsumer work) {
    IntStream chunks = IntStream.range(0, COUNT);
    (parallel ? chunks.parallel() : chunks).forEach(work);
  }

  /** A chunk's own column sums. */
  double[] columnSums(int chunk) {
    return columnSums[chunk];
  }

  /** Puts the column sums of all chunks into {@code out} and begins new ones. */
  void takeColumnSums(double[] out) {
    Arrays.fill(out, 0);
    for (double[] sums : columnSums) {
      RowKernels.addScaled(out, sums, 1);
      Arrays.fill(sums, 0);
    }
  }
}
