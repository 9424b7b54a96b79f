package org.tikhon.loss;

import java.util.Arrays;
import java.util.BitSet;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The running averages of a model's own outputs that ELR pulls towards (temporal ensembling).
 *
 * <p>Sample i has a target {@code t_i}, at first 0. At every visit, with {@code p' = clamp(p, 1e-4,
 * 1 - 1e-4)},
 *
 * <pre>t_i = beta t_i + (1 - beta) p' / sum(p')</pre>
 *
 * without gradient. There is no bias correction: after k visits the target sums to {@code 1 -
 * beta^k}, so that the regulariser starts weakly on purpose.
 */
public final class EarlyLearningTargets {
  static final double SMALLEST = 1e-4;

  private final long samples;
  private final int classes;
  private final double beta;
  private final Tensor targets;

  /** Targets in FLOAT32. */
  public EarlyLearningTargets(long samples, int classes, double beta) {
    this(samples, classes, beta, Dtype.FLOAT32);
  }

  /**
   * @param samples the size of the training set, n
   * @param classes at least 2
   * @param beta the weight of the past, in [0, 1)
   * @param dtype how the {@code n x classes} numbers are stored: FLOAT16 or BFLOAT16 halve the
   *     memory
   */
  public EarlyLearningTargets(long samples, int classes, double beta, Dtype dtype) {
    if (samples < 1) {
      throw new IllegalArgumentException("samples must be at least 1, was " + samples);
    }
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    if (!(beta >= 0 && beta < 1)) {
      throw new IllegalArgumentException("beta must be in [0, 1), was " + beta);
    }
    if (!dtype.isFloatingPoint()) {
      throw new IllegalArgumentException("dtype must be a floating-point type, was " + dtype);
    }
    this.samples = samples;
    this.classes = classes;
    this.beta = beta;
    this.targets = Tensor.zeros(dtype, samples, classes).escape();
  }

  /**
   * Averages new outputs in.
   *
   * @param index INT64 {@code [b]}, different places in the training set
   * @param probabilities {@code [b, classes]}
   * @return the new targets of the batch, {@code [b, classes]}, in the type of the probabilities
   * @throws IllegalArgumentException if an index is outside or appears twice, or a probability is
   *     NaN; nothing is changed
   */
  public Tensor update(Tensor index, Tensor probabilities) {
    checkIndex(index);
    if (probabilities.size(1) != classes) {
      throw new IllegalArgumentException(
          "probabilities must have " + classes + " columns, have " + probabilities.size(1));
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor p = clamp(probabilities.detach());
      Tensor sums = p.sumKeep(1);
      if (!sums.allFinite()) {
        throw new IllegalArgumentException("probabilities must be finite, one of the batch is NaN");
      }
      Tensor past = targets.indexSelect(0, index).to(p.dtype());
      Tensor updated = past.mul(beta).addcdiv(p, sums, 1 - beta);
      targets.indexCopy_(0, index, updated.to(targets.dtype()));
      return scope.keep(updated);
    }
  }

  static Tensor clamp(Tensor probabilities) {
    return probabilities.clamp(SMALLEST, 1 - SMALLEST);
  }

  private void checkIndex(Tensor index) {
    long[] sorted = index.toLongArray();
    Arrays.sort(sorted);
    for (int k = 0; k < sorted.length; k++) {
      if (sorted[k] < 0 || sorted[k] >= samples) {
        throw new IllegalArgumentException("index " + sorted[k] + " outside 0.." + (samples - 1));
      }
      if (k > 0 && sorted[k] == sorted[k - 1]) {
        // Two updates of one row in a batch would depend on their order.
        throw new IllegalArgumentException("index " + sorted[k] + " appears twice");
      }
    }
  }

  /** The targets of samples, {@code [b, classes]}. */
  public Tensor get(Tensor index) {
    return targets.indexSelect(0, index);
  }

  /** The samples whose label is not the class of their largest target: probably mislabelled. */
  public BitSet suspicious(Tensor labels) {
    BitSet result = new BitSet();
    long[] given = labels.toLongArray();
    try (Scope scope = Scope.open()) {
      long[] believed = targets.argmax(1).toLongArray();
      for (int i = 0; i < given.length; i++) {
        result.set(i, believed[i] != given[i]);
      }
    }
    return result;
  }

  /** Each sample's target of its own label, {@code [n]}; low means suspicious. */
  public Tensor labelScore(Tensor labels) {
    return targets.gather(1, labels.unsqueeze(1)).squeeze(1);
  }

  /** All targets, {@code [n, classes]}: the state for checkpoints, not a copy. */
  public Tensor state() {
    return targets;
  }

  /** Goes on from a state. */
  public void load(Tensor state) {
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      targets.copy_(state);
    }
  }

  public int classes() {
    return classes;
  }
}
