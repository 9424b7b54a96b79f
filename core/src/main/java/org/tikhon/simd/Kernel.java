package org.tikhon.simd;

/**
 * The inner loops over at most {@link #CHUNK} contiguous numbers of one type.
 *
 * <p>An operand is a {@code float[]} or {@code double[]} for the kernels of heap memory and a
 * {@link java.lang.foreign.MemorySegment} for the others; {@code from} counts elements, not bytes.
 * The callers have checked bounds and overlap.
 */
interface Kernel {
  /** The most numbers of one call; longer rows are chunked, so that indices inside stay int. */
  int CHUNK = 1 << 30;

  /** {@code y = exp(x)}. */
  void exp(Object x, long xFrom, Object y, long yFrom, int n);
}
