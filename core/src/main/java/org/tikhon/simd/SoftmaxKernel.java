package org.tikhon.simd;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.incubator.vector.VectorSpecies;

/**
 * Softmax of rows with a chosen algorithm, vector width, temperature and mask.
 *
 * <p>Reads and writes per element, for a row that does not fit the caches:
 *
 * <pre>
 * THREE_PASS_RECOMPUTE  max; sum of exp(x - max); exp(x - max) / sum       3 reads, 1 write
 * THREE_PASS_RELOAD     max; sum, keeping exp(x - max) in y; y / sum       3 reads, 2 writes
 * TWO_PASS              sum as (s, e); exp(x) / (s 2^e) from (m, n)        2 reads, 1 write
 * </pre>
 *
 * All three use the same polynomial. A row which the two-pass arithmetic cannot take (an element
 * above 10^6 or NaN, or all elements below -10^6) is computed again by the three-pass form. The
 * three-pass forms round {@code x - max}, as every such softmax does: an element far below the
 * maximum has a relative error of up to {@code 6e-8 |x - max|}; TWO_PASS has no such error.
 *
 * <p>Semantics: NaN or +∞ in a row makes the row NaN; -∞ gives exactly 0; a row of -∞ alone is NaN.
 * Results below 2^-123 (float) or 2^-1019 (double) may be flushed to 0. The output may be the
 * input.
 *
 * <p>A kernel is immutable, may be shared by threads, and allocates nothing while it computes.
 */
public final class SoftmaxKernel {
  /** How a row is passed over. */
  public enum Algorithm {
    /** Sums extended exponentials; reads the row twice. */
    TWO_PASS,
    /** Computes the exponentials twice. */
    THREE_PASS_RECOMPUTE,
    /** Keeps the exponentials in the output and scales them. */
    THREE_PASS_RELOAD,
    /**
     * THREE_PASS_RELOAD for rows which fit the second-level cache with their output, else TWO_PASS.
     */
    AUTO
  }

  private static final long L2_BYTES = secondLevelCache();

  private final Algorithm algorithm;
  private final int bits;
  private final double scale;
  private final boolean[] mask;
  private final long[] lengths;
  private final boolean maskedRowIsZero;

  /** A kernel of the preferred vector width. */
  public SoftmaxKernel(Algorithm algorithm) {
    this(algorithm, Kernels.PREFERRED, 1, null, null, false);
  }

  /**
   * @param species its width is used, for floats and doubles: {@code
   *     FloatVector.SPECIES_PREFERRED}, {@code SPECIES_256}, ...
   */
  public SoftmaxKernel(Algorithm algorithm, VectorSpecies<?> species) {
    this(algorithm, species.vectorBitSize(), 1, null, null, false);
  }

  SoftmaxKernel(
      Algorithm algorithm,
      int bits,
      double scale,
      boolean[] mask,
      long[] lengths,
      boolean maskedRowIsZero) {
    this.algorithm = algorithm;
    this.bits = bits;
    this.scale = scale;
    this.mask = mask;
    this.lengths = lengths;
    this.maskedRowIsZero = maskedRowIsZero;
  }

  /** The size of the second-level cache where Linux tells it, otherwise 1 MiB. */
  private static long secondLevelCache() {
    try {
      String size =
          Files.readString(Path.of("/sys/devices/system/cpu/cpu0/cache/index2/size")).strip();
      return Long.parseLong(size.substring(0, size.length() - 1)) << (size.endsWith("M") ? 20 : 10);
    } catch (IOException | RuntimeException e) {
      return 1 << 20;
    }
  }

  /** The kernel of {@code softmax(x / temperature)}; above 0, 1 by default. */
  public SoftmaxKernel temperature(double temperature) {
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException(
          "temperature must be above 0 and finite, was " + temperature);
    }
    return new SoftmaxKernel(algorithm, bits, 1 / temperature, mask, lengths, maskedRowIsZero);
  }

  /**
   * The kernel of rows in which only some elements take part; the others get 0 (-∞ in {@link
   * #logRows}), whatever they hold.
   *
   * @param mask true for the elements that take part: {@code rows cols} values, or {@code cols} for
   *     all rows alike; not copied. Null for no mask
   */
  public SoftmaxKernel mask(boolean[] mask) {
    return new SoftmaxKernel(algorithm, bits, scale, mask, lengths, maskedRowIsZero);
  }

  /**
   * The kernel of rows in which only the first elements take part.
   *
   * @param lengths one per row, in 0, ..., cols; not copied. Null for whole rows
   */
  public SoftmaxKernel lengths(long[] lengths) {
    return new SoftmaxKernel(algorithm, bits, scale, mask, lengths, maskedRowIsZero);
  }

  /**
   * Whether a fully masked row gives zeros (-∞ in {@link #logRows}) instead of NaN, the default.
   */
  public SoftmaxKernel maskedRowIsZero(boolean zero) {
    return new SoftmaxKernel(algorithm, bits, scale, mask, lengths, zero);
  }

  /**
   * Softmax of each row of {@code x [rows, cols]}.
   *
   * @param xStride elements from a row of x to the next, 0 or more
   * @param yStride elements from a row of y to the next, at least cols
   * @throws IllegalArgumentException if rows are empty, an array is too short, a stride is wrong,
   *     or x and y are one array with different strides
   */
  public void rows(float[] x, float[] y, int rows, int cols, int xStride, int yStride) {
    checkArrays(x, x.length, y, y.length, rows, cols, xStride, yStride);
    run(x, 0, y, 0, rows, cols, xStride, yStride, true, false, false);
  }

  /** The logarithm of {@link #rows(float[], float[], int, int, int, int)}. */
  public void logRows(float[] x, float[] y, int rows, int cols, int xStride, int yStride) {
    checkArrays(x, x.length, y, y.length, rows, cols, xStride, yStride);
    run(x, 0, y, 0, rows, cols, xStride, yStride, true, false, true);
  }

  /**
   * As {@link #rows(float[], float[], int, int, int, int)}, for segments of floats in native byte
   * order.
   */
  public void rows(
      MemorySegment x, MemorySegment y, long rows, long cols, long xStride, long yStride) {
    runSegments(x, y, rows, cols, xStride, yStride, false, false);
  }

  /** The logarithm of {@link #rows(MemorySegment, MemorySegment, long, long, long, long)}. */
  public void logRows(
      MemorySegment x, MemorySegment y, long rows, long cols, long xStride, long yStride) {
    runSegments(x, y, rows, cols, xStride, yStride, false, true);
  }

  /** {@code log sum exp(x / temperature)} of one row, without mask; -∞ for -∞ alone. */
  public double logSumExp(float[] x) {
    checkNotEmpty(x.length);
    Passes passes = Passes.of(bits, true, false, false, scale != 1);
    return logSumExp(passes, x, 0, x.length, Scratch.get());
  }

  /** As {@link #logSumExp(float[])}, of the first n floats of a segment. */
  public double logSumExp(MemorySegment x, long n) {
    checkNotEmpty(n);
    Kernels.checkSize("x", x, n, Float.BYTES);
    boolean heap = Kernels.isArray(x, float[].class, Float.BYTES);
    Passes passes = Passes.of(bits, heap, false, false, scale != 1);
    return heap
        ? logSumExp(passes, x.heapBase().get(), x.address() / Float.BYTES, n, Scratch.get())
        : logSumExp(passes, x, 0, n, Scratch.get());
  }

  /**
   * The derivative of {@link #rows(float[], float[], int, int, int, int)} for contiguous rows:
   * {@code dx = y (dy - sum(y dy)) / temperature}. dx may be y or dy.
   *
   * @param y the softmax, {@code [rows, cols]}
   * @param dy the derivative by y
   */
  public void backward(float[] y, float[] dy, float[] dx, int rows, int cols) {
    checkBackward(y.length, dy.length, dx.length, rows, cols);
    Passes passes = Passes.of(bits, true, false, false, false);
    Scratch scratch = Scratch.get();
    for (int r = 0; r < rows; r++) {
      int at = r * cols;
      passes.backward(y, at, dy, at, dx, at, cols, scale, scratch);
    }
  }

  /**
   * The derivative of {@link #logRows(float[], float[], int, int, int, int)} for contiguous rows:
   * {@code dx = (dy - exp(y) sum(dy)) / temperature}. dx may be y or dy.
   *
   * @param y the logarithm of the softmax, {@code [rows, cols]}
   * @param dy the derivative by y
   */
  public void logBackward(float[] y, float[] dy, float[] dx, int rows, int cols) {
    checkBackward(y.length, dy.length, dx.length, rows, cols);
    Passes passes = Passes.of(bits, true, false, false, false);
    Scratch scratch = Scratch.get();
    for (int r = 0; r < rows; r++) {
      int at = r * cols;
      passes.logBackward(y, at, dy, at, dx, at, cols, scale, scratch);
    }
  }

  /**
   * Softmax of each row of {@code x [rows, cols]}.
   *
   * @param xStride elements from a row of x to the next, 0 or more
   * @param yStride elements from a row of y to the next, at least cols
   * @throws IllegalArgumentException if rows are empty, an array is too short, a stride is wrong,
   *     or x and y are one array with different strides
   */
  public void rows(double[] x, double[] y, int rows, int cols, int xStride, int yStride) {
    checkArrays(x, x.length, y, y.length, rows, cols, xStride, yStride);
    run(x, 0, y, 0, rows, cols, xStride, yStride, true, true, false);
  }

  /** The logarithm of {@link #rows(double[], double[], int, int, int, int)}. */
  public void logRows(double[] x, double[] y, int rows, int cols, int xStride, int yStride) {
    checkArrays(x, x.length, y, y.length, rows, cols, xStride, yStride);
    run(x, 0, y, 0, rows, cols, xStride, yStride, true, true, true);
  }

  /**
   * As {@link #rows(double[], double[], int, int, int, int)}, for segments of doubles in native
   * byte order.
   */
  public void rowsDoubles(
      MemorySegment x, MemorySegment y, long rows, long cols, long xStride, long yStride) {
    runSegments(x, y, rows, cols, xStride, yStride, true, false);
  }

  /**
   * The logarithm of {@link #rowsDoubles(MemorySegment, MemorySegment, long, long, long, long)}.
   */
  public void logRowsDoubles(
      MemorySegment x, MemorySegment y, long rows, long cols, long xStride, long yStride) {
    runSegments(x, y, rows, cols, xStride, yStride, true, true);
  }

  /** {@code log sum exp(x / temperature)} of one row, without mask; -∞ for -∞ alone. */
  public double logSumExp(double[] x) {
    checkNotEmpty(x.length);
    Passes passes = Passes.of(bits, true, true, false, scale != 1);
    return logSumExp(passes, x, 0, x.length, Scratch.get());
  }

  /** As {@link #logSumExp(double[])}, of the first n doubles of a segment. */
  public double logSumExpDoubles(MemorySegment x, long n) {
    checkNotEmpty(n);
    Kernels.checkSize("x", x, n, Double.BYTES);
    boolean heap = Kernels.isArray(x, double[].class, Double.BYTES);
    Passes passes = Passes.of(bits, heap, true, false, scale != 1);
    return heap
        ? logSumExp(passes, x.heapBase().get(), x.address() / Double.BYTES, n, Scratch.get())
        : logSumExp(passes, x, 0, n, Scratch.get());
  }

  /**
   * The derivative of {@link #rows(double[], double[], int, int, int, int)} for contiguous rows:
   * {@code dx = y (dy - sum(y dy)) / temperature}. dx may be y or dy.
   *
   * @param y the softmax, {@code [rows, cols]}
   * @param dy the derivative by y
   */
  public void backward(double[] y, double[] dy, double[] dx, int rows, int cols) {
    checkBackward(y.length, dy.length, dx.length, rows, cols);
    Passes passes = Passes.of(bits, true, true, false, false);
    Scratch scratch = Scratch.get();
    for (int r = 0; r < rows; r++) {
      int at = r * cols;
      passes.backward(y, at, dy, at, dx, at, cols, scale, scratch);
    }
  }

  /**
   * The derivative of {@link #logRows(double[], double[], int, int, int, int)} for contiguous rows:
   * {@code dx = (dy - exp(y) sum(dy)) / temperature}. dx may be y or dy.
   *
   * @param y the logarithm of the softmax, {@code [rows, cols]}
   * @param dy the derivative by y
   */
  public void logBackward(double[] y, double[] dy, double[] dx, int rows, int cols) {
    checkBackward(y.length, dy.length, dx.length, rows, cols);
    Passes passes = Passes.of(bits, true, true, false, false);
    Scratch scratch = Scratch.get();
    for (int r = 0; r < rows; r++) {
      int at = r * cols;
      passes.logBackward(y, at, dy, at, dx, at, cols, scale, scratch);
    }
  }

  private void runSegments(
      MemorySegment x,
      MemorySegment y,
      long rows,
      long cols,
      long xStride,
      long yStride,
      boolean doubles,
      boolean log) {
    int width = doubles ? Double.BYTES : Float.BYTES;
    checkRows(rows, cols, xStride, yStride);
    long xn = extent("x", rows, cols, xStride);
    long yn = extent("y", rows, cols, yStride);
    Kernels.checkSize("x", x, xn, width);
    Kernels.checkSize("y", y, yn, width);
    Kernels.checkWritable("y", y);
    Kernels.checkOverlap(x, xn * width, y, yn * width, rows == 1 || xStride == yStride);
    Class<?> array = doubles ? double[].class : float[].class;
    if (Kernels.isArray(x, array, width) && Kernels.isArray(y, array, width)) {
      run(
          x.heapBase().get(),
          x.address() / width,
          y.heapBase().get(),
          y.address() / width,
          rows,
          cols,
          xStride,
          yStride,
          true,
          doubles,
          log);
    } else {
      run(x, 0, y, 0, rows, cols, xStride, yStride, false, doubles, log);
    }
  }

  /** The operands are checked except for mask and lengths. */
  private void run(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long rows,
      long cols,
      long xStride,
      long yStride,
      boolean heap,
      boolean doubles,
      boolean log) {
    checkMask(rows, cols);
    Passes passes = Passes.of(bits, heap, doubles, mask != null, scale != 1);
    Algorithm chosen = chosen(cols * 2 * (doubles ? Double.BYTES : Float.BYTES));
    Scratch scratch = Scratch.get();
    for (long r = 0; r < rows; r++) {
      long n = lengths == null ? cols : lengths[(int) r];
      int maskFrom = mask == null || mask.length == cols ? 0 : (int) (r * cols);
      long xr = xFrom + r * xStride;
      long yr = yFrom + r * yStride;
      double nothing = log ? Double.NEGATIVE_INFINITY : 0;
      if (n == 0 || (mask != null && isFullyMasked(maskFrom, (int) n))) {
        passes.fill(y, yr, cols, maskedRowIsZero ? nothing : Double.NaN);
        continue;
      }
      if (log) {
        logSoftmax(passes, x, xr, y, yr, n, maskFrom, scratch);
      } else {
        softmax(passes, chosen, x, xr, y, yr, n, maskFrom, scratch);
      }
      if (n < cols) {
        passes.fill(y, yr + n, cols - n, nothing);
      }
    }
  }

  private Algorithm chosen(long bytes) {
    return algorithm != Algorithm.AUTO
        ? algorithm
        : bytes > L2_BYTES ? Algorithm.TWO_PASS : Algorithm.THREE_PASS_RELOAD;
  }

  private void softmax(
      Passes passes,
      Algorithm chosen,
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      int maskFrom,
      Scratch scratch) {
    Reciprocal reciprocal = scratch.reciprocal;
    if (chosen == Algorithm.TWO_PASS) {
      passes.reduce(x, xFrom, n, scale, mask, maskFrom, scratch);
      if (scratch.sum.inRange()) {
        reciprocal.of(scratch.sum.mantissa(), scratch.sum.wholeExponent());
        passes.write(x, xFrom, y, yFrom, n, scale, mask, maskFrom, reciprocal, scratch.clamped);
        return;
      }
    }
    double max = passes.max(x, xFrom, n, mask, maskFrom);
    if (chosen == Algorithm.THREE_PASS_RELOAD) {
      double sum = passes.sumExp(x, xFrom, y, yFrom, n, max, scale, mask, maskFrom, scratch);
      passes.multiply(y, yFrom, n, 1 / sum);
    } else {
      reciprocal.of(passes.sumExp(x, xFrom, null, 0, n, max, scale, mask, maskFrom, scratch), 0);
      passes.writeRecompute(
          x, xFrom, y, yFrom, n, max, scale, mask, maskFrom, reciprocal, scratch.clamped);
    }
  }

  private void logSoftmax(
      Passes passes,
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      long n,
      int maskFrom,
      Scratch scratch) {
    passes.reduce(x, xFrom, n, scale, mask, maskFrom, scratch);
    double max = 0;
    double log = scratch.sum.log();
    if (!scratch.sum.inRange()) {
      max = passes.max(x, xFrom, n, mask, maskFrom);
      log = Math.log(passes.sumExp(x, xFrom, null, 0, n, max, scale, mask, maskFrom, scratch));
    }
    passes.subtract(x, xFrom, y, yFrom, n, max, scale, mask, maskFrom, log);
  }

  private double logSumExp(Passes passes, Object x, long from, long n, Scratch scratch) {
    passes.reduce(x, from, n, scale, null, 0, scratch);
    if (scratch.sum.inRange()) {
      return scratch.sum.log();
    }
    double max = passes.max(x, from, n, null, 0);
    if (Double.isInfinite(max)) {
      return passes.hasNaN(x, from, n) ? Double.NaN : max;
    }
    return max * scale + Math.log(passes.sumExp(x, from, null, 0, n, max, scale, null, 0, scratch));
  }

  private boolean isFullyMasked(int from, int n) {
    for (int i = from; i < from + n; i++) {
      if (mask[i]) {
        return false;
      }
    }
    return true;
  }

  private static void checkNotEmpty(long cols) {
    if (cols == 0) {
      throw new IllegalArgumentException("softmax of an empty row");
    }
  }

  private static void checkRows(long rows, long cols, long xStride, long yStride) {
    checkNotEmpty(cols);
    if (rows < 0 || cols < 0) {
      throw new IllegalArgumentException(
          "rows and cols must not be negative, were %d and %d".formatted(rows, cols));
    }
    if (xStride < 0) {
      throw new IllegalArgumentException("xStride must not be negative, was " + xStride);
    }
    if (yStride < cols && rows > 1) {
      throw new IllegalArgumentException(
          "yStride must be at least the %d columns, was %d".formatted(cols, yStride));
    }
  }

  /** Refuses what cannot be one row in and out. */
  static void checkRow(MemorySegment x, MemorySegment y, long n, int width) {
    checkRows(1, n, n, n);
    Kernels.checkSize("x", x, n, width);
    Kernels.checkSize("y", y, n, width);
    Kernels.checkWritable("y", y);
    Kernels.checkOverlap(x, n * width, y, n * width, true);
  }

  /** The elements from the start of the first row to the end of the last. */
  private static long extent(String name, long rows, long cols, long stride) {
    try {
      return rows == 0 ? 0 : Math.addExact(Math.multiplyExact(rows - 1, stride), cols);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "%s cannot hold %d rows of %d numbers %d apart".formatted(name, rows, cols, stride), e);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the same array, not an equal one
  private static void checkArrays(
      Object x, int xLength, Object y, int yLength, int rows, int cols, int xStride, int yStride) {
    checkRows(rows, cols, xStride, yStride);
    checkLength("x", xLength, extent("x", rows, cols, xStride), rows, cols, xStride);
    checkLength("y", yLength, extent("y", rows, cols, yStride), rows, cols, yStride);
    if (x == y && rows > 1 && xStride != yStride) {
      throw new IllegalArgumentException(
          "x and y are one array, so that their strides must be equal, were %d and %d"
              .formatted(xStride, yStride));
    }
  }

  private static void checkLength(
      String name, int length, long needed, int rows, int cols, int stride) {
    if (length < needed) {
      throw new IllegalArgumentException(
          "%s must hold %d rows of %d numbers %d apart, that is %d, has %d"
              .formatted(name, rows, cols, stride, needed, length));
    }
  }

  private static void checkBackward(int y, int dy, int dx, int rows, int cols) {
    checkRows(rows, cols, cols, cols);
    long n = (long) rows * cols;
    if (y != n || dy != n || dx != n) {
      throw new IllegalArgumentException(
          "y, dy and dx must have %d x %d = %d numbers, have %d, %d and %d"
              .formatted(rows, cols, n, y, dy, dx));
    }
  }

  private void checkMask(long rows, long cols) {
    if (mask != null && mask.length != cols && mask.length != rows * cols) {
      throw new IllegalArgumentException(
          "mask must have %d or %d x %d values, has %d".formatted(cols, rows, cols, mask.length));
    }
    if (lengths == null) {
      return;
    }
    if (lengths.length != rows) {
      throw new IllegalArgumentException(
          "lengths must have one value for each of the %d rows, has %d"
              .formatted(rows, lengths.length));
    }
    for (long length : lengths) {
      if (length < 0 || length > cols) {
        throw new IllegalArgumentException("lengths must be in 0.." + cols + ", one is " + length);
      }
    }
  }
}
