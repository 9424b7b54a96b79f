package org.tikhon.train;

import java.util.Arrays;
import java.util.Comparator;

/**
 * How far confidences can be trusted. The confidence of a row is its largest probability; it is
 * right where that class is the label.
 *
 * <p>Sources: expected calibration error, Naeini et al. 2015 and Guo et al. 2017; area under the
 * risk-coverage curve, Geifman et al. 2019.
 */
public final class Calibration {
  /** The usual number of bins. */
  public static final int BINS = 15;

  private final double[] confidence;
  private final boolean[] right;

  private Calibration(double[] confidence, boolean[] right) {
    this.confidence = confidence;
    this.right = right;
  }

  /** One bin of a reliability diagram. */
  public record Bin(double low, double high, int count, double confidence, double accuracy) {}

  public static Calibration of(double[][] probabilities, int[] labels) {
    int[] predicted = Metrics.argmax(probabilities);
    double[] confidence = new double[labels.length];
    boolean[] right = new boolean[labels.length];
    for (int i = 0; i < labels.length; i++) {
      confidence[i] = probabilities[i][predicted[i]];
      right[i] = predicted[i] == labels[i];
    }
    return of(confidence, right);
  }

  public static Calibration of(double[] confidence, boolean[] right) {
    if (confidence.length != right.length || right.length == 0) {
      throw new IllegalArgumentException(
          "there must be as many confidences as outcomes and at least one, were "
              + confidence.length
              + " and "
              + right.length);
    }
    return new Calibration(confidence.clone(), right.clone());
  }

  /** Bins {@code (low, high]} of equal width; empty ones have count 0. */
  public Bin[] bins(int bins) {
    if (bins < 1) {
      throw new IllegalArgumentException("bins must be at least 1, was " + bins);
    }
    int[] count = new int[bins];
    double[] sum = new double[bins];
    int[] hits = new int[bins];
    for (int i = 0; i < right.length; i++) {
      int b = Math.clamp((int) Math.ceil(confidence[i] * bins) - 1, 0, bins - 1);
      count[b]++;
      sum[b] += confidence[i];
      hits[b] += right[i] ? 1 : 0;
    }
    Bin[] result = new Bin[bins];
    for (int b = 0; b < bins; b++) {
      result[b] =
          new Bin(
              (double) b / bins,
              (b + 1.0) / bins,
              count[b],
              count[b] == 0 ? Double.NaN : sum[b] / count[b],
              count[b] == 0 ? Double.NaN : (double) hits[b] / count[b]);
    }
    return result;
  }

  /**
   * Expected calibration error: the mean over samples of |accuracy - confidence| of their bin of
   * equal width.
   */
  public double ece(int bins) {
    return Arrays.stream(bins(bins))
        .filter(b -> b.count > 0)
        .mapToDouble(b -> Math.abs(b.accuracy - b.confidence) * b.count / right.length)
        .sum();
  }

  /** Expected calibration error over bins with equally many samples. */
  public double adaptiveEce(int bins) {
    Integer[] order = Metrics.order(right.length, Comparator.comparingDouble(i -> confidence[i]));
    double error = 0;
    for (int b = 0; b < bins; b++) {
      int from = (int) ((long) b * order.length / bins);
      int to = (int) ((long) (b + 1) * order.length / bins);
      double difference = 0;
      for (int i = from; i < to; i++) {
        difference += (right[order[i]] ? 1 : 0) - confidence[order[i]];
      }
      error += Math.abs(difference) / order.length;
    }
    return error;
  }

  /**
   * Area under the risk-coverage curve: samples sorted by falling confidence (equal ones in their
   * order), the mean over k of the fraction of errors among the first k.
   */
  public double aurc() {
    Integer[] order = Metrics.order(right.length, Comparator.comparingDouble(i -> -confidence[i]));
    double sum = 0;
    int errors = 0;
    for (int k = 1; k <= order.length; k++) {
      errors += right[order[k - 1]] ? 0 : 1;
      sum += (double) errors / k;
    }
    return sum / order.length;
  }

  /** {@link #aurc} minus that of a perfect ranking with the same number of errors. */
  public double eaurc() {
    int n = right.length;
    int errors = 0;
    for (boolean r : right) {
      errors += r ? 0 : 1;
    }
    double best = 0;
    for (int j = 1; j <= errors; j++) {
      best += (double) j / (n - errors + j) / n;
    }
    return aurc() - best;
  }
}
