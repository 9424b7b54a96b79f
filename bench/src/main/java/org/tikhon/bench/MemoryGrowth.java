package org.tikhon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Lion;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Sgd;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The resident memory of a long training: steps of a small perceptron with three optimisers in
 * turns (fused and in-place updates), a gradient through {@code Autograd.grad} and buffers changed
 * in place. Argument: the number of steps. Linux only ({@code /proc/self/status}).
 */
public final class MemoryGrowth {
  private MemoryGrowth() {}

  public static void main(String[] args) throws IOException {
    int steps = args.length > 0 ? Integer.parseInt(args[0]) : 200_000;
    Rng rng = new Rng(1);
    Mlp model = new Mlp(16, List.of(32), 4, rng);
    List<Tensor> parameters = model.parameters();
    List<Optimizer> optimizers =
        List.of(
            new Adam(parameters, 1e-4),
            new Sgd(parameters, 1e-3, 0.9, 1e-4),
            new Lion(List.of(new Optimizer.Group(parameters, 1e-5, 1e-4))));
    Tensor average = Tensor.zeros(4);
    int warmUp = steps / 10;
    long start = 0;
    System.out.printf("%10s %14s %14s %14s%n", "steps", "resident MB", "growth MB", "JVM heap MB");
    for (int i = 0; i <= steps; i++) {
      if (i == warmUp) {
        start = residentKilobytes();
      }
      if (i >= warmUp && i % Math.max(1, steps / 10) == 0) {
        long now = residentKilobytes();
        System.out.printf(
            "%10d %14.1f %14.1f %14.1f%n",
            i,
            now / 1024.0,
            (now - start) / 1024.0,
            Runtime.getRuntime().totalMemory() / 1048576.0);
      }
      step(model, parameters, optimizers.get(i % optimizers.size()), average, rng);
    }
  }

  private static void step(
      Mlp model, List<Tensor> parameters, Optimizer optimizer, Tensor average, Rng rng) {
    try (Scope scope = Scope.open()) {
      Tensor x = rng.normal(16, 16);
      Tensor labels = rng.integers(0, 4, 16);
      optimizer.zeroGrad();
      Tensor logits = model.forward(x);
      Functional.crossEntropy(logits, labels).backward();
      optimizer.step();
      Autograd.grad(Functional.crossEntropy(model.forward(x), labels), parameters, false);
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        average.mul_(0.9).add_(logits.mean(0), 0.1);
      }
    }
  }

  private static long residentKilobytes() throws IOException {
    System.gc();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("/proc/self/status has no VmRSS");
  }
}
