package org.tikhon.solve;

import java.util.Arrays;
import org.tikhon.solve.GridPoisson.Cell;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A geometric multigrid V-cycle for {@link GridPoisson}, as a preconditioner: the strong reference,
 * whose number of iterations hardly grows with the grid.
 *
 * <p>Two sweeps of damped Jacobi before and after each correction; cell-centred linear
 * interpolation P, its transpose as restriction, so that the cycle is symmetric; the same equation
 * with spacing 2 on the coarse grid; the pseudo-inverse on the coarsest, which has at most 300
 * cells. A coarse cell is air if any of its cells is, otherwise fluid if any is, otherwise solid
 * (McAdams, Sifakis, Teran, A parallel multigrid Poisson solver for fluids simulation on large
 * grids, 2010). An open face lies where it lies on the finest grid.
 */
public final class Multigrid implements Preconditioner {
  private static final int COARSEST = 300;
  private static final int SWEEPS = 2;

  /** The smoothing factors of damped Jacobi that are best in 1, 2 and 3 dimensions. */
  private static final double[] DAMPING = {2.0 / 3, 4.0 / 5, 6.0 / 7};

  private final GridPoisson a;
  private final double[] inverseDiagonal;

  /** The coarser grids' cycle, or null on the coarsest. */
  private final Multigrid coarse;

  private final Interpolation interpolation;

  /** The pseudo-inverse on the coarsest grid, otherwise null. */
  private final double[][] inverse;

  private final double[] product;
  private final double[] coarseRight;
  private final double[] coarseSolution;

  /** The V-cycle for a grid. Not for use by several threads at a time. */
  public static Multigrid vCycle(GridPoisson a) {
    return new Multigrid(a, 1);
  }

  private Multigrid(GridPoisson a, int level) {
    this.a = a;
    int[] sides = a.shape();
    double damping = DAMPING[sides.length - 1];
    inverseDiagonal = Arrays.stream(a.diagonal()).map(d -> d > 0 ? damping / d : 0).toArray();
    product = new double[a.size()];
    boolean coarsest = a.size() <= COARSEST;
    coarse = coarsest ? null : new Multigrid(coarsen(a, level), level + 1);
    interpolation = coarsest ? null : new Interpolation(a, coarse.a);
    inverse = coarsest ? pseudoInverse(a) : null;
    coarseRight = new double[coarsest ? 0 : coarse.a.size()];
    coarseSolution = new double[coarseRight.length];
  }

  private static GridPoisson coarsen(GridPoisson a, int level) {
    int[] sides = a.shape();
    int[] coarseSides = Arrays.stream(sides).map(s -> (s + 1) / 2).toArray();
    GridPoisson box = GridPoisson.box(coarseSides);
    Cell[] cells = new Cell[box.size()];
    Arrays.fill(cells, Cell.SOLID);
    for (int i = 0; i < a.size(); i++) {
      int parent = 0;
      for (int axis = 0; axis < sides.length; axis++) {
        parent += a.coordinate(i, axis) / 2 * box.stride(axis);
      }
      Cell cell = a.cell(i);
      if (cell == Cell.AIR || (cell == Cell.FLUID && cells[parent] == Cell.SOLID)) {
        cells[parent] = cell;
      }
    }
    // In units of the coarse cells, the value beyond an open face is this far from the first
    // centre.
    double distance = (1 + Math.pow(0.5, level)) / 2;
    return new GridPoisson(coarseSides, a.open(), cells, 1 / distance);
  }

  private static double[][] pseudoInverse(GridPoisson a) {
    int n = a.size();
    double[][] columns = new double[n][n];
    double[] unit = new double[n];
    for (int j = 0; j < n; j++) {
      unit[j] = 1;
      a.apply(unit, columns[j]);
      unit[j] = 0;
    }
    try (Scope scope = Scope.open()) {
      double[] values = Linalg.pinv(Tensor.of(columns)).toDoubleArray();
      for (int j = 0; j < n; j++) {
        System.arraycopy(values, j * n, columns[j], 0, n);
      }
    }
    return columns;
  }

  @Override
  public void apply(double[] r, double[] z) {
    if (inverse != null) {
      Arrays.setAll(z, i -> Vectors.dot(inverse[i], r));
      return;
    }
    Arrays.setAll(z, i -> inverseDiagonal[i] * r[i]);
    for (int sweep = 1; sweep < SWEEPS; sweep++) {
      smooth(r, z);
    }
    correct(r, z);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      smooth(r, z);
    }
  }

  private void smooth(double[] r, double[] z) {
    a.apply(z, product);
    for (int i = 0; i < z.length; i++) {
      z[i] += inverseDiagonal[i] * (r[i] - product[i]);
    }
  }

  private void correct(double[] r, double[] z) {
    a.apply(z, product);
    Vectors.scaleAndAdd(product, r, -1);
    interpolation.restrict(product, coarseRight);
    coarse.a.project(coarseRight);
    coarse.apply(coarseRight, coarseSolution);
    interpolation.addTo(coarseSolution, z);
  }

  /**
   * Cell-centred linear interpolation: along every side 3/4 of the parent and 1/4 of the parent's
   * neighbour on the cell's side. The value of a solid neighbour is the parent's, that of air is 0.
   */
  private static final class Interpolation {
    private static final int DROPPED = -1;

    private final double[] weights;

    /** For every cell its coarse cells, one for each weight. */
    private final int[] sources;

    private final double scale;

    Interpolation(GridPoisson fine, GridPoisson coarse) {
      int dimensions = fine.shape().length;
      int corners = 1 << dimensions;
      weights = new double[corners];
      for (int c = 0; c < corners; c++) {
        weights[c] =
            Math.pow(0.75, dimensions - Integer.bitCount(c)) * Math.pow(0.25, Integer.bitCount(c));
      }
      sources = new int[fine.size() * corners];
      for (int i = 0; i < fine.size(); i++) {
        for (int c = 0; c < corners; c++) {
          sources[i * corners + c] =
              fine.cell(i) == Cell.FLUID ? source(fine, coarse, i, c) : DROPPED;
        }
      }
      // P'AP is the coarse equation times 2^(dimensions - 2).
      scale = Math.pow(2, 2 - dimensions);
    }

    private static int source(GridPoisson fine, GridPoisson coarse, int i, int corner) {
      int[] sides = coarse.shape();
      int parent = 0;
      int source = 0;
      Cell cell = Cell.FLUID;
      for (int axis = 0; axis < sides.length; axis++) {
        int at = fine.coordinate(i, axis);
        int direction = (corner >> axis & 1) == 0 ? 0 : at % 2 == 0 ? -1 : 1;
        int to = at / 2 + direction;
        parent += at / 2 * coarse.stride(axis);
        source += to * coarse.stride(axis);
        if (to < 0 || to >= sides[axis]) {
          cell = coarse.isOpen(axis, direction) ? Cell.AIR : cell == Cell.AIR ? cell : Cell.SOLID;
        }
      }
      if (cell == Cell.FLUID) {
        cell = coarse.cell(source);
      }
      int reflected = coarse.cell(parent) == Cell.FLUID ? parent : DROPPED;
      return switch (cell) {
        case FLUID -> source;
        case SOLID -> reflected;
        case AIR -> DROPPED;
      };
    }

    void restrict(double[] fine, double[] coarse) {
      Arrays.fill(coarse, 0);
      int k = 0;
      for (double value : fine) {
        for (double weight : weights) {
          int source = sources[k++];
          if (source != DROPPED) {
            coarse[source] += scale * weight * value;
          }
        }
      }
    }

    void addTo(double[] coarse, double[] fine) {
      int k = 0;
      for (int i = 0; i < fine.length; i++) {
        double sum = 0;
        for (double weight : weights) {
          int source = sources[k++];
          sum += source == DROPPED ? 0 : weight * coarse[source];
        }
        fine[i] += sum;
      }
    }
  }
}
