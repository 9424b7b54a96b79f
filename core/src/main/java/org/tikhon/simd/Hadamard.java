package org.tikhon.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The fast Walsh-Hadamard transform of the columns of a row-major matrix.
 *
 * <p>Multiplies from the left by H with {@code H_ij = (-1)^popcount(i and j)}, which is symmetric
 * and satisfies {@code H H = rows I}; nothing is normalised. Eight parts of the matrix are
 * transformed one after the other and then combined in one pass, so that small parts stay in the
 * cache: {@code rows cols log2(rows)} additions, no memory of its own.
 */
public final class Hadamard {
  private static final boolean VECTORS =
      ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

  /** The doubles of the buffer through which a segment's columns go. */
  private static final int BUFFER = 1 << 22;

  private Hadamard() {}

  /**
   * Transforms an array in place.
   *
   * @param data begins with the matrix {@code [rows, cols]}
   * @param rows a power of two
   * @throws IllegalArgumentException if rows is no power of two or data is too short
   */
  public static void transformInPlace(double[] data, int rows, int cols) {
    transformInPlace(data, 0, rows, cols);
  }

  /** Transforms the matrix {@code [rows, cols]} that begins at an element of an array. */
  public static void transformInPlace(double[] data, int from, int rows, int cols) {
    check(rows, cols, data.length - (long) from);
    if (from < 0) {
      throw new IllegalArgumentException("from must be 0 or more, was " + from);
    }
    transform(data, from, rows, cols, VECTORS);
  }

  /**
   * Transforms native or heap memory in place, some columns at a time through a buffer of at most
   * 32 MB or one column.
   *
   * @param data begins with the matrix {@code [rows, cols]} of doubles in native byte order
   * @param rows a power of two
   */
  public static void transformInPlace(MemorySegment data, int rows, int cols) {
    check(rows, cols, data.byteSize() / Double.BYTES);
    int width = Math.clamp(BUFFER / rows, 1, cols);
    double[] buffer = new double[Math.multiplyExact(rows, width)];
    for (int column = 0; column < cols; column += width) {
      int w = Math.min(width, cols - column);
      for (int i = 0; i < rows; i++) {
        long at = ((long) i * cols + column) * Double.BYTES;
        MemorySegment.copy(data, ValueLayout.JAVA_DOUBLE_UNALIGNED, at, buffer, i * w, w);
      }
      transform(buffer, 0, rows, w, VECTORS);
      for (int i = 0; i < rows; i++) {
        long at = ((long) i * cols + column) * Double.BYTES;
        MemorySegment.copy(buffer, i * w, data, ValueLayout.JAVA_DOUBLE_UNALIGNED, at, w);
      }
    }
  }

  private static void check(int rows, int cols, long length) {
    if (rows < 1 || Integer.bitCount(rows) != 1) {
      throw new IllegalArgumentException("rows must be a power of two, was " + rows);
    }
    if (cols < 1) {
      throw new IllegalArgumentException("cols must be at least 1, was " + cols);
    }
    if (length < (long) rows * cols) {
      throw new IllegalArgumentException(
          "data must hold %d x %d numbers, holds %d".formatted(rows, cols, length));
    }
  }

  /**
   * @param vectors whether to use the vector kernels, for tests
   */
  static void transform(double[] x, int from, int rows, int cols, boolean vectors) {
    int parts = Math.min(rows, 8);
    int run = rows / parts * cols;
    if (rows > parts) {
      for (int part = 0; part < parts; part++) {
        transform(x, from + part * run, rows / parts, cols, vectors);
      }
    }
    int done = vectors ? HadamardVectors.combine(x, from, run, parts) : 0;
    combine(x, from, run, parts, done);
  }

  /** The butterflies between parts of {@code run} numbers, without the first {@code done} ones. */
  private static void combine(double[] x, int from, int run, int parts, int done) {
    for (int distance = run; distance < parts * run; distance *= 2) {
      for (int group = from; group < from + parts * run; group += 2 * distance) {
        for (int part = group; part < group + distance; part += run) {
          for (int i = part + done; i < part + run; i++) {
            double u = x[i];
            double v = x[i + distance];
            x[i] = u + v;
            x[i + distance] = u - v;
          }
        }
      }
    }
  }
}
