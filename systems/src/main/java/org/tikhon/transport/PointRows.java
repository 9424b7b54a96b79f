package org.tikhon.transport;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** The costs between two point clouds, computed a few rows at a time and never kept. */
final class PointRows implements CostRows {
  /** A block has about this many entries: 2 MB. */
  private static final int BLOCK = 1 << 18;

  private final Tensor x;
  private final Tensor y;
  private final GroundCost ground;
  private final boolean transposed;
  private final int rows;
  private final int columns;
  private final int blockRows;
  private final double[] block;
  private int first = -1;

  PointRows(double[][] x, double[][] y, GroundCost ground) {
    this(Tensor.of(x).escape(), Tensor.of(y).escape(), ground, false);
  }

  private PointRows(Tensor x, Tensor y, GroundCost ground, boolean transposed) {
    this.x = x;
    this.y = y;
    this.ground = ground;
    this.transposed = transposed;
    this.rows = Math.toIntExact((transposed ? y : x).size(0));
    this.columns = Math.toIntExact((transposed ? x : y).size(0));
    this.blockRows = Math.clamp(BLOCK / columns, 1, rows);
    this.block = new double[blockRows * columns];
  }

  /** The same costs with rows and columns exchanged. */
  PointRows transposed() {
    return new PointRows(x, y, ground, !transposed);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public double[] row(int i, double[] buffer) {
    if (first < 0 || i < first || i >= first + blockRows) {
      load(i - i % blockRows);
    }
    System.arraycopy(block, (i - first) * columns, buffer, 0, columns);
    return buffer;
  }

  private void load(int start) {
    int end = Math.min(rows, start + blockRows);
    try (Scope scope = Scope.open()) {
      Tensor costs =
          transposed
              ? ground.pairwise(x, y.slice(0, start, end)).mT().contiguous()
              : ground.pairwise(x.slice(0, start, end), y).contiguous();
      if (costs.numel() != (long) (end - start) * columns) {
        throw new IllegalArgumentException(
            "cost %s must give shape [%d, %d], gave %s"
                .formatted(ground.name(), end - start, columns, Arrays.toString(costs.shape())));
      }
      MemorySegment.copy(
          costs.segment(), ValueLayout.JAVA_DOUBLE, 0, block, 0, (end - start) * columns);
    }
    first = start;
  }
}
