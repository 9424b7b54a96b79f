package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/** {@link PsKdLearner} on mixed pairs of samples in {@code tikhon compare}. */
public final class PsKdMixupRecipe implements Recipe {
  private static final String MIXUP = "mixup";

  @Override
  public String name() {
    return "ps-kd-mixup";
  }

  @Override
  public String description() {
    return "PS-KD (04) on mixed pairs of samples";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  /** The strengths of the mixup baseline, with the official code's final weight. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(MIXUP, 0.2), Map.of(MIXUP, 1.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return PsKdRecipe.learner(setup, ProgressiveSchedule.DEFAULT_ALPHA, setting.get(MIXUP));
  }
}
