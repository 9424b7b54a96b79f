package org.tikhon.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Drives a learner over a training set, epoch by epoch. The order of the samples depends only on
 * the seed and the epoch, so that a training that goes on from a checkpoint gives the numbers of
 * one that was never interrupted.
 */
public final class Trainer {
  private final Learner learner;
  private final Dataset data;
  private final Options options;

  /**
   * How to train.
   *
   * @param batchSize the last batch of an epoch may be smaller, but has at least two samples (batch
   *     normalisation needs them)
   * @param augment changes the inputs of each batch, with its own randomness
   * @param checkpoint the file to write after each epoch and to go on from, or null
   * @param stop asked after each batch; true ends the training after the last full epoch's
   *     checkpoint
   */
  public record Options(
      int epochs,
      int batchSize,
      long seed,
      Augment augment,
      Path checkpoint,
      BooleanSupplier stop) {
    public Options {
      if (epochs < 1) {
        throw new IllegalArgumentException("epochs must be at least 1, was " + epochs);
      }
      if (batchSize < 2) {
        throw new IllegalArgumentException("batchSize must be at least 2, was " + batchSize);
      }
    }

    public static Options of(int epochs, int batchSize, long seed) {
      return new Options(epochs, batchSize, seed, Augment.NONE, null, () -> false);
    }

    public Options withAugment(Augment value) {
      return new Options(epochs, batchSize, seed, value, checkpoint, stop);
    }

    public Options withCheckpoint(Path value) {
      return new Options(epochs, batchSize, seed, augment, value, stop);
    }

    public Options withStop(BooleanSupplier value) {
      return new Options(epochs, batchSize, seed, augment, checkpoint, value);
    }
  }

  /** Watches a training. */
  public interface Listener {
    /** After a batch. */
    default void batch(int epoch, long batch, long batches, double loss) {}

    /** After an epoch (from 0), with the mean training loss. */
    default void epoch(int epoch, double meanLoss) throws IOException {}

    /** Texts to store in the checkpoint after an epoch. */
    default Map<String, String> notes() {
      return Map.of();
    }

    /** The texts of the checkpoint from which the training goes on. */
    default void resumed(int epochs, Map<String, String> notes) {}
  }

  public Trainer(Learner learner, Dataset data, Options options) {
    if (data.size() < 2) {
      throw new IllegalArgumentException(
          "training needs at least 2 samples, there is " + data.size());
    }
    this.learner = learner;
    this.data = data;
    this.options = options;
  }

  /** Trains without a watcher. */
  public int run() throws IOException {
    return run(new Listener() {});
  }

  /**
   * Trains, from the checkpoint where there is one.
   *
   * @return the number of finished epochs, smaller than asked for where {@code stop} said so
   */
  public int run(Listener listener) throws IOException {
    int first = 0;
    if (options.checkpoint != null && Files.exists(options.checkpoint)) {
      try (Scope scope = Scope.open()) {
        Checkpoint checkpoint = Checkpoint.read(options.checkpoint);
        learner.load(checkpoint.state());
        first = checkpoint.epoch();
        listener.resumed(first, checkpoint.notes());
      }
    }
    for (int epoch = first; epoch < options.epochs; epoch++) {
      double loss = epoch(epoch, listener);
      if (Double.isNaN(loss)) {
        return epoch;
      }
      learner.epochEnd(epoch);
      listener.epoch(epoch, loss);
      if (options.checkpoint != null) {
        Checkpoint.save(options.checkpoint, epoch + 1, learner, listener.notes());
      }
    }
    return options.epochs;
  }

  /** One pass over the data; NaN if it was stopped. */
  private double epoch(int epoch, Listener listener) {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(epochSeed(options.seed, epoch));
      Tensor order = rng.permutation(data.size());
      long batches = (data.size() + options.batchSize - 1) / options.batchSize;
      if (data.size() % options.batchSize == 1) {
        batches--;
      }
      double sum = 0;
      for (long b = 0; b < batches; b++) {
        if (options.stop.getAsBoolean()) {
          return Double.NaN;
        }
        try (Scope inner = Scope.open()) {
          long from = b * options.batchSize;
          Batch batch =
              data.batch(order.slice(0, from, Math.min(from + options.batchSize, data.size())));
          Batch augmented =
              new Batch(
                  options.augment.apply(batch.inputs(), rng), batch.targets(), batch.indices());
          double loss = learner.step(augmented, epoch + (double) b / batches);
          if (!Double.isFinite(loss)) {
            throw new DivergedException(epoch, b, loss);
          }
          sum += loss;
          listener.batch(epoch, b, batches, loss);
        }
      }
      return sum / batches;
    }
  }

  private static long epochSeed(long seed, int epoch) {
    // Different epochs must not share their random numbers with other seeds.
    long z = seed * 0x9E3779B97F4A7C15L + epoch * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 30)) * 0x94D049BB133111EBL;
    return (z ^ (z >>> 31)) & Long.MAX_VALUE;
  }

  /** The loss of a batch was not a finite number. */
  public static final class DivergedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DivergedException(int epoch, long batch, double loss) {
      super("training diverged: the loss is " + loss + " in epoch " + epoch + ", batch " + batch);
    }
  }

  /** Changes the inputs of a batch at random. */
  @FunctionalInterface
  public interface Augment {
    Augment NONE = (x, rng) -> x;

    Tensor apply(Tensor inputs, Rng rng);

    /**
     * Shifts each image {@code [b, c, h, w]} by up to {@code pixels} in both directions and mirrors
     * half of them.
     */
    static Augment shiftAndFlip(int pixels, boolean flip) {
      return (x, rng) -> shiftAndFlip(x, pixels, flip, rng);
    }

    private static Tensor shiftAndFlip(Tensor x, int pixels, boolean flip, Rng rng) {
      long b = x.size(0);
      long c = x.size(1);
      long h = x.size(2);
      long w = x.size(3);
      Tensor padded = Functional.pad(x, 0, pixels, pixels, pixels, pixels);
      Tensor rows = rng.integers(0, 2L * pixels + 1, b, 1).add(Tensor.arange(h));
      Tensor columns = rng.integers(0, 2L * pixels + 1, b, 1).add(Tensor.arange(w));
      if (flip) {
        Tensor mirrored = rng.integers(0, 2, b, 1).to(Dtype.BOOL);
        columns = Tensor.where(mirrored, columns.flip(1), columns);
      }
      Tensor cut = padded.gather(2, rows.view(b, 1, h, 1).expand(b, c, h, w + 2L * pixels));
      return cut.gather(3, columns.view(b, 1, 1, w).expand(b, c, h, w));
    }
  }
}
