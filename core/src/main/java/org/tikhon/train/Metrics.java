package org.tikhon.train;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Measures of predictions, on plain arrays.
 *
 * <p>Probabilities are {@code n} rows of one probability per class; labels are class numbers. Ties
 * in rankings keep the order of the samples.
 */
public final class Metrics {
  private static final double SMALLEST_PROBABILITY = 1e-12;

  private Metrics() {}

  /** The rows' most probable classes; the first of equal ones. */
  public static int[] argmax(double[][] probabilities) {
    return Arrays.stream(probabilities).mapToInt(Metrics::argmax).toArray();
  }

  private static int argmax(double[] row) {
    int best = 0;
    for (int k = 1; k < row.length; k++) {
      if (row[k] > row[best]) {
        best = k;
      }
    }
    return best;
  }

  private static void checkLengths(int predictions, int labels) {
    if (predictions != labels || labels == 0) {
      throw new IllegalArgumentException(
          "there must be as many labels as predictions and at least one, were "
              + labels
              + " and "
              + predictions);
    }
  }

  /** The fraction of rows whose most probable class is the label. */
  public static double accuracy(double[][] probabilities, int[] labels) {
    return topK(probabilities, labels, 1);
  }

  /** The fraction of rows whose label is among the k most probable classes. */
  public static double topK(double[][] probabilities, int[] labels, int k) {
    checkLengths(probabilities.length, labels.length);
    long hits = 0;
    for (int i = 0; i < labels.length; i++) {
      double[] row = probabilities[i];
      int label = labels[i];
      long before =
          IntStream.range(0, row.length)
              .filter(c -> row[c] > row[label] || (row[c] == row[label] && c < label))
              .count();
      hits += before < k ? 1 : 0;
    }
    return (double) hits / labels.length;
  }

  /** The mean negative logarithm of the label's probability (at least 1e-12). */
  public static double nll(double[][] probabilities, int[] labels) {
    checkLengths(probabilities.length, labels.length);
    double sum = 0;
    for (int i = 0; i < labels.length; i++) {
      sum -= Math.log(Math.max(SMALLEST_PROBABILITY, probabilities[i][labels[i]]));
    }
    return sum / labels.length;
  }

  /** The mean squared distance between the row and the one-hot label. */
  public static double brier(double[][] probabilities, int[] labels) {
    checkLengths(probabilities.length, labels.length);
    double sum = 0;
    for (int i = 0; i < labels.length; i++) {
      for (int k = 0; k < probabilities[i].length; k++) {
        double d = probabilities[i][k] - (k == labels[i] ? 1 : 0);
        sum += d * d;
      }
    }
    return sum / labels.length;
  }

  /**
   * The mean over the classes of the harmonic mean of precision and recall; 0 for a class that was
   * never hit.
   */
  public static double macroF1(double[][] probabilities, int[] labels) {
    int[][] confusion = confusion(probabilities, labels);
    double sum = 0;
    for (int k = 0; k < confusion.length; k++) {
      int hits = confusion[k][k];
      int actual = Arrays.stream(confusion[k]).sum();
      int predicted = 0;
      for (int[] row : confusion) {
        predicted += row[k];
      }
      sum += actual + predicted == 0 ? 0 : 2.0 * hits / (actual + predicted);
    }
    return sum / confusion.length;
  }

  /** Counts of samples by label (row) and predicted class (column). */
  public static int[][] confusion(double[][] probabilities, int[] labels) {
    checkLengths(probabilities.length, labels.length);
    int classes = probabilities[0].length;
    int[][] counts = new int[classes][classes];
    for (int i = 0; i < labels.length; i++) {
      counts[labels[i]][argmax(probabilities[i])]++;
    }
    return counts;
  }

  /**
   * The area under the ROC curve: of class 1 with two classes, otherwise the mean over the classes
   * (that occur, one against the rest). NaN where the labels hold one class only. Equal scores
   * count half.
   */
  public static double auroc(double[][] probabilities, int[] labels) {
    checkLengths(probabilities.length, labels.length);
    int classes = probabilities[0].length;
    return IntStream.range(classes == 2 ? 1 : 0, classes)
        .mapToDouble(k -> auroc(probabilities, labels, k))
        .filter(Double::isFinite)
        .average()
        .orElse(Double.NaN);
  }

  private static double auroc(double[][] probabilities, int[] labels, int k) {
    Integer[] order = order(labels.length, Comparator.comparingDouble(i -> probabilities[i][k]));
    double rankSum = 0;
    long positives = 0;
    for (int start = 0; start < order.length; ) {
      int end = start;
      while (end < order.length && probabilities[order[end]][k] == probabilities[order[start]][k]) {
        end++;
      }
      double meanRank = (start + 1 + end) / 2.0;
      for (int i = start; i < end; i++) {
        if (labels[order[i]] == k) {
          rankSum += meanRank;
          positives++;
        }
      }
      start = end;
    }
    double negatives = labels.length - positives;
    return (rankSum - positives * (positives + 1) / 2.0) / (positives * negatives);
  }

  static Integer[] order(int n, Comparator<Integer> comparator) {
    Integer[] order = new Integer[n];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, comparator);
    return order;
  }

  /** The root of the mean squared error. */
  public static double rmse(double[] predictions, double[] targets) {
    checkLengths(predictions.length, targets.length);
    return Math.sqrt(
        IntStream.range(0, targets.length)
            .mapToDouble(i -> square(predictions[i] - targets[i]))
            .average()
            .orElseThrow());
  }

  /** The mean absolute error. */
  public static double mae(double[] predictions, double[] targets) {
    checkLengths(predictions.length, targets.length);
    return IntStream.range(0, targets.length)
        .mapToDouble(i -> Math.abs(predictions[i] - targets[i]))
        .average()
        .orElseThrow();
  }

  /**
   * One minus the squared error divided by that of the targets' mean; NaN where all targets are
   * equal.
   */
  public static double r2(double[] predictions, double[] targets) {
    checkLengths(predictions.length, targets.length);
    double mean = Arrays.stream(targets).average().orElseThrow();
    double total = Arrays.stream(targets).map(t -> square(t - mean)).sum();
    return total == 0
        ? Double.NaN
        : 1 - square(rmse(predictions, targets)) * targets.length / total;
  }

  private static double square(double x) {
    return x * x;
  }
}
