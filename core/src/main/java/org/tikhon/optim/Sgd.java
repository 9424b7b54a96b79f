package org.tikhon.optim;

import java.util.List;
import org.tikhon.tensor.Tensor;

/**
 * Stochastic gradient descent with momentum, as in PyTorch: {@code g += wd p; m = mu m + g; p -= lr
 * m}, or with Nesterov's look-ahead {@code p -= lr (g + mu m)}.
 */
public final class Sgd extends ParameterwiseOptimizer {
  private final double momentum;
  private final boolean nesterov;

  public Sgd(List<Group> groups, double momentum, boolean nesterov) {
    super(groups);
    Check.require(momentum >= 0 && momentum < 1, "momentum", momentum, "in [0, 1)");
    if (nesterov && momentum == 0) {
      throw new IllegalArgumentException("nesterov needs a momentum above 0, was 0");
    }
    this.momentum = momentum;
    this.nesterov = nesterov;
  }

  public Sgd(List<Tensor> parameters, double learningRate, double momentum, double weightDecay) {
    this(List.of(new Group(parameters, learningRate, weightDecay)), momentum, false);
  }

  @Override
  protected void update(Group group, Tensor p, Tensor gradient) {
    Tensor g = group.weightDecay() == 0 ? gradient : gradient.addScaled(p, group.weightDecay());
    if (momentum == 0) {
      p.add_(g, -group.learningRate());
      return;
    }
    // From zero, the first step gives m = g, as PyTorch's lazily created buffer does.
    Tensor m = slot(p, "momentum").mul_(momentum).add_(g);
    p.add_(nesterov ? g.addScaled(m, momentum) : m, -group.learningRate());
  }
}
