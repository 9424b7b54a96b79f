package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.train.Dataset;
import org.tikhon.train.Evaluation;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** One {@code tikhon compare}: its folder, its budget, its outputs. */
public final class CompareRun {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final String CONFIG = "config.json";
  private static final String PLAN = "plan.json";

  private CompareRun() {}

  /** What came out. */
  public record Outcome(
      Leaderboard leaderboard,
      Path report,
      Path folder,
      String useLine,
      int epochs,
      boolean finished) {}

  /**
   * Makes the folder of a new run, or checks that an old one can go on.
   *
   * @param config what determines the numbers; an old run goes on only with the same
   */
  public static void prepare(Path folder, boolean resume, Map<String, String> config)
      throws IOException {
    Path file = folder.resolve(CONFIG);
    if (Files.exists(folder)) {
      try (Stream<Path> content = Files.list(folder)) {
        boolean empty = content.findAny().isEmpty();
        if (!empty && !resume) {
          throw new IllegalArgumentException(
              "--out "
                  + folder
                  + " exists already; add --resume to go on with it, or give another folder");
        }
        if (!empty && !Files.exists(file)) {
          throw new IllegalArgumentException(
              "--out " + folder + " is not a folder of tikhon compare");
        }
      }
    } else if (resume) {
      throw new IllegalArgumentException("--resume: there is no run in " + folder);
    }
    Map<String, String> sorted = new TreeMap<>(config);
    if (Files.exists(file)) {
      Map<?, ?> old = JSON.readValue(Files.readString(file), Map.class);
      sorted.forEach(
          (name, value) -> {
            if (!value.equals(old.get(name))) {
              throw new IllegalArgumentException(
                  "--resume needs the same options: %s was %s, is %s"
                      .formatted(name, old.get(name), value));
            }
          });
      return;
    }
    AtomicFiles.writeString(file, JSON.writeValueAsString(sorted) + "\n");
  }

  /** Finds out how many epochs a training has. */
  @FunctionalInterface
  public interface EpochPlanner {
    int epochs() throws IOException;
  }

  /**
   * The number of epochs of the run in a folder: what it was planned with, so that a resumed run
   * has the same even where it came from a measurement of time; planned now in a new run.
   */
  public static int plannedEpochs(Path folder, EpochPlanner planner) throws IOException {
    Path file = folder.resolve(PLAN);
    if (Files.exists(file)) {
      return JSON.readTree(Files.readString(file)).get("epochs").asInt();
    }
    int epochs = planner.epochs();
    AtomicFiles.writeString(file, JSON.writeValueAsString(Map.of("epochs", epochs)) + "\n");
    return epochs;
  }

  /** Runs, writes leaderboard, report and model. */
  public static Outcome run(
      Problem problem,
      List<Recipe> recipes,
      int epochs,
      int seeds,
      Path folder,
      Comparison comparison)
      throws IOException {
    String output = problem.task() instanceof Task.Segmentation ? "masks" : "predictions.csv";
    String useLine = "tikhon predict %s --data NEW --out %s".formatted(folder, output);
    List<Comparison.Result> results = comparison.run();
    if (results.isEmpty()) {
      return new Outcome(
          new Leaderboard(List.of(), List.of()), null, folder, useLine, epochs, false);
    }
    Leaderboard board = Leaderboard.of(problem, results);
    if (board.rows().stream().allMatch(r -> r.error() != null)) {
      throw new DataException("every method failed; the first: " + board.rows().getFirst().error());
    }
    Evaluation best = comparison.bestOnTest();
    Path report = folder.resolve("report.html");
    AtomicFiles.writeString(
        report, CompareReport.html(problem, board, results, best, epochs, seeds, useLine));
    AtomicFiles.writeString(folder.resolve("leaderboard.txt"), board.text(seeds));
    AtomicFiles.writeString(
        folder.resolve("leaderboard.json"), JSON.writeValueAsString(board) + "\n");
    return new Outcome(board, report, folder, useLine, epochs, true);
  }

  /**
   * The number of epochs with which a whole comparison fits into a time, judged by half an epoch of
   * the first method; at most {@code wanted} and at least 1.
   */
  public static int epochsWithin(
      Problem problem, List<Recipe> recipes, int wanted, int seeds, double minutes)
      throws IOException {
    if (!(minutes > 0)) {
      throw new IllegalArgumentException("--time-budget must be above 0 minutes, was " + minutes);
    }
    double seconds = 0;
    for (Recipe recipe : recipes) {
      int trainings = Comparison.unitCount(recipe.grid(problem.task()).size(), seeds);
      seconds += trainings * secondsPerEpoch(problem, recipe);
    }
    return Math.clamp((long) (60 * minutes / seconds), 1, wanted);
  }

  private static double secondsPerEpoch(Problem problem, Recipe recipe) throws IOException {
    try (Scope scope = Scope.open()) {
      Problem.Split split = problem.split(0);
      long part = Math.max(2, Math.min(split.train().size(), 1024));
      Dataset some = split.train().slice(0, part);
      Setup setup =
          new Setup(
              problem.task(),
              problem.backbone()::build,
              part,
              1,
              problem.backbone().optimization(1),
              new Rng(0));
      Learner learner = recipe.learner(setup, recipe.grid(problem.task()).getFirst());
      Trainer.Options options = Trainer.Options.of(1, 128, 0).withAugment(problem.augment());
      new Trainer(learner, some.slice(0, Math.min(256, part)), options).run();
      long start = System.nanoTime();
      new Trainer(learner, some, options).run();
      double training = (System.nanoTime() - start) / 1e9 * split.train().size() / part;
      start = System.nanoTime();
      Evaluation.of(learner, some, problem.task());
      double watching =
          (System.nanoTime() - start)
              / 1e9
              * (problem.test().size() + split.validation().size())
              / part;
      return training + watching;
    }
  }
}
