package org.tikhon.head;

/**
 * What set of equiangular basis vectors is wanted and how it is looked for.
 *
 * @param count N, the number of vectors, at least 1
 * @param dimension d, at least 1
 * @param maxCosine alpha, the largest absolute cosine between two of them, in [0, 1)
 * @param learningRate of the gradient descent, above 0; where a set is tight, too large a rate
 *     never settles
 * @param maxSteps at least 1
 * @param sliceSize the number of rows of the Gram matrix that exist at a time, at least 1
 * @param restarts how often to begin again from other vectors where the bound was not reached, 0 or
 *     more
 * @param strict whether a set that was not reached is an error; otherwise the best one is returned
 *     and {@link EquiangularBasis#coherence} says how far it got
 */
public record EbvSpec(
    int count,
    int dimension,
    double maxCosine,
    double learningRate,
    int maxSteps,
    int sliceSize,
    int restarts,
    long seed,
    boolean strict) {
  private static final int SLICE = 512;

  public EbvSpec {
    check(count >= 1, "count", count, "at least 1");
    check(dimension >= 1, "dimension", dimension, "at least 1");
    check(maxCosine >= 0 && maxCosine < 1, "maxCosine", maxCosine, "in [0, 1)");
    check(
        learningRate > 0 && Double.isFinite(learningRate), "learningRate", learningRate, "above 0");
    check(maxSteps >= 1, "maxSteps", maxSteps, "at least 1");
    check(sliceSize >= 1, "sliceSize", sliceSize, "at least 1");
    check(restarts >= 0, "restarts", restarts, "0 or more");
  }

  private static void check(boolean holds, String name, Number value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + allowed + ", was " + value);
    }
  }

  /** The official code's rate 1e-3, 100,000 steps and seed 42; strict, without restarts. */
  public static EbvSpec of(int count, int dimension, double maxCosine) {
    return new EbvSpec(count, dimension, maxCosine, 1e-3, 100_000, SLICE, 0, 42, true);
  }

  public EbvSpec withLearningRate(double value) {
    return new EbvSpec(
        count, dimension, maxCosine, value, maxSteps, sliceSize, restarts, seed, strict);
  }

  public EbvSpec withMaxSteps(int value) {
    return new EbvSpec(
        count, dimension, maxCosine, learningRate, value, sliceSize, restarts, seed, strict);
  }

  public EbvSpec withSliceSize(int value) {
    return new EbvSpec(
        count, dimension, maxCosine, learningRate, maxSteps, value, restarts, seed, strict);
  }

  public EbvSpec withRestarts(int value) {
    return new EbvSpec(
        count, dimension, maxCosine, learningRate, maxSteps, sliceSize, value, seed, strict);
  }

  public EbvSpec withSeed(long value) {
    return new EbvSpec(
        count, dimension, maxCosine, learningRate, maxSteps, sliceSize, restarts, value, strict);
  }

  /** The same, but the best set is returned where the bound is not reached. */
  public EbvSpec lenient() {
    return new EbvSpec(
        count, dimension, maxCosine, learningRate, maxSteps, sliceSize, restarts, seed, false);
  }
}
