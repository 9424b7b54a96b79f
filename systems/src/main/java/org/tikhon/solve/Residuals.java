package org.tikhon.solve;

import java.util.Arrays;

/** The residuals of a graph's weights: {@code P = C (I - W)} and the diagonal of D(W). */
final class Residuals {
  private final double[][] c;
  private final double[][] difference;

  /** C (I - W), {@code [d, d]}. */
  final double[][] product;

  /** D(W)_jj, {@code [d]}. */
  final double[] variances;

  Residuals(double[][] c) {
    this.c = c;
    difference = new double[c.length][c.length];
    product = new double[c.length][c.length];
    variances = new double[c.length];
  }

  /** Computes them for weights. */
  void at(double[][] w) {
    for (int i = 0; i < c.length; i++) {
      negative(w[i], difference[i]);
      difference[i][i] += 1;
    }
    SquareRows.multiply(c, difference, product);
    Arrays.fill(variances, 0);
    for (int i = 0; i < c.length; i++) {
      addProducts(difference[i], product[i], variances);
    }
  }

  /** I - W, {@code [d, d]}. */
  double[][] difference() {
    return difference;
  }

  double total() {
    return Arrays.stream(variances).sum();
  }

  /** The residuals' standard deviations. */
  double[] std() {
    return Arrays.stream(variances).map(v -> Math.sqrt(Math.max(v, 0))).toArray();
  }

  // One row at a time, in loops that the JIT makes vector code of.

  private static void negative(double[] x, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] = -x[j];
    }
  }

  private static void addProducts(double[] x, double[] y, double[] out) {
    for (int j = 0; j < out.length; j++) {
      out[j] += x[j] * y[j];
    }
  }
}
