package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link CompSumLoss} in {@code tikhon compare}, on both sides of cross-entropy. */
public final class CompSumRecipe implements Recipe {
  private static final String TAU = "tau";

  @Override
  public String name() {
    return "comp-sum";
  }

  @Override
  public String description() {
    return "comp-sum loss (51): cross-entropy's family, tau 1 is cross-entropy";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  /** 1.5 forgives samples that are hard, 0.5 insists on them. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(TAU, 1.5), Map.of(TAU, 0.5));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    CompSumLoss loss = new CompSumLoss(setting.get(TAU));
    return SupervisedLearner.of(
        setup, (learner, b) -> loss.unchecked(learner.outputs(b.inputs()), b.targets()).mean());
  }
}
