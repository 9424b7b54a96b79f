package org.tikhon.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.tikhon.head.NormalizedSoftmaxHead;
import org.tikhon.head.NormalizedSoftmaxHead.Normalisation;
import org.tikhon.nn.Module;
import org.tikhon.nn.Sequential;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Embeddings;

/**
 * Clusters of very different sizes, learnt from labels that {@link SemanticTransport} makes of the
 * network's own predictions.
 *
 * <p>A network ends in a head of unit vectors, {@code logits = 10 cos(h, v_k)}. Of every batch two
 * views are drawn; the plan Q of one view labels the other,
 *
 * <pre>
 * C = -log softmax(logits),   N Q = transport(C, S, rho_t),
 * loss = CE(view 1, Q_2) + CE(view 2, Q_1),   CE(l, q) = -(1 / B) sum_ik q_ik log softmax(l_i)_k
 * </pre>
 *
 * where rows of q are not normalised: a sample that is not selected weighs little. No gradient goes
 * through the plan. S is of features that do not change. The plan is of a memory of the last
 * batches, of which only the present batch's rows are used.
 *
 * <p>Default settings, the paper's: batches of 512, memory 5120, Adam with 5e-4 that falls along a
 * cosine to 5e-7, 20 neighbours of width 2, equal prior. The model of the epoch with the lowest
 * loss / rho is kept.
 *
 * <p>Source: Zhang, Ren, He, <i>SP2OT</i>, 2024, and its official code.
 */
public final class ImbalancedClustering {
  private static final double HEAD_SCALE = 10;
  private static final double LAST_RATE = 1e-3;

  private final Module network;
  private final int clusters;
  private final SemanticTransport transport;
  private final MassSchedule schedule;
  private final Rng rng;
  private int batchSize = 512;
  private int memory = 5120;
  private double learningRate = 5e-4;
  private double rho0 = 0.1;
  private int neighbours = 20;
  private double width = 2;
  private boolean warmStart = true;
  private double[] sizes;
  private Consumer<Epoch> listener = epoch -> {};

  /**
   * What an epoch did.
   *
   * @param epoch from 1
   * @param loss the mean
   * @param selectedLoss the mean of loss / rho, by which the model is chosen
   * @param rho of the last step
   * @param iterations of all solvers together
   * @param solves two for each step
   * @param unconverged solves that ended at their number of iterations or outer steps
   */
  public record Epoch(
      int epoch,
      double loss,
      double selectedLoss,
      double rho,
      long iterations,
      int solves,
      int unconverged) {}

  /**
   * @param backbone makes features {@code [b, featureSize]} of inputs; trained along with the head
   * @param featureSize at least 2
   * @param clusters K, at least 1
   */
  public ImbalancedClustering(
      Module backbone,
      int featureSize,
      int clusters,
      SemanticTransport transport,
      MassSchedule schedule,
      long seed) {
    if (clusters < 1) {
      throw new IllegalArgumentException("clusters must be at least 1, was " + clusters);
    }
    this.rng = new Rng(seed);
    this.network =
        new Sequential(
            backbone,
            new NormalizedSoftmaxHead(
                featureSize, clusters, HEAD_SCALE, Normalisation.IN_FORWARD, rng));
    this.clusters = clusters;
    this.transport = transport;
    this.schedule = schedule;
  }

  /** With one of the four kinds of labels. */
  public ImbalancedClustering(
      Module backbone, int featureSize, int clusters, PseudoLabels labels, long seed) {
    this(backbone, featureSize, clusters, labels.transport(), labels.schedule(), seed);
    rho0(labels.rho0());
  }

  /** Samples in a step, at least 1; of more samples than that an incomplete batch is left out. */
  public ImbalancedClustering batchSize(int samples) {
    this.batchSize = atLeast("batchSize", samples, 1);
    return this;
  }

  /** Samples that are transported together, the present batch among them; 0: the batch only. */
  public ImbalancedClustering memory(int samples) {
    this.memory = atLeast("memory", samples, 0);
    return this;
  }

  /** The first learning rate, above 0. */
  public ImbalancedClustering learningRate(double rate) {
    if (!(rate > 0) || Double.isInfinite(rate)) {
      throw new IllegalArgumentException("learningRate must be positive, was " + rate);
    }
    this.learningRate = rate;
    return this;
  }

  /** The first rho, in (0, 1]. */
  public ImbalancedClustering rho0(double rho) {
    schedule.at(0, 1, rho);
    this.rho0 = rho;
    return this;
  }

  /** Entries in a row of S, at least 1, and the width of the Gaussian, as in the similarity. */
  public ImbalancedClustering similarity(int entries, double gaussianWidth) {
    this.neighbours = atLeast("neighbours", entries, 1);
    if (!(gaussianWidth > 0)) {
      throw new IllegalArgumentException("width must be positive, was " + gaussianWidth);
    }
    this.width = gaussianWidth;
    return this;
  }

  /** Whether a batch's solver starts from the potentials of the batch before. */
  public ImbalancedClustering warmStart(boolean on) {
    this.warmStart = on;
    return this;
  }

  /**
   * The clusters' sizes, {@code [K]} with the sum 1 in any order, such as those of k-means; the
   * largest is for the cluster that is predicted most. Null: equal.
   */
  public ImbalancedClustering prior(double[] expectedSizes) {
    if (expectedSizes != null) {
      PartialTransport.weights(clusters, 1, expectedSizes);
    }
    this.sizes = expectedSizes;
    return this;
  }

  /** Is told every epoch. */
  public ImbalancedClustering listener(Consumer<Epoch> told) {
    this.listener = told;
    return this;
  }

  private static int atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, was %d".formatted(name, least, value));
    }
    return value;
  }

  /**
   * Trains.
   *
   * @param epochs at least 1
   * @return what each epoch did
   * @throws IllegalStateException if predictions or the loss are not finite
   */
  public List<Epoch> fit(Views data, int epochs) {
    atLeast("epochs", epochs, 1);
    try (Scope scope = Scope.open()) {
      return new Fit(data, epochs).run();
    }
  }

  /** The cross-entropy of logits {@code [B, K]} to rows q that need not sum to one, a scalar. */
  public static Tensor loss(Tensor logits, Tensor q) {
    return q.mul(logits.logSoftmax(1)).sum().div(-logits.size(0));
  }

  /** The probabilities of the clusters, {@code [n, K]}. */
  public Tensor probabilities(Tensor inputs) {
    network.eval();
    try (Scope scope = Scope.open()) {
      return scope.keep(Embeddings.of(network::forward, inputs).softmax(1));
    }
  }

  /** Each sample's cluster in 0, ..., K - 1. */
  public int[] predict(Tensor inputs) {
    try (Scope scope = Scope.open()) {
      return probabilities(inputs).argmax(1).toIntArray();
    }
  }

  /** The network's tensors, to be saved. */
  public Map<String, Tensor> state() {
    return network.stateDict();
  }

  /** Takes over a network's tensors. */
  public void load(Map<String, Tensor> state) {
    network.loadStateDict(state);
  }

  /** One training. */
  private final class Fit {
    private final Views data;
    private final int epochs;
    private final int batch;
    private final long steps;
    private final Adam optimizer;
    private final Schedule rates;
    private final List<View> views = List.of(new View(), new View());
    private Tensor recentFeatures;
    private long step;

    private double lossSum;
    private double selectedLossSum;
    private double rho;
    private long iterations;
    private int unconverged;

    Fit(Views data, int epochs) {
      this.data = data;
      this.epochs = epochs;
      this.batch = Math.min(batchSize, data.size());
      this.steps = data.size() / batch;
      this.optimizer = new Adam(network.parameters(), learningRate);
      this.rates = Schedule.cosine(epochs, LAST_RATE);
    }

    /** The last logits and potentials of one of the two views. */
    private static final class View {
      private Tensor recent;
      private Potentials potentials;
    }

    List<Epoch> run() {
      List<Epoch> history = new ArrayList<>();
      Map<String, Tensor> best = Map.of();
      double least = Double.POSITIVE_INFINITY;
      for (int epoch = 1; epoch <= epochs; epoch++) {
        Epoch done = epoch(epoch);
        history.add(done);
        listener.accept(done);
        if (done.selectedLoss() < least) {
          least = done.selectedLoss();
          best.values().forEach(Tensor::close);
          best = copy(network.stateDict());
        }
      }
      network.loadStateDict(best);
      return history;
    }

    private static Map<String, Tensor> copy(Map<String, Tensor> state) {
      Map<String, Tensor> copy = new LinkedHashMap<>();
      state.forEach((name, tensor) -> copy.put(name, tensor.detach().cloned()));
      return copy;
    }

    private Epoch epoch(int epoch) {
      lossSum = 0;
      selectedLossSum = 0;
      iterations = 0;
      unconverged = 0;
      network.train();
      try (Scope scope = Scope.open()) {
        Tensor order = rng.permutation(data.size());
        for (long s = 0; s < steps; s++) {
          optimizer.scaleLearningRate(rates.factor(epoch - 1 + (double) s / steps));
          step(order.slice(0, s * batch, (s + 1) * batch), epoch);
        }
      }
      return new Epoch(
          epoch,
          lossSum / steps,
          selectedLossSum / steps,
          rho,
          iterations,
          (int) (2 * steps),
          unconverged);
    }

    private void step(Tensor places, int epoch) {
      try (Scope scope = Scope.open()) {
        rho = schedule.at(step, epochs * steps, rho0);
        Tensor inputs = data.inputs().indexSelect(0, places);
        SparseSimilarity s = similarity(places);
        List<Tensor> logits = new ArrayList<>();
        List<Tensor> labels = new ArrayList<>();
        for (View view : views) {
          Tensor output = network.forward(data.augmentation().view(inputs, rng));
          checkFinite(output.detach().allFinite(), epoch);
          logits.add(output);
          labels.add(labels(view, output.detach(), s));
        }
        Tensor loss = loss(logits.get(0), labels.get(1)).add(loss(logits.get(1), labels.get(0)));
        double value = loss.item();
        checkFinite(Double.isFinite(value), epoch);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        lossSum += value;
        selectedLossSum += value / rho;
        step++;
      }
    }

    private static void checkFinite(boolean finite, int epoch) {
      if (!finite) {
        throw new IllegalStateException(
            "training diverged: the predictions are not finite in epoch %d; a smaller learning rate"
                    .formatted(epoch)
                + " may help");
      }
    }

    /** S of what is transported together: the memory's features, the batch's last. */
    private SparseSimilarity similarity(Tensor places) {
      if (transport.neighbourWeight() == 0) {
        return null;
      }
      recentFeatures = remembered(recentFeatures, data.features().indexSelect(0, places));
      return SparseSimilarity.gaussianKnn(recentFeatures, neighbours, width);
    }

    /** The rows of N Q of the batch. */
    private Tensor labels(View view, Tensor logits, SparseSimilarity s) {
      view.recent = remembered(view.recent, logits);
      Tensor cost = view.recent.logSoftmax(1).neg();
      double[] prior = sizes == null ? null : PartialTransport.inPredictedOrder(sizes, cost);
      SemanticSolution solution = transport.solve(cost, s, rho, prior, view.potentials);
      view.potentials = warmStart ? solution.potentials() : null;
      iterations += solution.iterations();
      unconverged += solution.converged() ? 0 : 1;
      long rows = cost.size(0);
      return solution.plan().slice(0, rows - logits.size(0), rows);
    }

    /** The last rows, as many as the memory holds and at least the batch. */
    private Tensor remembered(Tensor before, Tensor now) {
      if (memory <= now.size(0)) {
        return now;
      }
      Tensor all = before == null ? now : Tensor.cat(Arrays.asList(before, now), 0);
      long from = Math.max(0, all.size(0) - memory);
      Tensor kept = all.slice(0, from, all.size(0)).contiguous().escape();
      if (before != null) {
        before.close();
      }
      return kept;
    }
  }
}
