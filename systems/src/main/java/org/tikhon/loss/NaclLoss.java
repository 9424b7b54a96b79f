package org.tikhon.loss;

import java.util.Objects;
import org.tikhon.Paper;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/**
 * Neighbour-aware calibration of segmentation networks: cross-entropy and a penalty that ties each
 * pixel's logits to the class proportions tau around it in the label map ({@link NeighbourPrior}).
 *
 * <pre>L = CE + lambda / (B K |Omega|) sum_{b, c, i} |tau_c(i) - l_c(i)|</pre>
 *
 * The penalty bounds the logits: a confident pixel's logit is pulled towards 1, so that
 * probabilities near 1 must be paid for. tau carries no gradient. Pixels with the label {@link
 * org.tikhon.train.Task.Segmentation#IGNORED} are left out of both terms and of the windows; where
 * all are ignored the loss is 0.
 *
 * <p>Source: the paper, its official code and MONAI's; the default repeats edges, see {@link
 * NeighbourPrior.Padding} for theirs.
 */
@Paper(
    number = 48,
    title = "Neighbor-Aware Calibration of Segmentation Networks with Penalty-Based Constraints",
    authors =
        "Balamurali Murugesan, Sukesh Adiga Vasudeva, Bingyuan Liu, Herve Lombaert, Ismail Ben Ayed, Jose Dolz",
    year = 2024,
    url = "https://arxiv.org/abs/2401.14487")
public final class NaclLoss {
  /** The paper's weight of the penalty. */
  public static final double DEFAULT_LAMBDA = 0.1;

  /** How far logits are from the proportions. */
  public enum Distance {
    /** Absolute differences, the paper's. */
    L1,
    /** Squared differences. */
    L2
  }

  private final int classes;
  private final NeighbourPrior prior;
  private final Distance distance;
  private final double lambda;
  private final boolean onProbabilities;

  /**
   * A loss.
   *
   * @param classes K, at least 2
   * @param lambda the weight of the penalty, 0 or more; 0 is cross-entropy
   * @param onProbabilities whether softmax(l) is penalised instead of l (the paper's ablation,
   *     weaker)
   */
  public NaclLoss(
      int classes,
      NeighbourPrior prior,
      Distance distance,
      double lambda,
      boolean onProbabilities) {
    this.classes = PixelInput.checkClasses(classes);
    this.prior = Objects.requireNonNull(prior, "prior");
    this.distance = Objects.requireNonNull(distance, "distance");
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException("lambda must be 0 or more, was " + lambda);
    }
    this.lambda = lambda;
    this.onProbabilities = onProbabilities;
  }

  /** The paper's loss with a weight of the penalty. */
  public NaclLoss(int classes, double lambda) {
    this(classes, NeighbourPrior.DEFAULT, Distance.L1, lambda, false);
  }

  /** This with another weight, for a {@link LambdaSchedule}. */
  public NaclLoss withLambda(double value) {
    return new NaclLoss(classes, prior, distance, value, onProbabilities);
  }

  /**
   * The parts of a loss.
   *
   * @param total {@code ce + lambda penalty}
   * @param allIgnored whether no pixel counted
   */
  public record Parts(Tensor total, Tensor ce, Tensor penalty, boolean allIgnored) {}

  /**
   * The loss of pixel logits.
   *
   * @param logits {@code [b, K, h, w]} or {@code [b, K, d, h, w]}
   * @param labels INT64 {@code [b, h, w]} or {@code [b, d, h, w]}
   */
  public Parts apply(Tensor logits, Tensor labels) {
    PixelInput.check(logits, labels, classes);
    return unchecked(logits, labels, null);
  }

  /** As {@link #apply(Tensor, Tensor)} for the priors that look at the image {@code [b, ...]}. */
  public Parts apply(Tensor logits, Tensor labels, Tensor image) {
    PixelInput.check(logits, labels, classes);
    return unchecked(logits, labels, image);
  }

  Parts unchecked(Tensor logits, Tensor labels, Tensor image) {
    Tensor ce = pixelCrossEntropy(logits, labels);
    Tensor tau =
        (image == null
                ? prior.proportions(labels, classes)
                : prior.proportions(labels, image, classes))
            .to(logits.dtype());
    Tensor difference = tau.sub(onProbabilities ? logits.softmax(1) : logits);
    Tensor each = distance == Distance.L1 ? difference.abs() : difference.square();
    Tensor valid = PixelInput.valid(labels).to(logits.dtype());
    Tensor count = valid.sum();
    Tensor penalty = each.mul(valid).sum().div(count.mul(classes).clampMin(1));
    return new Parts(ce.add(penalty.mul(lambda)), ce, penalty, count.item() == 0);
  }

  /** The mean cross-entropy of the pixels that count; 0 where none does. */
  static Tensor pixelCrossEntropy(Tensor logits, Tensor labels) {
    return PixelInput.mean(
        Functional.crossEntropy(logits, labels, null, Reduction.NONE, 0), labels);
  }
}
