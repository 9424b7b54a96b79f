package org.tikhon.transport;

import java.util.Objects;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Tensor;

/**
 * A map of the form that optimal maps have for a strictly convex cost {@code c(x, y) = h(x - y)}:
 *
 * <pre>T(x) = x - grad h*(F(x)).</pre>
 *
 * It is c-optimal only if the field F is conservative, the gradient of a function; {@link
 * Conservativity} is the penalty for that. For {@code h = |.|^2 / 2} it is {@code x - F(x)}; for an
 * elastic cost the soft threshold makes maps that leave coordinates as they are.
 */
public final class StructuredMap extends Module {
  private final ConvexCost cost;
  private final Module field;

  private StructuredMap(ConvexCost cost, Module field) {
    this.cost = Objects.requireNonNull(cost, "cost");
    this.field = child("field", Objects.requireNonNull(field, "field"));
  }

  /**
   * A map.
   *
   * @param field F, {@code [n, d]} to {@code [n, d]}
   */
  public static StructuredMap of(ConvexCost cost, Module field) {
    return new StructuredMap(cost, field);
  }

  /** {@code [n, d]} to {@code [n, d]}. */
  @Override
  public Tensor forward(Tensor x) {
    return x.sub(cost.conjugateGradient(field.forward(x)));
  }

  public ConvexCost cost() {
    return cost;
  }

  public Module field() {
    return field;
  }
}
