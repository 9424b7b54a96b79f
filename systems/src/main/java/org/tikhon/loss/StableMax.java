package org.tikhon.loss;

import org.tikhon.Paper;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/**
 * StableMax: softmax with a function in place of the exponential that grows linearly, so that the
 * loss of a network which is trained for very long cannot collapse to exactly zero.
 *
 * <pre>
 * s(x) = x + 1 for x >= 0,  1 / (1 - x) for x &lt; 0
 * StableMax(z)_i = s(z_i) / sum_j s(z_j),   L = -log StableMax(z)_y
 * dL/dz_k = s'(z_k) (1 / sum_j s(z_j) - [k = y] / s(z_y))
 * </pre>
 *
 * <p>It is softmax of {@code sign(x) log(1 + |x|)}; predictions are those of the logits, but it is
 * not invariant to shifts. In finite precision softmax rounds to a one-hot vector as soon as the
 * margin exceeds ln 2^t for t bits (16.6 in FLOAT32), and learning stops: {@link CollapseMonitor}
 * detects it. The other remedy of the paper is {@link org.tikhon.optimize.PerpGrad}.
 *
 * <p>s is computed in the logits' type and summed without the label's own term, the loss from there
 * in FLOAT64: what is small beside the label's term is not lost. Source: the paper and its official
 * code (which casts the logits up).
 */
@Paper(
    number = 3,
    title = "Grokking at the Edge of Numerical Stability",
    authors = "Lucas Prieto, Melih Barsbey, Pedro A.M. Mediano, Tolga Birdal",
    year = 2025,
    url = "https://arxiv.org/abs/2501.04697")
public final class StableMax {
  private StableMax() {}

  /** The probabilities {@code [b, classes]} of logits, in their type. */
  public static Tensor probabilities(Tensor logits) {
    LossInput.checkLogits(logits);
    Tensor s = s(logits).to(Dtype.FLOAT64);
    return s.div(s.sumKeep(1)).to(logits.dtype());
  }

  /** The logarithms of the probabilities, FLOAT64 {@code [b, classes]}. */
  public static Tensor logProbabilities(Tensor logits) {
    LossInput.checkLogits(logits);
    Tensor s = s(logits).to(Dtype.FLOAT64);
    return s.log().sub(s.sumKeep(1).log());
  }

  /**
   * The cross-entropy.
   *
   * @param logits {@code [b, classes]}, finite
   * @param labels INT64 {@code [b]}
   * @return a FLOAT64 scalar, or {@code [b]} with {@link Reduction#NONE}
   */
  public static Tensor crossEntropy(Tensor logits, Tensor labels, Reduction reduction) {
    LossInput.check(logits, labels);
    if (reduction == Reduction.MEAN) {
      LossInput.checkNotEmpty(logits);
    }
    return reduce(perSample(logits, labels), reduction);
  }

  /**
   * The loss of each sample, without checks: {@code log(1 + sum_{j != y} s_j / s_y)}, which is
   * accurate where it is small.
   */
  static Tensor perSample(Tensor logits, Tensor labels) {
    Tensor s = s(logits);
    Tensor y = labels.unsqueeze(1);
    // Summed without the label's own term, nothing small is lost beside it, in any type.
    Tensor others = s.scatter(1, y, 0.0).sum(1).to(Dtype.FLOAT64);
    Tensor own = s.gather(1, y).squeeze(1).to(Dtype.FLOAT64);
    return others.div(own).log1p();
  }

  static Tensor reduce(Tensor losses, Reduction reduction) {
    return switch (reduction) {
      case NONE -> losses;
      case MEAN -> losses.mean();
      case SUM -> losses.sum();
    };
  }

  /**
   * {@code s(x) = r + 1 / (1 + r - x)} with {@code r = max(x, 0)}. At 0 the derivative of r counts
   * as 0, which leaves s'(0) = 1.
   */
  static Tensor s(Tensor x) {
    Tensor r = x.relu();
    return r.add(r.sub(x).add(1).reciprocal());
  }
}
