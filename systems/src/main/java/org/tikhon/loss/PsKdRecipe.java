package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/** {@link PsKdLearner} in {@code tikhon compare}. */
public final class PsKdRecipe implements Recipe {
  private static final String ALPHA = "alphaT";
  private static final long MEMORY_LIMIT = 1L << 30;

  @Override
  public String name() {
    return "ps-kd";
  }

  @Override
  public String description() {
    return "progressive self-distillation (04): labels softened by the epoch before";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  /** The official code's 0.8, and 0.5 from the middle of the useful range 0.3 to 0.9. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(ALPHA, ProgressiveSchedule.DEFAULT_ALPHA), Map.of(ALPHA, 0.5));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return learner(setup, setting.get(ALPHA), 0);
  }

  /** With a prediction memory, or with a snapshot where the memory would take more than 1 GiB. */
  static Learner learner(Setup setup, double alphaT, double mixupAlpha) {
    boolean fits = setup.samples() * setup.classes() * Float.BYTES <= MEMORY_LIMIT;
    return new PsKdLearner(
        setup,
        new ProgressiveSchedule(alphaT, setup.epochs()),
        network ->
            fits
                ? new PredictionMemory(setup.samples(), setup.classes())
                : new SnapshotTeacher(network),
        mixupAlpha);
  }
}
