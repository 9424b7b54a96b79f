package org.tikhon.train;

import org.tikhon.tensor.Tensor;

/**
 * Some samples of a training set.
 *
 * @param inputs {@code [b, ...]}
 * @param targets {@code [b]}: classes (INT64) or numbers (FLOAT32)
 * @param indices {@code [b]}, INT64: the samples' places in the training set, which stay the same
 *     in every epoch
 */
public record Batch(Tensor inputs, Tensor targets, Tensor indices) {}
