package org.tikhon.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.tikhon.adapt.Pissa;
import org.tikhon.adapt.SvdMethod;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * PiSSA's start of one layer by the fast decomposition, rank 128. A layer of a 7-billion-parameter
 * model: {@code -p size=4096x11008}.
 */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 3)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class PissaBenchmark {
  private static final int RANK = 128;

  @Param("1024x2752")
  public String size;

  @Param({"4", "16"})
  public int niter;

  private Tensor weight;

  @Setup(Level.Trial)
  public void make() {
    String[] sizes = size.split("x", 2);
    weight =
        new Rng(0).normal(Long.parseLong(sizes[0]), Long.parseLong(sizes[1])).mul(0.02).escape();
  }

  @Benchmark
  public double init() {
    try (Scope scope = Scope.open()) {
      return Pissa.init(weight, RANK, 1, SvdMethod.randomized(niter, new Rng(1)))
          .residual()
          .get(0)
          .get(0)
          .item();
    }
  }
}
