package org.tikhon.simd;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/** The butterflies of {@link Hadamard} in the Vector API. */
final class HadamardVectors {
  private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
  private static final int LANES = D.length();

  private HadamardVectors() {}

  /**
   * Combines 2, 4 or 8 parts of {@code run} numbers as far as whole vectors go; says how far that
   * is.
   */
  static int combine(double[] x, int from, int run, int parts) {
    int whole = run - run % LANES;
    switch (parts) {
      case 8 -> eight(x, from, run, whole);
      case 4 -> four(x, from, run, whole);
      case 2 -> two(x, from, run, whole);
      default -> {}
    }
    return whole;
  }

  private static DoubleVector load(double[] x, int at) {
    return DoubleVector.fromArray(D, x, at);
  }

  private static void two(double[] x, int from, int run, int whole) {
    for (int i = from; i < from + whole; i += LANES) {
      DoubleVector u = load(x, i);
      DoubleVector v = load(x, i + run);
      u.add(v).intoArray(x, i);
      u.sub(v).intoArray(x, i + run);
    }
  }

  private static void four(double[] x, int from, int run, int whole) {
    for (int i = from; i < from + whole; i += LANES) {
      DoubleVector a = load(x, i);
      DoubleVector b = load(x, i + run);
      DoubleVector c = load(x, i + 2 * run);
      DoubleVector d = load(x, i + 3 * run);
      DoubleVector s = a.add(b);
      DoubleVector t = a.sub(b);
      DoubleVector u = c.add(d);
      DoubleVector v = c.sub(d);
      s.add(u).intoArray(x, i);
      t.add(v).intoArray(x, i + run);
      s.sub(u).intoArray(x, i + 2 * run);
      t.sub(v).intoArray(x, i + 3 * run);
    }
  }

  private static void eight(double[] x, int from, int run, int whole) {
    for (int i = from; i < from + whole; i += LANES) {
      DoubleVector x0 = load(x, i);
      DoubleVector x1 = load(x, i + run);
      DoubleVector x2 = load(x, i + 2 * run);
      DoubleVector x3 = load(x, i + 3 * run);
      DoubleVector x4 = load(x, i + 4 * run);
      DoubleVector x5 = load(x, i + 5 * run);
      DoubleVector x6 = load(x, i + 6 * run);
      DoubleVector x7 = load(x, i + 7 * run);
      DoubleVector a0 = x0.add(x1);
      DoubleVector a1 = x0.sub(x1);
      DoubleVector a2 = x2.add(x3);
      DoubleVector a3 = x2.sub(x3);
      DoubleVector a4 = x4.add(x5);
      DoubleVector a5 = x4.sub(x5);
      DoubleVector a6 = x6.add(x7);
      DoubleVector a7 = x6.sub(x7);
      DoubleVector b0 = a0.add(a2);
      DoubleVector b1 = a1.add(a3);
      DoubleVector b2 = a0.sub(a2);
      DoubleVector b3 = a1.sub(a3);
      DoubleVector b4 = a4.add(a6);
      DoubleVector b5 = a5.add(a7);
      DoubleVector b6 = a4.sub(a6);
      DoubleVector b7 = a5.sub(a7);
      b0.add(b4).intoArray(x, i);
      b1.add(b5).intoArray(x, i + run);
      b2.add(b6).intoArray(x, i + 2 * run);
      b3.add(b7).intoArray(x, i + 3 * run);
      b0.sub(b4).intoArray(x, i + 4 * run);
      b1.sub(b5).intoArray(x, i + 5 * run);
      b2.sub(b6).intoArray(x, i + 6 * run);
      b3.sub(b7).intoArray(x, i + 7 * run);
    }
  }
}
