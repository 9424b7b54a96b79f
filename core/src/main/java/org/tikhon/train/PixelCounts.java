package org.tikhon.train;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** How often each class was predicted for pixels of each class: overlap measures of masks. */
public final class PixelCounts {
  private final int classes;
  private final long[][] counts;

  /**
   * No pixels yet.
   *
   * @param classes at least 2; class 0 is the background
   */
  public PixelCounts(int classes) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    this.classes = classes;
    this.counts = new long[classes][classes];
  }

  /**
   * Counts pixels; ignored ones (negative labels) are left out.
   *
   * @param predicted and {@code labels} INT64 of one shape
   */
  public void add(Tensor predicted, Tensor labels) {
    try (Scope scope = Scope.open()) {
      Tensor valid = labels.ge(0).reshape(-1).nonzero().reshape(-1);
      Tensor l = labels.reshape(-1).indexSelect(0, valid);
      Tensor p = predicted.reshape(-1).indexSelect(0, valid);
      long[] flat =
          l.mul(classes).add(p).to(Dtype.INT64).bincount((long) classes * classes).toLongArray();
      for (int i = 0; i < flat.length; i++) {
        counts[i / classes][i % classes] += flat[i];
      }
    }
  }

  /** Counts by label (row) and prediction (column). */
  public long[][] confusion() {
    long[][] copy = new long[classes][];
    for (int i = 0; i < classes; i++) {
      copy[i] = counts[i].clone();
    }
    return copy;
  }

  /**
   * Dice coefficient of each class, {@code 2 |A and B| / (|A| + |B|)}; NaN where it never occurs.
   */
  public double[] dice() {
    double[] dice = new double[classes];
    for (int k = 0; k < classes; k++) {
      dice[k] = 2.0 * counts[k][k] / (labelled(k) + predicted(k));
    }
    return dice;
  }

  /** Intersection over union of each class; NaN where it never occurs. */
  public double[] iou() {
    double[] iou = new double[classes];
    for (int k = 0; k < classes; k++) {
      iou[k] = (double) counts[k][k] / (labelled(k) + predicted(k) - counts[k][k]);
    }
    return iou;
  }

  /** The mean Dice coefficient of the classes from 1 that occur. */
  public double meanForegroundDice() {
    return mean(dice(), 1);
  }

  /** The mean intersection over union of all classes that occur. */
  public double meanIou() {
    return mean(iou(), 0);
  }

  private static double mean(double[] values, int from) {
    double sum = 0;
    int n = 0;
    for (int k = from; k < values.length; k++) {
      if (!Double.isNaN(values[k])) {
        sum += values[k];
        n++;
      }
    }
    return n == 0 ? Double.NaN : sum / n;
  }

  private long labelled(int k) {
    long sum = 0;
    for (long count : counts[k]) {
      sum += count;
    }
    return sum;
  }

  private long predicted(int k) {
    long sum = 0;
    for (long[] row : counts) {
      sum += row[k];
    }
    return sum;
  }
}
