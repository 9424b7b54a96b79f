package org.tikhon.adapt;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Turns 4-bit codes into numbers: a lookup of 16 levels, times the block's maximum. With vectors of
 * 512 bits the scaled levels fit into one register and the lookup is one permutation; elsewhere, or
 * without the JDK's vector module, a plain loop does the same.
 */
final class Nf4Kernel {
  private static final boolean VECTORS = hasWideVectors();

  private static final int ZERO_CODE = 7;

  private static final ValueLayout.OfLong LITTLE_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Nf4Kernel() {}

  private static boolean hasWideVectors() {
    try {
      return FloatVector.SPECIES_PREFERRED.length() >= 16;
    } catch (NoClassDefFoundError e) {
      return false;
    }
  }

  /**
   * Dequantises whole blocks (the last may be shorter).
   *
   * @param packed bytes with two codes each
   * @param firstByte where the first block begins
   * @param absmax FLOAT32, the blocks' maxima
   * @param firstBlock the number of the first block
   * @param blockSize elements of a block
   * @param elements how many elements
   * @param out room for them as FLOAT32
   */
  static void dequantize(
      MemorySegment packed,
      long firstByte,
      MemorySegment absmax,
      long firstBlock,
      int blockSize,
      long elements,
      MemorySegment out) {
    dequantize(packed, firstByte, absmax, firstBlock, blockSize, elements, out, VECTORS);
  }

  /**
   * @param vectors whether to use the vector kernel, for tests
   */
  static void dequantize(
      MemorySegment packed,
      long firstByte,
      MemorySegment absmax,
      long firstBlock,
      int blockSize,
      long elements,
      MemorySegment out,
      boolean vectors) {
    float[] levels = Nf4.levels();
    float[] scaled = new float[16];
    long block = firstBlock;
    for (long start = 0; start < elements; start += blockSize, block++) {
      float scale = absmax.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, block);
      long length = Math.min(blockSize, elements - start);
      long bytes = firstByte + start / 2;
      if (vectors && length == blockSize) {
        Wide.block(packed, bytes, levels, scale, out, start * Float.BYTES, blockSize);
      } else {
        for (int i = 0; i < 16; i++) {
          scaled[i] = levels[i] * scale;
        }
        block(packed, bytes, scaled, out, start, length);
      }
    }
  }

  private static void block(
      MemorySegment packed, long firstByte, float[] scaled, MemorySegment out, long start, long n) {
    for (long i = 0; i < n; i += 2) {
      int two = packed.get(ValueLayout.JAVA_BYTE, firstByte + i / 2);
      out.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, start + i, scaled[two >> 4 & 15]);
      if (i + 1 < n) {
        out.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, start + i + 1, scaled[two & 15]);
      }
    }
  }

  /**
   * Quantises whole blocks (the last may be shorter): each block's largest absolute value, and the
   * number of thresholds below {@code x / max} for each element. An odd last element is followed by
   * the code of 0.
   *
   * @param x FLOAT32
   * @param thresholds the 15 midpoints of the levels
   * @param packed room for two codes a byte
   * @param absmax room for the blocks' maxima, FLOAT32; NaN where an element is
   */
  static void quantize(
      MemorySegment x,
      long elements,
      int blockSize,
      float[] thresholds,
      MemorySegment packed,
      MemorySegment absmax) {
    long block = 0;
    for (long start = 0; start < elements; start += blockSize, block++) {
      long end = Math.min(start + blockSize, elements);
      float max = largest(x, start, end);
      absmax.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, block, max);
      pack(x, start, end, max > 0 ? max : 1, thresholds, packed);
    }
  }

  private static float largest(MemorySegment x, long start, long end) {
    float max = 0;
    for (long i = start; i < end; i++) {
      max = Math.max(max, Math.abs(x.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i)));
    }
    return max;
  }

  private static void pack(
      MemorySegment x, long start, long end, float max, float[] thresholds, MemorySegment packed) {
    for (long i = start; i < end; i += 2) {
      int high = code(x.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i) / max, thresholds);
      int low =
          i + 1 < end
              ? code(x.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i + 1) / max, thresholds)
              : ZERO_CODE;
      packed.set(ValueLayout.JAVA_BYTE, i / 2, (byte) (high << 4 | low));
    }
  }

  /** How many thresholds are below t, by halving. */
  private static int code(float t, float[] thresholds) {
    int code = t > thresholds[7] ? 8 : 0;
    code += t > thresholds[code + 3] ? 4 : 0;
    code += t > thresholds[code + 1] ? 2 : 0;
    return code + (t > thresholds[code] ? 1 : 0);
  }

  /** The kernel with 16 lanes; a class of its own, so that the vector module is optional. */
  private static final class Wide {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_512;

    /** Lane i needs the half byte i of the four bytes of its half: the high half comes first. */
    private static final IntVector SHIFTS =
        IntVector.fromArray(
            INTS, new int[] {4, 0, 12, 8, 20, 16, 28, 24, 4, 0, 12, 8, 20, 16, 28, 24}, 0);

    private static final VectorMask<Integer> UPPER = VectorMask.fromLong(INTS, 0xFF00);

    static void block(
        MemorySegment packed,
        long firstByte,
        float[] levels,
        float scale,
        MemorySegment out,
        long firstOut,
        int n) {
      IntVector table = FloatVector.fromArray(FLOATS, levels, 0).mul(scale).reinterpretAsInts();
      for (int i = 0; i < n; i += 16) {
        long eight = packed.get(LITTLE_LONG, firstByte + i / 2);
        IntVector halves =
            IntVector.broadcast(INTS, (int) eight).blend((int) (eight >>> 32), UPPER);
        // Only the low four bits of an index count.
        IntVector codes = halves.lanewise(VectorOperators.LSHR, SHIFTS).and(15);
        codes
            .selectFrom(table)
            .reinterpretAsFloats()
            .intoMemorySegment(out, firstOut + (long) i * Float.BYTES, ByteOrder.nativeOrder());
      }
    }
  }
}
