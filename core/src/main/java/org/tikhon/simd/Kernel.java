package org.tikhon.simd;

/**
 * The inner loops over at most {@link #CHUNK} contiguous numbers of one type.
 *
 * <p>An operand is a {@code float[]} or {@code double[]} for the kernels of heap memory and a
 * {@link java.lang.foreign.MemorySegment} for the others; {@code from} counts elements, not bytes.
 * The callers have checked bounds and overlap. A mask is null or has {@code true} for the elements
 * that take part; the others count as -∞. The input of all exponentials is {@code (x - max) scale},
 * in clamped variants at least {@code -2^20}, which takes in -∞.
 */
interface Kernel {
  /** The most numbers of one call; longer rows are chunked, so that indices inside stay int. */
  int CHUNK = 1 << 30;

  /**
   * Adds {@code sum exp(scale x)} to {@code scratch.sum} as pairs of mantissa and exponent. The
   * result is wrong, and out of {@link ExtendedSum#inRange}, where an input is above 1.04e6 or NaN
   * or all are extremely low.
   */
  void reduce(
      Object x, long from, int n, double scale, boolean[] mask, int maskFrom, Scratch scratch);

  /**
   * {@code y = exp((x - max) scale) r}. Only a variant that recomputes looks at max, which is 0 in
   * the others.
   */
  void write(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Reciprocal reciprocal);

  /** The largest element that is not NaN, -∞ if there is none. */
  double max(Object x, long from, int n, boolean[] mask, int maskFrom);

  /**
   * {@code sum exp((x - max) scale)}. Keeps the terms in y, or, in a variant that recomputes,
   * nothing: y is null.
   */
  double sumExp(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Scratch scratch);

  /** {@code y = factor y}, where products near the subnormal range become 0. */
  void multiply(Object y, long from, int n, double factor);

  /** {@code y = (x - max) scale - log}. */
  void subtract(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      double log);

  /** {@code sum x y}. */
  double dot(Object x, long xFrom, Object y, long yFrom, int n, Scratch scratch);

  /** {@code sum x}. */
  double sum(Object x, long from, int n, Scratch scratch);

  /** {@code dx = scale y (dy - dot)}. */
  void backward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double dot,
      double scale);

  /** {@code dx = scale (dy - exp(y) sum)}. */
  void logBackward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double sum,
      double scale);

  /** {@code y = exp(x)} of any x. */
  void exp(Object x, long xFrom, Object y, long yFrom, int n);
}
