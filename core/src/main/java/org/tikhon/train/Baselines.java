package org.tikhon.train;

import java.util.List;
import java.util.Map;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/** The ordinary ways to train, which every method of the library has to beat. */
public final class Baselines {
  private Baselines() {}

  /** What the baselines share. */
  private abstract static class Baseline implements Recipe {
    private final String name;
    private final String description;

    Baseline(String name, String description) {
      this.name = name;
      this.description = description;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public String description() {
      return description;
    }

    @Override
    public boolean isBaseline() {
      return true;
    }

    @Override
    public boolean supports(Task task) {
      return true;
    }
  }

  /** Cross-entropy, without weight decay. */
  public static final class CrossEntropy extends Baseline {
    public CrossEntropy() {
      super("cross-entropy", "plain cross-entropy");
    }

    @Override
    public boolean supports(Task task) {
      return !(task instanceof Task.Regression);
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> setting) {
      return new SupervisedLearner(setup.with(setup.optimization().withWeightDecay(0)));
    }
  }

  /** Mean squared error, without weight decay. */
  public static final class SquaredError extends Baseline {
    public SquaredError() {
      super("squared-error", "plain mean squared error");
    }

    @Override
    public boolean supports(Task task) {
      return task instanceof Task.Regression;
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> setting) {
      return new SupervisedLearner(setup.with(setup.optimization().withWeightDecay(0)));
    }
  }

  /** The plain loss with weight decay: the comparison's usual amount, or ten times as much. */
  public static final class WeightDecay extends Baseline {
    private static final String FACTOR = "decayFactor";

    public WeightDecay() {
      super("weight-decay", "plain loss with weight decay");
    }

    @Override
    public List<Map<String, Double>> grid(Task task) {
      return List.of(Map.of(FACTOR, 1.0), Map.of(FACTOR, 10.0));
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> setting) {
      double decay = setting.get(FACTOR) * setup.optimization().weightDecay();
      return new SupervisedLearner(setup.with(setup.optimization().withWeightDecay(decay)));
    }
  }

  /**
   * Cross-entropy against labels of which a part is spread over all classes (Szegedy et al. 2016).
   */
  public static final class LabelSmoothing extends Baseline {
    private static final String SMOOTHING = "smoothing";

    public LabelSmoothing() {
      super("label-smoothing", "cross-entropy with smoothed labels");
    }

    @Override
    public boolean supports(Task task) {
      return !(task instanceof Task.Regression);
    }

    @Override
    public List<Map<String, Double>> grid(Task task) {
      return List.of(Map.of(SMOOTHING, 0.1), Map.of(SMOOTHING, 0.3));
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> setting) {
      double smoothing = setting.get(SMOOTHING);
      return SupervisedLearner.of(
          setup,
          (learner, batch) ->
              Functional.crossEntropy(
                  learner.outputs(batch.inputs()),
                  batch.targets(),
                  null,
                  Reduction.MEAN,
                  smoothing));
    }
  }

  /**
   * Trains on convex combinations of pairs of samples, with a weight from Beta(alpha, alpha) (Zhang
   * et al. 2018).
   */
  public static final class Mixup extends Baseline {
    private static final String ALPHA = "alpha";

    public Mixup() {
      super("mixup", "plain loss on mixed pairs of samples");
    }

    @Override
    public List<Map<String, Double>> grid(Task task) {
      return List.of(Map.of(ALPHA, 0.2), Map.of(ALPHA, 1.0));
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> setting) {
      double alpha = setting.get(ALPHA);
      return SupervisedLearner.of(setup, (learner, batch) -> loss(learner, batch, alpha));
    }

    private static Tensor loss(SupervisedLearner learner, Batch batch, double alpha) {
      double weight = learner.rng().beta(alpha, alpha);
      Tensor partner = learner.rng().permutation(batch.inputs().size(0));
      Tensor inputs = learner.model().embed(batch.inputs());
      Tensor outputs =
          learner.outputsOfEmbedded(inputs.lerp(inputs.indexSelect(0, partner), 1 - weight));
      // Mixing the losses has the gradient of mixing the targets: cross-entropy is linear in the
      // target, and a mean of two
      // squared errors differs from the squared error to the mean by a constant.
      return learner
          .plainLoss(outputs, batch.targets())
          .mul(weight)
          .add(learner.plainLoss(outputs, batch.targets().indexSelect(0, partner)).mul(1 - weight));
    }
  }
}
