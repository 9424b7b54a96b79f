package org.tikhon.solve;

import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/** Random signs, a bit each. */
final class Signs {
  private static final int BITS = 32;
  private final long[] words;

  Signs(long n, Rng rng) {
    try (Scope scope = Scope.open()) {
      words = rng.integers(0, 1L << BITS, (n + BITS - 1) / BITS).toLongArray();
    }
  }

  boolean isNegative(long i) {
    return (words[(int) (i / BITS)] >>> (i % BITS) & 1) != 0;
  }

  double of(long i) {
    return isNegative(i) ? -1 : 1;
  }

  /** The entry of a Hadamard matrix. */
  static double hadamard(long i, long j) {
    return Long.bitCount(i & j) % 2 == 0 ? 1 : -1;
  }

  /** The power of two at or above n. */
  static long padded(long n) {
    return n == 1 ? 1 : Long.highestOneBit(n - 1) << 1;
  }
}
