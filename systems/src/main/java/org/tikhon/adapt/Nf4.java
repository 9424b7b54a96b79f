package org.tikhon.adapt;

import java.util.Arrays;
import java.util.List;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The 4-bit NormalFloat of QLoRA (Dettmers et al. 2023), in the memory layout of bitsandbytes.
 *
 * <p>The elements, row-major, are cut into blocks; a block stores its largest absolute value, and
 * each element the nearest of 16 levels as a fraction of it. The levels are normal quantiles: eight
 * positive ones {@code Phi^-1(linspace(0.9677083, 0.5, 9))[:8]}, zero, and seven negative ones
 * {@code -Phi^-1(linspace(0.9677083, 0.5, 8))[:7]}, divided by the largest. An element in the
 * middle of two levels takes the lower one. Element 2j is the high half of byte j, 2j + 1 the low
 * half.
 *
 * <p>With double quantisation the blocks' maxima are 8-bit numbers too: less their mean, in blocks
 * of 256, on the dynamic map (a signed floating-point code with 7 exponent bits).
 */
public final class Nf4 {
  private static final float[] LEVELS = {
    -1f,
    -0.6961928f,
    -0.52507305f,
    -0.3949175f,
    -0.28444138f,
    -0.18477343f,
    -0.091050036f,
    0f,
    0.0795803f,
    0.1609302f,
    0.2461123f,
    0.33791524f,
    0.44070983f,
    0.562617f,
    0.72295684f,
    1f
  };
  private static final float[] DYNAMIC_MAP = dynamicMap();

  /** bitsandbytes' default. */
  public static final int DEFAULT_BLOCK_SIZE = 64;

  static final int NESTED_BLOCK_SIZE = 256;
  private static final int SMALLEST_BLOCK = 32;
  private static final int LARGEST_BLOCK = 4096;

  /** How many elements are quantised at once, so that temporaries stay small. */
  private static final long CHUNK = 1 << 20;

  private Nf4() {}

  /** The 16 levels, rising from -1 to 1. */
  public static float[] levels() {
    return LEVELS.clone();
  }

  /** The 256 numbers of the dynamic map, rising. */
  static float[] dynamicMapCopy() {
    return DYNAMIC_MAP.clone();
  }

  /**
   * For exponent i = 0, ..., 6: the centres of 2^i equal parts of [0.1, 1], times 10^(i - 6), with
   * both signs; and 0 and 1.
   */
  private static float[] dynamicMap() {
    float[] map = new float[256];
    int n = 0;
    for (int i = 0; i < 7; i++) {
      int parts = 1 << i;
      for (int j = 0; j < parts; j++) {
        double centre = 0.1 + 0.9 * (j + 0.5) / parts;
        float value = (float) (Math.pow(10, i - 6) * centre);
        map[n++] = value;
        map[n++] = -value;
      }
    }
    map[n++] = 0;
    map[n] = 1;
    Arrays.sort(map);
    return map;
  }

  static void checkBlockSize(int blockSize) {
    if (blockSize < SMALLEST_BLOCK
        || blockSize > LARGEST_BLOCK
        || Integer.bitCount(blockSize) != 1) {
      throw new IllegalArgumentException(
          "blockSize must be a power of two in 32..4096, was " + blockSize);
    }
  }

  /** Quantises with blocks of 64 and double quantisation, as QLoRA does. */
  public static Nf4Tensor quantize(Tensor w) {
    return quantize(w, DEFAULT_BLOCK_SIZE, true);
  }

  /**
   * Quantises a tensor. A last block may be shorter; a block of zeros stays zero.
   *
   * @param w any shape, at least one element, a floating-point type, finite
   * @param blockSize 32, 64, ..., 4096
   * @param doubleQuant whether the blocks' maxima are quantised too
   */
  public static Nf4Tensor quantize(Tensor w, int blockSize, boolean doubleQuant) {
    checkBlockSize(blockSize);
    if (!w.dtype().isFloatingPoint() || w.numel() == 0) {
      throw new IllegalArgumentException(
          "w must have a floating-point type and elements, it is "
              + w.dtype()
              + " of shape "
              + Arrays.toString(w.shape()));
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor flat = w.detach().contiguous().flatten();
      long n = flat.numel();
      Tensor packed = Tensor.empty(Dtype.UINT8, (n + 1) / 2, 1).to(w.device());
      Tensor absmax = Tensor.empty(Dtype.FLOAT32, (n + blockSize - 1) / blockSize).to(w.device());
      for (long start = 0; start < n; start += CHUNK) {
        try (Scope inner = Scope.open()) {
          long length = Math.min(CHUNK, n - start);
          quantizeChunk(
              flat.narrow(0, start, length).to(Dtype.FLOAT32),
              blockSize,
              packed.narrow(0, start / 2, (length + 1) / 2),
              absmax.narrow(0, start / blockSize, (length + blockSize - 1) / blockSize));
        }
      }
      if (!absmax.allFinite()) {
        throw new IllegalArgumentException("w is not finite (NaN or infinite elements)");
      }
      scope.keep(packed);
      if (!doubleQuant) {
        return new Nf4Tensor(packed, scope.keep(absmax), null, w.shape(), w.dtype(), blockSize);
      }
      double offset = absmax.mean().item();
      long blocks = absmax.numel();
      long nestedBlocks = (blocks + NESTED_BLOCK_SIZE - 1) / NESTED_BLOCK_SIZE;
      Tensor x =
          padded(absmax.sub(offset), nestedBlocks * NESTED_BLOCK_SIZE)
              .view(nestedBlocks, NESTED_BLOCK_SIZE);
      Tensor max = x.abs().amax(1);
      Tensor codes = codes(x, max, DYNAMIC_MAP).flatten().narrow(0, 0, blocks).to(Dtype.UINT8);
      return new Nf4Tensor(
          packed,
          scope.keep(codes),
          new Nf4Tensor.Nested(scope.keep(max), NESTED_BLOCK_SIZE, offset),
          w.shape(),
          w.dtype(),
          blockSize);
    }
  }

  /** Quantises whole blocks (the last may be shorter) into their places. */
  private static void quantizeChunk(Tensor x, int blockSize, Tensor packed, Tensor absmax) {
    if (x.device().isCpu()) {
      Nf4Kernel.quantize(
          x.segment(), x.numel(), blockSize, midpoints(LEVELS), packed.segment(), absmax.segment());
    } else {
      quantizeByLookup(x, blockSize, packed, absmax);
    }
  }

  /** The same with tensor operations, for other devices. */
  static void quantizeByLookup(Tensor x, int blockSize, Tensor packed, Tensor absmax) {
    long blocks = absmax.numel();
    Tensor rows = padded(x, blocks * blockSize).view(blocks, blockSize);
    Tensor max = rows.abs().amax(1);
    absmax.copy_(max);
    Tensor codes = codes(rows, max, LEVELS).view(-1, 2);
    Tensor bytes = codes.select(1, 0).mul(16).add(codes.select(1, 1)).to(Dtype.UINT8);
    packed.copy_(bytes.narrow(0, 0, packed.numel()).unsqueeze(1));
  }

  private static Tensor padded(Tensor flat, long length) {
    Tensor x = flat.to(Dtype.FLOAT32);
    long missing = length - x.numel();
    return missing == 0 ? x : Tensor.cat(List.of(x, Tensor.zeros(missing).to(x.device())), 0);
  }

  /** The places of the nearest levels; blocks of zeros divide by 1. */
  private static Tensor codes(Tensor blocks, Tensor max, float[] levels) {
    Tensor thresholds = Tensor.of(midpoints(levels)).to(blocks.device());
    Tensor divisor = Tensor.where(max.gt(0), max, 1.0);
    return thresholds.searchsorted(blocks.div(divisor.unsqueeze(1)).contiguous(), false);
  }

  private static float[] midpoints(float[] levels) {
    float[] middle = new float[levels.length - 1];
    for (int i = 0; i < middle.length; i++) {
      middle[i] = (float) (((double) levels[i] + levels[i + 1]) / 2);
    }
    return middle;
  }
}
