package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.train.Dataset;
import org.tikhon.train.Evaluation;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer;
import tools.jackson.databind.json.JsonMapper;

/**
 * Trains every recipe on the same splits, seeds and budget. For each recipe, every setting of its
 * small grid is trained with the first seed and judged on validation data; the best setting is then
 * trained with all seeds. The test data take part in no choice.
 *
 * <p>Every finished training is a file under {@code units}, every unfinished one a checkpoint, so
 * that an interrupted comparison goes on where it was and ends with the same numbers.
 */
public final class Comparison {
  /** The network of the best training. */
  static final String MODEL = "model.safetensors";

  private static final int BATCH = 128;
  private static final int SEGMENTATION_BATCH = 4;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Problem problem;
  private final List<Recipe> recipes;
  private final int epochs;
  private final int seeds;
  private final Path folder;
  private final Progress progress;
  private final AtomicBoolean stop = new AtomicBoolean();

  /** Watches a comparison. */
  public interface Progress {
    /** Before a training: its number from 1, and how many there are. */
    default void unit(int number, int count, String name) {}

    /** The fraction of the current training that is done, its epoch from 1, and the last loss. */
    default void step(double fraction, int epoch, int epochs, double loss) {}

    /** After a training. */
    default void done(Unit unit) {}
  }

  /**
   * One training.
   *
   * @param curve per epoch: mean training loss, primary metric on validation and on test data
   * @param error why it has no numbers, or null
   */
  public record Unit(
      String method,
      Map<String, Double> setting,
      long seed,
      Map<String, Double> validation,
      Map<String, Double> test,
      List<double[]> curve,
      double seconds,
      double peakMegabytes,
      String error) {

    String name() {
      return method + settingText(setting) + " seed " + seed;
    }

    String fileName() {
      return name().replaceAll("[^A-Za-z0-9.=-]+", "_");
    }
  }

  static String settingText(Map<String, Double> setting) {
    if (setting.isEmpty()) {
      return "";
    }
    StringBuilder text = new StringBuilder();
    new TreeMap<>(setting)
        .forEach(
            (k, v) ->
                text.append(text.isEmpty() ? " (" : ", ").append(k).append('=').append(number(v)));
    return text.append(')').toString();
  }

  private static String number(double v) {
    return v == Math.rint(v) && Math.abs(v) < 1e6 ? Long.toString((long) v) : Double.toString(v);
  }

  /**
   * @param folder where everything is written; exists already
   */
  public Comparison(
      Problem problem,
      List<Recipe> recipes,
      int epochs,
      int seeds,
      Path folder,
      Progress progress) {
    if (seeds < 1) {
      throw new IllegalArgumentException("seeds must be at least 1, was " + seeds);
    }
    if (recipes.isEmpty()) {
      throw new IllegalArgumentException("there is no method to compare");
    }
    this.problem = problem;
    this.recipes = List.copyOf(recipes);
    this.epochs = epochs;
    this.seeds = seeds;
    this.folder = folder;
    this.progress = progress;
  }

  /** Ends the comparison after the current batch; what is finished stays. */
  public void stop() {
    stop.set(true);
  }

  /** The final trainings of a recipe, with the setting that was chosen. */
  public record Result(
      Recipe recipe, Map<String, Double> setting, List<Unit> units, List<Unit> candidates) {}

  /** Runs everything that is not finished yet; an empty list if it was stopped. */
  public List<Result> run() throws IOException {
    int count =
        recipes.stream().mapToInt(r -> unitCount(r.grid(problem.task()).size(), seeds)).sum();
    int number = 0;
    List<Result> results = new ArrayList<>();
    for (Recipe recipe : recipes) {
      List<Map<String, Double>> grid = recipe.grid(problem.task());
      List<Unit> candidates = new ArrayList<>();
      for (Map<String, Double> setting : grid) {
        Unit unit = unit(recipe, setting, 0, ++number, count);
        if (unit == null) {
          return List.of();
        }
        candidates.add(unit);
      }
      Unit best = candidates.stream().min(this::compareOnValidation).orElseThrow();
      List<Unit> units = new ArrayList<>(List.of(best));
      for (int seed = 1; seed < seeds; seed++) {
        Unit unit = unit(recipe, best.setting(), seed, ++number, count);
        if (unit == null) {
          return List.of();
        }
        units.add(unit);
      }
      results.add(new Result(recipe, best.setting(), units, candidates));
    }
    keepBestModel(results);
    return results;
  }

  static int unitCount(int gridSize, int seeds) {
    return gridSize + seeds - 1;
  }

  private int compareOnValidation(Unit a, Unit b) {
    Comparator<Unit> byPrimary =
        Comparator.comparingDouble(
            u -> u.error != null ? Double.POSITIVE_INFINITY : key(u, problem.primaryMetric()));
    return byPrimary
        .thenComparingDouble(u -> u.error != null ? 0 : u.validation.getOrDefault("nll", 0.0))
        .compare(a, b);
  }

  /** Smaller is better. */
  private double key(Unit unit, String metric) {
    double value = unit.validation.get(metric);
    return problem.largerIsBetter() ? -value : value;
  }

  // ---- One training

  private Unit unit(Recipe recipe, Map<String, Double> setting, long seed, int number, int count)
      throws IOException {
    Unit plan = new Unit(recipe.name(), setting, seed, Map.of(), Map.of(), List.of(), 0, 0, null);
    Path file = folder.resolve("units").resolve(plan.fileName() + ".json");
    if (Files.exists(file)) {
      return JSON.readValue(Files.readString(file), Unit.class);
    }
    progress.unit(number, count, plan.name());
    Unit unit;
    try (Scope scope = Scope.open()) {
      unit = train(recipe, plan);
    } catch (Trainer.DivergedException e) {
      unit =
          new Unit(
              recipe.name(), setting, seed, Map.of(), Map.of(), List.of(), 0, 0, e.getMessage());
    }
    if (unit != null) {
      AtomicFiles.writeString(file, JSON.writeValueAsString(unit));
      Files.deleteIfExists(checkpoint(plan));
      progress.done(unit);
    }
    return unit;
  }

  private Path checkpoint(Unit plan) {
    return folder.resolve("checkpoints").resolve(plan.fileName() + ".safetensors");
  }

  private Unit train(Recipe recipe, Unit plan) throws IOException {
    PeakMemory.reset();
    Problem.Split split = problem.split(plan.seed());
    try {
      Setup setup =
          new Setup(
              problem.task(),
              problem.backbone()::build,
              split.train().size(),
              epochs,
              problem.backbone().optimization(epochs),
              new Rng(7919 * (plan.seed() + 1)));
      Learner learner = recipe.learner(setup, plan.setting());
      Watch watch = new Watch(learner, split.validation());
      Trainer trainer =
          new Trainer(
              learner,
              split.train(),
              Trainer.Options.of(epochs, batchSize(), plan.seed())
                  .withAugment(problem.augment())
                  .withCheckpoint(checkpoint(plan))
                  .withStop(stop::get));
      if (trainer.run(watch) < epochs) {
        return null;
      }
      Evaluation validation = evaluate(learner, split.validation());
      Evaluation test = evaluate(learner, problem.test());
      Safetensors.write(modelFile(plan), learner.model().stateDict(), Map.of("format", "pt"));
      return new Unit(
          plan.method(),
          plan.setting(),
          plan.seed(),
          validation.metrics(),
          test.metrics(),
          watch.curve,
          watch.seconds(),
          PeakMemory.megabytes(),
          null);
    } finally {
      split.train().inputs().close();
      split.train().targets().close();
      split.validation().inputs().close();
      split.validation().targets().close();
    }
  }

  /** Images with a class for each pixel are many samples each. */
  private int batchSize() {
    return problem.task() instanceof Task.Segmentation ? SEGMENTATION_BATCH : BATCH;
  }

  private Path modelFile(Unit plan) {
    return folder.resolve("models").resolve(plan.fileName() + ".safetensors");
  }

  private Evaluation evaluate(Learner learner, Dataset data) {
    Evaluation e = Evaluation.of(learner, data, problem.task());
    if (!(problem.task() instanceof Task.Regression)) {
      return e;
    }
    // Errors in the target's units; r2 has none.
    Map<String, Double> scaled = new LinkedHashMap<>(e.metrics());
    scaled.replaceAll((name, v) -> name.equals("r2") ? v : v * problem.targetDeviation());
    return new Evaluation(scaled, e.probabilities(), e.values(), e.calibration());
  }

  /**
   * Records the curve; it travels in the checkpoint's notes, so that a resumed training has the
   * whole of it.
   */
  private final class Watch implements Trainer.Listener {
    private final Learner learner;
    private final Dataset validation;
    private final List<double[]> curve = new ArrayList<>();
    private double secondsBefore;
    private long start = System.nanoTime();

    Watch(Learner learner, Dataset validation) {
      this.learner = learner;
      this.validation = validation;
    }

    double seconds() {
      return secondsBefore + (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void batch(int epoch, long batch, long batches, double loss) {
      progress.step((epoch + (batch + 1.0) / batches) / epochs, epoch + 1, epochs, loss);
    }

    @Override
    public void epoch(int epoch, double meanLoss) {
      long pause = System.nanoTime();
      try (Scope scope = Scope.open()) {
        curve.add(
            new double[] {
              meanLoss,
              evaluate(learner, validation).metric(problem.primaryMetric()),
              evaluate(learner, problem.test()).metric(problem.primaryMetric())
            });
      }
      // Watching is not part of the training time.
      start += System.nanoTime() - pause;
    }

    @Override
    public Map<String, String> notes() {
      return Map.of("curve", JSON.writeValueAsString(curve), "seconds", Double.toString(seconds()));
    }

    @Override
    public void resumed(int finished, Map<String, String> notes) {
      curve.addAll(List.of(JSON.readValue(notes.get("curve"), double[][].class)));
      secondsBefore = Double.parseDouble(notes.get("seconds"));
    }
  }

  // ---- The best model

  /** The network of the training that is best on validation data, among the final ones. */
  private void keepBestModel(List<Result> results) throws IOException {
    Unit best =
        results.stream()
            .flatMap(r -> r.units.stream())
            .filter(u -> u.error == null)
            .min(this::compareOnValidation)
            .orElse(null);
    if (best == null) {
      return;
    }
    ModelCard card =
        new ModelCard(
            problem.title(),
            best.name(),
            best.method(),
            best.setting(),
            problem.backbone(),
            problem.inputs(),
            problem.classes(),
            best.validation(),
            best.test());
    AtomicFiles.write(
        folder.resolve(MODEL),
        temporary -> Files.copy(modelFile(best), temporary, StandardCopyOption.REPLACE_EXISTING));
    card.write(folder);
  }

  /**
   * The classes' probabilities (or the numbers) of the best model on the test data, for the
   * report's pictures.
   */
  Evaluation bestOnTest() throws IOException {
    try (Scope scope = Scope.open()) {
      return evaluate(Predictor.open(folder).learner(), problem.test());
    }
  }
}
