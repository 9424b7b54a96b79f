package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** {@link ElrLoss} in {@code tikhon compare}. */
public final class ElrRecipe implements Recipe {
  private static final String LAMBDA = "lambda";
  private static final String BETA = "beta";

  @Override
  public String name() {
    return "elr";
  }

  @Override
  public String description() {
    return "early-learning regularisation (15), against wrong labels";
  }

  @Override
  public boolean supports(Task task) {
    return task instanceof Task.Classification;
  }

  @Override
  public List<Map<String, Double>> grid(Task task) {
    return List.of(Map.of(LAMBDA, 3.0, BETA, 0.7), Map.of(LAMBDA, 1.0, BETA, 0.7));
  }

  @Override
  public Learner learner(Setup setup, Map<String, Double> setting) {
    EarlyLearningTargets targets =
        new EarlyLearningTargets(setup.samples(), setup.classes(), setting.get(BETA));
    return new ElrLearner(setup, new ElrLoss(targets, setting.get(LAMBDA)));
  }

  /**
   * A network trained with the loss; its state holds the targets, without which resuming would
   * change the loss.
   */
  static final class ElrLearner extends SupervisedLearner {
    private static final String TARGETS = "elr.targets";
    private final ElrLoss loss;

    ElrLearner(Setup setup, ElrLoss loss) {
      super(setup);
      this.loss = loss;
    }

    @Override
    protected Tensor loss(Batch batch) {
      return loss.apply(batch.indices(), outputs(batch.inputs()), batch.targets());
    }

    @Override
    public Map<String, Tensor> state() {
      Map<String, Tensor> state = super.state();
      state.put(TARGETS, loss.targets().state());
      return state;
    }

    @Override
    public void load(Map<String, Tensor> state) {
      super.load(state);
      loss.targets().load(state.get(TARGETS));
    }
  }
}
