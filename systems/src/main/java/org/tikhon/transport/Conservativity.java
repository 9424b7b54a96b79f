package org.tikhon.transport;

import java.util.List;
import java.util.Objects;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * How far a vector field is from being a gradient,
 *
 * <pre>C(F) = E_x |J(x) - J(x)'|_F^2 = E_x E_v |J(x) v - J(x)' v|^2,  v from N(0, I),</pre>
 *
 * estimated with random probes (Hutchinson), for each of which all rows of a batch take one
 * Jacobian-vector and one vector-Jacobian product. The penalty of a {@link StructuredMap}. The
 * field must treat each row by itself, and derivatives must be recorded: not within {@link
 * Autograd#noGrad}. Memory and time are a few evaluations of the field a probe.
 */
public final class Conservativity implements MapPenalty {
  private final Module field;
  private final int probes;
  private final Rng rng;

  /**
   * @param field F, {@code [n, d]} to {@code [n, d]}
   * @param probes at least 1
   * @param rng draws the probes
   */
  public Conservativity(Module field, int probes, Rng rng) {
    if (probes < 1) {
      throw new IllegalArgumentException("probes must be at least 1, was " + probes);
    }
    this.field = Objects.requireNonNull(field, "field");
    this.probes = probes;
    this.rng = Objects.requireNonNull(rng, "rng");
  }

  /** The estimate on points, {@code [n, d]}: a scalar with gradients to the field's parameters. */
  public Tensor apply(Tensor x) {
    SampleTransport.checkPoints("x", x, 1);
    Tensor leaf = x.detach().setRequiresGrad(true);
    Tensor value = field.forward(leaf);
    if (value.size(-1) != x.size(1)) {
      throw new IllegalArgumentException(
          "field must map dimension %d to itself, gave %d".formatted(x.size(1), value.size(-1)));
    }
    Tensor sum = null;
    for (int k = 0; k < probes; k++) {
      Tensor v = rng.normal(x.dtype(), x.shape());
      Tensor jv = Autograd.jvp(value, List.of(leaf), List.of(v), true);
      Tensor vj = Autograd.vjp(value, List.of(leaf), v, true).getFirst();
      Tensor term = jv.sub(vj).square().sum(1).mean();
      sum = sum == null ? term : sum.add(term);
    }
    return sum.div(probes);
  }

  @Override
  public LossTerm term(Tensor x, Tensor mapped) {
    return LossTerm.of(apply(x));
  }
}
