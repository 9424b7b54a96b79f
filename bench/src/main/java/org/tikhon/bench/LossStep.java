package org.tikhon.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/**
 * A training step of each recipe for classifiers, in turns: a 784-256-256-10 perceptron, batches of
 * 128, SGD with momentum. What a loss costs more than cross-entropy is the ratio. Arguments: the
 * rounds, the steps of a round.
 */
public final class LossStep {
  private static final int SAMPLES = 12_800;
  private static final int BATCH = 128;

  private LossStep() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 30;
    int steps = args.length > 1 ? Integer.parseInt(args[1]) : 100;
    Rng rng = new Rng(0);
    Dataset data =
        new Dataset(rng.normal(SAMPLES, 784), rng.integers(0, 10, SAMPLES).to(Dtype.INT64));
    Task task = new Task.Classification(10);
    List<SideBySide.Contestant> contestants = new ArrayList<>();
    for (Recipe recipe : Recipe.all()) {
      if (recipe.supports(task)) {
        Map<String, Double> setting = recipe.grid(task).getFirst();
        Learner learner =
            recipe.learner(
                new Setup(
                    task,
                    r -> new Mlp(784, List.of(256, 256), 10, r),
                    SAMPLES,
                    100,
                    Setup.Optimization.sgd(0.02, 0.9, 1e-3),
                    new Rng(1)),
                setting);
        contestants.add(SideBySide.of(recipe.name(), step(learner, data)));
      }
    }
    SideBySide.run(contestants, rounds, steps);
  }

  /** Goes through the data batch by batch, again and again within the second epoch. */
  private static Runnable step(Learner learner, Dataset data) {
    long[] at = {0};
    return () -> {
      try (Scope scope = Scope.open()) {
        Tensor places = Tensor.arange(at[0], at[0] + BATCH);
        learner.step(data.batch(places), 1.5);
        at[0] = (at[0] + BATCH) % SAMPLES;
      }
    };
  }
}
