package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Setup.Optimization;
import org.tikhon.train.Trainer.Options;

class BaselinesTest {
  private static final Task CLASSES = new Task.Classification(3);
  private static final Task NUMBERS = new Task.Regression();

  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  static List<Recipe> baselines() {
    return List.of(
        new Baselines.CrossEntropy(),
        new Baselines.SquaredError(),
        new Baselines.WeightDecay(),
        new Baselines.LabelSmoothing(),
        new Baselines.Mixup());
  }

  private static Setup setup(Task task, Optimization optimization) {
    return new Setup(
        task,
        rng -> new Mlp(4, List.of(32), task.outputs(), rng),
        240,
        25,
        optimization,
        new Rng(1));
  }

  private static Dataset data(Task task) {
    Tensor x = new Rng(2).normal(240, 4);
    return new Dataset(
        x, task instanceof Task.Regression ? x.mean(1).sin() : x.slice(1, 0, 3).argmax(1));
  }

  @ParameterizedTest
  @MethodSource("baselines")
  void everyBaselineLearnsEveryTaskThatItSupports(Recipe recipe) throws IOException {
    assertThat(recipe.isBaseline()).isTrue();
    for (Task task : List.of(CLASSES, NUMBERS)) {
      if (!recipe.supports(task)) {
        continue;
      }
      for (Map<String, Double> setting : recipe.grid(task)) {
        Learner learner = recipe.learner(setup(task, Optimization.adamW(0.01, 1e-3)), setting);
        Dataset data = data(task);
        new Trainer(learner, data, Options.of(25, 32, 1)).run();
        Evaluation e = Evaluation.of(learner, data, task);
        if (task instanceof Task.Regression) {
          assertThat(e.metric("r2")).as("%s %s", recipe.name(), setting).isGreaterThan(0.8);
        } else {
          assertThat(e.metric("accuracy")).as("%s %s", recipe.name(), setting).isGreaterThan(0.85);
        }
      }
    }
  }

  @Test
  void everyTaskHasItsBaselinesAndTheyAreRegistered() {
    List<String> registered = Recipe.all().stream().map(Recipe::name).toList();
    assertThat(registered)
        .contains("cross-entropy", "squared-error", "weight-decay", "label-smoothing", "mixup");
    assertThat(new Baselines.CrossEntropy().supports(NUMBERS)).isFalse();
    assertThat(new Baselines.SquaredError().supports(CLASSES)).isFalse();
    assertThat(new Baselines.LabelSmoothing().supports(NUMBERS)).isFalse();
  }

  /** The loss of the first step, which {@link Learner#step} returns. */
  private static double firstLoss(Recipe recipe, Map<String, Double> setting) {
    Setup setup = setup(CLASSES, Optimization.sgd(0.1, 0, 0));
    Dataset data = data(CLASSES);
    return recipe.learner(setup, setting).step(data.batch(Tensor.arange(32)), 0);
  }

  private static Tensor logits() {
    return setup(CLASSES, Optimization.sgd(0.1, 0, 0))
        .network()
        .forward(data(CLASSES).inputs().slice(0, 0, 32));
  }

  @Test
  void theLossesAreTheirFormulas() {
    Tensor labels = data(CLASSES).targets().slice(0, 0, 32);
    Tensor logP = logits().logSoftmax(1);
    double plain = logP.gather(1, labels.unsqueeze(1)).mean().neg().item();
    assertThat(firstLoss(new Baselines.CrossEntropy(), Map.of())).isCloseTo(plain, within(1e-5));
    // Label smoothing: 0.7 times the label's, 0.3 times the mean of all classes'.
    double smoothed = 0.7 * plain + 0.3 * logP.mean().neg().item();
    assertThat(firstLoss(new Baselines.LabelSmoothing(), Map.of("smoothing", 0.3)))
        .isCloseTo(smoothed, within(1e-5));
  }

  @Test
  void decayIsOnlyWhereItIsAskedFor() {
    Tensor labels = data(CLASSES).targets().slice(0, 0, 32);
    double rate = 0.1;
    double decay = 0.5;
    for (Recipe recipe : List.of(new Baselines.CrossEntropy(), new Baselines.WeightDecay())) {
      Setup setup = setup(CLASSES, Optimization.sgd(rate, 0, decay));
      Learner learner = recipe.learner(setup, recipe.grid(CLASSES).getFirst());
      Tensor weight = learner.model().parameters().getFirst();
      Tensor before = weight.detach().cloned();
      Tensor loss =
          Functional.crossEntropy(
              learner.model().forward(data(CLASSES).inputs().slice(0, 0, 32)), labels);
      loss.backward();
      Tensor expected = before.sub(weight.grad().mul(rate));
      if (recipe instanceof Baselines.WeightDecay) {
        expected = expected.sub(before.mul(rate * decay));
      }
      learner.step(data(CLASSES).batch(Tensor.arange(32)), 0);
      assertThat(weight.detach().allClose(expected, 1e-5, 1e-6)).as(recipe.name()).isTrue();
    }
  }
}
