package org.tikhon.loss;

import java.util.Arrays;
import org.tikhon.Paper;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/**
 * Comp-sum losses: the family of surrogate losses that one parameter spans. With scores h, label y,
 * the softmax p and {@code u = sum_{k != y} exp(h_k - h_y) = 1 / p_y - 1},
 *
 * <pre>
 * l_tau = Phi_tau(u) = ((1 + u)^(1 - tau) - 1) / (1 - tau),   log(1 + u) for tau = 1
 * dl/dh_k = p_y^(tau - 1) (p_k - [k = y])
 * </pre>
 *
 * <p>tau = 0 is the sum-exponential loss {@code 1 / p_y - 1}, 1 is cross-entropy, {@code 1 + q} is
 * generalised cross-entropy {@code (1 - p_y^q) / q}, 2 is the mean absolute error {@code 1 - p_y}.
 * Below 1 hard samples weigh more than in cross-entropy; above 1 less, and learning many classes
 * may stall. What minimising such a loss says about the zero-one loss is in {@link HConsistency};
 * {@link org.tikhon.robust.SmoothAdversarialLoss} is the family's adversarial member.
 *
 * <p>Computed from log p_y without a one-hot matrix. For tau below 1, {@code -log p_y} counts as at
 * most 80, where the loss would overflow FLOAT32 and the gradient is then 0 ({@link #isCapped}).
 *
 * @param tau 0 or more
 */
@Paper(
    number = 51,
    title = "Cross-Entropy Loss Functions: Theoretical Analysis and Applications",
    authors = "Anqi Mao, Mehryar Mohri, Yutao Zhong",
    year = 2023,
    url = "https://arxiv.org/abs/2304.07288")
public record CompSumLoss(double tau) implements ClassificationLoss {
  /** Nearer to 1 than this, tau counts as 1. */
  private static final double NEAR_ONE = 1e-6;

  private static final double CAP = 80;

  public CompSumLoss {
    if (!(tau >= 0) || Double.isInfinite(tau)) {
      throw new IllegalArgumentException("tau must be 0 or more, was " + tau);
    }
  }

  /** The mean loss of logits {@code [b, classes]}, two classes or more, and labels {@code [b]}. */
  @Override
  public Tensor apply(Tensor logits, Tensor labels) {
    check(logits, labels);
    LossInput.checkNotEmpty(logits);
    return unchecked(logits, labels).mean();
  }

  /** The loss of each sample, {@code [b]}. */
  public Tensor perSample(Tensor logits, Tensor labels) {
    check(logits, labels);
    return unchecked(logits, labels);
  }

  private static void check(Tensor logits, Tensor labels) {
    LossInput.check(logits, labels);
    if (logits.size(1) < 2) {
      throw new IllegalArgumentException(
          "logits must have at least 2 classes, have " + logits.size(1));
    }
  }

  /** The losses, where logits that are not finite give losses that are not. */
  Tensor unchecked(Tensor logits, Tensor labels) {
    Tensor surprise = Functional.nllLoss(logits.logSoftmax(1), labels, Reduction.NONE);
    if (isCrossEntropy()) {
      return surprise;
    }
    // (p_y^(tau - 1) - 1) / (1 - tau) with -log p_y, accurate for small values.
    Tensor bounded = tau < 1 ? surprise.clampMax(CAP) : surprise;
    return bounded.mul(1 - tau).expm1().div(1 - tau);
  }

  private boolean isCrossEntropy() {
    return Math.abs(tau - 1) < NEAR_ONE;
  }

  /** Whether the loss of a sample is capped: tau below 1 and {@code -log p_y} above 80. */
  public boolean isCapped(Tensor logits, Tensor labels) {
    return tau < 1
        && !isCrossEntropy()
        && Functional.nllLoss(logits.detach().logSoftmax(1), labels, Reduction.NONE).max().item()
            > CAP;
  }

  /** {@code Phi_tau(u)} for u of 0 or more. */
  public double phi(double u) {
    if (!(u >= 0)) {
      throw new IllegalArgumentException("u must be 0 or more, was " + u);
    }
    double log = Math.log1p(u);
    return isCrossEntropy() ? log : Math.expm1((1 - tau) * log) / (1 - tau);
  }

  // ---- Conditional risks, for a class distribution at one point

  /** The expected loss {@code sum_y pi_y l(h, y)} of scores. */
  public double conditionalRisk(double[] h, double[] pi) {
    checkDistribution(pi);
    if (h.length != pi.length) {
      throw new IllegalArgumentException(
          "h must have as many entries as pi, %d, has %d".formatted(pi.length, h.length));
    }
    double max = Arrays.stream(h).max().orElseThrow();
    double sum = Arrays.stream(h).map(x -> Math.exp(x - max)).sum();
    double risk = 0;
    for (int y = 0; y < h.length; y++) {
      double surprise = max + Math.log(sum) - h[y];
      double loss = isCrossEntropy() ? surprise : Math.expm1((1 - tau) * surprise) / (1 - tau);
      risk += pi[y] == 0 ? 0 : pi[y] * loss;
    }
    return risk;
  }

  /**
   * The smallest expected loss over all scores:
   *
   * <pre>
   * ([sum_y pi_y^(1 / (2 - tau))]^(2 - tau) - 1) / (1 - tau),   -sum pi log pi for tau = 1,
   * (1 - max pi) / (tau - 1) for tau >= 2.
   * </pre>
   */
  public double bestConditionalRisk(double[] pi) {
    checkDistribution(pi);
    if (isCrossEntropy()) {
      return Arrays.stream(pi).filter(p -> p > 0).map(p -> -p * Math.log(p)).sum();
    }
    if (tau >= 2) {
      return (1 - Arrays.stream(pi).max().orElseThrow()) / (tau - 1);
    }
    double sum = Arrays.stream(pi).map(p -> Math.pow(p, 1 / (2 - tau))).sum();
    return (Math.pow(sum, 2 - tau) - 1) / (1 - tau);
  }

  /**
   * Scores that attain it: softmax gives {@code p_y} in proportion to {@code pi_y^(1 / (2 - tau))}.
   *
   * @throws IllegalStateException for tau of 2 or more, where only infinite scores do
   */
  public double[] bayesScores(double[] pi) {
    checkDistribution(pi);
    if (tau >= 2) {
      throw new IllegalStateException(
          "for tau of 2 or more no finite scores are best, tau is " + tau);
    }
    return Arrays.stream(pi).map(p -> Math.log(p) / (2 - tau)).toArray();
  }

  static void checkDistribution(double[] pi) {
    if (pi.length < 2) {
      throw new IllegalArgumentException("pi must have at least 2 classes, has " + pi.length);
    }
    double sum = Arrays.stream(pi).sum();
    if (Arrays.stream(pi).anyMatch(p -> !(p >= 0)) || !(Math.abs(sum - 1) <= 1e-6)) {
      throw new IllegalArgumentException(
          "pi must be a distribution: 0 or more with the sum 1, was " + Arrays.toString(pi));
    }
  }
}
