package org.tikhon.optimize;

import java.util.List;
import java.util.Map;
import org.tikhon.nn.Backbone;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link PerpGrad} around the comparison's optimiser in {@code tikhon compare}, without decay. */
public final class PerpGradRecipe implements Recipe {
  private static final String RESCALE = "rescale";

  @Override
  public String name() {
    return "perp-grad";
  }

  @Override
  public String description() {
    return "orthogonal gradient (03): weights are not merely scaled";
  }

  @Override
  public boolean supports(Task task) {
    return true;
  }

  /** With and without the official code's rescaling. */
  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(RESCALE, 1.0), Map.of(RESCALE, 0.0));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    Backbone network = setup.network();
    PerpGrad optimizer =
        new PerpGrad(
            setup.optimization().withWeightDecay(0).optimizer(network.parameters()),
            setting.get(RESCALE) != 0);
    return new SupervisedLearner(setup, network, optimizer);
  }
}
