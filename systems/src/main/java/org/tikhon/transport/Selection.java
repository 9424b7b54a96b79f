package org.tikhon.transport;

import java.util.Arrays;

/** Finds a large entry of a matrix without sorting or copying it. */
final class Selection {
  private static final int DIGIT = 16;
  private static final int BUCKETS = 1 << DIGIT;

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
      if (histogram[digit] == 1) {
        return only(values, shift, prefix);
      }
    }
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

  private static double only(double[][] values, int shift, long prefix) {
    for (double[] row : values) {
      for (double v : row) {
        if (Double.doubleToRawLongBits(v) >>> shift == prefix) {
          return v;
        }
      }
    }
    throw new AssertionError("the entry was counted");
  }
}
