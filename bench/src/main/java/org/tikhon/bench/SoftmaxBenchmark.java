package org.tikhon.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.tikhon.simd.SoftmaxKernel;
import org.tikhon.simd.SoftmaxKernel.Algorithm;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Tensor;

/**
 * Softmax of one row of 2^12 to 2^25 floats, or of 1024 rows of 50257: our algorithms, LibTorch and
 * a plain loop, on one thread. Run with {@code -prof gc}: our arms allocate nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(
    value = 1,
    jvmArgs = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseTransparentHugePages"
    })
public class SoftmaxBenchmark {
  /** A row's length as a power of two, or the logits of a language model. */
  @Param({"2^12", "2^14", "2^16", "2^18", "2^21", "2^23", "2^25", "1024x50257"})
  public String shape;

  /** Ours, off-heap and in arrays; LibTorch; and what a user would write without a library. */
  @Param({
    "TWO_PASS",
    "THREE_PASS_RECOMPUTE",
    "THREE_PASS_RELOAD",
    "AUTO",
    "AUTO_ARRAY",
    "LIBTORCH",
    "MATH_EXP"
  })
  public String method;

  private MemorySegment x;
  private MemorySegment y;
  private float[] xArray;
  private float[] yArray;
  private int rows;
  private int cols;
  private SoftmaxKernel kernel;
  private Tensor tensor;

  /** Draws the input, uniform in [-1000, 1000]. */
  @Setup
  public void setUp() {
    Engine.threads(1);
    rows = shape.startsWith("2^") ? 1 : 1024;
    cols = rows == 1 ? 1 << Integer.parseInt(shape.substring(2)) : 50_257;
    int n = rows * cols;
    xArray = new float[n];
    yArray = new float[n];
    SplittableRandom random = new SplittableRandom(13);
    for (int i = 0; i < n; i++) {
      xArray[i] = (float) random.nextDouble(-1000, 1000);
    }
    Arena arena = Arena.ofAuto();
    x = arena.allocate(4L * n, 1 << 21);
    y = arena.allocate(4L * n, 1 << 21);
    x.copyFrom(MemorySegment.ofArray(xArray));
    boolean ours = !method.equals("LIBTORCH") && !method.equals("MATH_EXP");
    kernel = ours ? new SoftmaxKernel(Algorithm.valueOf(method.replace("_ARRAY", ""))) : null;
    tensor = Tensor.sharing(x, Dtype.FLOAT32, rows, cols).escape();
  }

  /** Frees the tensor; the segments free themselves. */
  @TearDown
  public void tearDown() {
    tensor.close();
  }

  /** Softmax of all rows. */
  @Benchmark
  public Object softmax() {
    switch (method) {
      case "LIBTORCH" -> {
        try (org.tikhon.tensor.Scope scope = org.tikhon.tensor.Scope.open()) {
          return tensor.softmax(1).size(0);
        }
      }
      case "MATH_EXP" -> {
        for (int r = 0; r < rows; r++) {
          plainLoop(r * cols);
        }
      }
      case "AUTO_ARRAY" -> kernel.rows(xArray, yArray, rows, cols, cols, cols);
      default -> kernel.rows(x, y, rows, cols, cols, cols);
    }
    return yArray;
  }

  private void plainLoop(int from) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + cols; i++) {
      max = Math.max(max, xArray[i]);
    }
    float sum = 0;
    for (int i = from; i < from + cols; i++) {
      yArray[i] = (float) Math.exp(xArray[i] - max);
      sum += yArray[i];
    }
    for (int i = from; i < from + cols; i++) {
      yArray[i] /= sum;
    }
  }
}
