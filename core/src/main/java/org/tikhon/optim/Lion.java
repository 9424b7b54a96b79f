package org.tikhon.optim;

import java.util.List;
import org.tikhon.tensor.Tensor;

/**
 * Lion (Chen et al. 2023): {@code p -= lr (sign(b1 m + (1 - b1) g) + wd p); m = b2 m + (1 - b2) g},
 * b1 0.9, b2 0.99. Its rate is three to ten times smaller than AdamW's.
 */
public final class Lion extends ParameterwiseOptimizer {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.99;

  public Lion(List<Group> groups) {
    super(groups);
  }

  @Override
  protected void update(Group group, Tensor p, Tensor g) {
    Tensor m = slot(p, "m");
    p.mul_(1 - group.learningRate() * group.weightDecay());
    p.add_(m.lerp(g, 1 - BETA1).sign_(), -group.learningRate());
    m.lerp_(g, 1 - BETA2);
  }
}
