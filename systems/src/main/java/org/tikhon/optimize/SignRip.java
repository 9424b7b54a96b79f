package org.tikhon.optimize;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * How well signs of measurements point to a matrix: the diagnostic of {@link SubGm}.
 *
 * <p>With {@code D_X = (1 / m) sum_i sign(<A_i, X> - s_i) A_i}, the measurements satisfy Sign-RIP
 * with scale phi and error delta if for X and Y of rank k
 *
 * <pre>| &lt;D_X, Y&gt; / |Y|_F - phi &lt;X, Y&gt; / (|X|_F |Y|_F) | &lt;= delta phi.</pre>
 *
 * <p>Then a sub-gradient of the absolute loss points along that of {@code |U U' - X|_F} up to
 * delta; SubGM needs a delta clearly below 1.
 *
 * @param phi the mean of {@code <D_X, X> / |X|_F} over the probes
 * @param delta the largest error over the probes X; for each X that of the worst Y of rank k, found
 *     from the eigenvalues of {@code D_X - phi X / |X|_F} (ours: random Y would miss it). As the X
 *     are random, a lower bound
 */
public record SignRip(double phi, double delta) {
  /**
   * Estimates it at random positive and negative X of rank k and Frobenius norm 1.
   *
   * @param noise s, {@code [m]}
   * @param rank k, at least 1 and at most d
   * @param probes the number of X, at least 1
   */
  public static SignRip estimate(
      LinearMeasurements measurements, Tensor noise, int rank, int probes, Rng rng) {
    int d = measurements.d();
    Check.require(rank >= 1 && rank <= d, "rank", rank, "in [1, " + d + "]");
    Check.require(probes >= 1, "probes", probes, "at least 1");
    Check.require(
        noise.dim() == 1 && noise.size(0) == measurements.m(),
        "noise's shape",
        Arrays.toString(noise.shape()),
        "[" + measurements.m() + "]");
    try (Scope scope = Scope.open()) {
      Tensor[] x = new Tensor[probes];
      Tensor[] signed = new Tensor[probes];
      double phi = 0;
      for (int probe = 0; probe < probes; probe++) {
        Tensor factor = rng.normal(measurements.dtype(), d, rank);
        Tensor matrix = factor.mul(rng.signs(measurements.dtype(), rank)).matmul(factor.t());
        x[probe] = matrix.div(matrix.norm());
        signed[probe] =
            measurements
                .adjoint(measurements.apply(x[probe]).sub(noise).sign())
                .div(measurements.m());
        phi += signed[probe].mul(x[probe]).sum().item() / probes;
      }
      double delta = 0;
      for (int probe = 0; probe < probes; probe++) {
        double[] values =
            Linalg.eigvalsh(signed[probe].addScaled(x[probe], -phi)).square().toDoubleArray();
        Arrays.sort(values);
        double largest = IntStream.range(d - rank, d).mapToDouble(k -> values[k]).sum();
        delta = Math.max(delta, Math.sqrt(largest) / phi);
      }
      return new SignRip(phi, delta);
    }
  }

  /**
   * The scale phi for Gaussian measurements of variance 1, {@code sqrt(2 / pi) E exp(-s^2 / (2
   * |X|_F^2))}: without noise 0.798, with outliers in a part p of the measurements at least 1 - p
   * of it, with Gaussian noise of deviation nu {@code |X| / sqrt(|X|^2 + nu^2)} of it.
   *
   * @param noise a sample of s, zeros included, {@code [any]}
   * @param norm |X|_F, positive
   */
  public static double gaussianScale(Tensor noise, double norm) {
    Check.require(norm > 0, "norm", norm, "positive");
    try (Scope scope = Scope.open()) {
      return Math.sqrt(2 / Math.PI) * noise.square().div(-2 * norm * norm).exp().mean().item();
    }
  }
}
