package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Setup.Optimization;
import org.tikhon.train.Trainer.Options;

class TrainerTest {
  private static final int EPOCHS = 4;
  private static final int BATCH = 16;

  @TempDir private Path folder;
  private Scope scope;
  private Dataset data;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Rng rng = new Rng(3);
    Tensor x = rng.normal(70, 6);
    data = new Dataset(x, x.argmax(1));
  }

  @AfterEach
  void close() {
    scope.close();
  }

  static Stream<Recipe> classifiers() {
    return Stream.of(
        new Baselines.CrossEntropy(),
        new Baselines.WeightDecay(),
        new Baselines.LabelSmoothing(),
        new Baselines.Mixup());
  }

  static Stream<Optimization> optimizations() {
    return Stream.of(
        Optimization.sgd(0.05, 0.9, 1e-3).withSchedule(Schedule.cosine(EPOCHS, 0)),
        Optimization.adamW(0.01, 1e-2));
  }

  /** A learner with dropout, so that the training draws random numbers. */
  private static Learner learner(Recipe recipe, Optimization optimization, long seed) {
    Task task = new Task.Classification(6);
    Setup setup =
        new Setup(
            task,
            rng -> new Mlp(6, List.of(12), 6, 0.3, rng),
            70,
            EPOCHS,
            optimization,
            new Rng(seed));
    return recipe.learner(setup, recipe.grid(task).getFirst());
  }

  private static Map<String, byte[]> bytes(Learner learner) {
    Map<String, byte[]> result = new LinkedHashMap<>();
    learner.state().forEach((name, t) -> result.put(name, t.toByteArray()));
    return result;
  }

  private void checkResume(Recipe recipe, Optimization optimization) throws IOException {
    Options options = Options.of(EPOCHS, BATCH, 5);
    Learner whole = learner(recipe, optimization, 1);
    assertThat(new Trainer(whole, data, options).run()).isEqualTo(EPOCHS);

    Path file = folder.resolve("checkpoint");
    int[] asked = {0};
    Options interrupted = options.withCheckpoint(file).withStop(() -> ++asked[0] > 12);
    // Five batches an epoch: stopped in the third one.
    assertThat(new Trainer(learner(recipe, optimization, 1), data, interrupted).run()).isEqualTo(2);
    // Another seed: everything must come from the checkpoint.
    Learner resumed = learner(recipe, optimization, 99);
    assertThat(new Trainer(resumed, data, options.withCheckpoint(file)).run()).isEqualTo(EPOCHS);

    Map<String, byte[]> expected = bytes(whole);
    Map<String, byte[]> actual = bytes(resumed);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, b) -> assertThat(actual.get(name)).as(name).isEqualTo(b));
  }

  @ParameterizedTest
  @MethodSource("classifiers")
  void anInterruptedTrainingGivesTheNumbersOfAWholeOne(Recipe recipe) throws IOException {
    checkResume(recipe, Optimization.adamW(0.01, 1e-2));
  }

  @ParameterizedTest
  @MethodSource("optimizations")
  void everyOptimizationResumes(Optimization optimization) throws IOException {
    checkResume(new Baselines.CrossEntropy(), optimization);
  }

  @Test
  void aFinishedTrainingIsNotRepeated() throws IOException {
    Options options = Options.of(2, BATCH, 5).withCheckpoint(folder.resolve("c"));
    Learner learner = learner(new Baselines.CrossEntropy(), Optimization.adamW(0.01, 0), 1);
    new Trainer(learner, data, options).run();
    Map<String, byte[]> before = bytes(learner);
    new Trainer(learner, data, options).run();
    bytes(learner).forEach((name, b) -> assertThat(b).isEqualTo(before.get(name)));
  }

  @Test
  void aDamagedCheckpointIsNamed() throws IOException {
    Path file = folder.resolve("c");
    Options options = Options.of(1, BATCH, 5).withCheckpoint(file);
    Learner learner = learner(new Baselines.CrossEntropy(), Optimization.adamW(0.01, 0), 1);
    new Trainer(learner, data, options).run();
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 100));
    assertThatThrownBy(() -> new Trainer(learner, data, options).run())
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + ": ");
    Safetensors.write(file, Map.of("x", Tensor.scalar(1)), Map.of());
    assertThatThrownBy(() -> new Trainer(learner, data, options).run())
        .isInstanceOf(DataException.class)
        .hasMessage(file + ": not a checkpoint of a training (it has no epoch)");
  }

  @Test
  void aCheckpointThatCannotBeWrittenLeavesTheOldOne() throws IOException {
    Path file = folder.resolve("c");
    Learner learner = learner(new Baselines.CrossEntropy(), Optimization.adamW(0.01, 0), 1);
    Checkpoint.save(file, 1, learner, Map.of("note", "a"));
    byte[] before = Files.readAllBytes(file);
    Learner broken = new Recorder(0);
    assertThatThrownBy(() -> Checkpoint.save(file, 2, broken, Map.of())).hasMessage("no state");
    assertThat(file).hasBinaryContent(before);
    Checkpoint read = Checkpoint.read(file);
    assertThat(read.epoch()).isEqualTo(1);
    assertThat(read.notes()).containsExactly(Map.entry("note", "a"));
  }

  /** Remembers which samples it saw, and says a fixed loss. */
  private static final class Recorder implements Learner {
    private final List<long[]> batches = new ArrayList<>();
    private final List<Integer> ends = new ArrayList<>();
    private final double loss;

    Recorder(double loss) {
      this.loss = loss;
    }

    @Override
    public double step(Batch batch, double epoch) {
      batches.add(batch.indices().toLongArray());
      return loss;
    }

    @Override
    public void epochEnd(int epoch) {
      ends.add(epoch);
    }

    @Override
    public Tensor predict(Tensor inputs) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Module model() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Map<String, Tensor> state() {
      throw new IllegalStateException("no state");
    }

    @Override
    public void load(Map<String, Tensor> state) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void everySampleIsSeenOnceAnEpochInAnOrderOfItsOwn() throws IOException {
    Recorder recorder = new Recorder(1);
    new Trainer(recorder, data, Options.of(2, BATCH, 5)).run();
    assertThat(recorder.batches).hasSize(10);
    assertThat(recorder.ends).containsExactly(0, 1);
    long[] first = recorder.batches.subList(0, 5).stream().flatMapToLong(Arrays::stream).toArray();
    long[] second =
        recorder.batches.subList(5, 10).stream().flatMapToLong(Arrays::stream).toArray();
    assertThat(first).hasSize(70).doesNotHaveDuplicates();
    assertThat(second).hasSize(70).doesNotHaveDuplicates().isNotEqualTo(first);
    Recorder again = new Recorder(1);
    new Trainer(again, data, Options.of(1, BATCH, 5)).run();
    assertThat(again.batches.stream().flatMapToLong(Arrays::stream).toArray()).isEqualTo(first);
  }

  @Test
  void aLastBatchOfOneSampleIsLeftOut() throws IOException {
    Recorder recorder = new Recorder(1);
    new Trainer(recorder, data.slice(0, 33), Options.of(1, BATCH, 5)).run();
    assertThat(recorder.batches).extracting(b -> b.length).containsExactly(16, 16);
  }

  @Test
  void aLossThatIsNotFiniteStopsTheTraining() {
    assertThatThrownBy(
            () -> new Trainer(new Recorder(Double.NaN), data, Options.of(1, BATCH, 5)).run())
        .isInstanceOf(Trainer.DivergedException.class)
        .hasMessage("training diverged: the loss is NaN in epoch 0, batch 0");
  }

  @Test
  void badOptionsAreRefused() {
    assertThatThrownBy(() -> Options.of(0, 16, 1)).hasMessage("epochs must be at least 1, was 0");
    assertThatThrownBy(() -> Options.of(1, 1, 1)).hasMessage("batchSize must be at least 2, was 1");
    assertThatThrownBy(() -> new Trainer(new Recorder(1), data.slice(0, 1), Options.of(1, 2, 1)))
        .hasMessage("training needs at least 2 samples, there is 1");
  }

  @Test
  void shiftsAndFlipsKeepShapeAndPixels() {
    Tensor x = new Rng(1).uniform(8, 3, 6, 5);
    Tensor same = Trainer.Augment.shiftAndFlip(0, false).apply(x, new Rng(2));
    assertThat(same.allClose(x, 0, 0)).isTrue();
    Tensor flipped = Trainer.Augment.shiftAndFlip(0, true).apply(x, new Rng(2));
    int mirrored = 0;
    for (int i = 0; i < 8; i++) {
      boolean kept = flipped.get(i).allClose(x.get(i), 0, 0);
      assertThat(kept || flipped.get(i).allClose(x.get(i).flip(2), 0, 0)).isTrue();
      mirrored += kept ? 0 : 1;
    }
    assertThat(mirrored).isBetween(1, 7);
    Tensor shifted = Trainer.Augment.shiftAndFlip(2, false).apply(x, new Rng(2));
    assertThat(shifted.shape()).containsExactly(8, 3, 6, 5);
    assertThat(shifted.allClose(x, 0, 0)).isFalse();
  }
}
