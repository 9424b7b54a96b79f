package org.tikhon.robust;

import org.tikhon.nn.Module;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * TRADES (Zhang et al. 2019): {@code CE(h(x), y) + beta mean KL(p(x) || p(x'))}, where x' maximises
 * that divergence in the ball.
 */
public final class TradesLoss {
  private final double beta;
  private final Pgd pgd;

  /**
   * A loss.
   *
   * @param beta the weight of the adversarial term, 0 or more
   */
  public TradesLoss(double beta, Ball ball, int steps) {
    if (!(beta >= 0) || Double.isInfinite(beta)) {
      throw new IllegalArgumentException("beta must be 0 or more, was " + beta);
    }
    this.beta = beta;
    this.pgd = Pgd.of(ball, steps);
  }

  /** The mean loss of a batch. */
  public Tensor apply(Module model, Tensor x, Tensor y, Rng rng) {
    Tensor clean = model.forward(x);
    Tensor p = clean.softmax(1);
    Tensor fixed = p.detach();
    Tensor attacked = pgd.attack(moved -> divergence(fixed, model.forward(moved)), x, rng);
    return Functional.crossEntropy(clean, y)
        .add(divergence(p, model.forward(attacked)).mean().mul(beta));
  }

  /** {@code KL(p || softmax(logits))} of each sample, where p log p is bounded below. */
  private static Tensor divergence(Tensor p, Tensor logits) {
    return p.mul(p.clampMin(1e-12).log().sub(logits.logSoftmax(1))).sum(1);
  }
}
