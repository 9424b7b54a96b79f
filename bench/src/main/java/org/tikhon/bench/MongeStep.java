package org.tikhon.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.GroundCost;
import org.tikhon.transport.MapNetwork;
import org.tikhon.transport.MongeGap;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SinkhornDivergence;

/**
 * A training step of a map with the Monge gap, 256 points in the plane, beside PyTorch with sweeps
 * of its own and with POT's ({@code bench/peers/monge.py}), and the gap's inner solve beside POT's.
 * Squared distance, perceptron 64-64-64, three entropic problems a step to an L1 marginal error of
 * 1e-3. Arguments: the rounds, then a Python interpreter with both; run from the repository's root.
 */
public final class MongeStep {
  private static final int POINTS = 256;
  private static final int STEPS = 20;
  private static final int BEFORE = 100;

  private final Rng rng = new Rng(0);
  private final Tensor axes = Tensor.of(new float[] {1.2f, 0.3f, 0.3f, 0.8f}, 2, 2);
  private final MapNetwork network =
      new MapNetwork(
          new MapNetwork.Spec(MapNetwork.Kind.PLAIN, 2, List.of(64, 64, 64), false), rng);
  private final Optimizer optimizer = new Adam(network.parameters(), 2e-3);
  private final SinkhornDivergence fitting;
  private final MongeGap gap;

  private MongeStep() {
    Tensor y = target();
    fitting = SinkhornDivergence.squaredEuclidean().staticTarget(true).fixedOn(y);
    gap = MongeGap.of(GroundCost.squaredEuclidean()).fixedOn(source(), y);
  }

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    String python = args[1];
    System.out.println("threads " + Engine.threads());
    MongeStep ours = new MongeStep();
    for (int k = 0; k < BEFORE; k++) {
      ours.step();
    }
    List<SideBySide.Contestant> contestants = new ArrayList<>();
    try (PeerProcess sweeps = PeerProcess.start(python, "monge.py", "torch").orElseThrow();
        PeerProcess pot = PeerProcess.start(python, "monge.py", "pot").orElseThrow()) {
      contestants.add(sweeps);
      contestants.add(pot);
      contestants.add(SideBySide.of("Monge gap step", ours::step));
      SideBySide.run(contestants, rounds, STEPS);
    }
    ours.innerSolve(rounds, python);
  }

  private Tensor source() {
    return rng.normal(POINTS, 2);
  }

  private Tensor target() {
    return rng.normal(POINTS, 2).matmul(axes).add(1);
  }

  private void step() {
    try (Scope scope = Scope.open()) {
      Tensor x = source();
      Tensor mapped = network.forward(x);
      Tensor loss = fitting.apply(mapped, target()).add(gap.apply(x, mapped));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
    }
  }

  /** The gap's problem of one batch, to the error that POT reaches. */
  private void innerSolve(int rounds, String python) throws Exception {
    double[][] cost;
    double epsilon = gap.epsilon().factor();
    try (Scope scope = Scope.open()) {
      Tensor x = source();
      cost = gap.cost().pairwise(x, network.forward(x)).toDoubleRows();
    }
    double[] weights = new double[POINTS];
    Arrays.fill(weights, 1.0 / POINTS);
    Path file = NumpyFiles.save(cost);
    String variant = "sinkhorn:%s:%s:%s".formatted(file, epsilon, 1e-3 / 12.8);
    try (PeerProcess peer = PeerProcess.start(python, "pot.py", variant).orElseThrow()) {
      Sinkhorn sinkhorn = new Sinkhorn(1 / epsilon, Sinkhorn.Mode.KERNEL).tolerance(peer.reached());
      System.out.printf(
          Locale.ROOT,
          "%nInner solve, epsilon %.4g, marginal error %.2g, %d sweeps%n",
          epsilon,
          peer.reached(),
          sinkhorn.solve(cost, weights, weights).sweeps());
      SideBySide.run(
          List.of(
              peer,
              SideBySide.of(
                  "Sinkhorn, kernel, double", () -> sinkhorn.solve(cost, weights, weights))),
          rounds,
          STEPS);
    } finally {
      Files.delete(file);
    }
  }
}
