package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer;

class PsKdTrainingTest {
  private static final int SAMPLES = 40;
  private static final int CLASSES = 3;
  private static final int EPOCHS = 4;

  private Scope scope;
  private Dataset data;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Rng rng = new Rng(1);
    data = new Dataset(rng.normal(SAMPLES, 4), rng.integers(0, CLASSES, SAMPLES).to(Dtype.INT64));
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Setup setup(double learningRate, double dropout) {
    return new Setup(
        new Task.Classification(CLASSES),
        rng -> new Mlp(4, List.of(8), CLASSES, dropout, rng),
        SAMPLES,
        // The length that schedules see must not depend on where the training is interrupted.
        EPOCHS,
        Setup.Optimization.sgd(learningRate, 0.9, 1e-3),
        new Rng(3));
  }

  private static PsKdLearner learner(Setup setup, Function<Backbone, SelfTeacher> teacher) {
    return new PsKdLearner(setup, new ProgressiveSchedule(0.8, EPOCHS), teacher, 0);
  }

  private static PredictionMemory memory(Backbone network) {
    return new PredictionMemory(SAMPLES, CLASSES);
  }

  private void train(Learner learner, int epochs) throws IOException {
    new Trainer(learner, data, Trainer.Options.of(epochs, 8, 7)).run();
  }

  // ---- Golden check 6

  @Test
  void firstEpochIsCrossEntropyBitForBit() throws IOException {
    Learner plain =
        SupervisedLearner.of(
            setup(0.05, 0.2),
            (l, batch) -> l.plainLoss(l.outputs(batch.inputs()), batch.targets()));
    Learner distilled = learner(setup(0.05, 0.2), PsKdTrainingTest::memory);
    train(plain, 1);
    train(distilled, 1);
    Map<String, Tensor> weights = distilled.model().stateDict();
    plain
        .model()
        .stateDict()
        .forEach(
            (name, t) ->
                assertThat(weights.get(name).toDoubleArray()).isEqualTo(t.toDoubleArray()));
    train(plain, 2);
    train(distilled, 2);
    assertThat(weights.get("head.weight").toDoubleArray())
        .isNotEqualTo(plain.model().stateDict().get("head.weight").toDoubleArray());
  }

  @Test
  void memoryHoldsTheTrainingModeSoftmaxOfTheFirstEpoch() {
    PsKdLearner learner = learner(setup(0.05, 0), PsKdTrainingTest::memory);
    Map<Long, double[]> recorded = new LinkedHashMap<>();
    Tensor order = new Rng(8).permutation(SAMPLES);
    for (long from = 0; from < SAMPLES; from += 8) {
      Batch batch = data.batch(order.slice(0, from, from + 8));
      learner.model().train();
      double[] p = learner.outputs(batch.inputs()).softmax(1).toDoubleArray();
      long[] places = batch.indices().toLongArray();
      for (int k = 0; k < places.length; k++) {
        recorded.put(places[k], Arrays.copyOfRange(p, k * CLASSES, (k + 1) * CLASSES));
      }
      learner.step(batch, from / (double) SAMPLES);
    }
    PredictionMemory memory = (PredictionMemory) learner.teacher();
    recorded.forEach(
        (i, p) ->
            assertThat(
                    memory
                        .read(Tensor.of(new long[] {i}, 1), Tensor.of(new long[] {0}, 1))
                        .toDoubleArray())
                .isEqualTo(p));
  }

  // ---- Golden check 7

  @Test
  void bothTeachersAgreeOnANetworkThatStandsStill() throws IOException {
    PsKdLearner memory = learner(setup(0, 0), PsKdTrainingTest::memory);
    PsKdLearner snapshot = learner(setup(0, 0), SnapshotTeacher::new);
    train(memory, 1);
    train(snapshot, 1);
    Batch all = data.batch(Tensor.arange(SAMPLES));
    Tensor a = PsKdLoss.targets(all.targets(), memory.teacher().past(all), 0.4);
    Tensor b = PsKdLoss.targets(all.targets(), snapshot.teacher().past(all), 0.4);
    assertThat(a.allClose(b, 0, 1e-7)).isTrue();
  }

  // ---- Checkpoints hold the teacher

  @ParameterizedTest
  @ValueSource(strings = {"ps-kd", "ps-kd-mixup", "snapshot"})
  void resumedTrainingEndsWithTheSameNumbers(String name, @TempDir Path folder) throws IOException {
    double[] whole = trained(name, EPOCHS, null);
    Path checkpoint = folder.resolve("checkpoint.safetensors");
    trained(name, 2, checkpoint);
    assertThat(trained(name, EPOCHS, checkpoint)).isEqualTo(whole);
  }

  private double[] trained(String name, int epochs, Path checkpoint) throws IOException {
    Learner learner =
        name.equals("snapshot")
            ? learner(setup(0.05, 0.2), SnapshotTeacher::new)
            : fromRecipe(name, setup(0.05, 0.2));
    Trainer.Options options = Trainer.Options.of(epochs, 8, 7);
    new Trainer(learner, data, checkpoint == null ? options : options.withCheckpoint(checkpoint))
        .run();
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      return learner.predict(data.inputs()).toDoubleArray();
    }
  }

  private static Learner fromRecipe(String name, Setup setup) {
    Recipe recipe =
        Recipe.all().stream().filter(r -> r.name().equals(name)).findFirst().orElseThrow();
    return recipe.learner(setup, recipe.grid(setup.task()).getFirst());
  }

  // ---- What can go wrong

  @Test
  void divergedStepKeepsTheOldPredictions() throws IOException {
    PsKdLearner learner = learner(setup(0.05, 0), PsKdTrainingTest::memory);
    train(learner, 1);
    Tensor rows = learner.teacher().state().values().iterator().next();
    double[] before = rows.toDoubleArray();
    Dataset broken = new Dataset(data.inputs().mul(Double.NaN), data.targets());
    assertThatThrownBy(() -> new Trainer(learner, broken, Trainer.Options.of(2, 8, 7)).run())
        .isInstanceOf(Trainer.DivergedException.class);
    assertThat(rows.toDoubleArray()).isEqualTo(before);
  }

  @Test
  void memoryThatIsTooLargeGivesWayToASnapshot() {
    Setup large =
        new Setup(
            new Task.Classification(CLASSES),
            rng -> new Mlp(4, List.of(8), CLASSES, rng),
            1L << 40,
            EPOCHS,
            Setup.Optimization.sgd(0.05, 0.9, 0),
            new Rng(3));
    assertThat(((PsKdLearner) fromRecipe("ps-kd", large)).teacher())
        .isInstanceOf(SnapshotTeacher.class);
    assertThat(((PsKdLearner) fromRecipe("ps-kd", setup(0.05, 0))).teacher())
        .isInstanceOf(PredictionMemory.class);
  }

  @Test
  void badArgumentsAreNamed() {
    assertThatThrownBy(
            () ->
                new PsKdLearner(
                    setup(0.05, 0), new ProgressiveSchedule(0.8, 9), PsKdTrainingTest::memory, 0))
        .hasMessage("schedule must have the training's 4 epochs, has 9");
    assertThatThrownBy(
            () ->
                new PsKdLearner(
                    setup(0.05, 0),
                    new ProgressiveSchedule(0.8, EPOCHS),
                    PsKdTrainingTest::memory,
                    -1))
        .hasMessage("mixupAlpha must be 0 or more, was -1.0");
  }
}
