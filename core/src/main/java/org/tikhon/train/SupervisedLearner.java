package org.tikhon.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.nn.Backbone;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * One network, one optimiser, one loss: what most recipes need. The loss is the plain one; a
 * subclass may say what the loss of a batch is, and adds its own state where it has any.
 */
public class SupervisedLearner implements Learner {
  private final Task task;
  private final Backbone model;
  private final Optimizer optimizer;
  private final Schedule schedule;
  private final double clipNorm;
  private final Rng rng;

  public SupervisedLearner(Setup setup) {
    this(setup, setup.network());
  }

  public SupervisedLearner(Setup setup, Backbone model) {
    this(setup, model, setup.optimization().optimizer(model.parameters()));
  }

  /**
   * A learner with an optimiser of its own, whose rates follow the comparison's schedule all the
   * same.
   */
  public SupervisedLearner(Setup setup, Backbone model, Optimizer optimizer) {
    this.task = setup.task();
    this.model = model;
    this.optimizer = optimizer;
    this.schedule = setup.optimization().schedule();
    this.clipNorm = setup.optimization().clipNorm();
    this.rng = setup.rng();
  }

  /** A learner that has no state but its network's. */
  public static SupervisedLearner of(Setup setup, LossFunction loss) {
    return new SupervisedLearner(setup) {
      @Override
      protected Tensor loss(Batch batch) {
        return loss.apply(this, batch);
      }
    };
  }

  /** The loss of a batch as a function of the learner, whose network it calls. */
  @FunctionalInterface
  public interface LossFunction {
    Tensor apply(SupervisedLearner learner, Batch batch);
  }

  /** The loss of a batch, a scalar; the network is in training mode. Plain unless overridden. */
  protected Tensor loss(Batch batch) {
    return plainLoss(outputs(batch.inputs()), batch.targets());
  }

  /** The network's outputs: logits {@code [b, classes]}, or numbers {@code [b]} in regression. */
  public Tensor outputs(Tensor inputs) {
    return outputsOfEmbedded(model.embed(inputs));
  }

  /** The network's outputs for inputs that {@link Backbone#embed} has made continuous. */
  public Tensor outputsOfEmbedded(Tensor embedded) {
    Tensor y = model.head().forward(model.body(embedded));
    return task instanceof Task.Regression ? y.squeeze(1) : y;
  }

  /** The plain loss: cross-entropy, or the mean squared error. */
  public Tensor plainLoss(Tensor outputs, Tensor targets) {
    return task instanceof Task.Regression
        ? Functional.mseLoss(outputs, targets)
        : Functional.crossEntropy(outputs, targets);
  }

  @Override
  public double step(Batch batch, double epoch) {
    model.train();
    optimizer.scaleLearningRate(schedule.factor(epoch));
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      Tensor loss = loss(batch);
      double value = loss.item();
      if (Double.isFinite(value)) {
        loss.backward();
        if (clipNorm < Double.POSITIVE_INFINITY) {
          optimizer.clipGradNorm(clipNorm);
        }
        optimizer.step();
        afterStep(batch);
      }
      return value;
    }
  }

  /** Called after each change of the weights. */
  protected void afterStep(Batch batch) {}

  @Override
  public Tensor predict(Tensor inputs) {
    model.eval();
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return scope.keep(outputs(inputs));
    }
  }

  @Override
  public Backbone model() {
    return model;
  }

  public Task task() {
    return task;
  }

  public Rng rng() {
    return rng;
  }

  protected Optimizer optimizer() {
    return optimizer;
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    model.stateDict().forEach((name, t) -> state.put("model." + name, t));
    optimizer.state().forEach((name, t) -> state.put("optimizer." + name, t));
    state.put("rng", rng.state());
    return state;
  }

  @Override
  public void load(Map<String, Tensor> state) {
    model.loadStateDict(Checkpoint.part(state, "model."));
    optimizer.load(Checkpoint.part(state, "optimizer."));
    rng.restore(state.get("rng"));
  }
}
