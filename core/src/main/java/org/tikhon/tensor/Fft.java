package org.tikhon.tensor;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.global.torch;

/** Discrete Fourier transforms; the inverse divides by the length. */
public final class Fft {
  private static final long[] LAST_TWO = {-2, -1};

  private Fft() {}

  /** Complex transform along a dimension. */
  public static Tensor fft(Tensor x, long dim) {
    return Tensor.wrap(() -> torch.fft_fft(x.raw, Tensor.NO_LONG, dim, Tensor.NO_STRING));
  }

  /** Inverse complex transform along a dimension. */
  public static Tensor ifft(Tensor x, long dim) {
    return Tensor.wrap(() -> torch.fft_ifft(x.raw, Tensor.NO_LONG, dim, Tensor.NO_STRING));
  }

  /**
   * The non-redundant half of the transform of real numbers, zero-padded or cut to n: {@code n / 2
   * + 1} elements.
   */
  public static Tensor rfft(Tensor x, long n, long dim) {
    try (LongOptional length = new LongOptional(n)) {
      return Tensor.wrap(() -> torch.fft_rfft(x.raw, length, dim, Tensor.NO_STRING));
    }
  }

  /** The n real numbers whose {@link #rfft} is given. */
  public static Tensor irfft(Tensor x, long n, long dim) {
    try (LongOptional length = new LongOptional(n)) {
      return Tensor.wrap(() -> torch.fft_irfft(x.raw, length, dim, Tensor.NO_STRING));
    }
  }

  /** Complex transform of the last two dimensions. */
  public static Tensor fft2(Tensor x) {
    return Tensor.wrap(() -> torch.fft_fft2(x.raw));
  }

  /** Inverse complex transform of the last two dimensions. */
  public static Tensor ifft2(Tensor x) {
    return Tensor.wrap(() -> torch.fft_ifft2(x.raw));
  }

  /**
   * The non-redundant half of the transform of real images, zero-padded or cut to {@code height x
   * width}.
   */
  public static Tensor rfft2(Tensor x, long height, long width) {
    return Tensor.wrap(
        () -> torch.fft_rfft2(x.raw, new long[] {height, width}, LAST_TWO, Tensor.NO_STRING));
  }

  /** The real {@code height x width} images whose {@link #rfft2} is given. */
  public static Tensor irfft2(Tensor x, long height, long width) {
    return Tensor.wrap(
        () -> torch.fft_irfft2(x.raw, new long[] {height, width}, LAST_TWO, Tensor.NO_STRING));
  }

  /** Moves the zero frequency to the middle of a dimension. */
  public static Tensor fftshift(Tensor x, long... dims) {
    return Tensor.wrap(() -> torch.fft_fftshift(x.raw, dims));
  }

  /** The inverse of {@link #fftshift}. */
  public static Tensor ifftshift(Tensor x, long... dims) {
    return Tensor.wrap(() -> torch.fft_ifftshift(x.raw, dims));
  }
}
