package org.tikhon.transport;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.tikhon.train.Embeddings;

/**
 * How well clusters are the classes of labels that were not used to find them. Each cluster stands
 * for the class that an exact matching gives it, the one with the most samples right in all.
 *
 * @param accuracy the mean over the classes of the part of its samples that are right
 * @param overall the part of all samples that are right
 * @param f1 the mean over the classes of the harmonic mean of precision and recall
 * @param nmi normalised mutual information, {@link Embeddings#nmi}
 * @param ari adjusted Rand index, {@link Embeddings#adjustedRandIndex}
 * @param head the mean accuracy of the largest 30 % of the classes
 * @param medium of the next 40 %
 * @param tail of the smallest 30 %
 * @param classOf each cluster's class, -1 for a cluster more than there are classes
 */
public record ClusterScores(
    double accuracy,
    double overall,
    double f1,
    double nmi,
    double ari,
    double head,
    double medium,
    double tail,
    int[] classOf) {
  private static final double HEAD = 0.3;
  private static final double TAIL = 0.3;

  /**
   * Scores clusters.
   *
   * @param clusters 0, ..., {@code clusterCount - 1}, of each sample
   * @param labels 0, ..., {@code classCount - 1}, of each sample; classes without samples do not
   *     count
   */
  public static ClusterScores of(int[] clusters, int clusterCount, int[] labels, int classCount) {
    if (clusters.length != labels.length || clusters.length == 0) {
      throw new IllegalArgumentException(
          "clusters and labels must have the same length, at least 1, have %d and %d"
              .formatted(clusters.length, labels.length));
    }
    checkRange("clusters", clusters, clusterCount);
    checkRange("labels", labels, classCount);
    int[][] counts = new int[clusterCount][classCount];
    for (int i = 0; i < labels.length; i++) {
      counts[clusters[i]][labels[i]]++;
    }
    int[] classOf = match(counts, classCount);
    return of(clusters, labels, counts, classOf, classCount);
  }

  private static void checkRange(String name, int[] values, int count) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] >= count) {
        throw new IllegalArgumentException(
            "%s[%d] must be in 0..%d, was %d".formatted(name, i, count - 1, values[i]));
      }
    }
  }

  private static int[] match(int[][] counts, int classCount) {
    int size = Math.max(counts.length, classCount);
    double[][] cost = new double[size][size];
    for (int k = 0; k < counts.length; k++) {
      for (int c = 0; c < classCount; c++) {
        cost[k][c] = -counts[k][c];
      }
    }
    double[] ones = new double[size];
    Arrays.fill(ones, 1);
    Plan plan = new ExactTransport().solve(cost, ones, ones).plan();
    return IntStream.range(0, counts.length)
        .map(k -> largest(plan.row(k)))
        .map(c -> c < classCount ? c : -1)
        .toArray();
  }

  private static int largest(double[] row) {
    int best = 0;
    for (int j = 1; j < row.length; j++) {
      best = row[j] > row[best] ? j : best;
    }
    return best;
  }

  private static ClusterScores of(
      int[] clusters, int[] labels, int[][] counts, int[] classOf, int classCount) {
    double[] actual = new double[classCount];
    double[] predicted = new double[classCount];
    double[] hits = new double[classCount];
    for (int k = 0; k < counts.length; k++) {
      for (int c = 0; c < classCount; c++) {
        actual[c] += counts[k][c];
        if (classOf[k] >= 0) {
          predicted[classOf[k]] += counts[k][c];
        }
      }
      if (classOf[k] >= 0) {
        hits[classOf[k]] = counts[k][classOf[k]];
      }
    }
    int[] bySize =
        IntStream.range(0, classCount)
            .filter(c -> actual[c] > 0)
            .boxed()
            .sorted(Comparator.comparingDouble(c -> -actual[c]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] recall = Arrays.stream(bySize).mapToDouble(c -> hits[c] / actual[c]).toArray();
    int headEnd = (int) Math.round(HEAD * recall.length);
    int tailStart = recall.length - (int) Math.round(TAIL * recall.length);
    return new ClusterScores(
        mean(recall, 0, recall.length),
        Arrays.stream(hits).sum() / labels.length,
        Arrays.stream(bySize)
            .mapToDouble(c -> 2 * hits[c] / (actual[c] + predicted[c]))
            .average()
            .orElseThrow(),
        Embeddings.nmi(clusters, labels),
        Embeddings.adjustedRandIndex(clusters, labels),
        mean(recall, 0, headEnd),
        mean(recall, headEnd, tailStart),
        mean(recall, tailStart, recall.length),
        classOf);
  }

  /** NaN of no classes. */
  private static double mean(double[] values, int from, int to) {
    return Arrays.stream(values, from, to).average().orElse(Double.NaN);
  }
}
