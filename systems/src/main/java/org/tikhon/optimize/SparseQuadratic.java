package org.tikhon.optimize;

import java.util.Arrays;

/**
 * {@code f(x) = x' A x / 2 - c' x} for a symmetric positive semi-definite sparse A, from x = 0. H
 * is A. The gradient {@code A x - c} is what it keeps.
 */
public final class SparseQuadratic implements SmoothProblem {
  private final SparseMatrix a;
  private final double[] c;
  private final double[] x;
  private final double[] gradient;
  private final int[] position;

  private SparseQuadratic(SparseMatrix a, double[] c) {
    this.a = a;
    this.c = c;
    x = new double[c.length];
    gradient = Vectors.scaled(c, -1);
    position = new int[c.length];
    Arrays.fill(position, -1);
  }

  /**
   * A problem.
   *
   * @param a A, {@code [n, n]}, symmetric with a positive diagonal; that it is positive
   *     semi-definite is not checked
   * @param c {@code [n]}, finite
   */
  public static SparseQuadratic of(SparseMatrix a, double[] c) {
    Check.require(a.isSymmetric(), "A", a.rows() + " x " + a.columns(), "symmetric");
    Check.require(c.length == a.rows(), "the length of c", c.length, "that of A's rows");
    Check.finite(c, "c");
    for (int i = 0; i < c.length; i++) {
      Check.require(a.get(i, i) > 0, "diagonal entry " + i + " of A", a.get(i, i), "positive");
    }
    return new SparseQuadratic(a, c.clone());
  }

  /**
   * Label propagation, {@code min sum_ij w_ij (x_i - x_j)^2 / 4} over the nodes without a label:
   * for them A is the Laplacian's part and {@code c_i = sum_j w_ij label_j} over the labelled
   * neighbours. Coordinate k of the problem is the k-th node without a label.
   *
   * @param weights {@code [nodes, nodes]}, symmetric, 0 or more; its diagonal does not count
   * @param labelled the labelled nodes, different; every other node must have a neighbour
   * @param labels their labels, as many
   */
  public static SparseQuadratic labelPropagation(
      SparseMatrix weights, int[] labelled, double[] labels) {
    Check.require(weights.isSymmetric(), "weights", weights.rows() + " nodes", "symmetric");
    Check.require(
        labels.length == labelled.length,
        "the number of labels",
        labels.length,
        labelled.length + "");
    int nodes = weights.rows();
    double[] label = new double[nodes];
    int[] free = unlabelled(nodes, labelled);
    int[] number = new int[nodes];
    Arrays.fill(number, -1);
    for (int k = 0; k < free.length; k++) {
      number[free[k]] = k;
    }
    for (int k = 0; k < labelled.length; k++) {
      label[labelled[k]] = labels[k];
    }
    double[] c = new double[free.length];
    int[] rows = new int[weights.entries() + free.length];
    int[] columns = new int[rows.length];
    double[] values = new double[rows.length];
    int count = 0;
    for (int k = 0; k < free.length; k++) {
      int i = free[k];
      double degree = 0;
      for (int e = weights.start[i]; e < weights.start[i + 1]; e++) {
        int j = weights.index[e];
        double w = weights.value[e];
        Check.require(w >= 0, "the weight of " + i + " and " + j, w, "0 or more");
        if (j == i) {
          continue;
        }
        degree += w;
        if (number[j] < 0) {
          c[k] += w * label[j];
        } else {
          rows[count] = k;
          columns[count] = number[j];
          values[count++] = -w;
        }
      }
      rows[count] = k;
      columns[count] = k;
      values[count++] = degree;
    }
    SparseMatrix a =
        SparseMatrix.of(
            free.length,
            free.length,
            Arrays.copyOf(rows, count),
            Arrays.copyOf(columns, count),
            Arrays.copyOf(values, count));
    return of(a, c);
  }

  /**
   * The nodes without a label, ascending: those of the coordinates of {@link #labelPropagation}.
   */
  public static int[] unlabelled(int nodes, int[] labelled) {
    boolean[] has = new boolean[nodes];
    for (int i : labelled) {
      Check.require(
          i >= 0 && i < nodes && !has[i], "a labelled node", i, "in range and named once");
      has[i] = true;
    }
    int[] free = new int[nodes - labelled.length];
    Check.require(free.length > 0, "the number of nodes without a label", 0, "at least 1");
    int k = 0;
    for (int i = 0; i < nodes; i++) {
      if (!has[i]) {
        free[k++] = i;
      }
    }
    return free;
  }

  /** A. */
  public SparseMatrix matrix() {
    return a;
  }

  @Override
  public int dim() {
    return x.length;
  }

  @Override
  public double at(int i) {
    return x[i];
  }

  @Override
  public double[] point() {
    return x.clone();
  }

  @Override
  public double value() {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * (gradient[i] - c[i]);
    }
    return sum / 2;
  }

  @Override
  public void gradient(double[] out) {
    System.arraycopy(gradient, 0, out, 0, out.length);
  }

  @Override
  public double[] blockGradient(int[] block) {
    return Vectors.gather(gradient, block);
  }

  @Override
  public double[][] blockBound(int[] block) {
    double[][] h = new double[block.length][block.length];
    for (int i = 0; i < block.length; i++) {
      position[block[i]] = i;
    }
    for (int i = 0; i < block.length; i++) {
      for (int e = a.start[block[i]]; e < a.start[block[i] + 1]; e++) {
        int j = position[a.index[e]];
        if (j >= 0) {
          h[i][j] = a.value[e];
        }
      }
    }
    for (int i : block) {
      position[i] = -1;
    }
    return h;
  }

  @Override
  public double[][] blockHessian(int[] block) {
    return blockBound(block);
  }

  @Override
  public double coordinateBound(int i) {
    return a.get(i, i);
  }

  @Override
  public double boundRowSum(int i) {
    double sum = 0;
    for (int e = a.start[i]; e < a.start[i + 1]; e++) {
      sum += Math.abs(a.value[e]);
    }
    return sum;
  }

  @Override
  public void boundProduct(double[] v, double[] out) {
    a.multiply(v, out);
  }

  @Override
  public double change(int[] block, double[] delta) {
    for (int i = 0; i < block.length; i++) {
      position[block[i]] = i;
    }
    double change = 0;
    for (int i = 0; i < block.length; i++) {
      double product = 0;
      for (int e = a.start[block[i]]; e < a.start[block[i] + 1]; e++) {
        int j = position[a.index[e]];
        if (j >= 0) {
          product += a.value[e] * delta[j];
        }
      }
      change += delta[i] * (gradient[block[i]] + product / 2);
    }
    for (int i : block) {
      position[i] = -1;
    }
    return change;
  }

  @Override
  public void move(int[] block, double[] to) {
    for (int i = 0; i < block.length; i++) {
      int row = block[i];
      double delta = to[i] - x[row];
      x[row] = to[i];
      for (int e = a.start[row]; e < a.start[row + 1]; e++) {
        gradient[a.index[e]] += a.value[e] * delta;
      }
    }
  }
}
