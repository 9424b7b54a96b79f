package org.tikhon.optim;

import java.util.List;
import org.tikhon.tensor.Fused;
import org.tikhon.tensor.Fused.AdamConstants;
import org.tikhon.tensor.Tensor;

/**
 * Adam (Kingma and Ba 2015) with bias correction, and AdamW (Loshchilov and Hutter 2019) with
 * decoupled weight decay, with PyTorch's arithmetic: {@code m = b1 m + (1 - b1) g; v = b2 v + (1 -
 * b2) g^2; p -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)}. Defaults: b1 0.9, b2 0.999,
 * epsilon 1e-8.
 */
public final class Adam extends ParameterwiseOptimizer {
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
    Check.require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "in [0, 1)");
    Check.require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "in [0, 1)");
    Check.require(epsilon >= 0, "epsilon", epsilon, "0 or more");
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
    AdamConstants constants =
        new AdamConstants(
            group.learningRate(), beta1, beta2, group.weightDecay(), epsilon, decoupled);
    // The fused kernel walks through the memory, so all four tensors need the same layout.
    Tensor dense = p.contiguous();
    Fused.adam_(dense, gradient.contiguous(), slot(p, "m"), slot(p, "v"), steps(), constants);
    if (!p.isContiguous()) {
      p.copy_(dense);
    }
  }
}
