package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tikhon.solve.LsqResult;
import org.tikhon.solve.SketchedLeastSquares;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Least squares with a million rows and a hundred columns: by an SRHT (epsilon 0.5, delta 0.01),
 * the same refined to 1e-12, LibTorch's QR on all rows, and LAPACK from Python ({@code
 * bench/peers/lstsq.py}).
 *
 * <p>Arguments: the rounds, then a Python interpreter with PyTorch and SciPy; run from the
 * repository's root.
 */
public final class LeastSquares {
  private static final int ROWS = 1_000_000;
  private static final int COLUMNS = 100;

  private LeastSquares() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 4;
    System.out.println("threads " + Engine.threads());
    Rng rng = new Rng(0);
    Tensor a = rng.normal(Dtype.FLOAT64, ROWS, COLUMNS);
    Tensor b = a.sum(1).add(rng.normal(Dtype.FLOAT64, ROWS));
    SketchedLeastSquares ls = SketchedLeastSquares.srht(0.5, 0.01, 0);
    LsqResult sketched = ls.solve(a, b);
    System.out.printf(
        "%d sketch rows, largest error %.3g, bound %.3g%n",
        sketched.rows(), error(a, b, sketched), sketched.linfBound());
    List<SideBySide.Contestant> contestants = new ArrayList<>();
    contestants.add(SideBySide.of("SRHT and solve", () -> scoped(() -> ls.solve(a, b))));
    contestants.add(
        SideBySide.of(
            "SRHT, refined to 1e-12", () -> scoped(() -> ls.refine(a, b, ls.solve(a, b), 1e-12))));
    contestants.add(
        SideBySide.of("LibTorch lstsq", () -> scoped(() -> Linalg.lstsq(a, b.unsqueeze(1)))));
    List<PeerProcess> peers = new ArrayList<>();
    if (args.length > 1) {
      for (String variant : List.of("gelsd", "gelsy", "torch-gelsd", "torch-gelsy")) {
        Optional<PeerProcess> peer = PeerProcess.start(args[1], "lstsq.py", variant);
        peer.ifPresent(peers::add);
      }
    }
    contestants.addAll(peers);
    SideBySide.run(contestants, rounds, 1);
    peers.forEach(PeerProcess::close);
  }

  private static double error(Tensor a, Tensor b, LsqResult r) {
    return r.x().sub(Linalg.lstsq(a, b.unsqueeze(1)).squeeze(1)).abs().max().item();
  }

  private static void scoped(Runnable work) {
    try (Scope scope = Scope.open()) {
      work.run();
    }
  }
}
