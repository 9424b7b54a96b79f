package org.tikhon.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * What {@link Tensor} adds to a raw call: {@code a + b} of two 8 x 8 FLOAT32 matrices, each result
 * freed, one hundred times.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(5)
public class TensorAddBenchmark {
  private static final int CALLS = 100;

  private Tensor a;
  private Tensor b;
  private org.bytedeco.pytorch.Tensor rawA;
  private org.bytedeco.pytorch.Tensor rawB;

  @Setup
  public void setup() {
    Rng rng = new Rng(1);
    a = rng.normal(8, 8);
    b = rng.normal(8, 8);
    rawA = Raw.matrix(a);
    rawB = Raw.matrix(b);
  }

  /** The binding's call. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void raw(Blackhole hole) {
    for (int i = 0; i < CALLS; i++) {
      try (org.bytedeco.pytorch.Tensor sum = rawA.add(rawB)) {
        hole.consume(sum);
      }
    }
  }

  /** As in user's code: a scope frees the results. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void scoped(Blackhole hole) {
    try (org.tikhon.tensor.Scope scope = org.tikhon.tensor.Scope.open()) {
      for (int i = 0; i < CALLS; i++) {
        hole.consume(a.add(b));
      }
    }
  }

  /** Each result closed by hand. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void closed(Blackhole hole) {
    for (int i = 0; i < CALLS; i++) {
      try (Tensor sum = a.add(b)) {
        hole.consume(sum);
      }
    }
  }
}
