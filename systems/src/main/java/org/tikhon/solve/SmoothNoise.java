package org.tikhon.solve;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

/** Random right sides with the look of a fluid's divergence: smooth, with a little white noise. */
public final class SmoothNoise {
  /** Standard deviations after which the filter is cut. */
  private static final double REACH = 4;

  private SmoothNoise() {}

  /**
   * Normal noise under a Gaussian filter (mirrored at the faces), scaled to a standard deviation of
   * 1, plus white noise; 0 outside the fluid.
   *
   * @param sigma of the filter in cells, positive
   * @param white the standard deviation of the white noise, such as 0.05
   * @return {@code [n]}
   */
  public static double[] of(GridPoisson a, double sigma, double white, Rng rng) {
    if (!(sigma > 0) || Double.isInfinite(sigma)) {
      throw new IllegalArgumentException("sigma must be positive and finite, was " + sigma);
    }
    if (!(white >= 0) || Double.isInfinite(white)) {
      throw new IllegalArgumentException("white must be 0 or more and finite, was " + white);
    }
    int n = a.size();
    double[] smooth;
    double[] rough;
    try (Scope scope = Scope.open()) {
      smooth = rng.normal(Dtype.FLOAT64, n).toDoubleArray();
      rough = rng.normal(Dtype.FLOAT64, n).toDoubleArray();
    }
    double[] kernel = gaussian(sigma);
    int[] sides = a.shape();
    for (int axis = 0; axis < sides.length; axis++) {
      smooth = filter(smooth, kernel, sides[axis], a.stride(axis));
    }
    double deviation = deviation(smooth);
    for (int i = 0; i < n; i++) {
      boolean fluid = a.cell(i) == GridPoisson.Cell.FLUID;
      smooth[i] = fluid ? smooth[i] / deviation + white * rough[i] : 0;
    }
    return smooth;
  }

  /** Weights at the distances 0, 1, ..., which sum to 1 over both directions. */
  private static double[] gaussian(double sigma) {
    double[] kernel = new double[(int) (REACH * sigma + 0.5) + 1];
    double sum = 0;
    for (int d = 0; d < kernel.length; d++) {
      kernel[d] = Math.exp(-0.5 * d * d / (sigma * sigma));
      sum += d == 0 ? kernel[d] : 2 * kernel[d];
    }
    Vectors.scale(kernel, kernel, 1 / sum);
    return kernel;
  }

  private static double[] filter(double[] v, double[] kernel, int side, int stride) {
    double[] out = new double[v.length];
    for (int i = 0; i < v.length; i++) {
      int at = i / stride % side;
      int line = i - at * stride;
      double sum = kernel[0] * v[i];
      for (int d = 1; d < kernel.length; d++) {
        sum +=
            kernel[d]
                * (v[line + mirror(at - d, side) * stride]
                    + v[line + mirror(at + d, side) * stride]);
      }
      out[i] = sum;
    }
    return out;
  }

  private static int mirror(int at, int side) {
    int folded = Math.floorMod(at, 2 * side);
    return folded < side ? folded : 2 * side - 1 - folded;
  }

  private static double deviation(double[] v) {
    double mean = 0;
    for (double e : v) {
      mean += e / v.length;
    }
    double squares = 0;
    for (double e : v) {
      squares += (e - mean) * (e - mean);
    }
    return squares > 0 ? Math.sqrt(squares / v.length) : 1;
  }
}
