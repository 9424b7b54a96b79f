package org.tikhon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.tikhon.transport.Costs;
import org.tikhon.transport.ExactTransport;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SinkhornNewtonSparse;
import org.tikhon.transport.TransportSolver;

/**
 * Transport solvers beside POT ({@code bench/peers/pot.py}), each to the marginal error that POT
 * reaches with its own stopping rule; all use all processors.
 *
 * <p>Points from N(0, I) to N(1, I) in the plane, squared distance divided by its maximum.
 * Arguments: the rounds, then a Python interpreter with POT; run from the repository's root.
 */
public final class TransportTimes {
  private TransportTimes() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    String python = args[1];
    double[][] large = cost(2000);
    for (double epsilon : new double[] {0.05, 0.01, 0.002}) {
      sinkhorn(large, epsilon, 1e-7, rounds, python);
    }
    double[][] small = cost(500);
    newton(small, 1.0 / 1200, 1e-9, Math.min(rounds, 5), python);
    exact(cost(1000), rounds, python);
  }

  private static double[][] cost(int n) {
    Random random = new Random(n);
    double[][] x = new double[n][2];
    double[][] y = new double[n][2];
    for (int i = 0; i < n; i++) {
      Arrays.setAll(x[i], k -> random.nextGaussian());
      Arrays.setAll(y[i], k -> 1 + random.nextGaussian());
    }
    double[][] cost = Costs.squaredEuclidean(x, y);
    double largest = Arrays.stream(cost).flatMapToDouble(Arrays::stream).max().orElseThrow();
    for (double[] row : cost) {
      Arrays.setAll(row, j -> row[j] / largest);
    }
    return cost;
  }

  private static void sinkhorn(
      double[][] cost, double epsilon, double tolerance, int rounds, String python)
      throws Exception {
    Path file = NumpyFile.write(cost);
    try (PeerProcess peer = start(python, "sinkhorn", file, epsilon, tolerance)) {
      double error = peer.error();
      System.out.printf(
          Locale.ROOT,
          "%nSinkhorn, n = %d, epsilon %g, marginal error %.2g%n",
          cost.length,
          epsilon,
          error);
      Sinkhorn kernel = new Sinkhorn(1 / epsilon, Sinkhorn.Mode.KERNEL).tolerance(error);
      List<SideBySide.Contestant> solvers = new ArrayList<>();
      solvers.add(peer);
      solvers.add(contestant("Sinkhorn, kernel, double", kernel, cost));
      if (error >= 1e-6) {
        Sinkhorn single =
            new Sinkhorn(1 / epsilon, Sinkhorn.Mode.KERNEL).tolerance(error).singlePrecision(true);
        solvers.add(contestant("Sinkhorn, kernel, single", single, cost));
      }
      SideBySide.run(solvers, rounds, 1);
    } finally {
      Files.delete(file);
    }
  }

  private static void newton(
      double[][] cost, double epsilon, double tolerance, int rounds, String python)
      throws Exception {
    Path file = NumpyFile.write(cost);
    try (PeerProcess peer = start(python, "sinkhorn_log", file, epsilon, tolerance)) {
      System.out.printf(
          Locale.ROOT,
          "%nSinkhorn-Newton-Sparse, n = %d, epsilon 1/%.0f, marginal error %.2g%n",
          cost.length,
          1 / epsilon,
          peer.error());
      SinkhornNewtonSparse sns =
          new SinkhornNewtonSparse(1 / epsilon).autoWarmup().tolerance(peer.error());
      SideBySide.run(List.of(peer, contestant("SNS", sns, cost)), rounds, 1);
    } finally {
      Files.delete(file);
    }
  }

  private static void exact(double[][] cost, int rounds, String python) throws Exception {
    Path file = NumpyFile.write(cost);
    try (PeerProcess peer = start(python, "emd", file, 1, 1)) {
      System.out.printf("%nExact transport, n = %d%n", cost.length);
      SideBySide.run(
          List.of(peer, contestant("successive shortest paths", new ExactTransport(), cost)),
          rounds,
          1);
    } finally {
      Files.delete(file);
    }
  }

  private static SideBySide.Contestant contestant(
      String name, TransportSolver solver, double[][] cost) {
    double[] weights = new double[cost.length];
    Arrays.fill(weights, 1.0 / cost.length);
    if (!solver.solve(cost, weights, weights).converged()) {
      System.out.println(name + " has not converged");
    }
    return SideBySide.of(name, () -> solver.solve(cost, weights, weights));
  }

  private static PeerProcess start(
      String python, String method, Path file, double epsilon, double tolerance)
      throws IOException {
    String variant = "%s:%s:%s:%s".formatted(method, file, epsilon, tolerance);
    return PeerProcess.start(python, "pot.py", variant).orElseThrow();
  }
}
