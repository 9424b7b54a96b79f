package org.tikhon.optimize;

import java.util.Arrays;

/**
 * {@code f(X) = sum_r phi_r(row r of A X)} for A {@code [m, features]} and X {@code [features, k]}:
 * coordinate {@code feature k + class} of x is an entry of X. A X and the derivatives and values of
 * phi are kept, and computed anew for the rows that a step touches.
 */
abstract class LinearModelProblem implements SmoothProblem {
  private final SparseMatrix byRow;
  private final SparseMatrix byColumn;
  private final int k;
  private final double[] x;
  private final double[] squaredNorms;

  /** A X, {@code [m, k]}. */
  final double[] z;

  /** The derivatives of phi, {@code [m, k]}. */
  final double[] derivatives;

  private final double[] losses;
  private final double[] dz;
  private final int[] touched;
  private final boolean[] isTouched;
  private double[] rowSums;

  LinearModelProblem(SparseMatrix a, int k) {
    byRow = a;
    byColumn = a.transposed();
    this.k = k;
    int m = a.rows();
    x = new double[a.columns() * k];
    z = new double[m * k];
    derivatives = new double[m * k];
    losses = new double[m];
    dz = new double[m * k];
    touched = new int[m];
    isTouched = new boolean[m];
    squaredNorms = new double[a.columns()];
    for (int f = 0; f < squaredNorms.length; f++) {
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        squaredNorms[f] += byColumn.value[e] * byColumn.value[e];
      }
    }
  }

  /** Computes everything at x = 0; the last line of a constructor. */
  final void begin() {
    for (int r = 0; r < losses.length; r++) {
      update(r);
    }
  }

  private void update(int r) {
    losses[r] = loss(r, z, r * k);
    derive(r);
  }

  /** phi_r at the k numbers of {@code z} that begin at {@code at}. */
  abstract double loss(int r, double[] z, int at);

  /** Sets row r of the derivatives, from row r of z. */
  abstract void derive(int r);

  /** The second derivative of phi_r by classes c and d, from row r of the derivatives. */
  abstract double curvature(int r, int c, int d);

  /** A matrix {@code [k, k]} that bounds all second derivatives of phi. */
  abstract double curvatureBound(int c, int d);

  @Override
  public final int dim() {
    return x.length;
  }

  @Override
  public final double at(int i) {
    return x[i];
  }

  @Override
  public final double[] point() {
    return x.clone();
  }

  @Override
  public final double value() {
    return Arrays.stream(losses).sum();
  }

  @Override
  public final void gradient(double[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = partial(i);
    }
  }

  @Override
  public final double[] blockGradient(int[] block) {
    return Arrays.stream(block).mapToDouble(this::partial).toArray();
  }

  private double partial(int i) {
    int f = i / k;
    int c = i % k;
    double sum = 0;
    for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
      sum += byColumn.value[e] * derivatives[byColumn.index[e] * k + c];
    }
    return sum;
  }

  @Override
  public final double[][] blockBound(int[] block) {
    double[][] h = gram(block, false);
    for (int i = 0; i < block.length; i++) {
      for (int j = 0; j < block.length; j++) {
        h[i][j] *= curvatureBound(block[i] % k, block[j] % k);
      }
    }
    return h;
  }

  @Override
  public final double[][] blockHessian(int[] block) {
    return gram(block, true);
  }

  /**
   * {@code sum_r w_r a_ri a_rj} for i, j in the block; w_r is 1 or the curvature. Row by row over
   * the entries of A that are in the block.
   */
  private double[][] gram(int[] block, boolean curved) {
    int m = losses.length;
    int[] start = new int[m + 1];
    for (int i : block) {
      for (int e = byColumn.start[i / k]; e < byColumn.start[i / k + 1]; e++) {
        start[byColumn.index[e] + 1]++;
      }
    }
    for (int r = 0; r < m; r++) {
      start[r + 1] += start[r];
    }
    int[] next = Arrays.copyOf(start, m);
    int[] position = new int[start[m]];
    double[] value = new double[start[m]];
    for (int i = 0; i < block.length; i++) {
      int f = block[i] / k;
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        int at = next[byColumn.index[e]]++;
        position[at] = i;
        value[at] = byColumn.value[e];
      }
    }
    double[][] h = new double[block.length][block.length];
    for (int r = 0; r < m; r++) {
      for (int p = start[r]; p < start[r + 1]; p++) {
        double[] row = h[position[p]];
        int c = block[position[p]] % k;
        for (int q = start[r]; q <= p; q++) {
          double product = value[p] * value[q];
          row[position[q]] += curved ? product * curvature(r, c, block[position[q]] % k) : product;
        }
      }
    }
    for (int i = 0; i < block.length; i++) {
      for (int j = 0; j < i; j++) {
        h[j][i] = h[i][j];
      }
    }
    return h;
  }

  @Override
  public final double coordinateBound(int i) {
    return curvatureBound(i % k, i % k) * squaredNorms[i / k];
  }

  @Override
  public final double boundRowSum(int i) {
    if (rowSums == null) {
      rowSums = gramRowSums();
    }
    double classes = 0;
    for (int c = 0; c < k; c++) {
      classes += Math.abs(curvatureBound(i % k, c));
    }
    return classes * rowSums[i / k];
  }

  /** {@code sum_j |(A' A)_ij|}, a row at a time. */
  private double[] gramRowSums() {
    double[] sums = new double[squaredNorms.length];
    double[] row = new double[sums.length];
    for (int f = 0; f < sums.length; f++) {
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        int r = byColumn.index[e];
        for (int g = byRow.start[r]; g < byRow.start[r + 1]; g++) {
          row[byRow.index[g]] += byColumn.value[e] * byRow.value[g];
        }
      }
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        int r = byColumn.index[e];
        for (int g = byRow.start[r]; g < byRow.start[r + 1]; g++) {
          sums[f] += Math.abs(row[byRow.index[g]]);
          row[byRow.index[g]] = 0;
        }
      }
    }
    return sums;
  }

  @Override
  public final void boundProduct(double[] v, double[] out) {
    double[] product = new double[k];
    double[] scaled = new double[z.length];
    for (int r = 0; r < losses.length; r++) {
      Arrays.fill(product, 0);
      for (int e = byRow.start[r]; e < byRow.start[r + 1]; e++) {
        for (int c = 0; c < k; c++) {
          product[c] += byRow.value[e] * v[byRow.index[e] * k + c];
        }
      }
      for (int c = 0; c < k; c++) {
        for (int d = 0; d < k; d++) {
          scaled[r * k + c] += curvatureBound(c, d) * product[d];
        }
      }
    }
    Arrays.fill(out, 0);
    for (int f = 0; f < squaredNorms.length; f++) {
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        for (int c = 0; c < k; c++) {
          out[f * k + c] += byColumn.value[e] * scaled[byColumn.index[e] * k + c];
        }
      }
    }
  }

  @Override
  public double change(int[] block, double[] delta) {
    int count = scatter(block, delta);
    double[] moved = new double[k];
    double change = 0;
    for (int t = 0; t < count; t++) {
      int r = touched[t];
      for (int c = 0; c < k; c++) {
        moved[c] = z[r * k + c] + dz[r * k + c];
      }
      change += loss(r, moved, 0) - losses[r];
    }
    clear(count);
    return change;
  }

  /** The squared norm of A d. */
  final double squaredImage(int[] block, double[] delta) {
    int count = scatter(block, delta);
    double sum = 0;
    for (int t = 0; t < count; t++) {
      sum += dz[touched[t]] * dz[touched[t]];
    }
    clear(count);
    return sum;
  }

  @Override
  public final void move(int[] block, double[] to) {
    double[] delta = new double[block.length];
    for (int i = 0; i < block.length; i++) {
      delta[i] = to[i] - x[block[i]];
      x[block[i]] = to[i];
    }
    int count = scatter(block, delta);
    for (int t = 0; t < count; t++) {
      int r = touched[t];
      for (int c = 0; c < k; c++) {
        z[r * k + c] += dz[r * k + c];
      }
      update(r);
    }
    clear(count);
  }

  /** Puts A d into dz and the rows where it may not be zero into touched; gives their number. */
  private int scatter(int[] block, double[] delta) {
    int count = 0;
    for (int i = 0; i < block.length; i++) {
      if (delta[i] == 0) {
        continue;
      }
      int f = block[i] / k;
      int c = block[i] % k;
      for (int e = byColumn.start[f]; e < byColumn.start[f + 1]; e++) {
        int r = byColumn.index[e];
        if (!isTouched[r]) {
          isTouched[r] = true;
          touched[count++] = r;
        }
        dz[r * k + c] += delta[i] * byColumn.value[e];
      }
    }
    return count;
  }

  private void clear(int count) {
    for (int t = 0; t < count; t++) {
      int r = touched[t];
      isTouched[r] = false;
      Arrays.fill(dz, r * k, (r + 1) * k, 0);
    }
  }
}
