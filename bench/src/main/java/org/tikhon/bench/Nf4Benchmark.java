package org.tikhon.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.tikhon.adapt.Nf4;
import org.tikhon.adapt.Nf4Tensor;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** 4-bit weights, 4096 x 4096: elements (throughput, an operation is an element) a second. */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class Nf4Benchmark {
  private static final int SIZE = 4096;

  @Param({"false", "true"})
  public boolean doubleQuant;

  private Tensor weight;
  private Nf4Tensor quantized;
  private Tensor token;

  @Setup(Level.Trial)
  public void make() {
    Rng rng = new Rng(0);
    weight = rng.normal(SIZE, SIZE);
    quantized = Nf4.quantize(weight, Nf4.DEFAULT_BLOCK_SIZE, doubleQuant);
    token = rng.normal(1, SIZE);
  }

  @Benchmark
  @OperationsPerInvocation(SIZE * SIZE)
  public long dequantize() {
    try (Scope scope = Scope.open()) {
      return quantized.dequantize().numel();
    }
  }

  @Benchmark
  @OperationsPerInvocation(SIZE * SIZE)
  public long matmulOfOneToken() {
    try (Scope scope = Scope.open()) {
      return quantized.matmul(token).numel();
    }
  }

  @Benchmark
  @OperationsPerInvocation(SIZE * SIZE)
  public long quantize() {
    try (Scope scope = Scope.open()) {
      return Nf4.quantize(weight, Nf4.DEFAULT_BLOCK_SIZE, doubleQuant).packed().numel();
    }
  }
}
