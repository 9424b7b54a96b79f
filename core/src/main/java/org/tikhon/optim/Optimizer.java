package org.tikhon.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Changes parameters along their gradients. Use: {@link #zeroGrad}, {@code loss.backward()}, {@link
 * #step}. An optimiser that treats every parameter by itself extends {@link
 * ParameterwiseOptimizer}; one that wraps another passes on its {@link #groups} and {@link #state}.
 */
public interface Optimizer {
  /** Parameters that share a learning rate and a weight decay. */
  final class Group {
    private final List<Tensor> parameters;
    private final double baseLearningRate;
    private double learningRate;
    private final double weightDecay;

    public Group(List<Tensor> parameters, double learningRate, double weightDecay) {
      Check.require(
          learningRate >= 0 && Double.isFinite(learningRate),
          "learningRate",
          learningRate,
          "0 or more");
      Check.require(
          weightDecay >= 0 && Double.isFinite(weightDecay),
          "weightDecay",
          weightDecay,
          "0 or more");
      this.parameters = List.copyOf(parameters);
      this.baseLearningRate = learningRate;
      this.learningRate = learningRate;
      this.weightDecay = weightDecay;
    }

    public List<Tensor> parameters() {
      return parameters;
    }

    /** The current rate: the base rate times the schedule's factor. */
    public double learningRate() {
      return learningRate;
    }

    public double weightDecay() {
      return weightDecay;
    }
  }

  /** The groups of parameters; what is set on them holds for the next step. */
  List<Group> groups();

  /** The number of steps so far. */
  long steps();

  /** Changes every parameter that has a gradient. */
  void step();

  /** The state for checkpoints, by name. */
  Map<String, Tensor> state();

  /** Continues from a state. */
  void load(Map<String, Tensor> state);

  /** All parameters of all groups. */
  default List<Tensor> parameters() {
    List<Tensor> all = new ArrayList<>();
    groups().forEach(g -> all.addAll(g.parameters));
    return all;
  }

  /** Sets every group's rate to its base rate times a factor. */
  default void scaleLearningRate(double factor) {
    groups().forEach(g -> g.learningRate = g.baseLearningRate * factor);
  }

  /** Forgets the gradients. */
  default void zeroGrad() {
    groups().forEach(g -> g.parameters.forEach(Tensor::clearGrad));
  }

  /**
   * Scales all gradients by one factor so that the norm of all of them together is at most {@code
   * maxNorm}; to be called between {@code backward} and {@link #step}.
   *
   * @return the norm before
   */
  default double clipGradNorm(double maxNorm) {
    Check.require(maxNorm > 0, "maxNorm", maxNorm, "above 0");
    try (Scope scope = Scope.open()) {
      List<Tensor> gradients =
          parameters().stream().map(Tensor::grad).filter(Objects::nonNull).toList();
      double norm =
          Math.sqrt(gradients.stream().mapToDouble(g -> Math.pow(g.norm().item(), 2)).sum());
      if (norm > maxNorm) {
        gradients.forEach(g -> g.mul_(maxNorm / norm));
      }
      return norm;
    }
  }
}
