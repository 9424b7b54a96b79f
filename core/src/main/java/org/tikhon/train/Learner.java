package org.tikhon.train;

import java.util.Map;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Tensor;

/** Anything that learns from batches. */
public interface Learner {
  /**
   * Learns from one batch.
   *
   * @param epoch progress in epochs, from 0, with a fraction inside an epoch
   * @return the training loss of the batch
   */
  double step(Batch batch, double epoch);

  /**
   * Logits {@code [b, classes]}, or numbers {@code [b]} in regression; nothing is recorded or
   * changed.
   */
  Tensor predict(Tensor inputs);

  /** Called after the last batch of each epoch, counted from 0. */
  default void epochEnd(int epoch) {}

  /** The network whose weights are saved as the result of the training. */
  Module model();

  /** Everything that the learner needs to go on as if nothing had happened, by name. */
  Map<String, Tensor> state();

  /** Goes on from a state. */
  void load(Map<String, Tensor> state);
}
