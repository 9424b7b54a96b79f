package org.tikhon.train;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * A way to train a classifier or a regressor: makes a {@link Learner} for a task and a backbone.
 * Recipes are found with {@link ServiceLoader}; {@code tikhon compare} runs any set of them on the
 * same splits, seeds and budget.
 */
public interface Recipe {
  /** The name on the command line, such as {@code label-smoothing}. */
  String name();

  /** One line for the leaderboard's legend. */
  String description();

  /** Whether the recipe can learn the task. */
  boolean supports(Task task);

  /** Baselines come first in lists and are what a method has to beat. */
  default boolean isBaseline() {
    return false;
  }

  /**
   * The hyper-parameter settings that are tried on validation data, the default first. Small: every
   * setting costs a whole training run.
   */
  default List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of());
  }

  /** A learner with one setting of the grid. */
  Learner learner(Setup setup, Map<String, Double> setting);

  /** All recipes on the class path: baselines first, then by name. */
  static List<Recipe> all() {
    return ServiceLoader.load(Recipe.class).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparing((Recipe r) -> !r.isBaseline()).thenComparing(Recipe::name))
        .toList();
  }
}
