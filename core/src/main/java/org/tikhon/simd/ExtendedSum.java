package org.tikhon.simd;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A running {@code sum exp(x_i)} that can neither over- nor underflow: a pair (s, e) for {@code s
 * 2^e}.
 *
 * <p>Each exponential is {@code m 2^n} with m in [√2/2, √2]; adding it is
 *
 * <pre>e' = max(e, n),  s = s 2^(e - e') + m 2^(n - e'),  e = e'</pre>
 *
 * from (0, -∞). Sums of chunks merge by the same rule, in any order, so that a row can arrive in
 * pieces or be shared by threads. -∞ adds nothing; NaN makes the sum NaN.
 *
 * <p>Beyond about {@code |x| = 10^6} the exponent is kept as a real number (e = max(x) / ln 2)
 * instead of an integer one: sums of {@code ±3e38} stay right. Not safe for use by several threads
 * at once.
 */
public final class ExtendedSum {
  /** Largest exponent up to which the vector kernels' rounding is right, with room to spare. */
  private static final long LIMIT = 1_500_000;

  private static final long NONE = Long.MIN_VALUE / 4;
  private static final double LN2 = Math.log(2);

  private double sum;
  private long exponent = NONE;

  /** Whether the sum is {@code sum exp(peak)} instead of {@code sum 2^exponent}. */
  private boolean wide;

  private double peak;

  /** The sum of nothing. */
  public ExtendedSum() {}

  /** Makes it {@code mantissa 2^exponent}. */
  void set(double mantissa, long wholeExponent) {
    sum = mantissa;
    exponent = wholeExponent;
    wide = false;
  }

  /** Makes it the sum of nothing again. */
  public void clear() {
    set(0, NONE);
  }

  /** Adds {@code exp} of the elements from, ..., to - 1. */
  public void add(float[] chunk, int from, int to) {
    Objects.checkFromToIndex(from, to, chunk.length);
    add(chunk, from, to - from, true, false);
  }

  /** Adds {@code exp} of the elements from, ..., to - 1. */
  public void add(double[] chunk, int from, int to) {
    Objects.checkFromToIndex(from, to, chunk.length);
    add(chunk, from, to - from, true, true);
  }

  /** Adds {@code exp} of the first n floats of a segment in native byte order. */
  public void addFloats(MemorySegment chunk, long n) {
    Kernels.checkSize("chunk", chunk, n, Float.BYTES);
    boolean heap = Kernels.isArray(chunk, float[].class, Float.BYTES);
    add(
        heap ? chunk.heapBase().get() : chunk,
        heap ? chunk.address() / Float.BYTES : 0,
        n,
        heap,
        false);
  }

  /** Adds {@code exp} of the first n doubles of a segment in native byte order. */
  public void addDoubles(MemorySegment chunk, long n) {
    Kernels.checkSize("chunk", chunk, n, Double.BYTES);
    boolean heap = Kernels.isArray(chunk, double[].class, Double.BYTES);
    add(
        heap ? chunk.heapBase().get() : chunk,
        heap ? chunk.address() / Double.BYTES : 0,
        n,
        heap,
        true);
  }

  private void add(Object chunk, long from, long n, boolean heap, boolean doubles) {
    if (n > 0) {
      Passes passes = Passes.of(Kernels.PREFERRED, heap, doubles, false, false);
      Scratch scratch = Scratch.get();
      passes.reduce(chunk, from, n, 1, null, 0, scratch);
      if (scratch.sum.inRange()) {
        merge(scratch.sum);
      } else {
        double max = passes.max(chunk, from, n, null, 0);
        if (Double.isFinite(max)) {
          addWide(passes.sumExp(chunk, from, null, 0, n, max, 1, null, 0, scratch), max);
        } else if (passes.hasNaN(chunk, from, n)) {
          addWide(Double.NaN, max);
        } else if (max > 0) {
          addWide(1, max);
        }
      }
    }
  }

  /** Adds {@code mantissa 2^exponent}. */
  void add(double otherSum, long otherExponent) {
    long max = Math.max(exponent, otherExponent);
    sum =
        sum * DoubleExp.power(Math.max(exponent - max, -1023))
            + otherSum * DoubleExp.power(Math.max(otherExponent - max, -1023));
    exponent = max;
  }

  private void addWide(double otherSum, double otherPeak) {
    double ownPeak = peak();
    double max = Math.max(ownPeak, otherPeak);
    sum = scaled(sum, ownPeak, max) + scaled(otherSum, otherPeak, max);
    peak = max;
    wide = true;
  }

  /** Merges another sum in; it stays as it is. */
  public void merge(ExtendedSum other) {
    if (wide || other.wide) {
      addWide(other.sum, other.peak());
    } else {
      add(other.sum, other.exponent);
    }
  }

  private static double scaled(double sum, double peak, double max) {
    return sum == 0 || peak == max ? sum : sum * Math.exp(peak - max);
  }

  private double peak() {
    return wide ? peak : exponent == NONE ? Double.NEGATIVE_INFINITY : exponent * LN2;
  }

  /** Whether the vector kernels' arithmetic was right for the elements that were added. */
  boolean inRange() {
    return exponent <= LIMIT && exponent >= -LIMIT + 127 && !Double.isNaN(sum);
  }

  /** s; 0 for the sum of nothing. */
  public double mantissa() {
    return sum;
  }

  /** e: a whole number, or -∞ for the sum of nothing; a real number beyond about ±10^6. */
  public double exponent() {
    return wide ? peak / LN2 : exponent == NONE ? Double.NEGATIVE_INFINITY : exponent;
  }

  /** The exponent of a sum that is {@link #inRange}. */
  long wholeExponent() {
    return exponent;
  }

  /** {@code log sum exp(x_i) = e ln 2 + ln s}; -∞ for the sum of nothing. */
  public double log() {
    return peak() + Math.log(sum);
  }

  @Override
  public String toString() {
    return "%s * 2^%s".formatted(mantissa(), exponent());
  }
}
