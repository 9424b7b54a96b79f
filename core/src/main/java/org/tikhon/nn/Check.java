package org.tikhon.nn;

/** Argument checks that layers share. */
final class Check {
  private Check() {}

  static void positive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, was " + value);
    }
  }

  static void divides(String divisorName, long divisor, String name, long value) {
    positive(divisorName, divisor);
    positive(name, value);
    if (value % divisor != 0) {
      throw new IllegalArgumentException(
          "%s must be divisible by %s, was %d with %d"
              .formatted(name, divisorName, value, divisor));
    }
  }
}
