package org.tikhon.solve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Trains the network of DCDM with Adam on the {@link DirectionLoss} of a {@link RitzDataset}. The
 * last tenth of the vectors validates after every epoch; the network ends with the weights of the
 * epoch that was best there.
 *
 * <p>Defaults: batches of 10, learning rate 1e-3 (the paper: 1e-4), 1800 steps, seed 0.
 */
public final class DcdmTrainer {
  private static final int VALIDATION_PART = 10;

  private final DirectionNet net;
  private final RitzDataset data;
  private int batch = 10;
  private double learningRate = 1e-3;
  private int steps = 1800;
  private long seed;

  private DcdmTrainer(DirectionNet net, RitzDataset data) {
    this.net = net;
    this.data = data;
  }

  public static DcdmTrainer of(DirectionNet net, RitzDataset data) {
    return new DcdmTrainer(net, data);
  }

  /** The vectors of a step; at least 1. */
  public DcdmTrainer batch(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("batch must be at least 1, was " + size);
    }
    this.batch = size;
    return this;
  }

  /** Adam's learning rate, positive. */
  public DcdmTrainer learningRate(double rate) {
    if (!(rate > 0) || Double.isInfinite(rate)) {
      throw new IllegalArgumentException("learningRate must be positive, was " + rate);
    }
    this.learningRate = rate;
    return this;
  }

  /** The steps in all; at least 1. */
  public DcdmTrainer steps(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("steps must be at least 1, was " + count);
    }
    this.steps = count;
    return this;
  }

  /** The seed of the order of the vectors. */
  public DcdmTrainer seed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * What an epoch gave.
   *
   * @param epoch its number, from 1
   * @param epochs the epochs in all
   * @param step the steps so far
   * @param loss the mean over the epoch's batches
   * @param validationLoss after the epoch
   * @param best whether that is the lowest so far; the network then holds the weights to keep
   */
  public record Epoch(
      int epoch, int epochs, int step, double loss, double validationLoss, boolean best) {}

  /**
   * Trains.
   *
   * @param onEpoch told of every epoch
   * @return all epochs
   * @throws ArithmeticException if the loss is no longer finite
   */
  public List<Epoch> train(Consumer<Epoch> onEpoch) {
    List<Epoch> epochs = new ArrayList<>();
    try (Scope scope = Scope.open()) {
      Tensor vectors = data.draw();
      int validating = Math.max(1, data.count() / VALIDATION_PART);
      int training = data.count() - validating;
      Tensor validation = vectors.narrow(0, training, validating);
      UnaryOperator<Tensor> a = data.operator().batched(Dtype.FLOAT32);
      Adam adam = new Adam(net.parameters(), learningRate);
      Rng rng = new Rng(seed);
      Map<String, Tensor> best = new LinkedHashMap<>();
      double lowest = Double.POSITIVE_INFINITY;
      int perEpoch = Math.ceilDiv(training, batch);
      for (int step = 0; step < steps; ) {
        int until = Math.min(steps, step + perEpoch);
        double loss = epoch(vectors, training, until - step, a, adam, rng);
        step = until;
        double validationLoss = mean(validation, a);
        boolean isBest = validationLoss < lowest;
        if (isBest) {
          lowest = validationLoss;
          copyState(best);
        }
        int count = Math.ceilDiv(steps, perEpoch);
        epochs.add(new Epoch(epochs.size() + 1, count, step, loss, validationLoss, isBest));
        onEpoch.accept(epochs.getLast());
      }
      net.loadStateDict(best);
      best.values().forEach(Tensor::close);
    }
    return epochs;
  }

  private double epoch(
      Tensor vectors, int training, int steps, UnaryOperator<Tensor> a, Adam adam, Rng rng) {
    double sum = 0;
    try (Scope epoch = Scope.open()) {
      Tensor order = rng.permutation(training);
      for (int k = 0; k < steps; k++) {
        try (Scope scope = Scope.open()) {
          int from = k * batch;
          Tensor index = order.narrow(0, from, Math.min(batch, training - from));
          sum += step(net, a, vectors.indexSelect(0, index), adam);
        }
      }
    }
    return sum / steps;
  }

  /** One step of Adam; gives the loss before it. */
  public static double step(DirectionNet net, UnaryOperator<Tensor> a, Tensor b, Adam adam) {
    adam.zeroGrad();
    Tensor loss = DirectionLoss.of(a, b, net.forward(b));
    double value = loss.item();
    if (!Double.isFinite(value)) {
      throw new ArithmeticException(
          "the training diverged: the loss is " + value + " (lower the learning rate)");
    }
    loss.backward();
    adam.step();
    return value;
  }

  private double mean(Tensor vectors, UnaryOperator<Tensor> a) {
    double sum = 0;
    int count = (int) vectors.size(0);
    for (int from = 0; from < count; from += batch) {
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        int size = Math.min(batch, count - from);
        Tensor b = vectors.narrow(0, from, size);
        sum += size * DirectionLoss.of(a, b, net.forward(b)).item();
      }
    }
    return sum / count;
  }

  private void copyState(Map<String, Tensor> to) {
    to.values().forEach(Tensor::close);
    net.stateDict().forEach((name, t) -> to.put(name, t.detach().cloned().escape()));
  }
}
