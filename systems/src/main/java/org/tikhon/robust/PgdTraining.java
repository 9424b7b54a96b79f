package org.tikhon.robust;

import org.tikhon.nn.Module;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Adversarial training (Madry et al. 2018): cross-entropy at inputs that maximise it in the ball.
 */
public final class PgdTraining {
  private final Pgd pgd;

  public PgdTraining(Ball ball, int steps) {
    this.pgd = Pgd.of(ball, steps);
  }

  /** The mean loss of a batch. */
  public Tensor apply(Module model, Tensor x, Tensor y, Rng rng) {
    Tensor attacked = pgd.attack(moved -> crossEntropy(model.forward(moved), y), x, rng);
    return Functional.crossEntropy(model.forward(attacked), y);
  }

  static Tensor crossEntropy(Tensor logits, Tensor y) {
    return Functional.crossEntropy(logits, y, null, Reduction.NONE, 0);
  }
}
