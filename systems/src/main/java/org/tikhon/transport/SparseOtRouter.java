package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.nn.Module;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Gives tokens to experts by {@link SparseOt}: no expert gets more than its share, and few tokens
 * get none.
 *
 * <p>With the gate's scores {@code Pi = softmax(X W) [m, n]}, the cost is {@code -Pi}, every token
 * wants perToken experts, every expert the same part of them, and at most {@code k = ceil(perToken
 * m / n)} tokens. The support of the plan says who works on what; it is a constant, and W learns by
 * the scores of the chosen pairs.
 *
 * <p>After few iterations the plan's row sums are not exact: some tokens have more experts than
 * they want, some none ({@link RoutingPlan#uncovered}).
 *
 * <p>Source: Liu, Puigcerver and Blondel, "Sparsity-Constrained Optimal Transport", 2023; cost and
 * the number of iterations are ours.
 */
public final class SparseOtRouter extends Module {
  private final Parameter weight;
  private final int dim;
  private final int experts;
  private final int perToken;
  private final int iterations;
  private final double gamma;

  /**
   * A router with a random gate.
   *
   * @param dim the length of a token
   * @param experts n, at least 1
   * @param perToken experts that a token wants, 1 to n
   * @param iterations of L-BFGS, 10 to 50 are enough
   * @param gamma the regularisation, 0.1 suits scores between 0 and 1
   */
  public SparseOtRouter(int dim, int experts, int perToken, int iterations, double gamma, Rng rng) {
    this(perToken, iterations, gamma, initial(dim, experts, rng));
  }

  /** A router with a given gate W {@code [dim, experts]}. */
  SparseOtRouter(int perToken, int iterations, double gamma, Tensor gate) {
    this.dim = (int) gate.size(0);
    this.experts = (int) gate.size(1);
    if (perToken < 1 || perToken > experts) {
      throw new IllegalArgumentException(
          "perToken must be 1 to the number of experts, %d, was %d".formatted(experts, perToken));
    }
    if (iterations < 1) {
      throw new IllegalArgumentException("iterations must be at least 1, was " + iterations);
    }
    if (!(gamma > 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException("gamma must be positive and finite, was " + gamma);
    }
    this.perToken = perToken;
    this.iterations = iterations;
    this.gamma = gamma;
    this.weight = parameter("weight", gate);
  }

  private static Tensor initial(int dim, int experts, Rng rng) {
    if (dim < 1 || experts < 1) {
      throw new IllegalArgumentException(
          "dim and experts must be at least 1, were %d and %d".formatted(dim, experts));
    }
    return rng.normal(dim, experts).div(Math.sqrt(dim));
  }

  /** The gate's scores, {@code [m, experts]}. */
  public Tensor scores(Tensor tokens) {
    if (tokens.dim() != 2 || tokens.size(1) != dim || tokens.size(0) == 0) {
      throw new IllegalArgumentException(
          "tokens must have shape [m, %d], have %s"
              .formatted(dim, Arrays.toString(tokens.shape())));
    }
    return tokens.matmul(weight.value()).softmax(1);
  }

  /** The weights of {@link #route}. */
  @Override
  public Tensor forward(Tensor tokens) {
    return route(tokens).weights();
  }

  /**
   * Routes a batch.
   *
   * @param tokens {@code [m, dim]}
   */
  public RoutingPlan route(Tensor tokens) {
    return assign(scores(tokens), perToken, iterations, gamma);
  }

  /**
   * Routes by scores that come from elsewhere.
   *
   * @param scores {@code [m, n]}, finite
   * @param perToken experts that a token wants
   */
  public static RoutingPlan assign(Tensor scores, int perToken, int iterations, double gamma) {
    int m = (int) scores.size(0);
    int n = (int) scores.size(1);
    double[][] cost = scores.neg().toDoubleRows();
    double[] a = new double[m];
    Arrays.fill(a, perToken);
    double[] b = new double[n];
    Arrays.fill(b, (double) perToken * m / n);
    SparseOtSolution solution =
        SparseOt.columns(Math.ceilDiv(perToken * m, n))
            .gamma(gamma)
            .options(new Lbfgs.Options(10, iterations, 1e-9))
            .solveSemiDual(TransportProblem.of(cost, a, b));
    SparsePlan byExpert = solution.plan().transposed();
    int[][] tokensOf = new int[n][];
    double[] chosen = new double[m * n];
    for (int j = 0; j < n; j++) {
      tokensOf[j] =
          Arrays.copyOfRange(byExpert.column(), byExpert.rowStart()[j], byExpert.rowStart()[j + 1]);
      for (int i : tokensOf[j]) {
        chosen[i * n + j] = 1;
      }
    }
    Tensor mask = Tensor.of(chosen, m, n).to(scores.dtype()).to(scores.device());
    return new RoutingPlan(tokensOf, scores.mul(mask), solution.rowResidual());
  }
}
