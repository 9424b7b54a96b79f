package org.tikhon.loss;

import java.util.Map;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/**
 * {@link StableMax} in {@code tikhon compare}. What the learner predicts are the logits for which
 * softmax gives StableMax's probabilities.
 */
public final class StableMaxRecipe implements Recipe {
  @Override
  public String name() {
    return "stablemax";
  }

  @Override
  public String description() {
    return "StableMax cross-entropy (03): cannot collapse to zero";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return new SupervisedLearner(setup) {
      @Override
      protected Tensor loss(Batch batch) {
        Tensor losses = StableMax.perSample(outputs(batch.inputs()), batch.targets());
        return StableMax.reduce(losses, Reduction.MEAN);
      }

      @Override
      public Tensor predict(Tensor inputs) {
        return StableMax.s(super.predict(inputs)).log();
      }
    };
  }
}
