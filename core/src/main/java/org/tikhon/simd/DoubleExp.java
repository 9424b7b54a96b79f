package org.tikhon.simd;

/**
 * The extended exponential of a double; see {@link FloatExp}.
 *
 * <p>The polynomial has degree 11. Its coefficients minimise the relative error on [-ln(2)/2,
 * ln(2)/2] in the least-squares sense over Chebyshev points, with c0 = c1 = 1; the largest error is
 * 1.2e-17. The high part of ln 2 has 32 bits, so that its product with n is exact.
 */
final class DoubleExp {
  static final double LOG2_E = 0x1.71547652b82fep+0;
  static final double MINUS_LN2_HIGH = -0x1.62e42fee00000p-1;
  static final double MINUS_LN2_LOW = -0x1.a39ef35793c76p-33;
  static final double C2 = 0x1.000000000000bp-1;
  static final double C3 = 0x1.5555555555513p-3;
  static final double C4 = 0x1.55555555500b2p-5;
  static final double C5 = 0x1.1111111121b01p-7;
  static final double C6 = 0x1.6c16c185815c7p-10;
  static final double C7 = 0x1.a01a014a32b7dp-13;
  static final double C8 = 0x1.a01997057e138p-16;
  static final double C9 = 0x1.71dedfc141ab4p-19;
  static final double C10 = 0x1.28afdc13cc4edp-22;
  static final double C11 = 0x1.adeb8da581258p-26;
  static final double MAGIC = 0x1.8p52;
  static final long MAGIC_BITS = 0x4338000000000000L;

  /** exp of this and below is 0. */
  static final double LOWEST = -746;

  /** exp of this and above is infinite. */
  static final double HIGHEST = 710;

  private DoubleExp() {}

  /** n. */
  static long exponent(double x) {
    return Double.doubleToRawLongBits(Math.fma(x, LOG2_E, MAGIC)) - MAGIC_BITS;
  }

  /** m. */
  static double mantissa(double x) {
    double n = Math.fma(x, LOG2_E, MAGIC) - MAGIC;
    double t = Math.fma(n, MINUS_LN2_LOW, Math.fma(n, MINUS_LN2_HIGH, x));
    double m = Math.fma(C11, t, C10);
    m = Math.fma(m, t, C9);
    m = Math.fma(m, t, C8);
    m = Math.fma(m, t, C7);
    m = Math.fma(m, t, C6);
    m = Math.fma(m, t, C5);
    m = Math.fma(m, t, C4);
    m = Math.fma(m, t, C3);
    m = Math.fma(m, t, C2);
    m = Math.fma(m, t, 1);
    return Math.fma(m, t, 1);
  }

  /** exp(x) of any x. */
  static double exp(double x) {
    double inside = x < LOWEST ? LOWEST : x > HIGHEST ? HIGHEST : x;
    long n = exponent(inside);
    return mantissa(inside) * power(n >> 1) * power(n - (n >> 1));
  }

  /** {@code 2^n} for n in [-1023, 1023], where -1023 gives 0. */
  static double power(long n) {
    return Double.longBitsToDouble((n + 1023) << 52);
  }
}
