package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A training step (forward, cross-entropy, backward, Adam) of a 784-256-10 perceptron on batches of
 * 128: Tikhon, the same loop in the raw bindings with LibTorch's C++ optimiser, and PyTorch's
 * Python loop ({@code bench/peers/adam_mlp.py}) in processes of their own.
 *
 * <p>Arguments: the rounds, the steps of a round, then the Python interpreters to compare with; run
 * from the repository's root.
 */
public final class AdamStep {
  private static final int BATCH = 128;
  private static final int BATCHES = 64;
  private static final double RATE = 1e-3;

  private AdamStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 15;
    int steps = args.length > 1 ? Integer.parseInt(args[1]) : 200;
    System.out.println(
        "threads " + Engine.threads() + ", " + rounds + " rounds of " + steps + " steps");
    Rng rng = new Rng(1);
    Tensor[] inputs = new Tensor[BATCHES];
    Tensor[] labels = new Tensor[BATCHES];
    for (int i = 0; i < BATCHES; i++) {
      inputs[i] = rng.normal(BATCH, 784);
      labels[i] = rng.integers(0, 10, BATCH);
    }
    List<SideBySide.Contestant> contestants = new ArrayList<>();
    contestants.add(SideBySide.of("Tikhon", new Ours(inputs, labels, rng)::step));
    contestants.add(
        SideBySide.of("raw bindings, C++ Adam", new Bindings(inputs, labels, rng)::step));
    List<PeerProcess> loops = new ArrayList<>();
    for (int i = 2; i < args.length; i++) {
      for (String variant : List.of("default", "foreach", "fused")) {
        PeerProcess.start(args[i], "adam_mlp.py", variant).ifPresent(loops::add);
      }
    }
    contestants.addAll(loops);
    SideBySide.run(contestants, rounds, steps);
    for (PeerProcess loop : loops) {
      loop.close();
    }
  }

  private static final class Ours {
    private final Tensor[] inputs;
    private final Tensor[] labels;
    private final Mlp model;
    private final Adam optimizer;
    private int at;

    Ours(Tensor[] inputs, Tensor[] labels, Rng rng) {
      this.inputs = inputs;
      this.labels = labels;
      model = new Mlp(784, List.of(256), 10, rng);
      optimizer = new Adam(model.parameters(), RATE);
    }

    void step() {
      int batch = at++ % BATCHES;
      try (Scope scope = Scope.open()) {
        optimizer.zeroGrad();
        Functional.crossEntropy(model.forward(inputs[batch]), labels[batch]).backward();
        optimizer.step();
      }
    }
  }

  private static final class Bindings {
    private final org.bytedeco.pytorch.Tensor[] inputs = new org.bytedeco.pytorch.Tensor[BATCHES];
    private final org.bytedeco.pytorch.Tensor[] labels = new org.bytedeco.pytorch.Tensor[BATCHES];
    private final TensorOptional bias1;
    private final TensorOptional bias2;
    private final org.bytedeco.pytorch.Tensor weight1;
    private final org.bytedeco.pytorch.Tensor weight2;
    private final org.bytedeco.pytorch.Adam optimizer;
    private int at;

    Bindings(Tensor[] inputs, Tensor[] labels, Rng rng) {
      for (int i = 0; i < BATCHES; i++) {
        this.inputs[i] = Raw.matrix(inputs[i]);
        this.labels[i] = Raw.labels(labels[i]);
      }
      weight1 = leaf(rng.normal(256, 784).mul(0.02));
      weight2 = leaf(rng.normal(10, 256).mul(0.04));
      org.bytedeco.pytorch.Tensor b1 = leaf(Tensor.zeros(256));
      org.bytedeco.pytorch.Tensor b2 = leaf(Tensor.zeros(10));
      bias1 = new TensorOptional(b1);
      bias2 = new TensorOptional(b2);
      optimizer =
          new org.bytedeco.pytorch.Adam(
              new TensorVector(weight1, b1, weight2, b2), new AdamOptions(RATE));
    }

    private static org.bytedeco.pytorch.Tensor leaf(Tensor values) {
      return Raw.matrix(values).set_requires_grad(true);
    }

    void step() {
      int batch = at++ % BATCHES;
      optimizer.zero_grad();
      try (org.bytedeco.pytorch.Tensor a = torch.linear(inputs[batch], weight1, bias1);
          org.bytedeco.pytorch.Tensor h = a.relu();
          org.bytedeco.pytorch.Tensor y = torch.linear(h, weight2, bias2);
          org.bytedeco.pytorch.Tensor loss = torch.cross_entropy_loss(y, labels[batch])) {
        loss.backward();
      }
      optimizer.step().close();
    }
  }
}
