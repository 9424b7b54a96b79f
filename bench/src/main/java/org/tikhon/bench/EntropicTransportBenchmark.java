package org.tikhon.bench;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SinkhornNewtonSparse;
import org.tikhon.transport.TransportSolution;

/** Random assignment of 500 to 500 points with eta = 1200. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class EntropicTransportBenchmark {
  private static final int N = 500;
  private static final double ETA = 1200;

  private double[][] cost;
  private double[] weights;
  private TransportSolution afterSweeps;

  @Setup
  public void setup() {
    cost = new Rng(0).uniform(Dtype.FLOAT64, N, N).toDoubleRows();
    weights = new double[N];
    Arrays.fill(weights, 1.0 / N);
    afterSweeps = new SinkhornNewtonSparse(ETA).maxNewton(0).solve(cost, weights, weights);
  }

  /** From the start to 1e-12. */
  @Benchmark
  public TransportSolution solve() {
    return new SinkhornNewtonSparse(ETA).solve(cost, weights, weights);
  }

  /** One sweep and one Newton step. */
  @Benchmark
  public TransportSolution newtonStep() {
    return new SinkhornNewtonSparse(ETA)
        .warmup(1)
        .maxNewton(1)
        .solve(cost, weights, weights, afterSweeps);
  }

  /** A hundred sweeps in the log domain. */
  @Benchmark
  public TransportSolution hundredLogSweeps() {
    return new Sinkhorn(ETA, Sinkhorn.Mode.LOG).maxSweeps(100).solve(cost, weights, weights);
  }

  /** A hundred sweeps with a kernel. */
  @Benchmark
  public TransportSolution hundredKernelSweeps() {
    return new Sinkhorn(ETA, Sinkhorn.Mode.KERNEL).maxSweeps(100).solve(cost, weights, weights);
  }
}
