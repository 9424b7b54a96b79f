package org.tikhon.optimize;

import org.tikhon.tensor.Tensor;

/** Argument checks that the room's systems share. */
final class Check {
  private Check() {}

  static void require(boolean condition, String name, Object value, String allowed) {
    if (!condition) {
      throw new IllegalArgumentException(name + " must be " + allowed + ", was " + value);
    }
  }

  static void finite(Tensor values, String name) {
    if (!values.allFinite()) {
      throw new IllegalArgumentException(name + " must be finite, has NaN or infinite entries");
    }
  }

  static void finite(double[] values, String name) {
    for (int i = 0; i < values.length; i++) {
      require(Double.isFinite(values[i]), name + "[" + i + "]", values[i], "finite");
    }
  }
}
