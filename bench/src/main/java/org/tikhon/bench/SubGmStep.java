package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tikhon.optimize.DenseMeasurements;
import org.tikhon.optimize.EntryMeasurements;
import org.tikhon.optimize.LinearMeasurements;
import org.tikhon.optimize.StepRule;
import org.tikhon.optimize.SubGm;
import org.tikhon.optimize.SubGmConfig;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The cost of an iteration of robust sub-gradient recovery in FLOAT64, with 4000 dense measurements
 * of a matrix of side 64 (search rank 64) and with 200,000 entries of one of side 1000 (search rank
 * 20), each beside a loop in PyTorch that differentiates the loss ({@code bench/peers/subgm.py}).
 *
 * <p>Arguments: the rounds, then a Python interpreter with PyTorch; run from the repository's root.
 */
public final class SubGmStep {
  private SubGmStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    String python = args.length > 1 ? args[1] : null;
    System.out.println("threads " + Engine.threads());
    Rng rng = new Rng(0);
    DenseMeasurements dense;
    try (Scope scope = Scope.open()) {
      dense = DenseMeasurements.of(rng.normal(Dtype.FLOAT64, 4000, 64, 64));
    }
    run("dense", dense, 64, rng, rounds, python);
    int[] rows = rng.integers(0, 1000, 200_000).toIntArray();
    int[] columns = rng.integers(0, 1000, 200_000).toIntArray();
    run("entries", EntryMeasurements.of(rows, columns, 1000), 20, rng, rounds, python);
  }

  private static void run(
      String variant, LinearMeasurements a, int rank, Rng rng, int rounds, String python)
      throws Exception {
    Tensor y = a.applyFactor(rng.normal(Dtype.FLOAT64, a.d(), 3));
    Tensor start = rng.normal(Dtype.FLOAT64, a.d(), rank).mul(0.1);
    SubGmConfig config = SubGmConfig.of(rank).withStep(new StepRule.Constant(1e-3, 0)).withTol(0);
    SideBySide.Contestant ours =
        new SideBySide.Contestant() {
          @Override
          public String name() {
            return "Tikhon " + variant;
          }

          @Override
          public double seconds(int steps) {
            long begin = System.nanoTime();
            try (Scope scope = Scope.open()) {
              SubGm.from(start, a, y, config.withMaxIter(steps));
            }
            return (System.nanoTime() - begin) * 1e-9;
          }
        };
    List<SideBySide.Contestant> contestants = new ArrayList<>(List.of(ours));
    Optional<PeerProcess> peer =
        python == null ? Optional.empty() : PeerProcess.start(python, "subgm.py", variant);
    peer.ifPresent(contestants::add);
    SideBySide.run(contestants, rounds, 20);
    peer.ifPresent(PeerProcess::close);
  }
}
