package org.tikhon.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntToDoubleFunction;
import org.tikhon.nn.Module;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Trains any network T to push a source distribution onto a target along an optimal map:
 *
 * <pre>min over theta:  Delta(T(source), target) + lambda M(T)</pre>
 *
 * with a {@link FittingLoss} Delta and a {@link MapPenalty} M, on a batch of each distribution a
 * step. What is relative to the scale of the data (epsilon) is fixed on a first batch.
 *
 * <p>Defaults: Adam with learning rate 1e-3, constant; 5,000 iterations; batches of 256; seed 0; M
 * on the source's batch. A solver that does not converge within a step does not end the training:
 * the history says so.
 */
public final class MongeMapEstimator {
  /** The network gave, or the objective became, something that is not finite. */
  public static final class DivergedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DivergedException(String what, int step) {
      super("training diverged: %s in step %d".formatted(what, step));
    }
  }

  /** What is called during the training. */
  @FunctionalInterface
  public interface Validation {
    /**
     * Looks at the map so far.
     *
     * @param step the number of finished steps
     * @param map the map that is being trained, with its history
     */
    void after(int step, TransportMap map);
  }

  private final Module network;
  private final FittingLoss fitting;
  private final MapPenalty penalty;
  private IntToDoubleFunction lambda;
  private Function<List<Tensor>, Optimizer> optimizer = parameters -> new Adam(parameters, 1e-3);
  private Schedule schedule = Schedule.constant();
  private int iterations = 5000;
  private int batch = 256;
  private long seed;
  private Sampler reference;
  private int validateEvery;
  private Validation validation;

  /**
   * @param network {@code [n, d]} to {@code [n, d']}
   * @param lambda the weight of the penalty, 0 or more; at 0 it is measured and not trained
   */
  public MongeMapEstimator(Module network, FittingLoss fitting, MapPenalty penalty, double lambda) {
    this.network = Objects.requireNonNull(network, "network");
    this.fitting = Objects.requireNonNull(fitting, "fitting");
    this.penalty = Objects.requireNonNull(penalty, "penalty");
    checkLambda(lambda);
    this.lambda = step -> lambda;
  }

  private static double checkLambda(double lambda) {
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException("lambda must be 0 or more and finite, was " + lambda);
    }
    return lambda;
  }

  /** A weight of the penalty for each step, from 0. */
  public MongeMapEstimator lambda(IntToDoubleFunction perStep) {
    this.lambda = step -> checkLambda(perStep.applyAsDouble(step));
    return this;
  }

  /** Makes the optimiser from the network's parameters. */
  public MongeMapEstimator optimizer(Function<List<Tensor>, Optimizer> make) {
    this.optimizer = make;
    return this;
  }

  /** A factor on the learning rate as a function of the steps so far. */
  public MongeMapEstimator schedule(Schedule factorOfSteps) {
    this.schedule = factorOfSteps;
    return this;
  }

  /** The number of steps, at least 1. */
  public MongeMapEstimator iterations(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("iterations must be at least 1, was " + steps);
    }
    this.iterations = steps;
    return this;
  }

  /** The points of each distribution in a step, at least 2. */
  public MongeMapEstimator batch(int points) {
    if (points < 2) {
      throw new IllegalArgumentException("batch must be at least 2, was " + points);
    }
    this.batch = points;
    return this;
  }

  /** The seed of the batches. */
  public MongeMapEstimator seed(long value) {
    this.seed = value;
    return this;
  }

  /** Measures the penalty on another distribution than the source: optimal where that has mass. */
  public MongeMapEstimator reference(Sampler sampler) {
    this.reference = sampler;
    return this;
  }

  /** Calls after every so many steps, at least 1. */
  public MongeMapEstimator validate(int every, Validation call) {
    if (every < 1) {
      throw new IllegalArgumentException("every must be at least 1, was " + every);
    }
    this.validateEvery = every;
    this.validation = call;
    return this;
  }

  /** Trains on batches of clouds, {@code [n, d]} and {@code [m, d']}, at least 2 points each. */
  public TransportMap fit(Tensor source, Tensor target) {
    SampleTransport.checkPoints("source", source, 2);
    SampleTransport.checkPoints("target", target, 2);
    Tensor x = source.detach().to(network.dtype());
    Tensor y = target.detach().to(network.dtype());
    return fit(Sampler.of(x), Sampler.of(y));
  }

  /**
   * Trains the network, which the map then uses.
   *
   * @throws DivergedException if the network or the objective is not finite, with the step
   */
  public TransportMap fit(Sampler source, Sampler target) {
    Rng rng = new Rng(seed);
    FittingLoss fixedFitting;
    MapPenalty fixedPenalty;
    try (Scope scope = Scope.open()) {
      Tensor x = draw("source", source, rng);
      Tensor y = draw("target", target, rng);
      fixedFitting = fitting.fixedOn(y);
      fixedPenalty = penalty.fixedOn(x, y);
    }
    Optimizer steps = optimizer.apply(network.parameters());
    List<TransportMap.Step> history = new ArrayList<>();
    TransportMap map = new TransportMap(network, history);
    network.train();
    for (int step = 0; step < iterations; step++) {
      try (Scope scope = Scope.open()) {
        Tensor x = draw("source", source, rng);
        Tensor y = draw("target", target, rng);
        steps.scaleLearningRate(schedule.factor(step));
        steps.zeroGrad();
        history.add(step(x, y, rng, fixedFitting, fixedPenalty, step));
        steps.step();
      }
      if (validation != null && (step + 1) % validateEvery == 0) {
        network.eval();
        validation.after(step + 1, map);
        network.train();
      }
    }
    network.eval();
    checkWeights();
    return map;
  }

  private Tensor draw(String name, Sampler sampler, Rng rng) {
    Tensor points = sampler.draw(batch, rng).detach().to(network.dtype());
    SampleTransport.checkPoints(name, points, 2);
    return points;
  }

  /** The objective on a batch, and its gradients. */
  private TransportMap.Step step(
      Tensor x, Tensor y, Rng rng, FittingLoss fixedFitting, MapPenalty fixedPenalty, int step) {
    Tensor mapped = forward(x, step);
    LossTerm fit = fixedFitting.term(mapped, y);
    double weight = lambda.applyAsDouble(step);
    Tensor where = reference == null ? x : draw("reference", reference, rng);
    Tensor there = reference == null ? mapped : forward(where, step);
    LossTerm gap = fixedPenalty.term(where, weight > 0 ? there : there.detach());
    Tensor total = weight > 0 ? fit.value().add(gap.value().mul(weight)) : fit.value();
    double objective = total.item();
    if (!Double.isFinite(objective)) {
      throw new DivergedException("the objective is " + objective, step);
    }
    total.backward();
    return new TransportMap.Step(
        fit.value().item(),
        gap.value().item(),
        objective,
        weight,
        fit.converged() && gap.converged());
  }

  private Tensor forward(Tensor x, int step) {
    Tensor mapped = network.forward(x);
    if (mapped.dim() != 2 || mapped.size(0) != x.size(0)) {
      throw new IllegalArgumentException(
          "network must give a point for each of %d, gave shape %s"
              .formatted(x.size(0), Arrays.toString(mapped.shape())));
    }
    if (!mapped.allFinite()) {
      throw new DivergedException("the network's output is not finite", step);
    }
    return mapped;
  }

  /** The last step may have spoilt the weights, which no step has seen. */
  private void checkWeights() {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      if (!network.parameters().stream().allMatch(Tensor::allFinite)) {
        throw new DivergedException("the weights are not finite", iterations - 1);
      }
    }
  }
}
