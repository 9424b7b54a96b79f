package org.tikhon.solve;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A random matrix S {@code [m, n]} with {@code E[S^T S] = I} that shortens tall data: {@code S A}
 * has m rows instead of n.
 *
 * <p>S follows from the seed alone, and is never held as a matrix. Input may have any floating
 * point type and device; the work is done in FLOAT64 on the CPU, the result is FLOAT64 on the
 * input's device. Of the sketches here only the dense ones ({@link #srht}, {@link #gaussian},
 * {@link #rademacher}, {@link #gaussianPooling}) spread an error over all coordinates; the sparse
 * ones are baselines that can put it on one.
 */
public abstract sealed class Sketch permits SrhtSketch, DenseSketch, SparseSketch, PooledSketch {
  final long n;
  final int m;

  Sketch(long n, int m) {
    if (n < 1) {
      throw new IllegalArgumentException("n must be at least 1, was " + n);
    }
    if (m < 1) {
      throw new IllegalArgumentException("m must be at least 1, was " + m);
    }
    this.n = n;
    this.m = m;
  }

  /**
   * The subsampled randomised Hadamard transform {@code S = P H D / sqrt(m)}: D random signs, H the
   * Hadamard matrix of entries ±1 of order N, the power of two at or above n, P picks m of the N
   * rows, with replacement. {@code S A} costs about {@code n d log2 N} additions.
   */
  public static Sketch srht(long n, int m, long seed) {
    return new SrhtSketch(n, m, seed, true);
  }

  /**
   * The same with m different rows, scaled alike: a smaller error where m is near n, and orthogonal
   * up to scale where m = N. Not in the paper.
   *
   * @param m at most the power of two at or above n
   */
  public static Sketch srhtWithoutReplacement(long n, int m, long seed) {
    return new SrhtSketch(n, m, seed, false);
  }

  /**
   * Independent entries from N(0, 1/m), a reference for small problems: {@code n m d} operations.
   *
   * @throws IllegalArgumentException if n m is above 1e8
   */
  public static Sketch gaussian(long n, int m, long seed) {
    return new DenseSketch(n, m, seed, true);
  }

  /** Independent entries ±1/sqrt(m), otherwise like {@link #gaussian}. */
  public static Sketch rademacher(long n, int m, long seed) {
    return new DenseSketch(n, m, seed, false);
  }

  /** Each input row is added, with a random sign, to one random row: the fastest baseline. */
  public static Sketch countSketch(long n, int m, long seed) {
    return SparseSketch.blocks(n, m, 1, seed);
  }

  /**
   * Each input row is added to one random row in each of s blocks of m/s rows, times ±1/sqrt(s).
   *
   * @param s a divisor of m
   */
  public static Sketch osnap(long n, int m, int s, long seed) {
    return SparseSketch.blocks(n, m, s, seed);
  }

  /** m random rows, with replacement, times sqrt(n/m): a baseline that fails on coherent data. */
  public static Sketch uniformRows(long n, int m, long seed) {
    return SparseSketch.sampled(n, m, seed);
  }

  /**
   * Balanced Gaussian pooling {@code S = B G Π F D J}: J pads to N, a power of two, D are random
   * signs, {@code F = H / sqrt(N)}, Π is a random order, G are independent N(0, 1), B adds up m
   * blocks of neighbours, whose lengths differ by at most 1 (equal where m is a power of two).
   *
   * <p>The row count {@code O(d log(d / delta) / epsilon^2)} is proven for it with N of about
   * {@code n + d^3 / epsilon^2}. Needs room for N padded rows.
   *
   * @param m at most N
   * @param padded N, a power of two of at least n, or 0 for the smallest
   */
  public static Sketch gaussianPooling(long n, int m, long padded, long seed) {
    return new PooledSketch(n, m, padded, seed);
  }

  /** All rows as they are. */
  static Sketch identity(long n) {
    return SparseSketch.identity(n);
  }

  /** {@code {m, n}}. */
  public final long[] shape() {
    return new long[] {m, n};
  }

  /** The column {@code S e_i}. */
  abstract double[] column(long i);

  /** The rows that {@link #block} wants at a time; all blocks but the last are whole. */
  abstract int blockRows(int columns);

  /** Adds {@code S[:, first .. first + rows] data} to {@code out [m, columns]}. */
  abstract void block(
      long first, int rows, MemorySegment data, int columns, double[] out, Scratch scratch);

  /** {@code S^T y [n, k]} for {@code y [m, k]}. */
  abstract double[] adjoint(double[] y, int k);

  /** Whether a NaN in any row reaches the result. */
  boolean readsAllRows() {
    return true;
  }

  /** A buffer that is kept from block to block. */
  static final class Scratch {
    private double[] values = new double[0];

    double[] of(int size) {
      if (values.length < size) {
        values = new double[size];
      }
      return values;
    }
  }

  /**
   * {@code S A}.
   *
   * @param a {@code [n, d]}, or {@code [n]}
   * @return {@code [m, d]}, or {@code [m]}
   */
  public final Tensor apply(Tensor a) {
    checkRows("A", a, n);
    try (Scope scope = Scope.open()) {
      int columns = a.dim() == 1 ? 1 : Math.toIntExact(a.size(1));
      Tensor data = host(a);
      Stream stream = stream(columns);
      stream.add(data.segment());
      Tensor result = stream.result().to(a.device());
      return scope.keep(a.dim() == 1 ? result.reshape(m) : result);
    }
  }

  /**
   * {@code S^T Y}.
   *
   * @param y {@code [m, k]}, or {@code [m]}
   * @return {@code [n, k]}, or {@code [n]}
   */
  public final Tensor adjoint(Tensor y) {
    checkRows("Y", y, m);
    try (Scope scope = Scope.open()) {
      int k = y.dim() == 1 ? 1 : Math.toIntExact(y.size(1));
      double[] values = adjoint(host(y).toDoubleArray(), k);
      Tensor result = y.dim() == 1 ? Tensor.of(values, n) : Tensor.of(values, n, k);
      return scope.keep(result.to(y.device()));
    }
  }

  /** S as a FLOAT64 matrix {@code [m, n]}, for small sizes. */
  public final Tensor dense() {
    double[] all = new double[Math.toIntExact(Math.multiplyExact(m, n))];
    for (int i = 0; i < n; i++) {
      double[] column = column(i);
      for (int r = 0; r < m; r++) {
        all[(int) (r * n + i)] = column[r];
      }
    }
    return Tensor.of(all, m, n);
  }

  /** A sketch of rows that come one after the other, {@code columns} numbers each. */
  public final Stream stream(int columns) {
    return new Stream(columns);
  }

  static Tensor host(Tensor a) {
    return a.detach().to(Device.cpu()).to(Dtype.FLOAT64).contiguous();
  }

  static void checkRows(String name, Tensor a, long rows) {
    if (a.dim() < 1 || a.dim() > 2 || a.size(0) != rows || a.numel() == 0) {
      throw new IllegalArgumentException(
          "%s must have shape [%d] or [%d, columns], has %s"
              .formatted(name, rows, rows, Arrays.toString(a.shape())));
    }
  }

  /**
   * {@code S A} of a matrix whose rows come in order, with room for one block of them. Rows can
   * also be changed in any order, before or after they came: S is linear and does not depend on A.
   */
  public final class Stream {
    private final int columns;
    private final int blockRows;
    private final double[] out;
    private final Scratch scratch = new Scratch();
    private double[] waiting = new double[0];
    private int waitingRows;
    private long next;
    private boolean finished;

    private Stream(int columns) {
      if (columns < 1) {
        throw new IllegalArgumentException("columns must be at least 1, was " + columns);
      }
      this.columns = columns;
      this.blockRows = blockRows(columns);
      this.out = new double[Math.multiplyExact(m, columns)];
    }

    /** The rows that came. */
    public long rows() {
      return next + waitingRows;
    }

    /**
     * Adds the next rows.
     *
     * @param values {@code rows} times {@code columns} numbers, row-major
     * @throws IllegalArgumentException if there are more rows than n
     */
    public void add(double[] values, int rows) {
      if (values.length < (long) rows * columns) {
        throw new IllegalArgumentException(
            "values must hold %d x %d numbers, holds %d".formatted(rows, columns, values.length));
      }
      add(MemorySegment.ofArray(values).asSlice(0, 8L * rows * columns));
    }

    /** Adds the next rows, doubles in native byte order. */
    public void add(MemorySegment values) {
      long rowBytes = 8L * columns;
      long count = values.byteSize() / rowBytes;
      if (finished || values.byteSize() % rowBytes != 0 || rows() + count > n) {
        throw new IllegalArgumentException(
            finished
                ? "no rows can be added after result()"
                : "values must be whole rows of %d numbers, at most %d more rows, were %d bytes"
                    .formatted(columns, n - rows(), values.byteSize()));
      }
      long at = 0;
      while (at < count) {
        int part = (int) Math.min(count - at, blockRows - waitingRows);
        MemorySegment piece = values.asSlice(at * rowBytes, part * rowBytes);
        if (part == blockRows) {
          block(next, part, piece, columns, out, scratch);
          next += part;
        } else {
          if (waiting.length == 0) {
            waiting = new double[Math.multiplyExact(blockRows, columns)];
          }
          MemorySegment.copy(
              piece,
              ValueLayout.JAVA_DOUBLE_UNALIGNED,
              0,
              waiting,
              waitingRows * columns,
              part * columns);
          waitingRows += part;
          if (waitingRows == blockRows) {
            flush();
          }
        }
        at += part;
      }
    }

    private void flush() {
      if (waitingRows > 0) {
        MemorySegment rows = MemorySegment.ofArray(waiting).asSlice(0, 8L * waitingRows * columns);
        block(next, waitingRows, rows, columns, out, scratch);
        next += waitingRows;
        waitingRows = 0;
      }
    }

    /**
     * Adds a change to row i: {@code S (A + e_i change^T)}. Costs m times the number of columns.
     *
     * @param change {@code [columns]}
     */
    public void update(long i, double[] change) {
      if (i < 0 || i >= n || change.length != columns || finished) {
        throw new IllegalArgumentException(
            "update needs a row in 0..%d, %d numbers, and no result() before; had row %d, %d numbers"
                .formatted(n - 1, columns, i, change.length));
      }
      double[] column = column(i);
      for (int r = 0; r < m; r++) {
        if (column[r] != 0) {
          axpy(column[r], change, 0, out, r * columns, columns);
        }
      }
    }

    /** {@code S A [m, columns]}, FLOAT64 on the CPU; rows that did not come count as zeros. */
    public Tensor result() {
      if (finished) {
        throw new IllegalStateException("result() can be asked for once");
      }
      flush();
      finished = true;
      return Tensor.of(out, m, columns).to(Device.cpu());
    }
  }

  static void axpy(double a, double[] x, int xFrom, double[] y, int yFrom, int n) {
    for (int i = 0; i < n; i++) {
      y[yFrom + i] += a * x[xFrom + i];
    }
  }
}
