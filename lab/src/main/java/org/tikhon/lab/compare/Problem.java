package org.tikhon.lab.compare;

import java.util.Arrays;
import java.util.List;
import org.tikhon.data.LabelNoise;
import org.tikhon.data.TableEncoder;
import org.tikhon.data.TableTarget;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Task;
import org.tikhon.train.Trainer.Augment;

/**
 * What is to be learnt from which data.
 *
 * @param title one line, which says "generated" where the data are
 * @param findings what was found out about the data, a line each
 * @param training the training samples with the labels of the source
 * @param test never used for any choice
 * @param classes the classes' names, empty in regression
 * @param noise wrong labels to put into the training part, or null
 * @param inputs how raw inputs become numbers
 */
public record Problem(
    String title,
    List<String> findings,
    Task task,
    Dataset training,
    Dataset test,
    List<String> classes,
    LabelNoise noise,
    Augment augment,
    BackboneSpec backbone,
    Inputs inputs) {

  private static final double VALIDATION = 0.1;

  /**
   * How raw inputs become numbers; saved with a model.
   *
   * @param kind images, segmentation or table
   * @param pixelMean and {@code pixelDeviation} of each channel, of pixels in [0, 1]
   */
  public record Inputs(
      String kind,
      List<Double> pixelMean,
      List<Double> pixelDeviation,
      TableEncoder encoder,
      TableTarget target) {}

  /** Training and validation samples of a seed, with the noise in both. */
  public record Split(Dataset train, Dataset validation) {}

  /**
   * The split of a seed: another tenth for validation and other wrong labels for every seed, the
   * same for every method.
   */
  public Split split(long seed) {
    try (Scope scope = Scope.open()) {
      Dataset data = training;
      if (noise != null) {
        int[] noisy = noise.corrupt(training.targets().toIntArray(), classes.size(), seed);
        long[] labels = Arrays.stream(noisy).asLongStream().toArray();
        data = training.withTargets(Tensor.of(labels, labels.length));
      }
      Tensor order = new Rng(1_000_003 * (seed + 1)).permutation(data.size());
      long validation = Math.max(1, Math.round(VALIDATION * data.size()));
      return new Split(
          data.select(order.slice(0, validation, data.size())).escape(),
          data.select(order.slice(0, 0, validation)).escape());
    }
  }

  /** The metric that decides, and whether larger is better. */
  public String primaryMetric() {
    return switch (task) {
      case Task.Classification c -> "accuracy";
      case Task.Segmentation s -> "dice";
      case Task.Regression r -> "rmse";
    };
  }

  public boolean largerIsBetter() {
    return !(task instanceof Task.Regression);
  }

  /** The metrics of the leaderboard, in order. */
  public List<String> metrics() {
    return switch (task) {
      case Task.Classification c -> List.of("accuracy", "nll", "ece", "auroc", "macroF1");
      case Task.Segmentation s ->
          List.of("dice", "miou", "nll", "foregroundEce", "ece", "classwiseEce");
      case Task.Regression r -> List.of("rmse", "mae", "r2");
    };
  }

  /** The factor from a network's numbers to the target's units. */
  public double targetDeviation() {
    return inputs.target() == null || inputs.target().isClassification()
        ? 1
        : inputs.target().deviation();
  }
}
