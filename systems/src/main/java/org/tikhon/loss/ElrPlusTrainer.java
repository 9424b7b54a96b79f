package org.tikhon.loss;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.tikhon.nn.Ensemble;
import org.tikhon.nn.Module;
import org.tikhon.optim.Optimizer;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Checkpoint;

/**
 * ELR+ (the same paper): two networks that take their targets from each other's weight averages,
 * with mixup.
 *
 * <p>A step, for each network k: the other network's average predicts the batch as it is, which
 * updates the targets t; then on {@code x' = l x + (1 - l) x_perm} with {@code l = max(l, 1 - l)},
 * l from Beta(alpha, alpha), labels and targets mixed alike,
 *
 * <pre>L = cross-entropy(y') + lambda ramp(step) mean log(1 - &lt;t', p'&gt;)</pre>
 *
 * and after the change of the weights {@code average = a average + (1 - a) weights} with a from
 * {@link ElrPlusConfig#averageWeight}. The averages run in training mode; their batch-normalisation
 * statistics are their own and are not averaged.
 */
public final class ElrPlusTrainer {
  private final ElrPlusConfig config;
  private final List<Side> sides;
  private final Ensemble ensemble;
  private final Rng rng;
  private long steps;
  private int epochs;

  /** A network with its average, its targets and its optimiser. */
  private final class Side {
    private final Module network;
    private final Optimizer optimizer;
    private final EarlyLearningTargets targets;
    private final Map<String, Tensor> average;
    private final Map<String, Tensor> teacher;

    Side(Module network, Optimizer optimizer, EarlyLearningTargets targets) {
      this.network = network;
      this.optimizer = optimizer;
      this.targets = targets;
      this.average = copies(network.stateDict());
      this.teacher = config.refreshEachEpoch() ? copies(average) : average;
    }

    private Tensor teacherProbabilities(Tensor x) {
      network.train();
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad();
          Module.Substitution other = network.substitute(teacher)) {
        return scope.keep(network.forward(x).softmax(1));
      }
    }

    private double learn(Batch batch) {
      Tensor x = batch.inputs();
      Tensor labels = Functional.oneHot(batch.targets(), targets.classes()).to(x.dtype());
      Tensor t = targets.get(batch.indices()).to(x.dtype());
      if (config.mixupAlpha() > 0 && epochs >= config.warmupEpochs()) {
        double drawn = rng.beta(config.mixupAlpha(), config.mixupAlpha());
        double other = 1 - Math.max(drawn, 1 - drawn);
        Tensor permutation = rng.permutation(x.size(0));
        x = mix(x, permutation, other);
        labels = mix(labels, permutation, other);
        t = mix(t, permutation, other);
      }
      if (config.reweightLabelsByTarget() && epochs >= config.warmupEpochs()) {
        Tensor weighted = labels.mul(t);
        labels = weighted.div(weighted.sumKeep(1).clampMin(1e-12));
      }
      network.train();
      optimizer.zeroGrad();
      Tensor logits = network.forward(x);
      Tensor loss = labels.mul(logits.logSoftmax(1)).sum(1).mean().neg();
      if (epochs >= config.warmupEpochs()) {
        double coefficient = config.lambda() * ElrPlusConfig.rampup(steps, config.coefStep());
        loss = loss.add(ElrLoss.regularizer(t, logits.softmax(1)).mul(coefficient));
      }
      loss.backward();
      optimizer.step();
      return loss.item();
    }

    private void updateAverage() {
      double past = config.averageWeight(steps);
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        network.namedParameters().forEach((name, p) -> average.get(name).lerp_(p, 1 - past));
      }
    }
  }

  /**
   * @param samples the size of the training set
   * @param optimizer makes an optimiser for a network's parameters
   */
  public ElrPlusTrainer(
      Module f1,
      Module f2,
      long samples,
      int classes,
      ElrPlusConfig config,
      Function<List<Tensor>, Optimizer> optimizer,
      Rng rng) {
    this.config = config;
    this.rng = rng;
    this.sides =
        List.of(f1, f2).stream()
            .map(
                f ->
                    new Side(
                        f,
                        optimizer.apply(f.parameters()),
                        new EarlyLearningTargets(samples, classes, config.beta())))
            .toList();
    this.ensemble = new Ensemble(List.of(f1, f2));
  }

  private static Map<String, Tensor> copies(Map<String, Tensor> state) {
    Map<String, Tensor> result = new LinkedHashMap<>();
    state.forEach((name, t) -> result.put(name, t.detach().cloned().escape()));
    return result;
  }

  private static Tensor mix(Tensor x, Tensor permutation, double other) {
    return x.lerp(x.indexSelect(0, permutation), other);
  }

  /** The losses of the two networks. */
  public record StepReport(double first, double second) {}

  /** Learns from a batch with both networks. */
  public StepReport step(Batch batch) {
    try (Scope scope = Scope.open()) {
      // Both targets come from the averages before either network changes.
      Tensor[] teachers = {
        sides.get(1).teacherProbabilities(batch.inputs()),
        sides.get(0).teacherProbabilities(batch.inputs())
      };
      double[] losses = new double[2];
      for (int k = 0; k < 2; k++) {
        sides.get(k).targets.update(batch.indices(), teachers[k]);
        losses[k] = sides.get(k).learn(batch);
      }
      steps++;
      sides.forEach(Side::updateAverage);
      return new StepReport(losses[0], losses[1]);
    }
  }

  /** Ends an epoch: counts the warm-up and refreshes the teachers. */
  public void epochEnd() {
    epochs++;
    if (config.refreshEachEpoch()) {
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        sides.forEach(s -> s.teacher.forEach((name, t) -> t.copy_(s.average.get(name))));
      }
    }
  }

  /** The mean of the two networks' logits. */
  public Tensor predict(Tensor x) {
    ensemble.eval();
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return scope.keep(ensemble.forward(x));
    }
  }

  /** Both networks, with the mean of their logits as output. */
  public Ensemble model() {
    return ensemble;
  }

  /** Multiplies both optimisers' base learning rate. */
  public void scaleLearningRate(double factor) {
    sides.forEach(s -> s.optimizer.scaleLearningRate(factor));
  }

  /** The targets of the first (0) or second (1) network. */
  public EarlyLearningTargets targets(int network) {
    return sides.get(network).targets;
  }

  /** Everything that is needed to go on. */
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    state.put("progress", Tensor.of(new long[] {steps, epochs}));
    state.put("rng", rng.state());
    IntStream.range(0, 2)
        .forEach(
            k -> {
              Side s = sides.get(k);
              parts(k, s)
                  .forEach(
                      (prefix, part) -> part.forEach((name, t) -> state.put(prefix + name, t)));
              s.optimizer.state().forEach((name, t) -> state.put(k + ".optimizer." + name, t));
              state.put(k + ".targets", s.targets.state());
            });
    return state;
  }

  private Map<String, Map<String, Tensor>> parts(int k, Side s) {
    Map<String, Map<String, Tensor>> parts = new LinkedHashMap<>();
    parts.put(k + ".network.", s.network.stateDict());
    parts.put(k + ".average.", s.average);
    if (config.refreshEachEpoch()) {
      parts.put(k + ".teacher.", s.teacher);
    }
    return parts;
  }

  /** Goes on from a state. */
  public void load(Map<String, Tensor> state) {
    long[] progress = state.get("progress").toLongArray();
    steps = progress[0];
    epochs = (int) progress[1];
    rng.restore(state.get("rng"));
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      for (int k = 0; k < 2; k++) {
        Side s = sides.get(k);
        parts(k, s)
            .forEach(
                (prefix, part) -> part.forEach((name, t) -> t.copy_(state.get(prefix + name))));
        s.optimizer.load(Checkpoint.part(state, k + ".optimizer."));
        s.targets.load(state.get(k + ".targets"));
      }
    }
  }
}
