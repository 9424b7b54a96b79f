package org.tikhon.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.Costs;
import org.tikhon.transport.ExactTransport;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SinkhornNewtonSparse;
import org.tikhon.transport.SparseOt;
import org.tikhon.transport.SparseOtSolution;
import org.tikhon.transport.SparseProjection;
import org.tikhon.transport.TransportProblem;
import org.tikhon.transport.TransportSolver;

/**
 * Transport solvers beside POT ({@code bench/peers/pot.py}), each to the marginal error that POT
 * reaches with its own stopping rule; all use all processors.
 *
 * <p>The sparse projection is beside LibTorch's selection.
 *
 * <p>Points from N(0, I) to N(1, I) in the plane, squared distance divided by its maximum.
 * Arguments: the rounds, a Python interpreter with POT, and the parts (sinkhorn, projection,
 * sparse, exact, newton; without any all of them); run from the repository's root.
 */
public final class TransportTimes {
  /** The first solves are slow, until they are compiled. */
  private static final int WARM_UP = 8;

  private TransportTimes() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    String python = args[1];
    List<String> parts =
        args.length > 2
            ? Arrays.asList(args).subList(2, args.length)
            : List.of("sinkhorn", "projection", "sparse", "exact", "newton");
    for (String part : parts) {
      switch (part) {
        case "sinkhorn" -> {
          double[][] cost = cost(2000);
          for (double epsilon : new double[] {0.05, 0.01, 0.002}) {
            sinkhorn(cost, epsilon, 1e-7, rounds, python);
          }
        }
        case "projection" -> projection(rounds);
        case "sparse" -> sparse(cost(500), 0.05, 1e-9, Math.min(rounds, 5), python);
        case "exact" -> exact(cost(1000), rounds, python);
        case "newton" -> newton(cost(500), 1.0 / 1200, 1e-9, Math.min(rounds, 2), python);
        default -> throw new IllegalArgumentException("no part " + part);
      }
    }
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
    Path file = NumpyFiles.save(cost);
    try (PeerProcess peer = start(python, "sinkhorn", file, epsilon, tolerance)) {
      double error = peer.reached();
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
    Path file = NumpyFiles.save(cost);
    try (PeerProcess peer = start(python, "sinkhorn_log", file, epsilon, tolerance)) {
      System.out.printf(
          Locale.ROOT,
          "%nSinkhorn-Newton-Sparse, n = %d, epsilon 1/%.0f, marginal error %.2g%n",
          cost.length,
          1 / epsilon,
          peer.reached());
      SinkhornNewtonSparse sns =
          new SinkhornNewtonSparse(1 / epsilon).autoWarmup().tolerance(peer.reached());
      SideBySide.run(List.of(peer, contestant("SNS", sns, cost)), rounds, 1);
    } finally {
      Files.delete(file);
    }
  }

  private static void exact(double[][] cost, int rounds, String python) throws Exception {
    Path file = NumpyFiles.save(cost);
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

  /** At most 5 entries per column. */
  private static void sparse(
      double[][] cost, double gamma, double tolerance, int rounds, String python) throws Exception {
    Path file = NumpyFiles.save(cost);
    try (PeerProcess peer = start(python, "sparse", file, gamma, tolerance)) {
      SparseOt ot = SparseOt.columns(5).gamma(gamma);
      double[] weights = new double[cost.length];
      Arrays.fill(weights, 1.0 / cost.length);
      TransportProblem problem = TransportProblem.of(cost, weights, weights);
      SparseOtSolution s = ot.solveSemiDual(problem);
      System.out.printf(
          Locale.ROOT,
          "%nSparse transport, n = %d, k = 5, gamma %g: values %.12f and %.12f, %d iterations, %s%n",
          cost.length,
          gamma,
          peer.reached(),
          s.value(),
          s.iterations(),
          s.message());
      SideBySide.run(
          List.of(peer, SideBySide.of("sparse transport", () -> ot.solveSemiDual(problem))),
          rounds,
          1);
    } finally {
      Files.delete(file);
    }
  }

  /** The k-sparse projection of 10,000 vectors of 1,000 numbers beside one selection. */
  private static void projection(int rounds) throws Exception {
    try (Scope scope = Scope.open()) {
      Tensor v = new Rng(1).normal(10_000, 1_000);
      for (int k : new int[] {8, 64}) {
        System.out.printf("%nProjection of 10,000 x 1,000 onto simplices with %d entries%n", k);
        SideBySide.run(
            List.of(
                inScope("LibTorch topk", () -> v.topk(k, 1, true)),
                inScope("SparseProjection.simplex", () -> SparseProjection.simplex(v, k, 1, 1))),
            rounds,
            3);
      }
    }
  }

  private static SideBySide.Contestant inScope(String name, Runnable work) {
    return SideBySide.of(
        name,
        () -> {
          try (Scope scope = Scope.open()) {
            work.run();
          }
        });
  }

  private static SideBySide.Contestant contestant(
      String name, TransportSolver solver, double[][] cost) {
    double[] weights = new double[cost.length];
    Arrays.fill(weights, 1.0 / cost.length);
    for (int warmUp = 0; warmUp < WARM_UP; warmUp++) {
      if (!solver.solve(cost, weights, weights).converged()) {
        System.out.println(name + " has not converged");
      }
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
