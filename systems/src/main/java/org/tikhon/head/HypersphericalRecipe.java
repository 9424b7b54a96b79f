package org.tikhon.head;

import java.util.List;
import java.util.Map;
import org.tikhon.head.NormalizedSoftmaxHead.Normalisation;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Sequential;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/**
 * {@link NormalizedSoftmaxHead} in {@code tikhon compare}: a linear layer to 64 numbers, then class
 * vectors on the sphere.
 */
public final class HypersphericalRecipe implements Recipe {
  private static final String SCALE = "scale";
  private static final int DIMENSION = 64;

  @Override
  public String name() {
    return "hyperspherical";
  }

  @Override
  public String description() {
    return "normalised softmax (27): embeddings and class vectors on one sphere";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  /** The two values of the author's code; more where so many classes need it. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(SCALE, NormalizedSoftmaxHead.DEFAULT_SCALE), Map.of(SCALE, 20.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    int classes = setup.classes();
    double scale = Math.max(setting.get(SCALE), NormalizedSoftmaxHead.minimalScale(classes, 0.99));
    NormalizedSoftmaxHead head =
        new NormalizedSoftmaxHead(DIMENSION, classes, scale, Normalisation.PROJECT, setup.rng());
    Backbone network = setup.network();
    network.replaceHead(
        new Sequential(new Linear(network.featureSize(), DIMENSION, setup.rng()), head));
    return learner(setup, network, head);
  }

  /** A learner of a network that ends in the head. */
  public static SupervisedLearner learner(
      Setup setup, Backbone network, NormalizedSoftmaxHead head) {
    return new SupervisedLearner(setup, network) {
      @Override
      protected void afterStep(Batch batch) {
        head.project();
      }
    };
  }
}
