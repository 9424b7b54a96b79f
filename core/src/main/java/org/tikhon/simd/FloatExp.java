package org.tikhon.simd;

/**
 * The extended exponential of a float, ExtExp: {@code exp(x) = m 2^n} with {@code m} in [√2/2, √2]
 * and a whole number {@code n}, without ever forming the product, which could overflow.
 *
 * <pre>
 * n = round(x log2 e),  t = x - n ln 2,  m = c0 + t (c1 + t (c2 + t (c3 + t (c4 + t c5))))
 * </pre>
 *
 * Adding {@link #MAGIC} rounds to the nearest even integer and leaves that integer in the low bits
 * of the sum, which holds while {@code |x log2 e| < 2^22}. ln 2 is subtracted in two parts
 * (Cody-Waite). The constants are the paper's.
 */
final class FloatExp {
  static final float LOG2_E = 0x1.715476p+0f;
  static final float MINUS_LN2_HIGH = -0x1.62E43p-1f;
  static final float MINUS_LN2_LOW = 0x1.05C61p-29f;
  static final float C0 = 1;
  static final float C1 = 0x1.FFFFF6p-1f;
  static final float C2 = 0x1.FFFDC6p-2f;
  static final float C3 = 0x1.555A80p-3f;
  static final float C4 = 0x1.573A1Ap-5f;
  static final float C5 = 0x1.0F9F9Cp-7f;
  static final float MAGIC = 0x1.8p23f;
  static final int MAGIC_BITS = 0x4B400000;

  /** exp of this and below is 0. */
  static final float LOWEST = -104;

  /** exp of this and above is infinite. */
  static final float HIGHEST = 89;

  private FloatExp() {}

  /** n. */
  static int exponent(float x) {
    return Float.floatToRawIntBits(Math.fma(x, LOG2_E, MAGIC)) - MAGIC_BITS;
  }

  /** m. */
  static float mantissa(float x) {
    float n = Math.fma(x, LOG2_E, MAGIC) - MAGIC;
    float t = Math.fma(n, MINUS_LN2_LOW, Math.fma(n, MINUS_LN2_HIGH, x));
    float m = Math.fma(C5, t, C4);
    m = Math.fma(m, t, C3);
    m = Math.fma(m, t, C2);
    m = Math.fma(m, t, C1);
    return Math.fma(m, t, C0);
  }

  /** exp(x) of any x. */
  static float exp(float x) {
    float inside = x < LOWEST ? LOWEST : x > HIGHEST ? HIGHEST : x;
    int n = exponent(inside);
    return mantissa(inside) * power(n >> 1) * power(n - (n >> 1));
  }

  /** {@code 2^n} for n in [-127, 127], where -127 gives 0. */
  static float power(int n) {
    return Float.intBitsToFloat((n + 127) << 23);
  }
}
