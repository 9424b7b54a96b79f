package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.simd.VectorExp;

/**
 * The costs of samples and clusters, {@code c = C / epsilon} with a virtual cluster of cost 0 as
 * the last column, in the tiles of {@link TileKernels}; and the plan whose rows are exact at given
 * column potentials, {@code N Q_i = softmax_k(v_k - c_ik)}, in the log domain: no cost overflows.
 */
final class SampleTiles {
  private static final int TILE = TileKernels.DOUBLES;

  /** A smaller column sum may have lost terms: exponentials end at e^-745. */
  private static final double SAFE_LOG_SUM = -600;

  final int samples;
  final int columns;

  /** Whether a column has a finite cost. */
  final boolean[] usable;

  private final double[] costs;

  /** {@code log sum_k exp(v_k - c_ik)} at the last potentials. */
  private final double[] logSums;

  private final double[] exponentials;
  private final double[] max = new double[TILE];
  private final double[] sum = new double[TILE];
  private final double[] lanes;
  private final double[] ones;

  SampleTiles(int samples, int clusters) {
    this.samples = samples;
    this.columns = clusters + 1;
    int tiles = Math.ceilDiv(samples, TILE);
    this.costs = new double[tiles * TILE * columns];
    this.logSums = new double[tiles * TILE];
    this.exponentials = new double[TILE * columns];
    this.usable = new boolean[columns];
    this.lanes = new double[TileKernels.doubleLanes(columns)];
    this.ones = new double[columns];
    Arrays.fill(ones, 1);
  }

  /** The place of a sample's and cluster's cost. */
  private int place(int i, int k) {
    return ((i / TILE) * columns + k) * TILE + i % TILE;
  }

  /**
   * Takes over costs.
   *
   * @param cost {@code [N, K]}, row-major
   * @throws IllegalArgumentException if one is NaN or -infinity, or a row has no finite one
   */
  void load(double[] cost, double epsilon) {
    int clusters = columns - 1;
    Arrays.fill(usable, false);
    usable[clusters] = true;
    for (int i = 0; i < samples; i++) {
      boolean finite = false;
      for (int k = 0; k < clusters; k++) {
        double c = cost[i * clusters + k];
        if (!(c > Double.NEGATIVE_INFINITY)) {
          throw new IllegalArgumentException(
              "cost[%d][%d] must be a number or +infinity, was %s".formatted(i, k, c));
        }
        costs[place(i, k)] = c / epsilon;
        finite |= c < Double.POSITIVE_INFINITY;
        usable[k] |= c < Double.POSITIVE_INFINITY;
      }
      if (!finite) {
        throw new IllegalArgumentException("row %d of the cost has no finite cost".formatted(i));
      }
    }
  }

  /** {@code c_ik}. */
  double cost(int i, int k) {
    return costs[place(i, k)];
  }

  /** The log of the column sums of Q, whose rows sum to 1 / N. */
  void logColumnSums(double[] v, double[] out) {
    for (int first = 0; first < samples; first += TILE) {
      expTile(first, v);
      for (int j = 0; j < TILE; j++) {
        logSums[first + j] = max[j] + Math.log(sum[j]);
        sum[j] = first + j < samples ? 1 / (samples * sum[j]) : 0;
      }
      TileKernels.addColumnProducts(exponentials, 0, sum, lanes);
    }
    for (int k = 0; k < columns; k++) {
      out[k] = Math.log(TileKernels.takeLanes(lanes, k));
      if (!(out[k] > SAFE_LOG_SUM) && v[k] > Double.NEGATIVE_INFINITY) {
        out[k] = logColumnSum(k, v[k]);
      }
    }
  }

  /** {@code exp(v_k - c_ik)} of a tile, divided by the largest of each sample, and their sums. */
  private void expTile(int first, double[] v) {
    TileKernels.largestExponents(costs, first * columns, v, max);
    TileKernels.exponents(costs, first * columns, v, max, exponentials);
    VectorExp.exp(exponentials, exponentials);
    TileKernels.rowProducts(exponentials, 0, ones, sum);
  }

  /** One column's sum in two passes, whatever its size. */
  private double logColumnSum(int k, double potential) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < samples; i++) {
      largest = Math.max(largest, potential - cost(i, k) - logSums[i]);
    }
    double total = 0;
    for (int i = 0; i < samples; i++) {
      total += Math.exp(potential - cost(i, k) - logSums[i] - largest);
    }
    return largest + Math.log(total / samples);
  }

  /** {@code log sum_k exp(v_k - c_ik)} at the potentials of the last {@link #logColumnSums}. */
  double logRowSum(int i) {
    return logSums[i];
  }

  /** N Q at potentials, without the virtual cluster, {@code [N, K]}, row-major. */
  double[] plan(double[] v) {
    int clusters = columns - 1;
    double[] plan = new double[samples * clusters];
    for (int first = 0; first < samples; first += TILE) {
      expTile(first, v);
      for (int i = first; i < Math.min(first + TILE, samples); i++) {
        for (int k = 0; k < clusters; k++) {
          plan[i * clusters + k] = exponentials[k * TILE + i - first] / sum[i - first];
        }
        logSums[i] = max[i - first] + Math.log(sum[i - first]);
      }
    }
    return plan;
  }
}
