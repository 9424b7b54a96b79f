package org.tikhon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
  private static final double TOLERANCE = 1e-8;
  private static final int MOST_DIRECTIONS = 1000;

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
        contestants.add(contestant("CG", new ConjugateGradient().tolerance(TOLERANCE), a, b));
        IncompleteCholesky ic = IncompleteCholesky.zeroFill(a.toCsr());
        contestants.add(
            contestant("IC(0)-PCG", new ConjugateGradient(ic).tolerance(TOLERANCE), a, b));
        contestants.add(
            contestant(
                "multigrid PCG",
                new ConjugateGradient(Multigrid.vCycle(a)).tolerance(TOLERANCE),
                a,
                b));
        Dcdm dcdm = new Dcdm(DirectionNet.trained(sides.length)).directions(5).tolerance(TOLERANCE);
        contestants.add(contestant("DCDM, K = 5", dcdm.maxIterations(MOST_DIRECTIONS), a, b));
        SideBySide.run(contestants, rounds, 1);
      }
    }
  }

  private static SideBySide.Contestant contestant(
      String name, LinearSolver solver, GridPoisson a, double[] b) {
    SolveResult result = solver.solve(a, b);
    System.out.printf(
        "%s: %d iterations%s%n",
        name, result.iterations(), result.converged() ? "" : ", not converged");
    return SideBySide.of(name, () -> solver.solve(a, b));
  }
}
