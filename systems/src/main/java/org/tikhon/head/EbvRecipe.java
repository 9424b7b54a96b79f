package org.tikhon.head;

import java.util.List;
import java.util.Map;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Sequential;
import org.tikhon.tensor.Rng;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link EbvHead} in {@code tikhon compare}: a linear layer to d numbers, then fixed vectors. */
public final class EbvRecipe implements Recipe {
  private static final String DIMENSION = "dimension";

  /** Sets this much above the Welch bound are found in some hundred steps. */
  private static final double SLACK = 1.5;

  @Override
  public String name() {
    return "ebv";
  }

  @Override
  public String description() {
    return "equiangular basis vectors (17): fixed class vectors";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(DIMENSION, 64.0), Map.of(DIMENSION, 256.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return learner(setup, basis(setup.classes(), setting.get(DIMENSION).intValue()));
  }

  /**
   * Vectors for a number of classes: orthonormal where the dimension permits it, otherwise with
   * cosines up to 1.5 times the Welch bound, always the same ones.
   */
  static EquiangularBasis basis(int classes, int dimension) {
    return classes <= dimension
        ? EquiangularBasis.orthonormal(classes, dimension, new Rng(42))
        : EquiangularBasis.generate(
            EbvSpec.of(
                    classes,
                    dimension,
                    Math.min(0.95, SLACK * EquiangularBasis.welchBound(classes, dimension)))
                .withLearningRate(2e-3)
                .withMaxSteps(5_000)
                .lenient());
  }

  /** A learner with given class vectors. */
  public static SupervisedLearner learner(Setup setup, EquiangularBasis basis) {
    Backbone network = setup.network();
    network.replaceHead(
        new Sequential(
            new Linear(network.featureSize(), basis.vectors().size(1), setup.rng()),
            new EbvHead(basis)));
    return new SupervisedLearner(setup, network);
  }
}
