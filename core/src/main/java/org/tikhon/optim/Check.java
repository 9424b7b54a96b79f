package org.tikhon.optim;

/** Argument checks that optimisers share. */
final class Check {
  private Check() {}

  static void require(boolean condition, String name, double value, String allowed) {
    if (!condition) {
      throw new IllegalArgumentException(name + " must be " + allowed + ", was " + value);
    }
  }
}
