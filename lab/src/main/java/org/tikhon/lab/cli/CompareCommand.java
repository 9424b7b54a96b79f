package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.tikhon.data.TableTarget;
import org.tikhon.lab.compare.CompareRun;
import org.tikhon.lab.compare.Comparison;
import org.tikhon.lab.compare.Problem;
import org.tikhon.lab.compare.ProblemLoader;
import org.tikhon.train.Recipe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon compare}: which method really helps on these data? */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description = {
      "Trains baselines and methods fairly on your data and shows which one helps.",
      "Without --data it uses generated handwritten-looking digits with 40 %% wrong labels."
    },
    footer = {
      "",
      "Examples:",
      "  tikhon compare",
      "  tikhon compare --data adult.csv --test adult-test.csv --target last",
      "  tikhon compare --data generated-shapes",
      "  tikhon compare --data mnist/ --label-noise symmetric:0.4 --methods cross-entropy,elr --seeds 5"
    })
public final class CompareCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description =
          "CSV, Parquet or JSON table; folder with IDX files, CIFAR batches or one folder of images per class;"
              + " folder with images/ and masks/ for segmentation, or generated-shapes.")
  private Path data;

  @Option(
      names = "--test",
      paramLabel = "PATH",
      description = "A separate test table; without it a fifth of the rows is held out.")
  private Path test;

  @Option(
      names = "--target",
      paramLabel = "COLUMN",
      description = "The column to predict: a name, or last (the default).")
  private String target;

  @Option(
      names = "--task",
      description = "auto (default), classification or regression.",
      defaultValue = "auto")
  private TableTarget.Kind task;

  @Option(
      names = "--methods",
      paramLabel = "a,b,c",
      description = "Methods by name, or all (default).",
      defaultValue = "all")
  private String methods;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "Length of a training; the default depends on the network.")
  private Integer epochs;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "How many times the chosen setting is trained (default ${DEFAULT-VALUE}).",
      defaultValue = "3")
  private int seeds;

  @Option(
      names = "--label-noise",
      paramLabel = "KIND:RATE",
      description = "Put wrong labels into the training part: symmetric:0.4 or asymmetric:0.3.")
  private String labelNoise;

  @Option(
      names = "--subset",
      paramLabel = "N",
      description = "Use only N training samples.",
      defaultValue = "0")
  private int subset;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description =
          "mlp, cnn, resnet20, resnet18 or vit for images; tables and segmentation have their own.")
  private String model;

  @Option(
      names = "--impute",
      description = "Replace missing, NaN and infinite numbers by the training mean.")
  private boolean impute;

  @Option(
      names = "--time-budget",
      paramLabel = "MIN",
      description = "Shorten every training alike so that all fit into about MIN minutes.")
  private Double timeBudget;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for report, model and progress (default runs/compare-DATE-TIME).")
  private Path out;

  @Option(
      names = "--resume",
      description =
          "Go on with the run in --out; it ends with the numbers of an uninterrupted one.")
  private boolean resume;

  @Option(
      names = "--json",
      description = "Print one JSON object on standard output, everything else on standard error.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    PrintWriter stdout = spec.commandLine().getOut();
    PrintWriter info = json ? spec.commandLine().getErr() : stdout;
    if (resume && out == null) {
      throw new IllegalArgumentException(
          "--resume needs --out, the folder of the run to go on with");
    }
    if (epochs != null && epochs < 1) {
      throw new IllegalArgumentException("--epochs must be at least 1, was " + epochs);
    }
    if (seeds < 1) {
      throw new IllegalArgumentException("--seeds must be at least 1, was " + seeds);
    }
    if (subset < 0) {
      throw new IllegalArgumentException("--subset must be at least 1, was " + subset);
    }
    checkNames(Recipe.all());

    Problem problem =
        ProblemLoader.load(
            new ProblemLoader.Request(data, test, target, task, labelNoise, subset, model, impute));
    List<Recipe> recipes = choose(problem);
    info.println("Data: " + problem.title());
    problem.findings().forEach(f -> info.println("  " + f));
    info.flush();

    Path folder = out != null ? out : defaultFolder();
    CompareRun.prepare(folder, resume, config(recipes));
    int wanted = epochs != null ? epochs : problem.backbone().epochs();
    int length =
        CompareRun.plannedEpochs(
            folder,
            () ->
                timeBudget == null
                    ? wanted
                    : CompareRun.epochsWithin(problem, recipes, wanted, seeds, timeBudget));
    info.println(
        "Plan: %d methods, network %s, %d epochs%s, %d seeds; writing to %s"
            .formatted(
                recipes.size(),
                problem.backbone().name(),
                length,
                length < wanted
                    ? " (of " + wanted + ", to stay within " + timeBudget + " minutes)"
                    : "",
                seeds,
                folder));
    info.flush();
    return run(problem, recipes, length, folder, stdout, info);
  }

  private Integer run(
      Problem problem,
      List<Recipe> recipes,
      int length,
      Path folder,
      PrintWriter stdout,
      PrintWriter info)
      throws IOException {
    CompareRun.Outcome outcome;
    ProgressLine line = new ProgressLine(System.err);
    try {
      outcome = run(problem, recipes, length, folder, progress(line, problem));
    } finally {
      line.end();
    }
    if (!outcome.finished()) {
      return Main.FAILED;
    }
    info.println();
    info.print(outcome.leaderboard().text(seeds));
    info.println("Report: " + outcome.report());
    info.println("Best model: " + folder.resolve("model.safetensors") + " (with model.json)");
    info.println("Use it: " + outcome.useLine().replace("tikhon predict", "./tikhon predict"));
    info.flush();
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("data", problem.title());
      result.put("findings", problem.findings());
      result.put("epochs", length);
      result.put("seeds", seeds);
      result.put("leaderboard", outcome.leaderboard().rows());
      result.put("report", outcome.report().toString());
      result.put("folder", folder.toString());
      Json.print(stdout, result);
    }
    return 0;
  }

  /** Runs; what interrupts it (Ctrl-C, a full disk) tells how to go on. */
  private CompareRun.Outcome run(
      Problem problem, List<Recipe> recipes, int length, Path folder, Comparison.Progress progress)
      throws IOException {
    Comparison comparison = new Comparison(problem, recipes, length, seeds, folder, progress);
    CountDownLatch finished = new CountDownLatch(1);
    Thread interrupt =
        new Thread(
            () -> {
              comparison.stop();
              try {
                finished.await(5, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              System.err.println(
                  "\nStopped. To go on: the same command with --out " + folder + " --resume");
            });
    Runtime.getRuntime().addShutdownHook(interrupt);
    try {
      CompareRun.Outcome outcome =
          CompareRun.run(problem, recipes, length, seeds, folder, comparison);
      if (outcome.finished()) {
        Runtime.getRuntime().removeShutdownHook(interrupt);
      }
      return outcome;
    } finally {
      finished.countDown();
    }
  }

  private static Comparison.Progress progress(ProgressLine line, Problem problem) {
    return new Comparison.Progress() {
      private int number;
      private int count;
      private String name = "";

      @Override
      public void unit(int unitNumber, int unitCount, String unitName) {
        number = unitNumber;
        count = unitCount;
        name = unitName;
      }

      @Override
      public void step(double fraction, int epoch, int epochs, double loss) {
        line.show(
            Math.round((number - 1 + fraction) * epochs),
            (long) count * epochs,
            String.format(
                Locale.ROOT,
                "%d/%d %s, epoch %d/%d, loss %.3f",
                number,
                count,
                name,
                epoch,
                epochs,
                loss));
      }

      @Override
      public void done(Comparison.Unit unit) {
        String metric = problem.primaryMetric();
        line.print(
            unit.error() != null
                ? unit.method() + ": " + unit.error()
                : String.format(
                    Locale.ROOT,
                    "  %2d/%d %s: validation %s %.4f, %.1f s",
                    number,
                    count,
                    name,
                    metric,
                    unit.validation().get(metric),
                    unit.seconds()));
      }
    };
  }

  private void checkNames(List<Recipe> all) {
    List<String> names = all.stream().map(Recipe::name).toList();
    for (String name : names()) {
      if (!name.equals("all") && !names.contains(name)) {
        throw new IllegalArgumentException(Names.unknown("method", name, names));
      }
    }
  }

  private List<String> names() {
    return Arrays.stream(methods.split(",")).map(String::strip).filter(n -> !n.isEmpty()).toList();
  }

  private List<Recipe> choose(Problem problem) {
    List<Recipe> fitting = Recipe.all().stream().filter(r -> r.supports(problem.task())).toList();
    if (names().contains("all")) {
      return fitting;
    }
    List<Recipe> chosen = new ArrayList<>();
    for (String name : names()) {
      chosen.add(
          fitting.stream()
              .filter(r -> r.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "method %s does not fit this task; these do: %s"
                              .formatted(
                                  name,
                                  String.join(
                                      ", ", fitting.stream().map(Recipe::name).toList())))));
    }
    return chosen.stream().distinct().toList();
  }

  private Map<String, String> config(List<Recipe> recipes) {
    Map<String, String> config = new LinkedHashMap<>();
    config.put("data", String.valueOf(data));
    config.put("test", String.valueOf(test));
    config.put("target", String.valueOf(target));
    config.put("task", String.valueOf(task));
    config.put("methods", String.join(",", recipes.stream().map(Recipe::name).toList()));
    config.put("epochs", String.valueOf(epochs));
    config.put("seeds", String.valueOf(seeds));
    config.put("labelNoise", String.valueOf(labelNoise));
    config.put("subset", String.valueOf(subset));
    config.put("model", String.valueOf(model));
    config.put("impute", String.valueOf(impute));
    config.put("timeBudget", String.valueOf(timeBudget));
    return config;
  }

  private static Path defaultFolder() {
    return Path.of(
        "runs",
        "compare-"
            + LocalDateTime.now(ZoneId.systemDefault())
                .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss")));
  }
}
