package org.tikhon.train;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Samples in memory.
 *
 * @param inputs FLOAT32 {@code [n, ...]}
 * @param targets {@code [n]}: classes (INT64) or numbers (FLOAT32); {@code [n, h, w]} classes of
 *     pixels (INT64) in segmentation
 */
public record Dataset(Tensor inputs, Tensor targets) {
  public Dataset {
    if (inputs.size(0) != targets.size(0)) {
      throw new IllegalArgumentException(
          "there are " + inputs.size(0) + " inputs and " + targets.size(0) + " targets");
    }
    if (inputs.size(0) == 0) {
      throw new IllegalArgumentException("a data set must have at least one sample");
    }
  }

  public long size() {
    return inputs.size(0);
  }

  /** The samples at places, in that order. */
  public Dataset select(Tensor places) {
    return new Dataset(inputs.indexSelect(0, places), targets.indexSelect(0, places));
  }

  /** The samples from {@code start} to {@code end} (exclusive). Views. */
  public Dataset slice(long start, long end) {
    return new Dataset(inputs.slice(0, start, end), targets.slice(0, start, end));
  }

  /** Random samples without repetition. */
  public Dataset sample(long count, Rng rng) {
    return select(rng.permutation(size()).slice(0, 0, Math.min(count, size())));
  }

  /** The same inputs with other targets. */
  public Dataset withTargets(Tensor replacement) {
    return new Dataset(inputs, replacement);
  }

  /** The batch of the samples at places. */
  public Batch batch(Tensor places) {
    return new Batch(inputs.indexSelect(0, places), targets.indexSelect(0, places), places);
  }

  /** Takes the tensors out of all scopes. */
  public Dataset escape() {
    inputs.escape();
    targets.escape();
    return this;
  }

  public boolean isClassification() {
    return targets.dtype() == Dtype.INT64;
  }
}
