package org.tikhon.solve;

/**
 * How an estimated graph E differs from the true one T. An edge of E is <em>reversed</em> if only
 * its reverse is in T, <em>extra</em> if T has none between its nodes; an edge of T is
 * <em>missing</em> if E has none between its nodes.
 *
 * @param shd the structural Hamming distance: extra + missing + reversed
 * @param tpr the true positive rate {@code |E and T| / |T|}; 1 if T has no edge
 * @param fdr the false discovery rate {@code (reversed + extra) / |E|}; 0 if E has no edge
 * @param fpr the false positive rate {@code (reversed + extra) / (d (d - 1) / 2 - |T|)}; a
 *     denominator of 0 counts as 1
 * @param size {@code |E|}
 */
public record DagMetrics(
    int shd, double tpr, double fdr, double fpr, int size, int extra, int missing, int reversed) {

  /**
   * Compares.
   *
   * @throws IllegalArgumentException if the graphs differ in their number of nodes
   */
  public static DagMetrics compare(Dag truth, Dag estimate) {
    int d = truth.size();
    DagData.require(
        estimate.size() == d, "the number of nodes of estimate", estimate.size(), "truth's, " + d);
    int extra = 0;
    int missing = 0;
    int reversed = 0;
    int found = 0;
    for (int i = 0; i < d; i++) {
      for (int j = i + 1; j < d; j++) {
        boolean inTruth = truth.has(i, j) || truth.has(j, i);
        boolean inEstimate = estimate.has(i, j) || estimate.has(j, i);
        if (inTruth && inEstimate) {
          boolean same = truth.has(i, j) == estimate.has(i, j);
          found += same ? 1 : 0;
          reversed += same ? 0 : 1;
        } else {
          extra += inEstimate ? 1 : 0;
          missing += inTruth ? 1 : 0;
        }
      }
    }
    int trueEdges = found + reversed + missing;
    int size = found + reversed + extra;
    double wrong = reversed + extra;
    return new DagMetrics(
        extra + missing + reversed,
        trueEdges == 0 ? 1 : (double) found / trueEdges,
        wrong / Math.max(size, 1),
        wrong / Math.max(d * (d - 1) / 2 - trueEdges, 1),
        size,
        extra,
        missing,
        reversed);
  }

  /**
   * The mean over the columns of {@code |estimated - true| / true}, for noise variances.
   *
   * @throws IllegalArgumentException if the lengths differ
   */
  public static double relativeError(double[] truth, double[] estimate) {
    DagData.require(
        truth.length == estimate.length,
        "the length of estimate",
        estimate.length,
        "truth's, " + truth.length);
    double sum = 0;
    for (int j = 0; j < truth.length; j++) {
      sum += Math.abs(estimate[j] - truth[j]) / truth[j];
    }
    return sum / truth.length;
  }
}
