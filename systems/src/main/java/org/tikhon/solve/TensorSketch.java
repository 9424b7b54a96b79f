package org.tikhon.solve;

import java.util.Arrays;
import org.tikhon.simd.Hadamard;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The subsampled Hadamard transform of a tensor product (TensorSRHT): with {@code x [n1]}, {@code y
 * [n2]},
 *
 * <pre>
 * S (x ⊗ y)_r = (H D1 x)_(i_r) (H D2 y)_(j_r) / sqrt(m)
 * </pre>
 *
 * with random signs D1, D2 and m uniform pairs (i_r, j_r). The n1 n2 rows of a Kronecker product
 * are never formed: n1 and n2 are padded to powers of two, each factor is transformed by itself.
 */
public final class TensorSketch {
  private final int n1;
  private final int n2;
  private final int m;
  private final Signs signs1;
  private final Signs signs2;
  private final long[] picked1;
  private final long[] picked2;

  private TensorSketch(int n1, int n2, int m, long seed) {
    if (n1 < 1 || n2 < 1 || m < 1) {
      throw new IllegalArgumentException(
          "n1, n2 and m must be at least 1, were %d, %d and %d".formatted(n1, n2, m));
    }
    this.n1 = n1;
    this.n2 = n2;
    this.m = m;
    Rng rng = new Rng(seed);
    this.signs1 = new Signs(n1, rng);
    this.signs2 = new Signs(n2, rng);
    try (Scope scope = Scope.open()) {
      this.picked1 = rng.integers(0, Signs.padded(n1), m).toLongArray();
      this.picked2 = rng.integers(0, Signs.padded(n2), m).toLongArray();
    }
  }

  /** A sketch of vectors of length n1 n2 to length m. */
  public static TensorSketch srht(int n1, int n2, int m, long seed) {
    return new TensorSketch(n1, n2, m, seed);
  }

  /** {@code {m, n1 n2}}. */
  public long[] shape() {
    return new long[] {m, (long) n1 * n2};
  }

  /**
   * {@code S (A1 ⊗ A2)}.
   *
   * @param a1 {@code [n1, d1]}
   * @param a2 {@code [n2, d2]}
   * @return {@code [m, d1 d2]}, FLOAT64, column {@code c1 d2 + c2} from columns c1 of A1 and c2 of
   *     A2
   */
  public Tensor applyKron(Tensor a1, Tensor a2) {
    checkMatrix("A1", a1, n1);
    checkMatrix("A2", a2, n2);
    try (Scope scope = Scope.open()) {
      Tensor left = transformed(a1, signs1).indexSelect(0, Tensor.of(picked1).to(Device.cpu()));
      Tensor right = transformed(a2, signs2).indexSelect(0, Tensor.of(picked2).to(Device.cpu()));
      Tensor product = left.unsqueeze(2).mul(right.unsqueeze(1)).div(Math.sqrt(m)).reshape(m, -1);
      return scope.keep(product.to(a1.device()));
    }
  }

  /**
   * {@code S (x ⊗ y)}.
   *
   * @param x {@code [n1]}
   * @param y {@code [n2]}
   * @return {@code [m]}, FLOAT64
   */
  public Tensor apply(Tensor x, Tensor y) {
    if (x.dim() != 1 || y.dim() != 1) {
      throw new IllegalArgumentException(
          "x and y must be vectors, have %d and %d dimensions".formatted(x.dim(), y.dim()));
    }
    try (Scope scope = Scope.open()) {
      return scope.keep(applyKron(x.unsqueeze(1), y.unsqueeze(1)).reshape(m));
    }
  }

  /**
   * {@code S vec(B)} for a vector of length n1 n2 that is given as a matrix, row-major.
   *
   * @param b {@code [n1, n2]}
   * @return {@code [m]}, FLOAT64
   */
  public Tensor applyMatrix(Tensor b) {
    if (b.dim() != 2 || b.size(0) != n1 || b.size(1) != n2) {
      throw new IllegalArgumentException(
          "B must have shape [%d, %d], has %s".formatted(n1, n2, Arrays.toString(b.shape())));
    }
    try (Scope scope = Scope.open()) {
      Tensor both = transformed(transformed(b, signs1).mT(), signs2);
      double[] values = both.toDoubleArray();
      int width = (int) both.size(1);
      double[] result = new double[m];
      for (int r = 0; r < m; r++) {
        result[r] = values[(int) picked2[r] * width + (int) picked1[r]] / Math.sqrt(m);
      }
      return scope.keep(Tensor.of(result, m).to(b.device()));
    }
  }

  /** S as a matrix {@code [m, n1 n2]}, for small sizes. */
  public Tensor dense() {
    int n = Math.multiplyExact(n1, n2);
    double[] all = new double[Math.multiplyExact(m, n)];
    for (int r = 0; r < m; r++) {
      for (int a = 0; a < n1; a++) {
        for (int b = 0; b < n2; b++) {
          double left = signs1.of(a) * Signs.hadamard(picked1[r], a);
          double right = signs2.of(b) * Signs.hadamard(picked2[r], b);
          all[r * n + a * n2 + b] = left * right / Math.sqrt(m);
        }
      }
    }
    return Tensor.of(all, m, n);
  }

  private static void checkMatrix(String name, Tensor a, int rows) {
    if (a.dim() != 2 || a.size(0) != rows || a.size(1) == 0) {
      throw new IllegalArgumentException(
          "%s must have shape [%d, columns], has %s"
              .formatted(name, rows, Arrays.toString(a.shape())));
    }
  }

  /** {@code H D A}, on the CPU, with padding. */
  private static Tensor transformed(Tensor a, Signs signs) {
    Tensor data = Sketch.host(a);
    int rows = (int) Signs.padded(data.size(0));
    int columns = Math.toIntExact(data.size(1));
    double[] x = Arrays.copyOf(data.toDoubleArray(), Math.multiplyExact(rows, columns));
    for (int i = 0; i < data.size(0); i++) {
      for (int c = i * columns; c < (i + 1) * columns; c++) {
        x[c] *= signs.of(i);
      }
    }
    Hadamard.transformInPlace(x, rows, columns);
    return Tensor.of(x, rows, columns).to(Device.cpu());
  }
}
