package org.tikhon.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.PartialSolution;
import org.tikhon.transport.PartialTransport;
import org.tikhon.transport.PartialTransport.Domain;

/**
 * Partial transport of predictions to clusters of one size, beside POT's Sinkhorn on the problem
 * with the virtual cluster ({@code bench/peers/pot.py}), each to the L1 marginal error that POT
 * reaches with its own stopping rule.
 *
 * <p>Costs are {@code -log softmax} of logits from N(0, 3^2), epsilon 0.1. Arguments: the rounds,
 * then a Python interpreter with POT; run from the repository's root.
 */
public final class PartialTimes {
  private static final double EPSILON = 0.1;

  private PartialTimes() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    for (double rho : new double[] {0.1, 0.5, 0.9}) {
      compare(1000, 50, rho, rounds, args[1]);
    }
    compare(5120, 1000, 0.5, Math.min(rounds, 3), args[1]);
  }

  private static void compare(int n, int k, double rho, int rounds, String python)
      throws Exception {
    try (Scope scope = Scope.open()) {
      Tensor cost = new Rng(0).normal(Dtype.FLOAT64, n, k).mul(3).logSoftmax(1).neg();
      Path file = NumpyFiles.save(cost.toDoubleRows());
      String variant = "%s:" + file + ":" + EPSILON + ":1e-6:" + rho;
      try (PeerProcess doubles = start(python, variant.formatted("partial"));
          PeerProcess singles = start(python, variant.formatted("partial32"))) {
        System.out.printf(
            Locale.ROOT,
            "%nN = %d, K = %d, rho %s, marginal error %.2g and %.2g%n",
            n,
            k,
            rho,
            doubles.reached(),
            singles.reached());
        List<SideBySide.Contestant> contestants = new ArrayList<>();
        contestants.add(doubles);
        contestants.add(contestant("log domain, double", Domain.LOG, cost, rho, doubles.reached()));
        contestants.add(
            contestant("scaling, double", Domain.STABILISED, cost, rho, doubles.reached()));
        Tensor single = cost.to(Dtype.FLOAT32);
        contestants.add(
            contestant("scaling, single", Domain.STABILISED, single, rho, doubles.reached()));
        SideBySide.run(contestants, rounds, 1);
        SideBySide.run(
            List.of(
                singles,
                contestant("scaling, single", Domain.STABILISED, single, rho, singles.reached())),
            rounds,
            1);
      } finally {
        Files.delete(file);
      }
    }
  }

  private static PeerProcess start(String python, String variant) throws Exception {
    return PeerProcess.start(python, "pot.py", variant).orElseThrow();
  }

  /** A solver with the largest tolerance, of 1e-4 and its halves, that reaches the error. */
  private static SideBySide.Contestant contestant(
      String name, Domain domain, Tensor cost, double rho, double error) {
    PartialTransport solver = null;
    PartialSolution solution = null;
    for (double tolerance = 1e-4; tolerance > 1e-12; tolerance /= 2) {
      solver =
          new PartialTransport(EPSILON, Double.POSITIVE_INFINITY, tolerance, 1_000_000, domain);
      solution = solver.solve(cost, rho);
      if (error(solution, rho) <= error) {
        break;
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %d iterations, marginal error %.2g%n",
        name,
        solution.iterations(),
        error(solution, rho));
    PartialTransport chosen = solver;
    return SideBySide.of(
        name,
        () -> {
          try (Scope scope = Scope.open()) {
            PartialSolution _ = chosen.solve(cost, rho);
          }
        });
  }

  /** The columns' L1 error, the virtual one's too; the rows are exact. */
  private static double error(PartialSolution s, double rho) {
    try (Scope scope = Scope.open()) {
      Tensor plan = s.plan().to(Dtype.FLOAT64);
      double n = plan.size(0);
      double k = plan.size(1);
      Tensor sums = plan.sum(0).div(n);
      return sums.sub(rho / k).abs().sum().item() + Math.abs(sums.sum().item() - rho);
    }
  }
}
