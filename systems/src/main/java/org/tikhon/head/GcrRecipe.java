package org.tikhon.head;

import java.util.List;
import java.util.Map;
import org.tikhon.nn.Backbone;
import org.tikhon.optim.CompositeOptimizer;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.RiemannianSgd;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link GrassmannHead} in {@code tikhon compare}. */
public final class GcrRecipe implements Recipe {
  private static final String DIMENSION = "dimension";

  /** The paper's rate on subspaces beside AdamW's 1e-3 is 0.1. */
  private static final double FACTOR_BESIDE_ADAM = 100;

  @Override
  public String name() {
    return "gcr";
  }

  @Override
  public String description() {
    return "Grassmann class representation (56): a subspace for each class";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  /** The paper's 8, and 16, which is better for small networks that are trained long. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(
        Map.of(DIMENSION, (double) GrassmannHead.DEFAULT_DIMENSION), Map.of(DIMENSION, 16.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return learner(setup, setting.get(DIMENSION).intValue());
  }

  /**
   * A learner whose network has subspaces in place of its last layer. Subspaces move with the
   * network's learning rate, or with 100 times that beside AdamW, and with momentum 0.9; weight
   * decay holds for the rest of the network only.
   *
   * @param dimension of the subspaces; at most the number of features less one is used
   */
  public static SupervisedLearner learner(Setup setup, int dimension) {
    Backbone network = setup.network();
    List<Tensor> body =
        network.namedParameters().entrySet().stream()
            .filter(e -> !e.getKey().startsWith("head."))
            .map(Map.Entry::getValue)
            .toList();
    int k = (int) Math.min(dimension, network.featureSize() - 1);
    GrassmannHead head = new GrassmannHead(network.featureSize(), setup.classes(), k, setup.rng());
    network.replaceHead(head);
    return new SupervisedLearner(setup, network, optimizer(setup.optimization(), body, head));
  }

  private static Optimizer optimizer(
      Setup.Optimization optimization, List<Tensor> body, GrassmannHead head) {
    boolean adam = optimization.momentum() < 0;
    Optimizer subspaces =
        new RiemannianSgd(
            head.subspaces(),
            optimization.learningRate() * (adam ? FACTOR_BESIDE_ADAM : 1),
            RiemannianSgd.Options.DEFAULT);
    return body.isEmpty()
        ? subspaces
        : new CompositeOptimizer(optimization.optimizer(body), subspaces);
  }
}
