package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tikhon.solve.CoLiDE;
import org.tikhon.solve.DagLearner;
import org.tikhon.solve.LinearSem;
import org.tikhon.solve.Noise;
import org.tikhon.tensor.Rng;

/**
 * An iteration of CoLiDE with equal variances, on graphs with 20, 50, 100 and 200 nodes and four
 * times as many edges, beside the same iteration in NumPy ({@code bench/peers/colide.py}). Both
 * sides run whole stages from W = 0 and count their iterations.
 *
 * <p>Arguments: the rounds, then a Python interpreter with NumPy and SciPy; run from the
 * repository's root.
 */
public final class ColideStep {
  private static final int[] NODES = {20, 50, 100, 200};

  /** A round's iterations for 20 nodes. */
  private static final int ITERATIONS = 1000;

  private ColideStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    for (int nodes : NODES) {
      LinearSem.Sample sample =
          LinearSem.erdosRenyi(nodes, 4 * nodes).noise(Noise.gaussian(10)).sample(1000, new Rng(0));
      int iterations = Math.max(20, ITERATIONS * 20 * 20 / (nodes * nodes));
      List<SideBySide.Contestant> contestants = new ArrayList<>();
      contestants.add(new Fit(nodes, DagLearner.covariance(sample.x())));
      Optional<PeerProcess> peer =
          args.length > 1
              ? PeerProcess.start(args[1], "colide.py", Integer.toString(nodes))
              : Optional.empty();
      peer.ifPresent(contestants::add);
      SideBySide.run(contestants, rounds, iterations);
      peer.ifPresent(PeerProcess::close);
    }
  }

  private record Fit(int nodes, double[][] covariance) implements SideBySide.Contestant {
    @Override
    public String name() {
      return "Tikhon " + nodes;
    }

    @Override
    public double seconds(int steps) {
      CoLiDE learner = CoLiDE.equalVariance(0.05).stages(1).iterations(steps, steps);
      long start = System.nanoTime();
      learner.fitCovariance(covariance, 1000);
      return (System.nanoTime() - start) * 1e-9;
    }
  }
}
