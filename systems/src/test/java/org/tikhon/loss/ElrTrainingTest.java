package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Sgd;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer;

class ElrTrainingTest {
  private static Mlp network() {
    return new Mlp(4, List.of(8), 3, new Rng(5));
  }

  private static Batch batch(int seed) {
    Rng rng = new Rng(seed);
    return new Batch(
        rng.normal(6, 4),
        rng.integers(0, 3, 6).to(Dtype.INT64),
        rng.permutation(10).slice(0, 0, 6));
  }

  // ---- Golden check 9

  @Test
  void elrPlusWithEqualNetworksAndNoAveragingIsElr() {
    try (Scope scope = Scope.open()) {
      ElrPlusConfig config = new ElrPlusConfig(3, 0.7, 0, 0, 0, 0, 0, false, false);
      Mlp f1 = network();
      ElrPlusTrainer plus =
          new ElrPlusTrainer(
              f1, network(), 10, 3, config, p -> new Sgd(p, 0.1, 0.9, 0), new Rng(0));
      Mlp plain = network();
      Optimizer optimizer = new Sgd(plain.parameters(), 0.1, 0.9, 0);
      ElrLoss loss = new ElrLoss(new EarlyLearningTargets(10, 3, 0.7), 3);
      for (int step = 0; step < 5; step++) {
        Batch b = batch(step);
        ElrPlusTrainer.StepReport report = plus.step(b);
        optimizer.zeroGrad();
        Tensor value = loss.apply(b.indices(), plain.forward(b.inputs()), b.targets());
        value.backward();
        optimizer.step();
        assertThat(report.first()).isEqualTo(report.second());
        assertThat(Math.abs(report.first() - value.item())).isLessThan(1e-6);
      }
      assertThat(plus.targets(0).state().allClose(loss.targets().state(), 1e-6, 1e-7)).isTrue();
      plain
          .stateDict()
          .forEach(
              (name, t) -> assertThat(f1.stateDict().get(name).allClose(t, 1e-5, 1e-6)).isTrue());
    }
  }

  @Test
  void elrPlusOptionsTakePart() {
    try (Scope scope = Scope.open()) {
      // Warm-up: targets are averaged, the loss is plain cross-entropy.
      ElrPlusConfig config = new ElrPlusConfig(3, 0.7, 1, 0.9, 10, 10, 1, true, true);
      ElrPlusTrainer trainer =
          new ElrPlusTrainer(
              network(), network(), 10, 3, config, p -> new Sgd(p, 0.1, 0.9, 0), new Rng(0));
      Batch b = batch(0);
      Mlp untouched = network();
      double plain = Functional.crossEntropy(untouched.forward(b.inputs()), b.targets()).item();
      assertThat(Math.abs(trainer.step(b).first() - plain)).isLessThan(1e-6);
      assertThat(trainer.targets(0).get(b.indices()).sum().item()).isGreaterThan(1.7);
      trainer.epochEnd();
      // Afterwards labels are multiplied by the targets and normalised, inputs mixed.
      assertThat(trainer.step(b).first()).isFinite();
      assertThat(trainer.predict(b.inputs()).shape()).containsExactly(6, 3);
    }
  }

  // ---- Checkpoints hold the targets

  @ParameterizedTest
  @ValueSource(strings = {"elr", "elr-plus"})
  void resumedTrainingEndsWithTheSameNumbers(String recipe, @TempDir Path folder) throws Exception {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(1);
      Dataset data = new Dataset(rng.normal(40, 4), rng.integers(0, 3, 40).to(Dtype.INT64));
      double[] whole = trained(recipe, data, 4, null);
      Path checkpoint = folder.resolve("checkpoint.safetensors");
      trained(recipe, data, 2, checkpoint);
      assertThat(trained(recipe, data, 4, checkpoint)).isEqualTo(whole);
    }
  }

  private static double[] trained(String name, Dataset data, int epochs, Path checkpoint)
      throws Exception {
    Recipe recipe =
        Recipe.all().stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
    Task task = new Task.Classification(3);
    Setup setup =
        new Setup(
            task,
            rng -> new Mlp(4, List.of(8), 3, 0.2, rng),
            data.size(),
            // The length that schedules see must not depend on where the training is interrupted.
            4,
            Setup.Optimization.sgd(0.05, 0.9, 1e-3),
            new Rng(3));
    Map<String, Double> setting = recipe.grid(task).getFirst();
    Learner learner = recipe.learner(setup, setting);
    Trainer.Options options = Trainer.Options.of(epochs, 8, 7);
    new Trainer(learner, data, checkpoint == null ? options : options.withCheckpoint(checkpoint))
        .run();
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      return learner.predict(data.inputs()).toDoubleArray();
    }
  }
}
