package org.tikhon.optimize;

import java.util.Arrays;

/** Orders of indices by scores, without boxing. */
final class Ranking {
  private static final long INDEX = 0xffffffffL;

  private Ranking() {}

  /**
   * All indices, those of the largest scores first; equal scores in ascending order of the index.
   * Scores are compared by the upper half of their bits (20 bits of the fraction).
   *
   * @param scores 0 or more, not NaN
   */
  static int[] descending(double[] scores) {
    long[] keys = new long[scores.length];
    for (int i = 0; i < keys.length; i++) {
      // Adding 0 makes a negative zero positive.
      keys[i] = ~(Double.doubleToRawLongBits(scores[i] + 0.0) >>> Integer.SIZE) << Integer.SIZE | i;
    }
    Arrays.sort(keys);
    int[] order = new int[keys.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) (keys[i] & INDEX);
    }
    return order;
  }

  /**
   * The indices of the k largest scores, ascending; among equal ones the smallest indices. Expected
   * time O(n).
   *
   * @param scores not NaN
   * @param k 1, ..., the number of scores
   */
  static int[] largest(double[] scores, int k) {
    int n = scores.length;
    double[] work = scores.clone();
    int low = 0;
    int high = n - 1;
    int target = n - k;
    while (low < high) {
      double pivot = median(work[low], work[(low + high) >>> 1], work[high]);
      int i = low;
      int j = high;
      while (i <= j) {
        while (work[i] < pivot) {
          i++;
        }
        while (work[j] > pivot) {
          j--;
        }
        if (i <= j) {
          double t = work[i];
          work[i++] = work[j];
          work[j--] = t;
        }
      }
      if (target <= j) {
        high = j;
      } else if (target >= i) {
        low = i;
      } else {
        break;
      }
    }
    double threshold = work[target];
    int above = 0;
    for (double s : scores) {
      above += s > threshold ? 1 : 0;
    }
    int[] out = new int[k];
    int equal = k - above;
    int count = 0;
    for (int i = 0; i < n && count < k; i++) {
      if (scores[i] > threshold) {
        out[count++] = i;
      } else if (scores[i] == threshold && equal > 0) {
        out[count++] = i;
        equal--;
      }
    }
    return out;
  }

  private static double median(double a, double b, double c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }
}
