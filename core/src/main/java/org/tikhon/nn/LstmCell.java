package org.tikhon.nn;

import java.util.List;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.LstmState;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A long short-term memory; parameters {@code weight_ih}, {@code weight_hh}, {@code bias_ih},
 * {@code bias_hh}.
 */
public final class LstmCell extends Module {
  private final long hidden;
  private final Parameter weightIh;
  private final Parameter weightHh;
  private final Parameter biasIh;
  private final Parameter biasHh;

  public LstmCell(long in, long hidden, Rng rng) {
    Check.positive("in", in);
    Check.positive("hidden", hidden);
    this.hidden = hidden;
    double bound = 1 / Math.sqrt(hidden);
    weightIh = parameter("weight_ih", Init.uniform(bound, rng, 4 * hidden, in));
    weightHh = parameter("weight_hh", Init.uniform(bound, rng, 4 * hidden, hidden));
    biasIh = parameter("bias_ih", Init.uniform(bound, rng, 4 * hidden));
    biasHh = parameter("bias_hh", Init.uniform(bound, rng, 4 * hidden));
  }

  /** A zero state for a batch. */
  public LstmState zeroState(Tensor x) {
    return new LstmState(
        Tensor.zeros(x.dtype(), x.size(0), hidden), Tensor.zeros(x.dtype(), x.size(0), hidden));
  }

  /** One step on {@code [batch, in]}. */
  public LstmState step(Tensor x, LstmState state) {
    return Functional.lstmCell(
        x, state, weightIh.value(), weightHh.value(), biasIh.value(), biasHh.value());
  }

  /**
   * Runs over a sequence {@code [batch, length, in]} from a zero state; all hidden states {@code
   * [batch, length, h]}.
   */
  @Override
  public Tensor forward(Tensor x) {
    LstmState state = zeroState(x);
    Tensor[] states = new Tensor[(int) x.size(1)];
    for (int t = 0; t < states.length; t++) {
      state = step(x.select(1, t), state);
      states[t] = state.h();
    }
    return Tensor.stack(List.of(states), 1);
  }
}
