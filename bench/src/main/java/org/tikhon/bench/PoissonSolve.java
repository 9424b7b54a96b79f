package org.tikhon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tikhon.solve.ConjugateGradient;
import org.tikhon.solve.Dcdm;
import org.tikhon.solve.DirectionNet;
import org.tikhon.solve.GridPoisson;
import org.tikhon.solve.IncompleteCholesky;
import org.tikhon.solve.LinearSolver;
import org.tikhon.solve.Multigrid;
import org.tikhon.solve.SolveResult;

/**
 * Poisson's equation in a box with an open top: conjugate gradients beside SciPy's ({@code
 * bench/peers/cg.py}) with the same right side and tolerance, and the other solvers beside both;
 * one thread.
 *
 * <p>Arguments: the rounds, a Python interpreter with SciPy, then grids such as 256x256; run from
 * the repository's root.
 */
public final class PoissonSolve {
  private static final double TOLERANCE = 1e-4;
  private static final int MOST_DIRECTIONS = 300;

  private PoissonSolve() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    for (String grid : Arrays.asList(args).subList(2, args.length)) {
      System.out.printf("%nPoisson, %s, to %g%n", grid, TOLERANCE);
      int[] sides = Arrays.stream(grid.split("x")).mapToInt(Integer::parseInt).toArray();
      GridPoisson a = GridPoisson.box(sides).openTop();
      double[] b = new double[a.size()];
      Arrays.setAll(b, i -> i * 7919L % 10007 / 10007.0 - 0.5);
      try (PeerProcess peer =
          PeerProcess.start(args[1], "cg.py", grid + ":" + TOLERANCE).orElseThrow()) {
        List<SideBySide.Contestant> contestants = new ArrayList<>(List.of(peer));
        solvers(a).forEach((name, solver) -> add(name, solver, a, b, contestants));
        SideBySide.run(contestants, rounds, 1);
      }
    }
  }

  private static Map<String, LinearSolver> solvers(GridPoisson a) {
    Map<String, LinearSolver> solvers = new LinkedHashMap<>();
    solvers.put("CG", new ConjugateGradient().tolerance(TOLERANCE));
    IncompleteCholesky ic = IncompleteCholesky.zeroFill(a.toCsr());
    solvers.put("IC(0)-PCG", new ConjugateGradient(ic).tolerance(TOLERANCE));
    Multigrid multigrid = Multigrid.vCycle(a);
    solvers.put("multigrid PCG", new ConjugateGradient(multigrid).tolerance(TOLERANCE));
    DirectionNet net = DirectionNet.trained(a.shape().length);
    solvers.put(
        "DCDM, K = 5",
        new Dcdm(net).directions(5).tolerance(TOLERANCE).maxIterations(MOST_DIRECTIONS));
    return solvers;
  }

  /** Adds a solver if it converges. */
  private static void add(
      String name,
      LinearSolver solver,
      GridPoisson a,
      double[] b,
      List<SideBySide.Contestant> contestants) {
    SolveResult result = solver.solve(a, b);
    System.out.printf(
        "%s: %d iterations%s%n",
        name, result.iterations(), result.converged() ? "" : ", not converged: left out");
    if (result.converged()) {
      contestants.add(SideBySide.of(name, () -> solver.solve(a, b)));
    }
  }
}
