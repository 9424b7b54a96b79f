package org.tikhon.data;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntBinaryOperator;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Generated algorithmic tasks, on which networks generalise long after they fit the training data
 * (grokking), or never.
 *
 * @param trainInputs FLOAT32 {@code [n, d]}
 * @param trainLabels INT64 {@code [n]}
 * @param testInputs and {@code testLabels} all other samples
 */
public record GeneratedAlgorithms(
    Tensor trainInputs, Tensor trainLabels, Tensor testInputs, Tensor testLabels, int classes) {

  /**
   * {@code (a + b) mod p} of all p^2 pairs; the input is two one-hot vectors, {@code [2p]}.
   *
   * @param p at least 2
   * @param trainFraction in (0, 1)
   */
  public static GeneratedAlgorithms modularAddition(int p, double trainFraction, long seed) {
    return pairs(p, trainFraction, seed, (a, b) -> (a + b) % p);
  }

  /** {@code (a b) mod p} of all p^2 pairs. */
  public static GeneratedAlgorithms modularProduct(int p, double trainFraction, long seed) {
    return pairs(p, trainFraction, seed, (a, b) -> (int) ((long) a * b % p));
  }

  private static GeneratedAlgorithms pairs(
      int p, double trainFraction, long seed, IntBinaryOperator operation) {
    if (p < 2) {
      throw new IllegalArgumentException("p must be at least 2, was " + p);
    }
    long[] first = new long[p * p];
    long[] second = new long[p * p];
    long[] result = new long[p * p];
    Arrays.setAll(first, i -> i / p);
    Arrays.setAll(second, i -> i % p);
    Arrays.setAll(result, i -> operation.applyAsInt(i / p, i % p));
    Tensor inputs =
        Tensor.cat(
                List.of(
                    Functional.oneHot(Tensor.of(first, first.length), p),
                    Functional.oneHot(Tensor.of(second, second.length), p)),
                1)
            .to(Dtype.FLOAT32);
    return split(inputs, Tensor.of(result, result.length), trainFraction, new Rng(seed), p);
  }

  /**
   * The parity of the first bits of random ones.
   *
   * @param bits the length of an input, whose entries are 0 or 1
   * @param parityBits how many of them count, in 1, ..., bits
   * @param samples of which half are for training, at least 2
   */
  public static GeneratedAlgorithms sparseParity(int bits, int parityBits, int samples, long seed) {
    if (parityBits < 1 || parityBits > bits) {
      throw new IllegalArgumentException(
          "parityBits must be in 1..%d (bits), was %d".formatted(bits, parityBits));
    }
    if (samples < 2) {
      throw new IllegalArgumentException("samples must be at least 2, was " + samples);
    }
    Rng rng = new Rng(seed);
    Tensor inputs = rng.integers(0, 2, samples, bits);
    Tensor parity = inputs.slice(1, 0, parityBits).sum(1).remainder(2).to(Dtype.INT64);
    return split(inputs.to(Dtype.FLOAT32), parity, 0.5, rng, 2);
  }

  private static GeneratedAlgorithms split(
      Tensor inputs, Tensor labels, double trainFraction, Rng rng, int classes) {
    long n = labels.size(0);
    long train = Math.round(trainFraction * n);
    if (!(trainFraction > 0 && trainFraction < 1) || train == 0 || train == n) {
      throw new IllegalArgumentException(
          "trainFraction must be in (0, 1) and leave samples on both sides, was " + trainFraction);
    }
    Tensor order = rng.permutation(n);
    Tensor first = order.slice(0, 0, train);
    Tensor rest = order.slice(0, train, n);
    return new GeneratedAlgorithms(
        inputs.indexSelect(0, first),
        labels.indexSelect(0, first),
        inputs.indexSelect(0, rest),
        labels.indexSelect(0, rest),
        classes);
  }
}
