package org.tikhon.lab.claim;

import java.io.IOException;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.tikhon.nn.Backbone;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
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
  public static Function<Setup, SupervisedLearner> loss(Loss loss) {
    return setup ->
        SupervisedLearner.of(
            setup, (learner, b) -> loss.apply(learner.outputs(b.inputs()), b.targets()));
  }

  /** The baseline arm. */
  public static Function<Setup, SupervisedLearner> crossEntropy() {
    return loss(Functional::crossEntropy);
  }

  /** Cross-entropy on a network with another head, both trained by an optimiser. */
  public static SupervisedLearner crossEntropy(Setup setup, Backbone network, Optimizer optimizer) {
    return new SupervisedLearner(setup, network, optimizer) {
      @Override
      protected Tensor loss(Batch batch) {
        return plainLoss(outputs(batch.inputs()), batch.targets());
      }
    };
  }

  /** The loss of a batch. */
  @FunctionalInterface
  public interface Loss {
    Tensor apply(Tensor logits, Tensor labels);
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
