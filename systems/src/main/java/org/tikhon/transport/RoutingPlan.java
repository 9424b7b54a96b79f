package org.tikhon.transport;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.tensor.Tensor;

/**
 * Which experts work on which tokens; made by {@link SparseOtRouter}.
 *
 * @param experts the tokens of each expert, rising
 * @param weights {@code [tokens, experts]}: the gate's scores of the chosen pairs, otherwise 0;
 *     differentiable
 * @param rowResidual how far the plan is from giving every token its number of experts, {@code |T 1
 *     - a|_1}
 */
public record RoutingPlan(int[][] experts, Tensor weights, double rowResidual) {
  /** The tokens of an expert, rising. */
  public int[] tokensOf(int expert) {
    return experts[expert].clone();
  }

  /** How many tokens each expert has. */
  public int[] load() {
    return Arrays.stream(experts).mapToInt(tokens -> tokens.length).toArray();
  }

  /** The tokens that no expert works on, rising. */
  public int[] uncovered() {
    boolean[] covered = new boolean[(int) weights.size(0)];
    for (int[] tokens : experts) {
      for (int token : tokens) {
        covered[token] = true;
      }
    }
    return IntStream.range(0, covered.length).filter(i -> !covered[i]).toArray();
  }
}
