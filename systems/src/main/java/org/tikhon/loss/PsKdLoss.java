package org.tikhon.loss;

import java.util.Arrays;
import org.tikhon.Paper;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Progressive self-knowledge distillation: labels softened by the network's own predictions of the
 * epoch before, more and more as the training goes on.
 *
 * <p>In epoch t of T, with {@code P_i^t} the softmax of the logits of sample i,
 *
 * <pre>
 * alpha_t = alpha_T t / T                                        ({@link ProgressiveSchedule})
 * q_i^t   = (1 - alpha_t) onehot(y_i) + alpha_t P_i^{t-1}        ({@link #targets})
 * L       = -(1/B) sum_i sum_k q_ik^t log P_ik^t                 ({@link #loss})
 * </pre>
 *
 * {@code P^{t-1}} is a constant, from a {@link SelfTeacher}; in the first epoch it is the one-hot
 * label, so that the first epoch is plain cross-entropy. Nothing of this remains at test time.
 *
 * <p>The gradient is {@code dL_i/dz_ik = P_ik^t - q_ik^t}. While the true class is under its target
 * and every other class over its own, its absolute sum is that of cross-entropy times {@code 1 -
 * alpha_t gamma_t} ({@link #gamma}): samples that got better since the last epoch count less, those
 * that got worse keep their weight.
 *
 * <p>A label may be a distribution itself: for label smoothing give the smoothed labels. For mixup
 * or CutMix mix the targets as one mixes labels ({@link #mix}). For segmentation, detection or
 * translation, flatten pixels, regions or tokens into the batch dimension.
 *
 * <p>The official CIFAR-100 settings: alpha_T 0.8, 300 epochs, batch 128, SGD 0.1 with Nesterov
 * momentum 0.9, weight decay 5e-4, rate x 0.1 at epochs 150 and 225, random crops and mirroring.
 * Source: the paper and lgcnsai/PS-KD-Pytorch.
 */
@Paper(
    number = 4,
    title = "Self-Knowledge Distillation with Progressive Refinement of Targets",
    authors = "Kyungyul Kim, ByeongMoon Ji, Doyoung Yoon, Sangheum Hwang",
    year = 2021,
    url = "https://arxiv.org/abs/2006.12000")
public final class PsKdLoss {
  private PsKdLoss() {}

  /**
   * {@code q = (1 - alpha) y + alpha P}.
   *
   * @param labels y: INT64 {@code [b]} in 0, ..., classes - 1, or distributions {@code [b,
   *     classes]} (smoothed or mixed labels)
   * @param past P {@code [b, classes]}, the predictions of the epoch before; no gradient reaches
   *     them
   * @param alpha in [0, 1]
   * @return {@code [b, classes]} in the type of the past predictions
   */
  public static Tensor targets(Tensor labels, Tensor past, double alpha) {
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha must be in [0,1], was " + alpha);
    }
    checkMatrix("past", past);
    // y + alpha (P - y): exactly the label where both agree, whatever alpha is.
    return distributions(labels, past).lerp(past.detach(), alpha);
  }

  /** Labels as rows of probabilities. */
  private static Tensor distributions(Tensor labels, Tensor like) {
    if (labels.dtype() == Dtype.INT64) {
      LossInput.checkLabels(labels, like.size(0), like.size(1));
      return Functional.oneHot(labels, like.size(1)).to(like.dtype());
    }
    checkSameShape("labels", labels, "past", like);
    return labels.detach().to(like.dtype());
  }

  /**
   * Targets of mixed inputs {@code lambda x_i + (1 - lambda) x_partner(i)}: labels and past
   * predictions of both partners mixed alike, which is {@code lambda q_i + (1 - lambda)
   * q_partner(i)}. The paper combines PS-KD with CutMix by the same target rule; mixing the past of
   * both partners is our choice.
   *
   * @param targets q {@code [b, classes]} of the inputs before they were mixed
   * @param partner INT64 {@code [b]}, places in the batch
   * @param lambda the weight of the sample itself, in [0, 1]
   */
  public static Tensor mix(Tensor targets, Tensor partner, double lambda) {
    if (!(lambda >= 0 && lambda <= 1)) {
      throw new IllegalArgumentException("lambda must be in [0,1], was " + lambda);
    }
    return targets.lerp(targets.indexSelect(0, partner), 1 - lambda);
  }

  /**
   * Mean soft cross-entropy {@code -(1/b) sum_ik q_ik log softmax(z_i)_k}.
   *
   * @param logits z {@code [b, classes]}
   * @param targets q {@code [b, classes]}, taken as constants
   * @return a scalar
   */
  public static Tensor loss(Tensor logits, Tensor targets) {
    checkMatrix("logits", logits);
    checkSameShape("targets", targets, "logits", logits);
    return targets.detach().mul(logits.logSoftmax(1)).sum(1).mean().neg();
  }

  /**
   * The diagnostic {@code gamma_i = (1 - P_{i,y}^{t-1}) / (1 - P_{i,y}^t)}; large for an easy
   * sample that has improved since the last epoch.
   *
   * @param past {@code [b, classes]}
   * @param current {@code [b, classes]}
   * @param labels INT64 {@code [b]}
   * @return {@code [b]}; infinite where the network has become sure of the label (NaN where it
   *     already was)
   */
  public static Tensor gamma(Tensor past, Tensor current, Tensor labels) {
    checkMatrix("past", past);
    checkSameShape("current", current, "past", past);
    LossInput.checkLabels(labels, past.size(0), past.size(1));
    Tensor y = labels.unsqueeze(1);
    Tensor before = past.detach().gather(1, y).rsub(1);
    Tensor now = current.detach().gather(1, y).rsub(1);
    return before.div(now).squeeze(1);
  }

  private static void checkMatrix(String name, Tensor x) {
    if (x.dim() != 2 || x.size(0) == 0) {
      throw new IllegalArgumentException(
          "%s must have shape [b, classes] with at least one row, has %s"
              .formatted(name, Arrays.toString(x.shape())));
    }
  }

  private static void checkSameShape(String name, Tensor x, String other, Tensor y) {
    if (!Arrays.equals(x.shape(), y.shape())) {
      throw new IllegalArgumentException(
          "%s must have the shape of %s, %s, has %s"
              .formatted(name, other, Arrays.toString(y.shape()), Arrays.toString(x.shape())));
    }
  }
}
