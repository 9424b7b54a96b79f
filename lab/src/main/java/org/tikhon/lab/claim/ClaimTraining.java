package org.tikhon.lab.claim;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.tikhon.data.GeneratedManyClasses;
import org.tikhon.loss.ClassificationLoss;
import org.tikhon.nn.Backbone;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer;

/**
 * How the classifiers of a claim are made and trained; the arms differ in the learner.
 *
 * @param network a new network
 */
public record ClaimTraining(
    int classes,
    Function<Rng, Backbone> network,
    int epochs,
    int batch,
    Setup.Optimization optimization) {
  /** The name of a measurement on held-out data, after that of the arm. */
  public static final String HELD_OUT = "/held-out accuracy";

  /** The name of a measurement on test data, after that of the arm. */
  public static final String TEST = "/test accuracy";

  private static final long CHUNK = 512;

  public ClaimTraining with(Setup.Optimization value) {
    return new ClaimTraining(classes, network, epochs, batch, value);
  }

  /** What an arm makes its learner from. */
  public Setup setup(Dataset train, int seed) {
    return new Setup(
        new Task.Classification(classes),
        network,
        train.size(),
        epochs,
        optimization,
        new Rng(100 + seed));
  }

  /** A trained learner of an arm. */
  public <L extends Learner> L train(Dataset train, int seed, Function<Setup, L> arm)
      throws IOException {
    L learner = arm.apply(setup(train, seed));
    new Trainer(learner, train, Trainer.Options.of(epochs, batch, seed)).run();
    return learner;
  }

  /** The arm with a loss of logits and labels, on the network as it is. */
  public static Function<Setup, SupervisedLearner> loss(ClassificationLoss loss) {
    return setup ->
        SupervisedLearner.of(
            setup, (learner, b) -> loss.apply(learner.outputs(b.inputs()), b.targets()));
  }

  /**
   * Trains an arm and adds its accuracies, in percent, on held-out and on test data; {@link
   * #testAccuracy} then takes the arm that is best on the former.
   *
   * @param name of the arm with its setting
   */
  public SupervisedLearner measure(
      ClaimContext context,
      String name,
      Function<Setup, SupervisedLearner> arm,
      Dataset train,
      Dataset heldOut,
      Dataset test,
      int seed,
      List<Measurement> measured)
      throws IOException {
    long start = System.nanoTime();
    SupervisedLearner learner = train(train, seed, arm);
    double accuracy = accuracy(learner, test);
    measured.add(new Measurement(name + HELD_OUT, seed, accuracy(learner, heldOut), "%"));
    measured.add(new Measurement(name + TEST, seed, accuracy, "%"));
    log(
        context.log(),
        start,
        String.format(Locale.ROOT, "seed %d, %s: test %.2f", seed, name, accuracy));
    return learner;
  }

  /** The name that is best on held-out data, mean over the seeds. */
  public static String bestOnHeldOut(List<Measurement> measured, Iterable<String> names) {
    return best(names, name -> Measurement.mean(measured, name + HELD_OUT));
  }

  /** The mean test accuracy of the name that is best on held-out data. */
  public static double testAccuracy(List<Measurement> measured, Iterable<String> names) {
    return Measurement.mean(measured, bestOnHeldOut(measured, names) + TEST);
  }

  /** Generated samples as a data set. */
  public static Dataset dataset(GeneratedManyClasses.Samples samples) {
    return new Dataset(samples.inputs(), samples.labels());
  }

  /** The percentage of samples whose largest logit is that of their label. */
  public static double accuracy(Learner learner, Dataset data) {
    double hits = 0;
    for (long start = 0; start < data.size(); start += CHUNK) {
      try (Scope scope = Scope.open()) {
        Dataset part = data.slice(start, Math.min(start + CHUNK, data.size()));
        Tensor predicted = learner.predict(part.inputs()).argmax(1);
        hits += predicted.eq(part.targets()).to(Dtype.FLOAT64).sum().item();
      }
    }
    return 100 * hits / data.size();
  }

  /** Writes a line with the seconds since a {@link System#nanoTime}. */
  public static void log(Consumer<String> log, long start, String text) {
    log.accept(text + String.format(Locale.ROOT, " (%.1f s)", (System.nanoTime() - start) / 1e9));
  }

  /** The entry for which a number is largest; the first of equal ones. */
  public static <T> T best(Iterable<T> candidates, ToDoubleFunction<T> value) {
    T best = null;
    double largest = Double.NEGATIVE_INFINITY;
    for (T candidate : candidates) {
      double v = value.applyAsDouble(candidate);
      if (best == null || v > largest) {
        best = candidate;
        largest = v;
      }
    }
    return best;
  }

  /** The mean. */
  public static double mean(double... values) {
    return DoubleStream.of(values).average().orElseThrow();
  }
}
