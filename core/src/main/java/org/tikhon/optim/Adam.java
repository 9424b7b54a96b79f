package org.tikhon.optim;

import java.util.List;
import org.tikhon.tensor.Tensor;

/**
 * Adam (Kingma and Ba 2015) with bias correction, and AdamW (Loshchilov and Hutter 2019) with
 * decoupled weight decay, with PyTorch's arithmetic: {@code m = b1 m + (1 - b1) g; v = b2 v + (1 -
 * b2) g^2; p -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)}. Defaults: b1 0.9, b2 0.999,
 * epsilon 1e-8.
 */
public final class Adam extends Optimizer {
  private final double beta1;
  private final double beta2;
  private final double epsilon;
  private final boolean decoupled;

  /**
   * @param decoupled AdamW's decay {@code p -= lr wd p}, instead of Adam's, which adds {@code wd p}
   *     to the gradient
   */
  public Adam(List<Group> groups, double beta1, double beta2, double epsilon, boolean decoupled) {
    super(groups);
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in [0, 1)");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in [0, 1)");
    require(epsilon >= 0, "epsilon", epsilon, "0 or more");
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.decoupled = decoupled;
  }

  /** Adam with its defaults. */
  public Adam(List<Tensor> parameters, double learningRate) {
    this(List.of(new Group(parameters, learningRate, 0)), 0.9, 0.999, 1e-8, false);
  }

  /** AdamW with its defaults. */
  public static Adam adamW(List<Tensor> parameters, double learningRate, double weightDecay) {
    return new Adam(
        List.of(new Group(parameters, learningRate, weightDecay)), 0.9, 0.999, 1e-8, true);
  }

  @Override
  protected void update(Group group, Tensor p, Tensor gradient) {
    double lr = group.learningRate();
    Tensor g = gradient;
    if (group.weightDecay() != 0) {
      if (decoupled) {
        p.mul_(1 - lr * group.weightDecay());
      } else {
        g = g.addScaled(p, group.weightDecay());
      }
    }
    Tensor m = slot(p, "m");
    Tensor v = slot(p, "v");
    double correction1 = 1 - Math.pow(beta1, steps());
    double correction2 = 1 - Math.pow(beta2, steps());
    m.lerp_(g, 1 - beta1);
    v.mul_(beta2).addcmul_(g, g, 1 - beta2);
    Tensor denominator = v.sqrt().div(Math.sqrt(correction2)).add(epsilon);
    p.addcdiv_(m, denominator, -lr / correction1);
  }
}
