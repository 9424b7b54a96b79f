package org.tikhon.nn;

import java.util.List;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A gated recurrent unit; parameters {@code weight_ih}, {@code weight_hh}, {@code bias_ih}, {@code
 * bias_hh}.
 */
public final class GruCell extends Module {
  private final long hidden;
  private final Parameter weightIh;
  private final Parameter weightHh;
  private final Parameter biasIh;
  private final Parameter biasHh;

  public GruCell(long in, long hidden, Rng rng) {
    Check.positive("in", in);
    Check.positive("hidden", hidden);
    this.hidden = hidden;
    double bound = 1 / Math.sqrt(hidden);
    weightIh = parameter("weight_ih", Init.uniform(bound, rng, 3 * hidden, in));
    weightHh = parameter("weight_hh", Init.uniform(bound, rng, 3 * hidden, hidden));
    biasIh = parameter("bias_ih", Init.uniform(bound, rng, 3 * hidden));
    biasHh = parameter("bias_hh", Init.uniform(bound, rng, 3 * hidden));
  }

  /** One step: {@code [batch, in], [batch, hidden] -> [batch, hidden]}. */
  public Tensor step(Tensor x, Tensor h) {
    return Functional.gruCell(
        x, h, weightIh.value(), weightHh.value(), biasIh.value(), biasHh.value());
  }

  /**
   * Runs over a sequence {@code [batch, length, in]} from a zero state; all hidden states {@code
   * [batch, length, h]}.
   */
  @Override
  public Tensor forward(Tensor x) {
    Tensor h = Tensor.zeros(x.dtype(), x.size(0), hidden);
    Tensor[] states = new Tensor[(int) x.size(1)];
    for (int t = 0; t < states.length; t++) {
      h = step(x.select(1, t), h);
      states[t] = h;
    }
    return Tensor.stack(List.of(states), 1);
  }
}
