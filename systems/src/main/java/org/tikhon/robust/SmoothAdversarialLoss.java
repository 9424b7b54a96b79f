package org.tikhon.robust;

import org.tikhon.loss.CompSumLoss;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * The smooth adversarial comp-sum loss (ADV-COMP-SUM, system 51). With margins {@code D(x, y)_k =
 * h_y - h_k} for k != y,
 *
 * <pre>
 * L = Phi_tau(sum_{k != y} exp(-D(x, y)_k / rho))
 *     + nu sup_{x' in ball} |D(x', y) - D(x, y)|_2
 * </pre>
 *
 * an upper bound of the adversarial rho-margin loss for {@code nu >= sqrt(n - 1) / rho}; in
 * practice rho and nu are tuned. The supremum is found by projected gradient ascent on the norm
 * itself, 2.5 radius / steps a step from a random start. The gradient of L flows through D(x') and
 * D(x), not through x'.
 */
public final class SmoothAdversarialLoss {
  private static final double EPSILON = 1e-12;

  private final CompSumLoss base;
  private final double rho;
  private final double nu;
  private final Pgd pgd;

  /**
   * A loss.
   *
   * @param base its tau is 1 in the paper's experiments
   * @param rho the margin, above 0
   * @param nu the weight of the adversarial term, 0 or more; 0 is the clean loss
   * @param steps of the attack, at least 1 where the radius is above 0
   */
  public SmoothAdversarialLoss(CompSumLoss base, double rho, double nu, Ball ball, int steps) {
    if (!(rho > 0) || Double.isInfinite(rho)) {
      throw new IllegalArgumentException("rho must be above 0, was " + rho);
    }
    if (!(nu >= 0) || Double.isInfinite(nu)) {
      throw new IllegalArgumentException("nu must be 0 or more, was " + nu);
    }
    this.base = base;
    this.rho = rho;
    this.nu = nu;
    this.pgd = Pgd.of(ball, steps);
  }

  /**
   * The parts of a batch's mean loss.
   *
   * @param total the loss, {@code base + nu penalty}
   * @param base the clean comp-sum loss with margin rho
   * @param penalty the mean norm of the margins' change
   */
  public record Parts(Tensor total, Tensor base, Tensor penalty) {}

  /** The loss of a model for inputs {@code [b, ...]} and labels {@code [b]}. */
  public Parts apply(Module model, Tensor x, Tensor y, Rng rng) {
    Tensor clean = model.forward(x);
    Tensor baseLoss = base.apply(clean.div(rho), y);
    if (nu == 0 || pgd.ball().radius() == 0) {
      return new Parts(baseLoss, baseLoss, baseLoss.zerosLike());
    }
    Tensor attacked = attack(model, x, y, clean.detach(), rng);
    Tensor penalty = distance(model.forward(attacked), clean, y).mean();
    return new Parts(baseLoss.add(penalty.mul(nu)), baseLoss, penalty);
  }

  /** Inputs in the ball whose margins are far from the clean ones. */
  public Tensor attack(Module model, Tensor x, Tensor y, Rng rng) {
    return attack(model, x, y, model.forward(x).detach(), rng);
  }

  private Tensor attack(Module model, Tensor x, Tensor y, Tensor clean, Rng rng) {
    return pgd.attack(moved -> squaredDistance(model.forward(moved), clean, y), x, rng);
  }

  /** {@code |D(x', y) - D(x, y)|_2} of two sets of logits, {@code [b]}. */
  public static Tensor distance(Tensor attacked, Tensor clean, Tensor y) {
    return squaredDistance(attacked, clean, y).add(EPSILON).sqrt();
  }

  private static Tensor squaredDistance(Tensor attacked, Tensor clean, Tensor y) {
    Tensor change = attacked.sub(clean);
    // The entry of the label itself is zero.
    return change.gather(1, y.unsqueeze(1)).sub(change).square().sum(1);
  }

  /**
   * The rho-margin loss at given logits, {@code Phi_tau(sum_{k != y} min(1, max(0, 1 - D_k /
   * rho)))}, {@code [b]}: the loss of which this class bounds the supremum over the ball. At least
   * {@code Phi_tau(1)} where the prediction is wrong.
   */
  public static Tensor marginLoss(CompSumLoss base, double rho, Tensor logits, Tensor y) {
    if (!(rho > 0)) {
      throw new IllegalArgumentException("rho must be above 0, was " + rho);
    }
    Tensor margins = logits.gather(1, y.unsqueeze(1)).sub(logits);
    // The label's own term is 1 whatever the logits.
    Tensor u = margins.div(-rho).add(1).clamp(0, 1).sum(1).sub(1).clampMin(0);
    return Math.abs(base.tau() - 1) < 1e-6
        ? u.log1p()
        : u.log1p().mul(1 - base.tau()).expm1().div(1 - base.tau());
  }
}
