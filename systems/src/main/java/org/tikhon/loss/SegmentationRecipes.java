package org.tikhon.loss;

import java.util.List;
import java.util.Map;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/** Losses of pixels in {@code tikhon compare}: {@link NaclLoss} and what it is compared with. */
public final class SegmentationRecipes {
  private SegmentationRecipes() {}

  /** What the recipes share: a loss of logits and label maps with a grid of one number. */
  private abstract static class PixelRecipe implements Recipe {
    private final String name;
    private final String description;
    private final boolean baseline;
    private final String setting;
    private final List<Double> values;

    PixelRecipe(
        String name, String description, boolean baseline, String setting, Double... values) {
      this.name = name;
      this.description = description;
      this.baseline = baseline;
      this.setting = setting;
      this.values = List.of(values);
    }

    /** The loss for a value of the setting. */
    abstract Tensor loss(int classes, double value, Tensor logits, Tensor labels);

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
      return baseline;
    }

    @Override
    public boolean supports(Task task) {
      return task instanceof Task.Segmentation;
    }

    @Override
    public List<Map<String, Double>> grid(Task task) {
      return values.stream().map(v -> Map.of(setting, v)).toList();
    }

    @Override
    public Learner learner(Setup setup, Map<String, Double> chosen) {
      int classes = setup.classes();
      double value = chosen.get(setting);
      return SupervisedLearner.of(
          setup, (learner, b) -> loss(classes, value, learner.outputs(b.inputs()), b.targets()));
    }
  }

  /** {@link NaclLoss}. */
  public static final class Nacl extends PixelRecipe {
    public Nacl() {
      super(
          "nacl",
          "neighbour-aware calibration (48): logits follow the labels around a pixel",
          false,
          "lambda",
          NaclLoss.DEFAULT_LAMBDA,
          0.2);
    }

    @Override
    Tensor loss(int classes, double value, Tensor logits, Tensor labels) {
      return new NaclLoss(classes, value).unchecked(logits, labels, null).total();
    }
  }

  /** {@link SvlsLoss}, a baseline. */
  public static final class Svls extends PixelRecipe {
    public Svls() {
      super("svls", "spatially varying label smoothing", true, "sigma", 1.0);
    }

    @Override
    Tensor loss(int classes, double value, Tensor logits, Tensor labels) {
      return new SvlsLoss(classes, 3, value).unchecked(logits, labels);
    }
  }

  /** {@link MarginLabelSmoothing}, a baseline. */
  public static final class Mbls extends PixelRecipe {
    public Mbls() {
      super("mbls", "margin-based label smoothing", true, "margin", 5.0, 10.0);
    }

    @Override
    Tensor loss(int classes, double value, Tensor logits, Tensor labels) {
      return new MarginLabelSmoothing(value, 0.1).unchecked(logits, labels);
    }
  }

  /** {@link FocalLoss}, a baseline. */
  public static final class Focal extends PixelRecipe {
    public Focal() {
      super("focal", "focal loss", true, "gamma", 3.0);
    }

    @Override
    Tensor loss(int classes, double value, Tensor logits, Tensor labels) {
      return new FocalLoss(value).unchecked(logits, labels);
    }
  }

  /** {@link DiceLoss} with cross-entropy, a baseline. */
  public static final class DiceCrossEntropy extends PixelRecipe {
    public DiceCrossEntropy() {
      super("dice-ce", "Dice loss plus cross-entropy", true, "crossEntropyWeight", 1.0);
    }

    @Override
    Tensor loss(int classes, double value, Tensor logits, Tensor labels) {
      return new DiceLoss(value).unchecked(logits, labels);
    }
  }
}
