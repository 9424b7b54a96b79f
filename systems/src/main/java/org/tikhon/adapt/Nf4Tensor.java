package org.tikhon.adapt;

import java.util.Arrays;
import java.util.List;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A tensor in 4-bit NormalFloat, see {@link Nf4}.
 *
 * @param packed UINT8 {@code [ceil(n / 2), 1]}, two elements a byte, the first in the high half
 * @param absmax the largest absolute value of each block, FLOAT32 {@code [blocks]}; with double
 *     quantisation their UINT8 codes
 * @param nested how the codes in {@code absmax} are read, or null
 * @param shape the shape of the tensor
 * @param dtype the type that the tensor had
 * @param blockSize elements of a block
 */
public record Nf4Tensor(
    Tensor packed, Tensor absmax, Nested nested, long[] shape, Dtype dtype, int blockSize) {

  /** Elements of a dequantised piece in {@link #matmul}: 2 MB. */
  private static final long PIECE = 1 << 19;

  /**
   * Double quantisation: {@code absmax = map[code] absmax2 + offset}.
   *
   * @param absmax FLOAT32, one number for each block of codes
   * @param blockSize codes of a block, 256
   * @param offset the mean of the blocks' maxima
   */
  public record Nested(Tensor absmax, int blockSize, double offset) {}

  public Nf4Tensor {
    Nf4.checkBlockSize(blockSize);
    long n = elements(shape);
    long blocks = (n + blockSize - 1) / blockSize;
    if (packed.dtype() != Dtype.UINT8 || packed.numel() != (n + 1) / 2) {
      throw new IllegalArgumentException(
          "packed must hold %d bytes for shape %s, it has %d elements of %s"
              .formatted((n + 1) / 2, Arrays.toString(shape), packed.numel(), packed.dtype()));
    }
    if (absmax.numel() != blocks
        || absmax.dtype() != (nested == null ? Dtype.FLOAT32 : Dtype.UINT8)) {
      throw new IllegalArgumentException(
          "absmax must hold %d numbers for shape %s, it has %d of %s"
              .formatted(blocks, Arrays.toString(shape), absmax.numel(), absmax.dtype()));
    }
  }

  private static long elements(long[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** The number of elements. */
  public long numel() {
    return elements(shape);
  }

  /** Bytes in memory: about half a byte an element. */
  public long bytes() {
    long own = packed.numel() + absmax.numel() * absmax.dtype().bytes();
    return nested == null ? own : own + nested.absmax.numel() * nested.absmax.dtype().bytes();
  }

  /** The largest absolute value of each block, FLOAT32 {@code [blocks]}. */
  public Tensor blockMaxima() {
    if (nested == null) {
      return absmax;
    }
    try (Scope scope = Scope.open()) {
      Tensor map = Tensor.of(Nf4.dynamicMapCopy()).to(absmax.device());
      Tensor scale =
          nested.absmax.repeatInterleave(nested.blockSize, 0).narrow(0, 0, absmax.numel());
      return scope.keep(map.indexSelect(0, absmax.to(Dtype.INT64)).mul(scale).add(nested.offset));
    }
  }

  /** The tensor in its own shape and type. */
  public Tensor dequantize() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return scope.keep(blocks(blockMaxima(), 0, absmax.numel()).view(shape).to(dtype));
    }
  }

  /** The elements of blocks {@code first, ..., last - 1}, a FLOAT32 vector. */
  private Tensor blocks(Tensor maxima, long first, long last) {
    long from = first * blockSize;
    long to = Math.min(last * blockSize, numel());
    return packed.device().isCpu()
        ? blocksOnCpu(maxima, first, from, to)
        : blocksByLookup(maxima, first, last, from, to);
  }

  private Tensor blocksOnCpu(Tensor maxima, long first, long from, long to) {
    Tensor out = Tensor.empty(Dtype.FLOAT32, to - from).to(packed.device());
    Nf4Kernel.dequantize(
        packed.segment(), from / 2, maxima.segment(), first, blockSize, to - from, out.segment());
    return out;
  }

  /** The same with tensor operations, for other devices: a table of each byte's two levels. */
  Tensor blocksByLookup(Tensor maxima, long first, long last, long from, long to) {
    try (Scope scope = Scope.open()) {
      float[] levels = Nf4.levels();
      float[] pairs = new float[512];
      for (int b = 0; b < 256; b++) {
        pairs[2 * b] = levels[b >> 4];
        pairs[2 * b + 1] = levels[b & 15];
      }
      Tensor table = Tensor.of(pairs, 256, 2).to(packed.device());
      Tensor bytes = packed.flatten().narrow(0, from / 2, (to - from + 1) / 2);
      Tensor x = table.indexSelect(0, bytes.to(Dtype.INT32)).flatten().narrow(0, 0, to - from);
      Tensor scale =
          maxima
              .narrow(0, first, last - first)
              .repeatInterleave(blockSize, 0)
              .narrow(0, 0, to - from);
      return scope.keep(x.mul(scale));
    }
  }

  /**
   * {@code x W^T} for this as a matrix W {@code [out, in]}: {@code [..., in] -> [..., out]}. Rows
   * of W are dequantised a few at a time into a small buffer, never all.
   *
   * <p>Where x requires a gradient, the backward pass needs W, and LibTorch keeps what it needs:
   * the dequantised matrix then lives until the backward pass is over.
   */
  public Tensor matmul(Tensor x) {
    if (shape.length != 2 || x.size(-1) != shape[1]) {
      throw new IllegalArgumentException(
          "x [..., in] does not fit the 4-bit matrix [out, in]: x is %s, the matrix %s"
              .formatted(Arrays.toString(x.shape()), Arrays.toString(shape)));
    }
    long[] outShape = x.shape();
    outShape[outShape.length - 1] = shape[0];
    Tensor rows = x.reshape(-1, shape[1]);
    Tensor y =
        x.requiresGrad()
            ? Functional.linear(rows, dequantize().to(x.dtype()), null)
            : timesTransposed(rows);
    return y.reshape(outShape);
  }

  /** {@code x W^T}, x {@code [n, in]}. */
  private Tensor timesTransposed(Tensor x) {
    long out = shape[0];
    long in = shape[1];
    long step = Math.max(1, PIECE / in);
    Tensor y = Tensor.empty(x.dtype(), x.size(0), out).to(x.device());
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor maxima = blockMaxima();
      for (long row = 0; row < out; row += step) {
        try (Scope inner = Scope.open()) {
          long count = Math.min(step, out - row);
          // Rows may begin and end inside a block.
          long first = row * in / blockSize;
          long last = ((row + count) * in + blockSize - 1) / blockSize;
          Tensor rows =
              blocks(maxima, first, last)
                  .narrow(0, row * in - first * blockSize, count * in)
                  .view(count, in);
          y.narrow(1, row, count).copy_(x.matmul(rows.to(x.dtype()).mT()));
        }
      }
    }
    return y;
  }

  /** The tensors of this, for state. */
  List<Tensor> tensors() {
    return nested == null ? List.of(packed, absmax) : List.of(packed, absmax, nested.absmax);
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
