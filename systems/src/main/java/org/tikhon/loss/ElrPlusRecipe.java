package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/**
 * {@link ElrPlusTrainer} in {@code tikhon compare}: two networks, so about four times the time of
 * one.
 */
public final class ElrPlusRecipe implements Recipe {
  private static final String LAMBDA = "lambda";
  private static final String BETA = "beta";

  @Override
  public String name() {
    return "elr-plus";
  }

  @Override
  public String description() {
    return "ELR+ (15): two networks, weight averages and mixup, against wrong labels";
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
    // The average ramps up over the first fifth of the training; the paper's 40,000 steps are a
    // fifth of its 200 epochs.
    long emaSteps = setup.epochs() * setup.samples() / 128 / 5;
    ElrPlusConfig config =
        new ElrPlusConfig(
            setting.get(LAMBDA), setting.get(BETA), 1, 0.997, emaSteps, 0, 0, false, false);
    return new ElrPlusLearner(
        new ElrPlusTrainer(
            setup.network(),
            setup.network(),
            setup.samples(),
            setup.classes(),
            config,
            setup.optimization()::optimizer,
            setup.rng()),
        setup);
  }

  private record ElrPlusLearner(ElrPlusTrainer trainer, Setup setup) implements Learner {
    @Override
    public double step(Batch batch, double epoch) {
      trainer.scaleLearningRate(setup.optimization().schedule().factor(epoch));
      ElrPlusTrainer.StepReport report = trainer.step(batch);
      return (report.first() + report.second()) / 2;
    }

    @Override
    public Tensor predict(Tensor inputs) {
      return trainer.predict(inputs);
    }

    @Override
    public void epochEnd(int epoch) {
      trainer.epochEnd();
    }

    @Override
    public Module model() {
      return trainer.model();
    }

    @Override
    public Map<String, Tensor> state() {
      return trainer.state();
    }

    @Override
    public void load(Map<String, Tensor> state) {
      trainer.load(state);
    }
  }
}
