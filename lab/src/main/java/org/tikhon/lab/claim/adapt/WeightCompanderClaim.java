package org.tikhon.lab.claim.adapt;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.tikhon.adapt.WeightCompander;
import org.tikhon.adapt.WeightCompanderConfig;
import org.tikhon.adapt.WeightCompanderRecipe;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimImages;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.ClaimTraining;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.lab.claim.Turns;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.nn.ResNet;
import org.tikhon.nn.SmallCnn;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Dataset;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/**
 * The weight compander (43) against the plain network, each with the weight decay that is best on
 * held-out images: what it does to trained weights, to accuracy, and to the time of a step.
 */
public final class WeightCompanderClaim implements Claim {
  private static final int CLASSES = 10;
  private static final int HELD_OUT = 1000;
  private static final double[] DECAYS = {0, 1e-3, 5e-3};

  private static final String BASELINE = "baseline";
  private static final String MILD = "compander A 3 slope 1";
  private static final String STRONG = "compander A 2 slope 1.5";

  private static final Map<String, Function<Setup, SupervisedLearner>> ARMS = arms();

  private static Map<String, Function<Setup, SupervisedLearner>> arms() {
    Map<String, Function<Setup, SupervisedLearner>> arms = new LinkedHashMap<>();
    arms.put(BASELINE, SupervisedLearner::new);
    arms.put(MILD, s -> WeightCompanderRecipe.learner(s, WeightCompanderConfig.MILD));
    arms.put(STRONG, s -> WeightCompanderRecipe.learner(s, WeightCompanderConfig.STRONG));
    return arms;
  }

  @Override
  public Class<?> system() {
    return WeightCompander.class;
  }

  @Override
  public String statement() {
    return "a weight compander bounds the trained weights and moves them away from zero, without a loss of accuracy and at almost"
        + " no cost";
  }

  @Override
  public String bar() {
    return "means over the seeds, hidden layer, no weight decay, A 2 and slope 1.5: near-zero fraction >= 15 % lower and max/std >="
        + " 40 % lower than the plain network's; best compander >= best baseline - 0.3 points; step time <= 1.05 x (convolutional) and"
        + " <= 1.15 x (perceptron)";
  }

  /** The data, the network and the layer whose weights are looked at. */
  private record Experiment(
      String images, int train, ClaimTraining training, String hiddenLayer, int seeds) {}

  private static Experiment experiment(ClaimContext context) {
    if (context.mode() == Mode.FULL) {
      int epochs = 30;
      return new Experiment(
          "cifar10",
          5_000,
          new ClaimTraining(
              CLASSES, rng -> ResNet.resnet20(3, CLASSES, rng), epochs, 128, optimization(epochs)),
          "",
          context.seedsOr(5));
    }
    boolean quick = context.mode() == Mode.QUICK;
    int epochs = quick ? 20 : 40;
    return new Experiment(
        "fashion-mnist",
        2_000,
        new ClaimTraining(
            CLASSES,
            rng -> new Mlp(28 * 28, List.of(256, 256), CLASSES, rng),
            epochs,
            128,
            optimization(epochs)),
        "body.3",
        context.seedsOr(quick ? 1 : 5));
  }

  private static Setup.Optimization optimization(int epochs) {
    return Setup.Optimization.sgd(0.05, 0.9, 0)
        .withSchedule(Schedule.cosine(epochs, 0))
        .withClipNorm(5);
  }

  @Override
  public ClaimResult run(ClaimContext context) throws Exception {
    Experiment experiment = experiment(context);
    List<Measurement> measured = new ArrayList<>();
    for (int seed = 0; seed < experiment.seeds; seed++) {
      try (Scope scope = Scope.open()) {
        ClaimImages images =
            ClaimImages.read(context, experiment.images, experiment.train, HELD_OUT, seed);
        for (String arm : ARMS.keySet()) {
          for (double decay : DECAYS) {
            train(context, experiment, images, arm, decay, seed, measured);
          }
        }
      }
    }
    cost(measured);
    List<String> notes = new ArrayList<>();
    notes.add(
        "SGD 0.05, momentum 0.9, cosine, batch 128, gradients clipped at 5, %d epochs; the decay of each arm is the best on %d held-out images, mean over the seeds: %s"
            .formatted(experiment.training.epochs(), HELD_OUT, chosenDecays(measured)));
    notes.add(difference(measured));
    notes.add(
        "a perceptron's step at batch 128 spends so little time on each weight that an arctan and its gradient, which LibTorch"
            + " computes in several passes, are a large part of it");
    if (context.mode() == Mode.QUICK) {
      notes.add("quick: 1 seed instead of 5, 20 epochs instead of 40");
    }
    return new ClaimResult(measured, checks(measured, !experiment.hiddenLayer.isEmpty()), notes);
  }

  private static void train(
      ClaimContext context,
      Experiment experiment,
      ClaimImages images,
      String arm,
      double decay,
      int seed,
      List<Measurement> measured)
      throws IOException {
    try (Scope scope = Scope.open()) {
      ClaimTraining training = experiment.training;
      SupervisedLearner learner =
          training
              .with(training.optimization().withWeightDecay(decay))
              .measure(
                  context,
                  name(arm, decay),
                  ARMS.get(arm),
                  images.train(),
                  images.heldOut(),
                  images.test(),
                  seed,
                  measured);
      if (decay == 0 && !experiment.hiddenLayer.isEmpty()) {
        weights(learner, experiment.hiddenLayer, arm, seed, measured);
      }
    }
  }

  private static String name(String arm, double decay) {
    return arm + String.format(Locale.ROOT, ", decay %s", decay == 0 ? "0" : decay);
  }

  private static void weights(
      SupervisedLearner learner, String layer, String arm, int seed, List<Measurement> measured) {
    Module module = learner.model().namedModules().get(layer);
    WeightCompander.LayerReport report =
        WeightCompander.report(layer, module.parameter("weight").value());
    measured.add(new Measurement(arm + "/near-zero fraction", seed, report.nearZero(), ""));
    measured.add(new Measurement(arm + "/max over std", seed, report.maxOverDeviation(), ""));
    measured.add(new Measurement(arm + "/kurtosis", seed, report.kurtosis(), ""));
  }

  // ---- The cost of a step

  private static void cost(List<Measurement> measured) {
    try (Scope scope = Scope.open()) {
      measured.add(
          new Measurement(
              "perceptron/step time ratio",
              -1,
              stepRatio(rng -> new Mlp(28 * 28, List.of(256, 256), CLASSES, rng), 1, 28, 40),
              ""));
      measured.add(
          new Measurement(
              "convolutional/step time ratio",
              -1,
              stepRatio(rng -> new SmallCnn(3, 32, CLASSES, rng), 3, 32, 2),
              ""));
    }
  }

  private static double stepRatio(
      Function<Rng, Backbone> network, int channels, int size, int steps) {
    Rng rng = new Rng(0);
    Dataset data =
        new Dataset(rng.normal(128, channels, size, size), rng.integers(0, CLASSES, 128));
    Batch batch = data.batch(Tensor.arange(128));
    Setup setup =
        new Setup(
            new Task.Classification(CLASSES),
            network,
            128,
            10,
            Setup.Optimization.sgd(0.01, 0.9, 1e-3),
            rng);
    SupervisedLearner plain = ARMS.get(BASELINE).apply(setup);
    SupervisedLearner companded = ARMS.get(MILD).apply(setup);
    return Turns.ratio(() -> plain.step(batch, 0), () -> companded.step(batch, 0), 15, steps);
  }

  // ---- The verdict

  private static double chosenDecay(List<Measurement> measured, String arm) {
    return ClaimTraining.best(
        Arrays.stream(DECAYS).boxed().toList(),
        d -> Measurement.mean(measured, name(arm, d) + "/held-out accuracy"));
  }

  private static String chosenDecays(List<Measurement> measured) {
    List<String> texts = new ArrayList<>();
    ARMS.keySet().forEach(a -> texts.add(name(a, chosenDecay(measured, a))));
    return String.join("; ", texts);
  }

  private static String bestCompander(List<Measurement> measured) {
    return ClaimTraining.best(
        List.of(MILD, STRONG),
        a -> Measurement.mean(measured, name(a, chosenDecay(measured, a)) + "/held-out accuracy"));
  }

  private static double[] testAccuracies(List<Measurement> measured, String arm) {
    String name = name(arm, chosenDecay(measured, arm)) + "/test accuracy";
    return measured.stream()
        .filter(m -> m.name().equals(name))
        .mapToDouble(Measurement::value)
        .toArray();
  }

  private static String difference(List<Measurement> measured) {
    double[] ours = testAccuracies(measured, bestCompander(measured));
    double[] theirs = testAccuracies(measured, BASELINE);
    double[] d = new double[ours.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = ours[i] - theirs[i];
    }
    double mean = ClaimTraining.mean(d);
    double squares = Arrays.stream(d).map(x -> (x - mean) * (x - mean)).sum();
    double error = d.length < 2 ? Double.NaN : Math.sqrt(squares / (d.length - 1) / d.length);
    return String.format(
        Locale.ROOT,
        "test accuracy, %s minus baseline: %.2f points, standard error %.2f (paired by seed)",
        bestCompander(measured),
        mean,
        error);
  }

  private static List<Check> checks(List<Measurement> measured, boolean weights) {
    List<Check> checks = new ArrayList<>();
    if (weights) {
      checks.add(lower(measured, "/near-zero fraction", 0.15, "near-zero fraction >= 15 % lower"));
      checks.add(lower(measured, "/max over std", 0.4, "max/std >= 40 % lower"));
    }
    double ours = ClaimTraining.mean(testAccuracies(measured, bestCompander(measured)));
    double theirs = ClaimTraining.mean(testAccuracies(measured, BASELINE));
    checks.add(
        new Check(
            "best compander >= best baseline - 0.3 points",
            String.format(Locale.ROOT, "%.2f against %.2f", ours, theirs),
            ours >= theirs - 0.3));
    checks.add(atMost(measured, "convolutional/step time ratio", 1.05));
    checks.add(atMost(measured, "perceptron/step time ratio", 1.15));
    return checks;
  }

  private static Check lower(
      List<Measurement> measured, String quantity, double part, String what) {
    double ours = Measurement.mean(measured, STRONG + quantity);
    double theirs = Measurement.mean(measured, BASELINE + quantity);
    return new Check(
        what,
        String.format(
            Locale.ROOT,
            "%.3f against %.3f, %.0f %% lower",
            ours,
            theirs,
            100 * (1 - ours / theirs)),
        ours <= (1 - part) * theirs);
  }

  private static Check atMost(List<Measurement> measured, String name, double limit) {
    double value = Measurement.mean(measured, name);
    return new Check(
        name + " <= " + limit, String.format(Locale.ROOT, "%.3f", value), value <= limit);
  }
}
