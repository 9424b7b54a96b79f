package org.tikhon.simd;

/**
 * The reciprocal of a sum {@code s 2^e}: {@code (high + low) 2^-exponent} with {@code high} in
 * (1/2, 1].
 *
 * <p>{@code m high + m low} is {@code m / s} as division rounds it, so that a row with one element
 * that outweighs all others gets exactly 1.
 */
final class Reciprocal {
  private double high;
  private double low;
  private long exponent;

  void of(double sum, long sumExponent) {
    int shift = Math.getExponent(sum);
    double normal = Math.scalb(sum, -shift);
    high = 1 / normal;
    low = Math.fma(-normal, high, 1) * high;
    exponent = sumExponent + shift;
  }

  double high() {
    return high;
  }

  double low() {
    return low;
  }

  float floatHigh() {
    return (float) high;
  }

  float floatLow() {
    return (float) (high - (float) high + low);
  }

  long exponent() {
    return exponent;
  }
}
