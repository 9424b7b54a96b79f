package org.tikhon.optimize;

import java.util.Arrays;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Measurements by matrices without structure. Kept are the d (d + 1) / 2 entries on and below the
 * diagonal of {@code A_i + A_i'} (the diagonal halved), a matrix {@code [m, d (d + 1) / 2]}; each
 * operation passes through it once.
 */
public final class DenseMeasurements implements LinearMeasurements {
  private final Tensor packed;
  private final Tensor packIndex;
  private final Tensor unpackIndex;
  private final Tensor unpackScale;
  private final int d;

  private DenseMeasurements(Tensor packed, Tensor packIndex, Tensor packScale, int d) {
    this.packed = packed.escape();
    this.packIndex = packIndex.escape();
    this.d = d;
    long[] unpack = new long[d * d];
    for (int row = 0, e = 0; row < d; row++) {
      for (int column = 0; column <= row; column++, e++) {
        unpack[row * d + column] = e;
        unpack[column * d + row] = e;
      }
    }
    unpackIndex = Tensor.of(unpack, unpack.length).to(packed.device()).escape();
    unpackScale = packScale.indexSelect(0, unpackIndex).rdiv(0.5).escape();
  }

  /**
   * Takes the measurement matrices.
   *
   * @param a the A_i, {@code [m, d, d]}, FLOAT32 or FLOAT64, finite; need not be symmetric
   */
  public static DenseMeasurements of(Tensor a) {
    Check.require(
        a.dim() == 3 && a.size(1) == a.size(2) && a.numel() > 0,
        "measurements' shape",
        Arrays.toString(a.shape()),
        "[m, d, d]");
    Check.require(
        a.dtype() == Dtype.FLOAT32 || a.dtype() == Dtype.FLOAT64,
        "measurements' type",
        a.dtype(),
        "FLOAT32 or FLOAT64");
    Check.finite(a, "measurements");
    int d = (int) a.size(1);
    long[] below = new long[d * (d + 1) / 2];
    double[] scale = new double[below.length];
    for (int row = 0, e = 0; row < d; row++) {
      for (int column = 0; column <= row; column++, e++) {
        below[e] = (long) row * d + column;
        scale[e] = row == column ? 0.5 : 1;
      }
    }
    try (Scope scope = Scope.open()) {
      Tensor packIndex = Tensor.of(below, below.length).to(a.device());
      Tensor packScale = Tensor.of(scale, scale.length).to(a.dtype()).to(a.device());
      Tensor packed =
          a.detach()
              .add(a.detach().mT())
              .reshape(a.size(0), (long) d * d)
              .indexSelect(1, packIndex)
              .mul_(packScale);
      return new DenseMeasurements(packed, packIndex, packScale, d);
    }
  }

  @Override
  public int m() {
    return (int) packed.size(0);
  }

  @Override
  public int d() {
    return d;
  }

  @Override
  public Dtype dtype() {
    return packed.dtype();
  }

  @Override
  public Tensor apply(Tensor x) {
    return symmetric(x.add(x.t()).mul(0.5));
  }

  private Tensor symmetric(Tensor x) {
    return packed.mv(x.reshape((long) d * d).indexSelect(0, packIndex));
  }

  @Override
  public Tensor adjoint(Tensor z) {
    return packed.t().mv(z).indexSelect(0, unpackIndex).mul_(unpackScale).reshape(d, d);
  }

  @Override
  public Tensor applyFactor(Tensor u) {
    return symmetric(u.matmul(u.t()));
  }

  @Override
  public Tensor adjointTimes(Tensor z, Tensor u) {
    return adjoint(z).matmul(u);
  }
}
