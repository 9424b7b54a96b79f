package org.tikhon.optimize;

/** Arithmetic on arrays. */
final class Vectors {
  private Vectors() {}

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  static double[] scaled(double[] a, double s) {
    double[] out = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      out[i] = s * a[i];
    }
    return out;
  }

  /** Those entries of a that are in a block. */
  static double[] gather(double[] a, int[] block) {
    double[] out = new double[block.length];
    for (int i = 0; i < block.length; i++) {
      out[i] = a[block[i]];
    }
    return out;
  }
}
