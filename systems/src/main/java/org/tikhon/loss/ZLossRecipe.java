package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/**
 * {@link ZLoss} in {@code tikhon compare}, for three classes or more. Probabilities are the softmax
 * of the scores, whose scale the loss leaves open: judge it by accuracy, not by calibration.
 */
public final class ZLossRecipe implements Recipe {
  private static final String SHARPNESS = "sharpness";
  private static final String LOCATION = "location";

  @Override
  public String name() {
    return "z-loss";
  }

  @Override
  public String description() {
    return "Z-loss (18): invariant to shift and scale of the scores; probabilities not calibrated";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification c && c.classes() >= 3;
  }

  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(SHARPNESS, 1.0, LOCATION, 0.0), Map.of(SHARPNESS, 1.0, LOCATION, 5.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    ZLoss loss = new ZLoss(setting.get(SHARPNESS), setting.get(LOCATION));
    return SupervisedLearner.of(
        setup, (learner, b) -> loss.unchecked(learner.outputs(b.inputs()), b.targets()));
  }
}
