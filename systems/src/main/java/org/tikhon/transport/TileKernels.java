package org.tikhon.transport;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two products of a tile: four vectors of samples by all columns, column after column. A sample
 * is a lane, so that few columns are as fast as many, and the tile is still in the cache when the
 * second product reads it.
 */
final class TileKernels {
  private static final VectorSpecies<Double> D = DoubleVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
  private static final int VECTORS = 4;

  /** Samples in a tile of doubles. */
  static final int DOUBLES = VECTORS * D.length();

  /** Samples in a tile of floats. */
  static final int FLOATS = VECTORS * F.length();

  private TileKernels() {}

  /** {@code out_j = sum_k m[at + k * DOUBLES + j] b_k}. */
  static void rowProducts(double[] m, int at, double[] b, double[] out) {
    int lanes = D.length();
    DoubleVector s0 = DoubleVector.zero(D);
    DoubleVector s1 = DoubleVector.zero(D);
    DoubleVector s2 = DoubleVector.zero(D);
    DoubleVector s3 = DoubleVector.zero(D);
    int place = at;
    for (double weight : b) {
      DoubleVector w = DoubleVector.broadcast(D, weight);
      s0 = DoubleVector.fromArray(D, m, place).fma(w, s0);
      s1 = DoubleVector.fromArray(D, m, place + lanes).fma(w, s1);
      s2 = DoubleVector.fromArray(D, m, place + 2 * lanes).fma(w, s2);
      s3 = DoubleVector.fromArray(D, m, place + 3 * lanes).fma(w, s3);
      place += DOUBLES;
    }
    s0.intoArray(out, 0);
    s1.intoArray(out, lanes);
    s2.intoArray(out, 2 * lanes);
    s3.intoArray(out, 3 * lanes);
  }

  /** {@code sums_k += sum_j m[at + k * DOUBLES + j] a_j}, in the lanes of a vector for each k. */
  static void addColumnProducts(double[] m, int at, double[] a, double[] sums) {
    int lanes = D.length();
    DoubleVector a0 = DoubleVector.fromArray(D, a, 0);
    DoubleVector a1 = DoubleVector.fromArray(D, a, lanes);
    DoubleVector a2 = DoubleVector.fromArray(D, a, 2 * lanes);
    DoubleVector a3 = DoubleVector.fromArray(D, a, 3 * lanes);
    int place = at;
    for (int k = 0; k < sums.length; k += lanes) {
      DoubleVector even =
          DoubleVector.fromArray(D, m, place).fma(a0, DoubleVector.fromArray(D, sums, k));
      DoubleVector odd = DoubleVector.fromArray(D, m, place + lanes).mul(a1);
      even = DoubleVector.fromArray(D, m, place + 2 * lanes).fma(a2, even);
      odd = DoubleVector.fromArray(D, m, place + 3 * lanes).fma(a3, odd);
      even.add(odd).intoArray(sums, k);
      place += DOUBLES;
    }
  }

  /** {@code max_j = max_k (v_k - costs[at + k * DOUBLES + j])}. */
  static void largestExponents(double[] costs, int at, double[] v, double[] max) {
    int lanes = D.length();
    DoubleVector m0 = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector m1 = m0;
    DoubleVector m2 = m0;
    DoubleVector m3 = m0;
    int place = at;
    for (double potential : v) {
      DoubleVector p = DoubleVector.broadcast(D, potential);
      m0 = m0.max(p.sub(DoubleVector.fromArray(D, costs, place)));
      m1 = m1.max(p.sub(DoubleVector.fromArray(D, costs, place + lanes)));
      m2 = m2.max(p.sub(DoubleVector.fromArray(D, costs, place + 2 * lanes)));
      m3 = m3.max(p.sub(DoubleVector.fromArray(D, costs, place + 3 * lanes)));
      place += DOUBLES;
    }
    m0.intoArray(max, 0);
    m1.intoArray(max, lanes);
    m2.intoArray(max, 2 * lanes);
    m3.intoArray(max, 3 * lanes);
  }

  /** {@code out[k * DOUBLES + j] = v_k - costs[at + k * DOUBLES + j] - max_j}. */
  static void exponents(double[] costs, int at, double[] v, double[] max, double[] out) {
    int lanes = D.length();
    DoubleVector m0 = DoubleVector.fromArray(D, max, 0);
    DoubleVector m1 = DoubleVector.fromArray(D, max, lanes);
    DoubleVector m2 = DoubleVector.fromArray(D, max, 2 * lanes);
    DoubleVector m3 = DoubleVector.fromArray(D, max, 3 * lanes);
    int to = 0;
    for (double potential : v) {
      DoubleVector p = DoubleVector.broadcast(D, potential);
      p.sub(DoubleVector.fromArray(D, costs, at + to)).sub(m0).intoArray(out, to);
      p.sub(DoubleVector.fromArray(D, costs, at + to + lanes)).sub(m1).intoArray(out, to + lanes);
      p.sub(DoubleVector.fromArray(D, costs, at + to + 2 * lanes))
          .sub(m2)
          .intoArray(out, to + 2 * lanes);
      p.sub(DoubleVector.fromArray(D, costs, at + to + 3 * lanes))
          .sub(m3)
          .intoArray(out, to + 3 * lanes);
      to += DOUBLES;
    }
  }

  /** The sum of the lanes of column k, which are set to zero. */
  static double takeLanes(double[] sums, int k) {
    int lanes = D.length();
    double sum = DoubleVector.fromArray(D, sums, k * lanes).reduceLanes(VectorOperators.ADD);
    Arrays.fill(sums, k * lanes, (k + 1) * lanes, 0);
    return sum;
  }

  /** The length of lane sums for so many columns of doubles. */
  static int doubleLanes(int columns) {
    return columns * D.length();
  }

  /** {@code out_j = sum_k m[at + k * FLOATS + j] b_k}. */
  static void rowProducts(float[] m, int at, float[] b, float[] out) {
    int lanes = F.length();
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = FloatVector.zero(F);
    FloatVector s2 = FloatVector.zero(F);
    FloatVector s3 = FloatVector.zero(F);
    int place = at;
    for (float weight : b) {
      FloatVector w = FloatVector.broadcast(F, weight);
      s0 = FloatVector.fromArray(F, m, place).fma(w, s0);
      s1 = FloatVector.fromArray(F, m, place + lanes).fma(w, s1);
      s2 = FloatVector.fromArray(F, m, place + 2 * lanes).fma(w, s2);
      s3 = FloatVector.fromArray(F, m, place + 3 * lanes).fma(w, s3);
      place += FLOATS;
    }
    s0.intoArray(out, 0);
    s1.intoArray(out, lanes);
    s2.intoArray(out, 2 * lanes);
    s3.intoArray(out, 3 * lanes);
  }

  /** {@code sums_k += sum_j m[at + k * FLOATS + j] a_j}, in the lanes of a vector for each k. */
  static void addColumnProducts(float[] m, int at, float[] a, float[] sums) {
    int lanes = F.length();
    FloatVector a0 = FloatVector.fromArray(F, a, 0);
    FloatVector a1 = FloatVector.fromArray(F, a, lanes);
    FloatVector a2 = FloatVector.fromArray(F, a, 2 * lanes);
    FloatVector a3 = FloatVector.fromArray(F, a, 3 * lanes);
    int place = at;
    for (int k = 0; k < sums.length; k += lanes) {
      FloatVector even =
          FloatVector.fromArray(F, m, place).fma(a0, FloatVector.fromArray(F, sums, k));
      FloatVector odd = FloatVector.fromArray(F, m, place + lanes).mul(a1);
      even = FloatVector.fromArray(F, m, place + 2 * lanes).fma(a2, even);
      odd = FloatVector.fromArray(F, m, place + 3 * lanes).fma(a3, odd);
      even.add(odd).intoArray(sums, k);
      place += FLOATS;
    }
  }

  /** As {@link #takeLanes(double[], int)}. */
  static double takeLanes(float[] sums, int k) {
    int lanes = F.length();
    double sum = 0;
    for (int j = k * lanes; j < (k + 1) * lanes; j++) {
      sum += sums[j];
      sums[j] = 0;
    }
    return sum;
  }

  /** The length of lane sums for so many columns of floats. */
  static int floatLanes(int columns) {
    return columns * F.length();
  }
}
