package org.tikhon.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.tikhon.Paper;

/**
 * Softmax at memory speed, {@code y_i = exp(x_i) / sum_j exp(x_j)}, which reads a long row twice
 * instead of three times.
 *
 * <p>A safe softmax usually looks for the maximum first, so that no exponential overflows. Here
 * each exponential is kept as a pair, {@code exp(x) = m 2^n} with {@code m} in [√2/2, √2] and a
 * whole number n, and pairs are summed ({@link ExtendedSum}): nothing can overflow, and the pass
 * for the maximum falls away. With {@code sum = s 2^e},
 *
 * <pre>y = m (1 / s) 2^(n - e).</pre>
 *
 * <p>Rows which fit the second-level cache take the three-pass form, which is faster there ({@link
 * SoftmaxKernel.Algorithm#AUTO}). Strided rows, temperature, masks and a chosen algorithm: {@link
 * SoftmaxKernel}, where the treatment of NaN and infinities is described.
 *
 * <p>No call allocates once the JIT has compiled it, except {@link #parallel}; in a JVM that has
 * called the kernels in many different ways C2 now and then leaves a vector boxed. The output may
 * be the input. Segments hold numbers in native byte order, at any alignment and of any length;
 * closed and confined arenas show as the JDK's own exceptions. Errors: {@link
 * IllegalArgumentException} for an empty row, different lengths, segments that overlap without
 * being the same, and a read-only output.
 */
@Paper(
    number = 13,
    title = "The Two-Pass Softmax Algorithm",
    authors = "Marat Dukhan, Artsiom Ablavatski",
    year = 2020,
    url = "https://arxiv.org/abs/2001.04438")
public final class Softmax {
  private static final SoftmaxKernel AUTO = new SoftmaxKernel(SoftmaxKernel.Algorithm.AUTO);

  /** Threads share a row in multiples of this. */
  private static final long GRAIN = 1024;

  private Softmax() {}

  /** {@code y = softmax(x)}. */
  public static void compute(float[] x, float[] y) {
    checkLengths(x.length, y.length);
    AUTO.rows(x, y, 1, x.length, x.length, x.length);
  }

  /** {@code y = softmax(x)}. */
  public static void compute(double[] x, double[] y) {
    checkLengths(x.length, y.length);
    AUTO.rows(x, y, 1, x.length, x.length, x.length);
  }

  /** {@code y = softmax(x)} of the first n floats. */
  public static void compute(MemorySegment x, MemorySegment y, long n) {
    AUTO.rows(x, y, 1, n, n, n);
  }

  /** {@code y = softmax(x)} of the first n doubles. */
  public static void computeDoubles(MemorySegment x, MemorySegment y, long n) {
    AUTO.rowsDoubles(x, y, 1, n, n, n);
  }

  /** {@code log sum exp(x)}; -∞ if all elements are. */
  public static float logSumExp(float[] x) {
    return (float) AUTO.logSumExp(x);
  }

  /** {@code log sum exp(x)}; -∞ if all elements are. */
  public static double logSumExp(double[] x) {
    return AUTO.logSumExp(x);
  }

  /** {@code log sum exp(x)} of the first n floats. */
  public static float logSumExp(MemorySegment x, long n) {
    return (float) AUTO.logSumExp(x, n);
  }

  /** {@code log sum exp(x)} of the first n doubles. */
  public static double logSumExpDoubles(MemorySegment x, long n) {
    return AUTO.logSumExpDoubles(x, n);
  }

  /** {@code y = x - log sum exp(x)}. */
  public static void logSoftmax(float[] x, float[] y) {
    checkLengths(x.length, y.length);
    AUTO.logRows(x, y, 1, x.length, x.length, x.length);
  }

  /** {@code y = x - log sum exp(x)}. */
  public static void logSoftmax(double[] x, double[] y) {
    checkLengths(x.length, y.length);
    AUTO.logRows(x, y, 1, x.length, x.length, x.length);
  }

  /** {@code y = x - log sum exp(x)} of the first n floats. */
  public static void logSoftmax(MemorySegment x, MemorySegment y, long n) {
    AUTO.logRows(x, y, 1, n, n, n);
  }

  /** {@code y = x - log sum exp(x)} of the first n doubles. */
  public static void logSoftmaxDoubles(MemorySegment x, MemorySegment y, long n) {
    AUTO.logRowsDoubles(x, y, 1, n, n, n);
  }

  /** The derivative of softmax, {@code dx = y (dy - sum(y dy))}; dx may be y or dy. */
  public static void backward(float[] y, float[] dy, float[] dx) {
    AUTO.backward(y, dy, dx, 1, y.length);
  }

  /** The derivative of softmax, {@code dx = y (dy - sum(y dy))}; dx may be y or dy. */
  public static void backward(double[] y, double[] dy, double[] dx) {
    AUTO.backward(y, dy, dx, 1, y.length);
  }

  /** The derivative of logSoftmax, {@code dx = dy - exp(y) sum(dy)}; dx may be y or dy. */
  public static void logBackward(float[] y, float[] dy, float[] dx) {
    AUTO.logBackward(y, dy, dx, 1, y.length);
  }

  /** The derivative of logSoftmax, {@code dx = dy - exp(y) sum(dy)}; dx may be y or dy. */
  public static void logBackward(double[] y, double[] dy, double[] dx) {
    AUTO.logBackward(y, dy, dx, 1, y.length);
  }

  /** {@code y = softmax(x)} of the first n elements by several threads. */
  public static void parallel(float[] x, float[] y, int n, int threads) {
    parallel(MemorySegment.ofArray(x), MemorySegment.ofArray(y), n, threads);
  }

  /**
   * {@code y = softmax(x)} of the first n floats by several threads: each sums a part, the sums are
   * merged, each writes its part. The segments must be accessible from all threads. A row outside
   * the range of the two-pass form is computed by the calling thread alone.
   *
   * @param threads at least 1
   */
  public static void parallel(MemorySegment x, MemorySegment y, long n, int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, was " + threads);
    }
    SoftmaxKernel.checkRow(x, y, n, Float.BYTES);
    boolean heap =
        Kernels.isArray(x, float[].class, Float.BYTES)
            && Kernels.isArray(y, float[].class, Float.BYTES);
    Object xa = heap ? x.heapBase().get() : x;
    Object ya = heap ? y.heapBase().get() : y;
    long xFrom = heap ? x.address() / Float.BYTES : 0;
    long yFrom = heap ? y.address() / Float.BYTES : 0;
    Passes passes = Passes.of(Kernels.PREFERRED, heap, false, false, false);
    long part = (n + GRAIN * threads - 1) / (GRAIN * threads) * GRAIN;
    List<Callable<Scratch>> sums = new ArrayList<>();
    for (long from = 0; from < n; from += part) {
      long begin = from;
      sums.add(
          () -> {
            Scratch scratch = new Scratch();
            passes.reduce(xa, xFrom + begin, Math.min(part, n - begin), 1, null, 0, scratch);
            return scratch;
          });
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      ExtendedSum sum = new ExtendedSum();
      boolean anyClamped = false;
      for (Scratch partial : all(executor, sums)) {
        sum.add(partial.sum.mantissa(), partial.sum.wholeExponent());
        anyClamped |= partial.clamped;
      }
      boolean clamped = anyClamped;
      if (!sum.inRange()) {
        new SoftmaxKernel(SoftmaxKernel.Algorithm.THREE_PASS_RECOMPUTE).rows(x, y, 1, n, n, n);
        return;
      }
      Reciprocal reciprocal = new Reciprocal();
      reciprocal.of(sum.mantissa(), sum.wholeExponent());
      List<Callable<Boolean>> writes = new ArrayList<>();
      for (long from = 0; from < n; from += part) {
        long begin = from;
        writes.add(
            () -> {
              passes.write(
                  xa,
                  xFrom + begin,
                  ya,
                  yFrom + begin,
                  Math.min(part, n - begin),
                  1,
                  null,
                  0,
                  reciprocal,
                  clamped);
              return true;
            });
      }
      all(executor, writes);
    }
  }

  private static <T> List<T> all(ExecutorService executor, List<Callable<T>> tasks) {
    try {
      List<T> results = new ArrayList<>();
      for (Future<T> future : executor.invokeAll(tasks)) {
        results.add(future.get());
      }
      return results;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted during a parallel softmax", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static void checkLengths(int x, int y) {
    if (x != y) {
      throw new IllegalArgumentException(
          "x and y must have the same length, have " + x + " and " + y);
    }
  }
}
