package org.tikhon.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.tikhon.optim.Adam;
import org.tikhon.solve.DcdmTrainer;
import org.tikhon.solve.DirectionNet;
import org.tikhon.solve.GridPoisson;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A training step of the direction network (16 channels, batch 10, one thread) on 32 x 32 and 16 x
 * 16 x 16 cells: Tikhon and PyTorch's Python loop ({@code bench/peers/dcdm.py}).
 *
 * <p>Arguments: the rounds, the steps of a round, a Python interpreter with PyTorch; run from the
 * repository's root.
 */
public final class DcdmStep {
  private static final int BATCH = 10;
  private static final int BATCHES = 16;

  private DcdmStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = Integer.parseInt(args[0]);
    int steps = Integer.parseInt(args[1]);
    for (String grid : List.of("32x32", "16x16x16")) {
      System.out.printf("%nTraining step, %s%n", grid);
      try (PeerProcess peer = PeerProcess.start(args[2], "dcdm.py", grid).orElseThrow()) {
        Ours ours = new Ours(grid);
        SideBySide.run(
            List.of(peer, SideBySide.of("Tikhon " + grid, ours::step)),
            rounds,
            grid.equals("32x32") ? steps : Math.max(1, steps / 8));
      }
    }
  }

  private static final class Ours {
    private final List<Tensor> batches = new ArrayList<>();
    private final DirectionNet net;
    private final UnaryOperator<Tensor> a;
    private final Adam adam;
    private int at;

    Ours(String grid) {
      int[] sides = Arrays.stream(grid.split("x")).mapToInt(Integer::parseInt).toArray();
      Rng rng = new Rng(1);
      long[] shape = new long[sides.length + 2];
      Arrays.setAll(shape, i -> i == 0 ? BATCH : i == 1 ? 1 : sides[i - 2]);
      for (int i = 0; i < BATCHES; i++) {
        Tensor flat = rng.normal(shape).flatten(1, -1);
        batches.add(flat.div(flat.normKeep(2, 1)).reshape(shape));
      }
      net = sides.length == 2 ? DirectionNet.paper2d(16, rng) : DirectionNet.paper3d(16, rng);
      a = GridPoisson.box(sides).openTop().batched(Dtype.FLOAT32);
      adam = new Adam(net.parameters(), 1e-3);
    }

    void step() {
      try (Scope scope = Scope.open()) {
        DcdmTrainer.step(net, a, batches.get(at++ % BATCHES), adam);
      }
    }
  }
}
