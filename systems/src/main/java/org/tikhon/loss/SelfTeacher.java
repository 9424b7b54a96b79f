package org.tikhon.loss;

import java.util.Map;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;

/**
 * Where PS-KD's past predictions {@code P^{t-1}} come from: the network of the epoch before.
 *
 * <p>A {@link PredictionMemory} stores one row of probabilities per sample and costs no extra
 * forward pass; a {@link SnapshotTeacher} stores a second set of weights and costs one forward pass
 * per step. Take the memory unless {@code samples x classes} numbers are too many, or samples have
 * no stable number or no fixed number of outputs (tokens, boxes).
 *
 * <p>In the first epoch there is no past: the label takes its place, see {@link PsKdLearner}.
 */
public sealed interface SelfTeacher permits PredictionMemory, SnapshotTeacher {
  /**
   * What the network predicted for a batch in the epoch before.
   *
   * @return {@code [b, classes]}, without gradient
   */
  Tensor past(Batch batch);

  /**
   * Takes note of what the network predicts now. Called once a step, after {@link #past}.
   *
   * @param probabilities {@code [b, classes]}, the softmax in training mode that the step's loss
   *     was computed from
   */
  void observe(Batch batch, Tensor probabilities);

  /** Called after the last batch of each epoch. */
  void epochEnd();

  /** What a checkpoint must hold, by name; not copies. */
  Map<String, Tensor> state();

  /** Goes on from a state. */
  void load(Map<String, Tensor> state);
}
