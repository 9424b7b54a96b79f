package org.tikhon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.tikhon.optimize.BcdResult;
import org.tikhon.optimize.BlockCoordinateDescent;
import org.tikhon.optimize.LeastSquares;
import org.tikhon.optimize.Partition;
import org.tikhon.optimize.Regularizer;
import org.tikhon.optimize.Selection;
import org.tikhon.optimize.SparseMatrix;
import org.tikhon.optimize.TreePartition;
import org.tikhon.optimize.TreeSolver;
import org.tikhon.optimize.Update;
import org.tikhon.tensor.Engine;

/**
 * Greedy block coordinate descent: a comb of half the nodes of a 1000 x 1000 lattice solved
 * exactly, then {@code min |A x - b|^2 / 2 + 0.05 sum x} over x of 0 or more to a relative gap of
 * 1e-8, A 2000 x 10000 with one entry in a hundred, beside scikit-learn's Lasso and SciPy's nnls
 * ({@code bench/peers/sparse_nonnegative.py}, which draws data of the same law).
 *
 * <p>Arguments: the rounds, then a Python interpreter with scikit-learn and SciPy; run from the
 * repository's root.
 */
public final class BlockCoordinateSolve {
  private static final int SIDE = 1000;
  private static final int ROWS = 2000;
  private static final int COLUMNS = 10_000;
  private static final int NONZERO = 200;
  private static final int TAU = 300;
  private static final double GAP = 1e-8;

  private BlockCoordinateSolve() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    System.out.println("threads " + Engine.threads());
    trees(rounds);
    SparseMatrix a = design();
    LeastSquares problem = LeastSquares.of(a, image(a));
    List<SideBySide.Contestant> contestants = new ArrayList<>();
    for (Update update : List.of(Update.TWO_METRIC, Update.PROX_NEWTON)) {
      BcdResult reference = solve(problem, update, 500, 1e-12);
      double tolerance = 1;
      BcdResult result = solve(problem, update, 500, tolerance);
      while (result.value() - reference.value() > GAP * reference.value()) {
        tolerance /= 2;
        result = solve(problem, update, 500, tolerance);
      }
      long support = Arrays.stream(reference.x()).filter(v -> v != 0).count();
      System.out.printf(
          "%s: %d non-zeros, %d iterations to 1e-8, %d to 1e-12%n",
          update, support, result.iterations(), reference.iterations());
      double enough = tolerance;
      contestants.add(SideBySide.of("Tikhon " + update, () -> solve(problem, update, 500, enough)));
    }
    List<PeerProcess> peers = new ArrayList<>();
    if (args.length > 1) {
      for (String variant : List.of("lasso", "nnls")) {
        Optional<PeerProcess> peer = PeerProcess.start(args[1], "sparse_nonnegative.py", variant);
        peer.ifPresent(peers::add);
      }
    }
    contestants.addAll(peers);
    SideBySide.run(contestants, rounds, 1);
    peers.forEach(PeerProcess::close);
  }

  private static BcdResult solve(
      LeastSquares problem, Update update, int iterations, double tolerance) {
    problem.move(IntStream.range(0, COLUMNS).toArray(), new double[COLUMNS]);
    return new BlockCoordinateDescent(
            problem,
            Partition.variable(TAU),
            new Selection.GSqProx(),
            update,
            Regularizer.nonNegative(0.05))
        .run(iterations, tolerance);
  }

  private static void trees(int rounds) throws Exception {
    SparseMatrix laplacian = laplacian();
    int[] comb = TreePartition.lattice(SIDE, SIDE).getFirst();
    double[] rhs = new Random(0).doubles(comb.length).toArray();
    double[] out = new double[comb.length];
    TreeSolver solver = new TreeSolver(laplacian);
    TreeSolver.Factor factor = solver.factor(comb);
    SideBySide.run(
        List.of(
            SideBySide.of("comb: factor and solve", () -> solver.factor(comb).solve(rhs, out)),
            SideBySide.of("comb: solve again", () -> factor.solve(rhs, out)),
            SideBySide.of("A times a vector", product(laplacian))),
        rounds,
        5);
  }

  private static Runnable product(SparseMatrix a) {
    double[] v = new double[a.columns()];
    double[] out = new double[a.rows()];
    return () -> a.multiply(v, out);
  }

  /** The Laplacian of a lattice, plus 0.1 on the diagonal. */
  private static SparseMatrix laplacian() {
    int nodes = SIDE * SIDE;
    int[] rows = new int[5 * nodes];
    int[] columns = new int[5 * nodes];
    double[] values = new double[5 * nodes];
    int count = 0;
    for (int i = 0; i < nodes; i++) {
      int diagonal = count++;
      rows[diagonal] = i;
      columns[diagonal] = i;
      values[diagonal] = 0.1;
      int column = i % SIDE;
      int[] neighbours = {
        column > 0 ? i - 1 : -1,
        column < SIDE - 1 ? i + 1 : -1,
        i - SIDE,
        i + SIDE < nodes ? i + SIDE : -1
      };
      for (int j : neighbours) {
        if (j >= 0) {
          rows[count] = i;
          columns[count] = j;
          values[count++] = -1;
          values[diagonal]++;
        }
      }
    }
    return SparseMatrix.of(
        nodes,
        nodes,
        Arrays.copyOf(rows, count),
        Arrays.copyOf(columns, count),
        Arrays.copyOf(values, count));
  }

  private static SparseMatrix design() {
    Random random = new Random(0);
    int count = ROWS * COLUMNS / 100;
    int[] rows = random.ints(count, 0, ROWS).toArray();
    int[] columns = random.ints(count, 0, COLUMNS).toArray();
    double[] values = new double[count];
    Arrays.setAll(values, k -> random.nextGaussian() / Math.sqrt(ROWS / 100));
    return SparseMatrix.of(ROWS, COLUMNS, rows, columns, values);
  }

  private static double[] image(SparseMatrix a) {
    Random random = new Random(1);
    double[] truth = new double[COLUMNS];
    for (int k = 0; k < NONZERO; k++) {
      truth[random.nextInt(COLUMNS)] = Math.abs(random.nextGaussian());
    }
    double[] b = new double[ROWS];
    a.multiply(truth, b);
    for (int r = 0; r < ROWS; r++) {
      b[r] += 0.01 * random.nextGaussian();
    }
    return b;
  }
}
