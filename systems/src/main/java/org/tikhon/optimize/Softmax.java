package org.tikhon.optimize;

import java.util.Arrays;

/**
 * {@code f(X) = sum_r -log softmax(row r of A X)[label_r]}, from X = 0. Coordinate {@code feature k
 * + class} of x is entry (feature, class) of X. H is the Kronecker product of A' A with {@code (I -
 * 1 1' / k) / 2} (Boehning's bound).
 */
public final class Softmax extends LinearModelProblem {
  private final int[] labels;
  private final int k;

  private Softmax(SparseMatrix a, int[] labels, int k) {
    super(a, k);
    this.labels = labels;
    this.k = k;
    begin();
  }

  /**
   * A problem with as many classes as the largest label says, at least two.
   *
   * @param a A, {@code [m, features]}
   * @param labels {@code [m]}, 0 or more
   */
  public static Softmax of(SparseMatrix a, int[] labels) {
    Check.require(
        labels.length == a.rows(), "the number of labels", labels.length, "that of A's rows");
    for (int label : labels) {
      Check.require(label >= 0, "every label", label, "0 or more");
    }
    return new Softmax(
        a, labels.clone(), Math.max(2, Arrays.stream(labels).max().orElseThrow() + 1));
  }

  /** The number of classes. */
  public int classes() {
    return k;
  }

  @Override
  double loss(int r, double[] z, int at) {
    double max = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < k; c++) {
      max = Math.max(max, z[at + c]);
    }
    double sum = 0;
    for (int c = 0; c < k; c++) {
      sum += Math.exp(z[at + c] - max);
    }
    return Math.log(sum) + max - z[at + labels[r]];
  }

  @Override
  void derive(int r) {
    int at = r * k;
    double max = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < k; c++) {
      max = Math.max(max, z[at + c]);
    }
    double sum = 0;
    for (int c = 0; c < k; c++) {
      derivatives[at + c] = Math.exp(z[at + c] - max);
      sum += derivatives[at + c];
    }
    for (int c = 0; c < k; c++) {
      derivatives[at + c] = derivatives[at + c] / sum - (c == labels[r] ? 1 : 0);
    }
  }

  @Override
  double curvature(int r, int c, int d) {
    return probability(r, c) * ((c == d ? 1 : 0) - probability(r, d));
  }

  private double probability(int r, int c) {
    return derivatives[r * k + c] + (c == labels[r] ? 1 : 0);
  }

  @Override
  double curvatureBound(int c, int d) {
    return 0.5 * ((c == d ? 1 : 0) - 1.0 / k);
  }
}
