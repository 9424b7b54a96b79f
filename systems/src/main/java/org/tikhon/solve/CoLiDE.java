package org.tikhon.solve;

import org.tikhon.Paper;

/**
 * Concomitant linear DAG estimation: finds the weighted directed acyclic graph behind a table
 * together with the standard deviations of the noise, so that one penalty serves all noise levels,
 * also unequal ones.
 *
 * <p>With the covariance C {@code [d, d]}, the weights W {@code [d, d]} (W_ij belongs to the edge i
 * to j) and {@code D(W) = (I - W)' C (I - W)}, the score is
 *
 * <pre>
 * equal variances:    tr D(W) / (2 sigma) + d sigma / 2 + lambda |W|_1
 *                     sigma = max(sqrt(tr D(W) / d), sigma_0)
 * unequal variances:  sum_j (D(W)_jj / (2 sigma_j) + sigma_j / 2) + lambda |W|_1
 *                     sigma_j = max(sqrt(D(W)_jj), sigma_0j)
 * </pre>
 *
 * <p>with {@code sigma_0} a hundredth of the data's standard deviation. Stage k minimises {@code
 * mu_k S(W, sigma) + h_s(W)}, {@code h_s} being {@link Acyclicity#logDet}, from the end of the
 * stage before, with mu = 1, 0.1, 0.01, .... An iteration is:
 *
 * <ol>
 *   <li>{@code M = (s I - W o W)^-1}; if W has left the domain of h_s, the last step is halved, or
 *       (in the first iteration, or if s is at most 0.9) the stage starts again with half the
 *       learning rate and s + 0.1;
 *   <li>{@code G = -mu C (I - W) / sigma + mu lambda sign(W) + 2 W o M'}, column j divided by its
 *       sigma_j, which is a constant here;
 *   <li>a step of Adam with beta = (0.99, 0.999), then sigma by its closed form;
 *   <li>after each 1000 iterations the stage ends if its objective has changed by less than 1e-6.
 * </ol>
 *
 * <p>Default settings: s = 1, 0.9, 0.8, 0.7, at most 20,000 iterations in each stage and 70,000 in
 * the last, learning rate 3e-4. An iteration costs an inverse and a product of d x d matrices,
 * whatever the number of rows.
 *
 * <p>Columns should have comparable units: weights and the threshold of 0.3 are per unit. In data
 * divided by their standard deviations, equal noise variances no longer tell the direction of an
 * edge.
 *
 * <p>Where the first sigma of the official code is the smallest column's, ours is the closed form;
 * and where it lets sigma fall to 0, we keep the paper's bound.
 */
@Paper(
    number = 24,
    title = "CoLiDE: Concomitant Linear DAG Estimation",
    authors = "Seyed Saman Saboksayr, Gonzalo Mateos, Mariano Tepper",
    year = 2024,
    url = "https://arxiv.org/abs/2310.02895")
public final class CoLiDE extends LogDetLearner<CoLiDE> {
  private CoLiDE(NoiseLevels noise, double lambda) {
    super(noise, lambda);
  }

  /**
   * With one noise variance for all columns.
   *
   * @param lambda the penalty, 0 or more; the paper's is 0.05
   */
  public static CoLiDE equalVariance(double lambda) {
    return new CoLiDE(NoiseLevels.EQUAL, lambda);
  }

  /**
   * With a noise variance for each column. It needs longer training than equal variances, and on
   * small graphs is not better even where the variances differ.
   *
   * @param lambda the penalty, 0 or more; the paper's is 0.05
   */
  public static CoLiDE nonEqualVariance(double lambda) {
    return new CoLiDE(NoiseLevels.UNEQUAL, lambda);
  }

  @Override
  CoLiDE self() {
    return this;
  }
}
