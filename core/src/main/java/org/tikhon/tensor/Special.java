package org.tikhon.tensor;

import org.bytedeco.pytorch.global.torch;

/** Special functions, element by element. */
public final class Special {
  private Special() {}

  /** The error function. */
  public static Tensor erf(Tensor x) {
    return Tensor.wrap(() -> torch.special_erf(x.raw));
  }

  /** {@code 1 - erf(x)}, accurate for large x. */
  public static Tensor erfc(Tensor x) {
    return Tensor.wrap(() -> torch.special_erfc(x.raw));
  }

  /** {@code exp(x^2) erfc(x)}. */
  public static Tensor erfcx(Tensor x) {
    return Tensor.wrap(() -> torch.special_erfcx(x.raw));
  }

  /** The inverse of the error function. */
  public static Tensor erfinv(Tensor x) {
    return Tensor.wrap(() -> torch.special_erfinv(x.raw));
  }

  /** The standard normal distribution function. */
  public static Tensor ndtr(Tensor x) {
    return Tensor.wrap(() -> torch.special_ndtr(x.raw));
  }

  /** The logarithm of the standard normal distribution function. */
  public static Tensor logNdtr(Tensor x) {
    return Tensor.wrap(() -> torch.special_log_ndtr(x.raw));
  }

  /** The standard normal quantile. */
  public static Tensor ndtri(Tensor x) {
    return Tensor.wrap(() -> torch.special_ndtri(x.raw));
  }

  /** The logarithm of the absolute value of the gamma function. */
  public static Tensor lgamma(Tensor x) {
    return Tensor.wrap(() -> torch.lgamma(x.raw));
  }

  /** The derivative of {@link #lgamma}. */
  public static Tensor digamma(Tensor x) {
    return Tensor.wrap(() -> torch.digamma(x.raw));
  }

  /** The n-th derivative of {@link #digamma}. */
  public static Tensor polygamma(long n, Tensor x) {
    return Tensor.wrap(() -> torch.polygamma(n, x.raw));
  }

  /** The regularised lower incomplete gamma function. */
  public static Tensor gammainc(Tensor a, Tensor x) {
    return Tensor.wrap(() -> torch.special_gammainc(a.raw, x.raw));
  }

  /** The regularised upper incomplete gamma function. */
  public static Tensor gammaincc(Tensor a, Tensor x) {
    return Tensor.wrap(() -> torch.special_gammaincc(a.raw, x.raw));
  }

  /** The modified Bessel function of order 0. */
  public static Tensor i0(Tensor x) {
    return Tensor.wrap(() -> torch.special_i0(x.raw));
  }

  /** {@code exp(-|x|) i0(x)}. */
  public static Tensor i0e(Tensor x) {
    return Tensor.wrap(() -> torch.special_i0e(x.raw));
  }

  /** The modified Bessel function of order 1. */
  public static Tensor i1(Tensor x) {
    return Tensor.wrap(() -> torch.special_i1(x.raw));
  }

  /** {@code exp(-|x|) i1(x)}. */
  public static Tensor i1e(Tensor x) {
    return Tensor.wrap(() -> torch.special_i1e(x.raw));
  }

  /** {@code x log(y)}, 0 where x is 0. */
  public static Tensor xlogy(Tensor x, Tensor y) {
    return Tensor.wrap(() -> torch.special_xlogy(x.raw, y.raw));
  }

  /** {@code -x log(x)}, 0 where x is 0. */
  public static Tensor entr(Tensor x) {
    return Tensor.wrap(() -> torch.special_entr(x.raw));
  }

  /** {@code log(x / (1 - x))}. */
  public static Tensor logit(Tensor x) {
    return Tensor.wrap(() -> torch.special_logit(x.raw));
  }

  /** {@code sin(pi x) / (pi x)}. */
  public static Tensor sinc(Tensor x) {
    return Tensor.wrap(() -> torch.special_sinc(x.raw));
  }

  /** The Hurwitz zeta function. */
  public static Tensor zeta(Tensor x, Tensor q) {
    return Tensor.wrap(() -> torch.special_zeta(x.raw, q.raw));
  }
}
