package org.tikhon.loss;

import org.tikhon.Paper;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * Early-learning regularisation: training on wrong labels without learning them.
 *
 * <p>A network learns the clean pattern first and memorises wrong labels later. With p the softmax
 * of the logits, {@code p' = clamp(p, 1e-4, 1 - 1e-4)} and t the running average of the network's
 * own earlier outputs ({@link EarlyLearningTargets}),
 *
 * <pre>L = mean_i [ -log p_{i, y_i} + lambda log(1 - &lt;t_i, p'_i&gt;) ]</pre>
 *
 * t is updated first, then used; the gradient flows through p' only. The second term falls as the
 * output agrees with the target: it keeps up the gradient of samples whose cross-entropy has
 * vanished and cancels that of wrong labels,
 *
 * <pre>
 * dL_i/dz_ic = p_ic - [c = y_i] + lambda p_ic / (1 - &lt;t_i, p_i&gt;) sum_k (t_ik - t_ic) p_ik.
 * </pre>
 *
 * <p>The paper's settings: lambda 3, beta 0.7 (CIFAR-10, symmetric noise); 1, 0.9 (asymmetric); 7,
 * 0.9 (CIFAR-100). beta is robust in 0.5 to 0.99; lambda needs tuning (1, 3, 5, 7, 10).
 */
@Paper(
    number = 15,
    title = "Early-Learning Regularization Prevents Memorization of Noisy Labels",
    authors = "Sheng Liu, Jonathan Niles-Weed, Narges Razavian, Carlos Fernandez-Granda",
    year = 2020,
    url = "https://arxiv.org/abs/2007.00151")
public final class ElrLoss {
  private final EarlyLearningTargets targets;
  private final double lambda;

  /**
   * @param lambda the weight of the regulariser, 0 or more; 0 is cross-entropy
   */
  public ElrLoss(EarlyLearningTargets targets, double lambda) {
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException("lambda must be 0 or more, was " + lambda);
    }
    this.targets = targets;
    this.lambda = lambda;
  }

  /**
   * Updates the targets of a batch and gives its loss.
   *
   * @param index INT64 {@code [b]}, places in the training set, all different
   * @param logits {@code [b, classes]}
   * @param labels INT64 {@code [b]} in 0, ..., classes - 1
   * @return a scalar
   */
  public Tensor apply(Tensor index, Tensor logits, Tensor labels) {
    LossInput.checkLabels(labels, logits.size(0), targets.classes());
    Tensor logP = logits.logSoftmax(1);
    Tensor p = logP.exp();
    Tensor t = targets.update(index, p);
    Tensor crossEntropy = Functional.nllLoss(logP, labels, Functional.Reduction.MEAN);
    return crossEntropy.add(regularizer(t, p).mul(lambda));
  }

  /** {@code mean_i log(1 - <t_i, p'_i>)}, at most 0. */
  public static Tensor regularizer(Tensor t, Tensor probabilities) {
    Tensor agreement = t.mul(EarlyLearningTargets.clamp(probabilities)).sum(1);
    return agreement.rsub(1).log().mean();
  }

  /**
   * The ablation: Kullback-Leibler divergence from the normalised targets to the output, {@code
   * mean_i KL(t_i / sum t_i || p_i)}. Its gradient vanishes where the output agrees with the
   * target, so it does not keep clean samples alive.
   */
  public static Tensor klToTarget(Tensor t, Tensor logits) {
    Tensor q = t.div(t.sumKeep(1));
    return Functional.klDiv(logits.logSoftmax(1), q, Functional.Reduction.SUM).div(logits.size(0));
  }

  public EarlyLearningTargets targets() {
    return targets;
  }

  public double lambda() {
    return lambda;
  }
}
