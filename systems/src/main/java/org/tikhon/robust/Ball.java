package org.tikhon.robust;

import java.util.Arrays;
import java.util.Objects;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * What an attacker may change an input to: a ball around it, cut to the valid range of the data.
 *
 * @param norm of a sample's change
 * @param radius 0 or more
 * @param low and {@code high} the range of the data, low below high; infinite for no limit
 */
public record Ball(Norm norm, double radius, double low, double high) {
  /** The norm that limits a change. */
  public enum Norm {
    /** The largest change of an entry. */
    L_INF,
    /** The Euclidean length of the change. */
    L2
  }

  public Ball {
    Objects.requireNonNull(norm, "norm");
    if (!(radius >= 0) || Double.isInfinite(radius)) {
      throw new IllegalArgumentException("radius must be 0 or more, was " + radius);
    }
    if (!(low < high)) {
      throw new IllegalArgumentException("low must be below high, were " + low + " and " + high);
    }
  }

  /** The nearest allowed inputs to {@code moved}, where samples are along the first dimension. */
  public Tensor project(Tensor center, Tensor moved) {
    Tensor change = moved.sub(center);
    Tensor inside =
        switch (norm) {
          case L_INF -> change.clamp(-radius, radius);
          case L2 ->
              change.mul(
                  perSample(
                      lengths(change).clampMin(1e-12).reciprocal().mul(radius).clampMax(1),
                      change));
        };
    return center.add(inside).clamp(low, high);
  }

  /** Random allowed inputs: uniform in the cube, or a random direction with a uniform length. */
  public Tensor random(Tensor center, Rng rng) {
    Tensor change =
        switch (norm) {
          case L_INF -> rng.uniform(-radius, radius, center.dtype(), center.shape());
          case L2 -> {
            Tensor direction = direction(rng.normal(center.dtype(), center.shape()));
            yield direction.mul(
                perSample(rng.uniform(0, radius, center.dtype(), center.size(0)), direction));
          }
        };
    return project(center, center.add(change));
  }

  /**
   * The change of length 1 in this norm along which a linear function with the gradient rises most.
   */
  Tensor direction(Tensor gradient) {
    return switch (norm) {
      case L_INF -> gradient.sign();
      case L2 -> gradient.div(perSample(lengths(gradient).clampMin(1e-12), gradient));
    };
  }

  private static Tensor lengths(Tensor x) {
    return x.reshape(x.size(0), -1).norm(2, 1);
  }

  /** A number for each sample in the shape that multiplies the samples. */
  private static Tensor perSample(Tensor values, Tensor like) {
    long[] shape = new long[(int) like.dim()];
    Arrays.fill(shape, 1);
    shape[0] = like.size(0);
    return values.view(shape);
  }
}
