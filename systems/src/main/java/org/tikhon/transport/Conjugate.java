package org.tikhon.transport;

import java.util.Arrays;

/**
 * The conjugates of a regulariser of one column t of a plan, with their maximisers:
 *
 * <pre>
 * Omega*_+(s) = max_{t >= 0} &lt;s, t&gt; - Omega(t),
 * Omega*_b(s) = the same over  t >= 0, sum t = b.
 * </pre>
 */
sealed interface Conjugate {
  /** {@code Omega*_+(s)}; puts the maximiser into the column. */
  double free(double[] s, Column out);

  /** {@code Omega*_b(s)} for b above 0; puts the maximiser into the column. */
  double withMass(double[] s, double b, Column out);

  /** A maximiser by its entries that are not zero, with room for all of them. */
  final class Column {
    /** The places of the entries, rising. */
    final int[] index;

    final double[] mass;
    int size;

    /** beta, with which {@code Omega*_+(s + beta)} has the same maximiser; set by withMass. */
    double beta;

    /** Whether another support of the same size is as good, but for rounding. */
    boolean tied;

    private final double[] values;

    Column(int length) {
      index = new int[length];
      mass = new double[length];
      values = new double[length];
    }
  }

  /**
   * {@code Omega(t) = (gamma / 2) |t|^2} for t with at most k entries that are not zero, otherwise
   * infinite.
   */
  record SparseQuadratic(double gamma, int k) implements Conjugate {
    /** Of the mass of an entry: a smaller gap between the k-th and the next score is a tie. */
    private static final double TIE = 1e-6;

    @Override
    public double free(double[] s, Column out) {
      support(s, 0, out);
      double square = 0;
      for (int i = 0; i < out.size; i++) {
        double score = s[out.index[i]];
        out.mass[i] = score / gamma;
        square += score * score;
      }
      return square / (2 * gamma);
    }

    @Override
    public double withMass(double[] s, double b, Column out) {
      // In units of the scores, from the largest down: no division by a small gamma.
      double max = RowKernels.max(s);
      double threshold = max - gamma * b;
      int count;
      double step;
      do {
        // Newton's method comes from the left, and ends in finitely many steps.
        count = RowKernels.countAbove(s, threshold);
        step = count == 0 ? 0 : (RowKernels.excess(s, threshold) - gamma * b) / count;
        threshold += Math.max(step, 0);
      } while (step > Math.ulp(threshold) && RowKernels.countAbove(s, threshold) < count);
      support(s, threshold, out);
      if (out.size == 0) {
        // gamma b is lost in the rounding of the scores.
        out.size = 1;
        out.index[0] = first(s, max);
      }
      return project(s, b, max, out);
    }

    private static int first(double[] s, double value) {
      int i = 0;
      while (i < s.length - 1 && s[i] != value) {
        i++;
      }
      return i;
    }

    /** The k largest of the scores above a threshold; of equal ones the first. */
    private void support(double[] s, double threshold, Column out) {
      int q = 0;
      for (int i = 0; i < s.length; i++) {
        if (s[i] > threshold) {
          out.index[q++] = i;
        }
      }
      out.tied = false;
      out.size = Math.min(q, k);
      if (q <= k) {
        return;
      }
      for (int i = 0; i < q; i++) {
        out.values[i] = s[out.index[i]];
      }
      double least = Selection.kthLargest(out.values, q, k);
      int larger = 0;
      double next = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < q; i++) {
        double score = s[out.index[i]];
        larger += score > least ? 1 : 0;
        next = score < least ? Math.max(next, score) : next;
      }
      int equal = k - larger;
      int kept = 0;
      for (int i = 0; i < q; i++) {
        double score = s[out.index[i]];
        if (score > least) {
          out.index[kept++] = out.index[i];
        } else if (score == least) {
          if (equal-- > 0) {
            out.index[kept++] = out.index[i];
          } else {
            next = least;
          }
        }
      }
      out.tied = least - next <= TIE * (least - threshold);
    }

    /** Projects the scores of the support, divided by gamma, onto the simplex of mass b. */
    private double project(double[] s, double b, double max, Column out) {
      double[] v = out.values;
      for (int i = 0; i < out.size; i++) {
        v[i] = s[out.index[i]] - max;
      }
      double threshold = -gamma * b;
      double before;
      do {
        before = threshold;
        double sum = 0;
        int count = 0;
        for (int i = 0; i < out.size; i++) {
          if (v[i] > threshold) {
            sum += v[i];
            count++;
          }
        }
        threshold = count == 0 ? before : Math.max(before, (sum - gamma * b) / count);
      } while (threshold > before);
      out.beta = -max - threshold;
      double total = 0;
      int kept = 0;
      for (int i = 0; i < out.size; i++) {
        double mass = (v[i] - threshold) / gamma;
        if (mass > 0) {
          out.index[kept] = out.index[i];
          out.mass[kept++] = mass;
          total += mass;
        }
      }
      if (kept == 0) {
        out.mass[0] = b;
        kept = 1;
        total = b;
      }
      out.size = kept;
      double linear = 0;
      double square = 0;
      for (int i = 0; i < kept; i++) {
        // What rounding has done to a small gamma's differences must not change the mass.
        out.mass[i] *= b / total;
        linear += out.mass[i] * s[out.index[i]];
        square += out.mass[i] * out.mass[i];
      }
      return linear - gamma / 2 * square;
    }
  }

  /** {@code Omega(t) = gamma sum t log t}. */
  record NegativeEntropy(double gamma) implements Conjugate {
    @Override
    public double free(double[] s, Column out) {
      all(s, out);
      double sum = 0;
      for (int i = 0; i < s.length; i++) {
        out.mass[i] = Math.exp(s[i] / gamma - 1);
        sum += out.mass[i];
      }
      return gamma * sum;
    }

    @Override
    public double withMass(double[] s, double b, Column out) {
      all(s, out);
      double max = RowKernels.max(s);
      double sum = 0;
      for (int i = 0; i < s.length; i++) {
        out.mass[i] = Math.exp((s[i] - max) / gamma);
        sum += out.mass[i];
      }
      for (int i = 0; i < s.length; i++) {
        out.mass[i] *= b / sum;
      }
      double logSumExp = max / gamma + Math.log(sum);
      out.beta = gamma * (1 + Math.log(b) - logSumExp);
      return gamma * b * (logSumExp - Math.log(b));
    }

    private static void all(double[] s, Column out) {
      Arrays.setAll(out.index, i -> i);
      out.size = s.length;
      out.tied = false;
    }
  }
}
