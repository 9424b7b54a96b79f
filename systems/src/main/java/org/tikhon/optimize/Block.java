package org.tikhon.optimize;

import java.util.Arrays;

/** A block of coordinates with what is known about it; a fixed block remembers it. */
final class Block {
  final int[] coordinates;
  private final SmoothProblem problem;
  private double[][] bound;
  private double lipschitz = -1;
  private double[] rowSums;
  private SymmetricFactor factor;
  private TreeSolver.Factor tree;

  Block(SmoothProblem problem, int[] coordinates) {
    this.problem = problem;
    this.coordinates = coordinates;
  }

  static ArithmeticException unbounded(int coordinate) {
    return new ArithmeticException(
        "f is unbounded below along coordinate "
            + coordinate
            + ": its slope is not zero and it has no curvature");
  }

  /** H_b. */
  double[][] bound() {
    if (bound == null) {
      bound = problem.blockBound(coordinates);
    }
    return bound;
  }

  /** L_b, the largest eigenvalue of H_b. */
  double lipschitz() {
    if (lipschitz < 0) {
      lipschitz =
          coordinates.length == 1
              ? problem.coordinateBound(coordinates[0])
              : SymmetricFactor.largestEigenvalue(bound());
    }
    return lipschitz;
  }

  /** The sums of |H_ij| over j in the block. */
  double[] rowSums() {
    if (rowSums == null) {
      rowSums =
          Arrays.stream(bound())
              .mapToDouble(row -> Arrays.stream(row).map(Math::abs).sum())
              .toArray();
    }
    return rowSums;
  }

  SymmetricFactor boundFactor() {
    if (factor == null) {
      factor = SymmetricFactor.of(bound());
    }
    return factor;
  }

  TreeSolver.Factor tree(TreeSolver solver) {
    if (tree == null) {
      tree = solver.factor(coordinates);
    }
    return tree;
  }
}
