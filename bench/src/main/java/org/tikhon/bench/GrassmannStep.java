package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tikhon.head.GrassmannHead;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.optim.RiemannianSgd;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The cost of Grassmann class representation with 1000 classes of dimension 8 in R^2048: a step of
 * Riemannian SGD beside the same step by singular value decompositions in PyTorch ({@code
 * bench/peers/riemannian_sgd.py}), then the head's forward pass for 256 features beside a linear
 * layer with as many outputs.
 *
 * <p>Arguments: the rounds, then a Python interpreter with PyTorch; run from the repository's root.
 */
public final class GrassmannStep {
  private static final int CLASSES = 1000;
  private static final int FEATURES = 2048;
  private static final int DIMENSION = 8;
  private static final int BATCH = 256;

  private GrassmannStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 8;
    System.out.println("threads " + Engine.threads());
    Rng rng = new Rng(0);
    GrassmannHead head = new GrassmannHead(FEATURES, CLASSES, DIMENSION, rng);
    Tensor s = head.subspaces().getFirst();
    s.mul(rng.normal(CLASSES, FEATURES, DIMENSION)).sum().backward();
    RiemannianSgd sgd = new RiemannianSgd(head.subspaces(), 1e-3, RiemannianSgd.Options.DEFAULT);
    List<SideBySide.Contestant> steps = new ArrayList<>();
    steps.add(SideBySide.of("Riemannian SGD", sgd::step));
    Optional<PeerProcess> peer =
        args.length > 1 ? PeerProcess.start(args[1], "riemannian_sgd.py", "svd") : Optional.empty();
    peer.ifPresent(steps::add);
    // Five steps, so that each round holds one QR.
    SideBySide.run(steps, rounds, 5);
    peer.ifPresent(PeerProcess::close);

    Tensor x = rng.normal(BATCH, FEATURES);
    Linear linear = new Linear(FEATURES, (long) CLASSES * DIMENSION, false, rng);
    SideBySide.run(
        List.of(
            SideBySide.of("linear layer, forward", () -> forward(linear, x)),
            SideBySide.of("Grassmann head, forward", () -> forward(head, x))),
        rounds,
        5);
  }

  private static void forward(Module module, Tensor x) {
    try (Scope scope = Scope.open()) {
      module.forward(x);
    }
  }
}
