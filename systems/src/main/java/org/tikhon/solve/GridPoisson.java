package org.tikhon.solve;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Poisson's equation on a grid with unit spacing, the pressure equation of a fluid solver: for
 * every fluid cell
 *
 * <pre>
 * (A x)_i = sum over the neighbours j of i that are fluid (x_i - x_j)
 *         + sum over those that are air x_i,
 * </pre>
 *
 * <p>which is the 3-, 5- or 7-point Laplacian. A neighbour that is solid, or beyond a closed face
 * of the box, contributes nothing (Neumann); air, or what is beyond an open face, has the value 0
 * (Dirichlet) and stays in the diagonal only. Rows and columns of cells that are not fluid are 0.
 * Where a connected region of fluid touches no air, A is singular with the constant vector on it;
 * {@link #project} takes its mean out.
 *
 * <p>Vectors hold all cells of the box, the last side fastest. The first side is the vertical one,
 * and its index 0 is the top. Products are matrix-free and allocate nothing. Immutable.
 */
public final class GridPoisson implements SpdOperator {
  /** What a cell holds. */
  public enum Cell {
    FLUID,
    SOLID,
    AIR
  }

  private static final int MOST_SIDES = 3;

  private final int[] sides;

  /** Whether the faces at the low and the high end of each side are open. */
  private final boolean[][] open;

  private final Cell[] cells;

  /** How much an open face adds to the diagonal; 1 but on the coarse grids of {@link Multigrid}. */
  private final double openWeight;

  private final double[] diagonal;

  /** 1 at fluid cells and 0 elsewhere, or null if all are fluid. */
  private final double[] fluid;

  private final NullSpace nullSpace;

  GridPoisson(int[] sides, boolean[][] open, Cell[] cells, double openWeight) {
    this.sides = sides;
    this.open = open;
    this.cells = cells;
    this.openWeight = openWeight;
    this.diagonal = new double[cells.length];
    NullSpace.Builder builder = new NullSpace.Builder(cells.length);
    for (int i = 0; i < cells.length; i++) {
      if (cells[i] == Cell.FLUID) {
        connect(i, builder);
      }
    }
    this.nullSpace = builder.nullSpace();
    this.fluid =
        Arrays.stream(cells).allMatch(c -> c == Cell.FLUID)
            ? null
            : Arrays.stream(cells).mapToDouble(c -> c == Cell.FLUID ? 1 : 0).toArray();
  }

  /** Adds up the diagonal of a fluid cell and joins it with the neighbours before it. */
  private void connect(int i, NullSpace.Builder builder) {
    for (int axis = 0; axis < sides.length; axis++) {
      for (int direction = -1; direction <= 1; direction += 2) {
        int j = neighbour(i, axis, direction);
        Cell other = j >= 0 ? cells[j] : isOpen(axis, direction) ? Cell.AIR : Cell.SOLID;
        if (other == Cell.FLUID) {
          builder.join(i, j);
        } else if (other == Cell.AIR) {
          builder.fix(i);
        }
        diagonal[i] += other == Cell.SOLID ? 0 : j < 0 ? openWeight : 1;
      }
    }
  }

  /**
   * A box of fluid, all faces closed.
   *
   * @param sides the cells along each of 1 to 3 sides
   */
  public static GridPoisson box(int... sides) {
    if (sides.length < 1 || sides.length > MOST_SIDES) {
      throw new IllegalArgumentException("sides must be 1 to 3 numbers, are " + sides.length);
    }
    long cells = 1;
    for (int side : sides) {
      if (side < 1) {
        throw new IllegalArgumentException(
            "sides must be at least 1, are " + Arrays.toString(sides));
      }
      cells *= side;
      if (cells > 1 << 30) {
        throw new IllegalArgumentException(
            "sides must make at most 2^30 cells, are " + Arrays.toString(sides));
      }
    }
    Cell[] fluid = new Cell[(int) cells];
    Arrays.fill(fluid, Cell.FLUID);
    return new GridPoisson(sides.clone(), new boolean[sides.length][2], fluid, 1);
  }

  /** With the top face, index 0 of the first side, open to air. */
  public GridPoisson openTop() {
    boolean[][] faces = copy(open);
    faces[0][0] = true;
    return new GridPoisson(sides, faces, cells, openWeight);
  }

  /** With all faces open: Dirichlet everywhere. */
  public GridPoisson openAll() {
    boolean[][] faces = new boolean[sides.length][2];
    for (boolean[] pair : faces) {
      Arrays.fill(pair, true);
    }
    return new GridPoisson(sides, faces, cells, openWeight);
  }

  private static boolean[][] copy(boolean[][] faces) {
    return Arrays.stream(faces).map(boolean[]::clone).toArray(boolean[][]::new);
  }

  /**
   * With solid cells.
   *
   * @param mask true where a cell becomes solid, one for each cell
   */
  public GridPoisson obstacle(boolean[] mask) {
    return with(Cell.SOLID, mask);
  }

  /**
   * With cells of air, a free surface.
   *
   * @param mask true where a cell becomes air, one for each cell
   */
  public GridPoisson air(boolean[] mask) {
    return with(Cell.AIR, mask);
  }

  private GridPoisson with(Cell cell, boolean[] mask) {
    if (mask.length != cells.length) {
      throw new IllegalArgumentException(
          "mask must have one entry for each of the %d cells of %s, has %d"
              .formatted(cells.length, Arrays.toString(sides), mask.length));
    }
    Cell[] changed = cells.clone();
    for (int i = 0; i < mask.length; i++) {
      if (mask[i]) {
        changed[i] = cell;
      }
    }
    if (Arrays.stream(changed).noneMatch(c -> c == Cell.FLUID)) {
      throw new IllegalArgumentException("mask must leave a fluid cell, leaves none");
    }
    return new GridPoisson(sides, open, changed, openWeight);
  }

  /** The cells of a disc or ball that lies in the middle of the box; for {@link #obstacle}. */
  public boolean[] ball(double radius) {
    boolean[] mask = new boolean[cells.length];
    for (int i = 0; i < mask.length; i++) {
      double distance = 0;
      for (int axis = 0; axis < sides.length; axis++) {
        distance += Math.pow(coordinate(i, axis) - (sides[axis] - 1) / 2.0, 2);
      }
      mask[i] = distance <= radius * radius;
    }
    return mask;
  }

  @Override
  public int size() {
    return cells.length;
  }

  @Override
  public int[] shape() {
    return sides.clone();
  }

  Cell cell(int i) {
    return cells[i];
  }

  boolean isOpen(int axis, int direction) {
    return open[axis][direction < 0 ? 0 : 1];
  }

  boolean[][] open() {
    return open;
  }

  int stride(int axis) {
    int stride = 1;
    for (int a = axis + 1; a < sides.length; a++) {
      stride *= sides[a];
    }
    return stride;
  }

  int coordinate(int i, int axis) {
    return i / stride(axis) % sides[axis];
  }

  /** The neighbour's index, or -1 beyond the box. */
  private int neighbour(int i, int axis, int direction) {
    int at = coordinate(i, axis) + direction;
    return at < 0 || at >= sides[axis] ? -1 : i + direction * stride(axis);
  }

  /** Which cells are fluid; the others' rows are 0. */
  public boolean[] masked() {
    boolean[] result = new boolean[cells.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = cells[i] == Cell.FLUID;
    }
    return result;
  }

  /**
   * The dimension of the null space: regions of fluid without air, and cells that are not fluid.
   */
  public int nullSpaceDimension() {
    return nullSpace.dimension();
  }

  double[] diagonal() {
    return diagonal;
  }

  @Override
  public void apply(double[] x, double[] y) {
    int width = sides[sides.length - 1];
    int height = sides.length > 1 ? sides[sides.length - 2] : 1;
    int rows = cells.length / width;
    for (int row = 0; row < rows; row++) {
      int from = row * width;
      int v = row % height;
      along(x, y, from, width);
      subtractRow(x, y, from, width, v > 0 ? -width : 0);
      subtractRow(x, y, from, width, v < height - 1 ? width : 0);
      if (sides.length == MOST_SIDES) {
        int plane = row / height;
        subtractRow(x, y, from, width, plane > 0 ? -width * height : 0);
        subtractRow(x, y, from, width, plane < sides[0] - 1 ? width * height : 0);
      }
      if (fluid != null) {
        Vectors.mask(fluid, y, from, width);
      }
    }
  }

  private void along(double[] x, double[] y, int from, int width) {
    if (fluid == null) {
      Vectors.along(diagonal, x, y, from, width);
    } else {
      Vectors.along(diagonal, fluid, x, y, from, width);
    }
  }

  /** Subtracts the row at an offset, which is 0 where there is none. */
  private void subtractRow(double[] x, double[] y, int from, int width, int offset) {
    if (offset == 0) {
      return;
    }
    if (fluid == null) {
      Vectors.subtract(x, from + offset, y, from, width);
    } else {
      Vectors.subtract(fluid, x, from + offset, y, from, width);
    }
  }

  @Override
  public void project(double[] v) {
    nullSpace.project(v);
  }

  /** The matrix of all cells; rows of cells that are not fluid are empty. */
  public CsrMatrix toCsr() {
    int n = cells.length;
    int[] rowStarts = new int[n + 1];
    int[] columns = new int[(2 * sides.length + 1) * n];
    double[] values = new double[columns.length];
    int k = 0;
    for (int i = 0; i < n; i++) {
      if (cells[i] == Cell.FLUID) {
        for (int axis = 0; axis < sides.length; axis++) {
          k = store(neighbour(i, axis, -1), -1, columns, values, k);
        }
        k = store(i, diagonal[i], columns, values, k);
        for (int axis = sides.length - 1; axis >= 0; axis--) {
          k = store(neighbour(i, axis, 1), -1, columns, values, k);
        }
      }
      rowStarts[i + 1] = k;
    }
    return new CsrMatrix(rowStarts, Arrays.copyOf(columns, k), Arrays.copyOf(values, k));
  }

  private int store(int column, double value, int[] columns, double[] values, int k) {
    if (column < 0 || cells[column] != Cell.FLUID) {
      return k;
    }
    columns[k] = column;
    values[k] = value;
    return k + 1;
  }

  /**
   * A for batches, {@code [batch, 1, sides...] -> [batch, 1, sides...]}, as a masked convolution
   * through which gradients flow. The tensors that it holds outlive the scope.
   */
  public UnaryOperator<Tensor> batched(Dtype dtype) {
    if (sides.length < 2) {
      throw new IllegalStateException("batches need a box of 2 or 3 sides, this has 1");
    }
    long[] kernelShape = new long[sides.length + 2];
    Arrays.fill(kernelShape, 3);
    kernelShape[0] = 1;
    kernelShape[1] = 1;
    Tensor kernel;
    Tensor centre;
    Tensor mask;
    try (Scope scope = Scope.open()) {
      kernel = Tensor.of(neighbourKernel(), kernelShape).to(dtype).escape();
      centre = Tensor.of(diagonal, batchShape(1)).to(dtype).escape();
      mask = fluid == null ? null : Tensor.of(fluid, batchShape(1)).to(dtype).escape();
    }
    return x -> {
      Tensor inside = mask == null ? x : x.mul(mask);
      Tensor neighbours =
          sides.length == 2
              ? Functional.conv2d(inside, kernel, null, Conv.DEFAULT.padding(1))
              : Functional.conv3d(inside, kernel, null, Conv.DEFAULT.padding(1));
      Tensor product = centre.mul(x).sub(neighbours);
      return mask == null ? product : product.mul(mask);
    };
  }

  /** {@code [batch, 1, sides...]}. */
  long[] batchShape(long batch) {
    long[] shape = new long[sides.length + 2];
    shape[0] = batch;
    shape[1] = 1;
    for (int axis = 0; axis < sides.length; axis++) {
      shape[axis + 2] = sides[axis];
    }
    return shape;
  }

  /** A kernel of side 3 with ones at the neighbours of its middle. */
  private double[] neighbourKernel() {
    int length = (int) Math.pow(3, sides.length);
    double[] kernel = new double[length];
    for (int offset = 1; offset < length; offset *= 3) {
      kernel[length / 2 - offset] = 1;
      kernel[length / 2 + offset] = 1;
    }
    return kernel;
  }
}
