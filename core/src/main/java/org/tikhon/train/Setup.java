package org.tikhon.train;

import java.util.List;
import java.util.function.Function;
import org.tikhon.nn.Backbone;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Schedule;
import org.tikhon.optim.Sgd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * What a recipe builds a learner from; the same for every recipe of a comparison.
 *
 * @param backbone makes the network; called once per network that a recipe trains
 * @param samples the number of training samples, for per-sample state
 * @param epochs the length of the training
 * @param optimization how weights are changed
 * @param rng the source of all randomness of this training
 */
public record Setup(
    Task task,
    Function<Rng, Backbone> backbone,
    long samples,
    int epochs,
    Optimization optimization,
    Rng rng) {

  /**
   * How weights are changed: SGD with momentum (Nesterov or not) or AdamW.
   *
   * @param momentum of SGD; AdamW if negative
   * @param schedule the factor on the learning rate
   * @param clipNorm what the norm of all gradients together is limited to before each step, or
   *     infinity
   */
  public record Optimization(
      double learningRate,
      double momentum,
      boolean nesterov,
      double weightDecay,
      Schedule schedule,
      double clipNorm) {
    public static Optimization sgd(double learningRate, double momentum, double weightDecay) {
      return new Optimization(
          learningRate,
          momentum,
          false,
          weightDecay,
          Schedule.constant(),
          Double.POSITIVE_INFINITY);
    }

    public static Optimization adamW(double learningRate, double weightDecay) {
      return new Optimization(
          learningRate, -1, false, weightDecay, Schedule.constant(), Double.POSITIVE_INFINITY);
    }

    public Optimization withSchedule(Schedule value) {
      return new Optimization(learningRate, momentum, nesterov, weightDecay, value, clipNorm);
    }

    public Optimization withWeightDecay(double value) {
      return new Optimization(learningRate, momentum, nesterov, value, schedule, clipNorm);
    }

    public Optimization withLearningRate(double value) {
      return new Optimization(value, momentum, nesterov, weightDecay, schedule, clipNorm);
    }

    public Optimization withNesterov() {
      return new Optimization(learningRate, momentum, true, weightDecay, schedule, clipNorm);
    }

    public Optimization withClipNorm(double value) {
      return new Optimization(learningRate, momentum, nesterov, weightDecay, schedule, value);
    }

    /** A new optimiser of the parameters. */
    public Optimizer optimizer(List<Tensor> parameters) {
      return optimizerOf(List.of(new Optimizer.Group(parameters, learningRate, weightDecay)));
    }

    /** A new optimiser of groups with rates and decays of their own. */
    public Optimizer optimizerOf(List<Optimizer.Group> groups) {
      return momentum < 0
          ? new Adam(groups, 0.9, 0.999, 1e-8, true)
          : new Sgd(groups, momentum, nesterov);
    }
  }

  /** A new network. */
  public Backbone network() {
    return backbone.apply(rng);
  }

  /** This with another way to change weights. */
  public Setup with(Optimization value) {
    return new Setup(task, backbone, samples, epochs, value, rng);
  }

  /** The number of classes. */
  public int classes() {
    return switch (task) {
      case Task.Classification c -> c.classes();
      case Task.Segmentation s -> s.classes();
      case Task.Regression r ->
          throw new IllegalArgumentException("the task is a regression, it has no classes");
    };
  }
}
