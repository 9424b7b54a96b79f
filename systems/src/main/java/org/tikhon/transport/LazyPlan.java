package org.tikhon.transport;

import java.util.Arrays;

/**
 * An entropic plan of which only the potentials are kept: {@code P_ij = exp(eta (x_i + y_j - C_ij)
 * - 1)}, each row computed when it is asked for. Memory {@code O(n + m)} beside the problem's own;
 * a row takes the cost's and {@code O(m)} time.
 */
public final class LazyPlan implements Plan {
  private final EntropicProblem problem;
  private final double[] a;
  private final double[] b;
  private final double cap;
  private final int[] place;

  /** The plan at the potentials {@code a = eta x}, {@code b = eta y} of the kept places. */
  LazyPlan(EntropicProblem problem, double[] a, double[] b, double cap) {
    this.problem = problem;
    this.a = a.clone();
    this.b = b.clone();
    this.cap = cap;
    this.place = new int[problem.allRows()];
    Arrays.fill(place, -1);
    for (int i = 0; i < problem.n(); i++) {
      if (problem.rows()[i] >= 0) {
        place[problem.rows()[i]] = i;
      }
    }
  }

  @Override
  public int rows() {
    return problem.allRows();
  }

  @Override
  public int columns() {
    return problem.allColumns();
  }

  @Override
  public double[] row(int i) {
    int k = place[i];
    if (k < 0) {
      return new double[columns()];
    }
    double[] row = new double[problem.m()];
    RowKernels.exponents(b, problem.costs().row(k, row), problem.eta(), row);
    RowKernels.expSum(row, a[k] - 1, cap);
    return problem.expandRow(row);
  }
}
