package org.tikhon.adapt;

import java.util.List;
import java.util.Map;
import org.tikhon.nn.Backbone;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link WeightCompander} in {@code tikhon compare}, with the comparison's weight decay on v. */
public final class WeightCompanderRecipe implements Recipe {
  private static final String A = "a";
  private static final String SLOPE = "slope";

  @Override
  public String name() {
    return "weight-compander";
  }

  @Override
  public String description() {
    return "weight compander (43): weights are a bounded function of what is trained";
  }

  @Override
  public boolean supports(Task task) {
    return true;
  }

  /** Mild and strong. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(A, 3.0, SLOPE, 1.0), Map.of(A, 2.0, SLOPE, 1.5));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    return learner(setup, WeightCompanderConfig.relative(setting.get(A), setting.get(SLOPE)));
  }

  /** A learner with any configuration. */
  public static SupervisedLearner learner(Setup setup, WeightCompanderConfig config) {
    Backbone network = setup.network();
    WeightCompander compander = WeightCompander.attach(network, config);
    Setup.Optimization optimization = setup.optimization();
    return new SupervisedLearner(
        setup,
        network,
        optimization.optimizerOf(
            compander.parameterGroups(optimization.learningRate(), optimization.weightDecay())));
  }
}
