package org.tikhon.robust;

import java.util.Arrays;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Projected gradient ascent on any objective of the inputs (Madry et al. 2018):
 *
 * <pre>x' = project(x' + stepSize direction(gradient)),</pre>
 *
 * where the direction is the sign of the gradient, or the normalised gradient in the L2 ball. Only
 * gradients with respect to inputs are computed. Of several restarts, each sample keeps the inputs
 * with the largest objective.
 *
 * @param steps at least 1 where the ball's radius is above 0
 * @param stepSize 0 or more
 * @param restarts the number of starts, at least 1
 * @param randomStart whether they begin at random inputs of the ball instead of the center
 */
public record Pgd(Ball ball, int steps, double stepSize, int restarts, boolean randomStart) {
  public Pgd {
    if (steps < 1 && ball.radius() > 0) {
      throw new IllegalArgumentException(
          "steps must be at least 1 where the radius is above 0, was " + steps);
    }
    if (!(stepSize >= 0)) {
      throw new IllegalArgumentException("stepSize must be 0 or more, was " + stepSize);
    }
    if (restarts < 1) {
      throw new IllegalArgumentException("restarts must be at least 1, was " + restarts);
    }
  }

  /** The usual attack: step size 2.5 radius / steps, one random start. */
  public static Pgd of(Ball ball, int steps) {
    return new Pgd(ball, steps, 2.5 * ball.radius() / Math.max(1, steps), 1, true);
  }

  public Pgd withRestarts(int value) {
    return new Pgd(ball, steps, stepSize, value, randomStart);
  }

  public Pgd fromCenter() {
    return new Pgd(ball, steps, stepSize, restarts, false);
  }

  /** What the attacker maximises, a number for each sample: {@code [b]}. */
  @FunctionalInterface
  public interface Objective {
    Tensor of(Tensor inputs);
  }

  /** Attacked inputs, without a gradient; the clean ones where the radius is 0. */
  public Tensor attack(Objective objective, Tensor x, Rng rng) {
    try (Scope scope = Scope.open()) {
      Tensor center = x.detach();
      if (ball.radius() == 0) {
        return scope.keep(center.cloned());
      }
      Tensor best = ascend(objective, center, rng);
      if (restarts > 1) {
        Tensor value = value(objective, best);
        for (int i = 1; i < restarts; i++) {
          Tensor next = ascend(objective, center, rng);
          Tensor nextValue = value(objective, next);
          Tensor better = nextValue.gt(value);
          long[] shape = new long[(int) x.dim()];
          Arrays.fill(shape, 1);
          shape[0] = x.size(0);
          best = Tensor.where(better.view(shape), next, best);
          value = nextValue.maximum(value);
        }
      }
      return scope.keep(best);
    }
  }

  private Tensor ascend(Objective objective, Tensor center, Rng rng) {
    Tensor moved = randomStart ? ball.random(center, rng) : center;
    for (int i = 0; i < steps; i++) {
      moved = step(objective, center, moved);
    }
    return moved;
  }

  /** One step. */
  Tensor step(Objective objective, Tensor center, Tensor moved) {
    try (Scope scope = Scope.open()) {
      Tensor input = moved.detach().setRequiresGrad(true);
      Tensor gradient = Autograd.grad(objective.of(input).sum(), input);
      Tensor next = input.detach().add(ball.direction(gradient).mul(stepSize));
      return scope.keep(ball.project(center, next));
    }
  }

  private static Tensor value(Objective objective, Tensor x) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return scope.keep(objective.of(x));
    }
  }
}
