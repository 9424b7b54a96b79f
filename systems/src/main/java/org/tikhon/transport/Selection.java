package org.tikhon.transport;

import java.util.Arrays;

/** Finds a large entry of a matrix or an array without sorting it. */
final class Selection {
  private static final int DIGIT = 16;
  private static final int BUCKETS = 1 << DIGIT;

  /** So few candidates are copied and sorted. */
  private static final int FEW = 4096;

  private Selection() {}

  /**
   * The k-th largest entry. The bits of doubles that are not negative are ordered as their values,
   * so the entry is found digit by digit: a histogram of the leading 16 bits (exponent and 4 bits
   * of the fraction) names a bucket, and only that bucket's entries are looked at again.
   *
   * @param values not negative and not NaN
   * @param k 1, ..., the number of entries
   */
  static double kthLargest(double[][] values, long k) {
    int[] histogram = new int[BUCKETS];
    long prefix = 0;
    long rank = k;
    for (int shift = Long.SIZE - DIGIT; shift >= 0; shift -= DIGIT) {
      Arrays.fill(histogram, 0);
      for (double[] row : values) {
        count(row, shift, prefix, histogram);
      }
      int digit = BUCKETS - 1;
      while (histogram[digit] < rank) {
        rank -= histogram[digit--];
      }
      prefix = prefix << DIGIT | digit;
      if (histogram[digit] <= FEW) {
        double[] candidates = bucket(values, shift, prefix, histogram[digit]);
        Arrays.sort(candidates);
        return candidates[candidates.length - (int) rank];
      }
    }
    // Many equal entries.
    return Double.longBitsToDouble(prefix);
  }

  private static void count(double[] row, int shift, long prefix, int[] histogram) {
    int above = shift + DIGIT;
    for (double v : row) {
      long bits = Double.doubleToRawLongBits(v);
      // The first digit has no prefix, and a shift by 64 would be none.
      if (above == Long.SIZE || bits >>> above == prefix) {
        histogram[(int) (bits >>> shift) & (BUCKETS - 1)]++;
      }
    }
  }

  /** The entries whose leading bits are {@code prefix}. */
  private static double[] bucket(double[][] values, int shift, long prefix, int count) {
    double[] found = new double[count];
    int k = 0;
    for (double[] row : values) {
      for (double v : row) {
        if (Double.doubleToRawLongBits(v) >>> shift == prefix) {
          found[k++] = v;
        }
      }
    }
    return found;
  }

  /** The k-th largest of the first n values, which are reordered (Hoare's quickselect). */
  static double kthLargest(double[] values, int n, int k) {
    int low = 0;
    int high = n - 1;
    int target = k - 1;
    while (low < high) {
      double pivot = values[(low + high) >>> 1];
      int i = low;
      int j = high;
      while (i <= j) {
        while (values[i] > pivot) {
          i++;
        }
        while (values[j] < pivot) {
          j--;
        }
        if (i <= j) {
          double v = values[i];
          values[i++] = values[j];
          values[j--] = v;
        }
      }
      if (target <= j) {
        high = j;
      } else if (target >= i) {
        low = i;
      } else {
        return values[target];
      }
    }
    return values[target];
  }
}
