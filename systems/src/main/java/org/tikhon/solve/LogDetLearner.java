package org.tikhon.solve;

import java.util.Arrays;

/**
 * The settings that {@link CoLiDE} and {@link Dagma} share: they go on the same central path.
 *
 * @param <L> the learner
 */
public abstract sealed class LogDetLearner<L extends LogDetLearner<L>> implements DagLearner
    permits CoLiDE, Dagma {
  private final NoiseLevels noise;
  private final double lambda;
  private LogDetPath.Settings settings =
      new LogDetPath.Settings(new double[] {1, 0.9, 0.8, 0.7}, 20_000, 70_000, 3e-4);

  LogDetLearner(NoiseLevels noise, double lambda) {
    this.noise = noise;
    this.lambda = DagData.checkPenalty("lambda", lambda);
  }

  abstract L self();

  /**
   * Goes only the first stages of the path.
   *
   * @param stages 1 to the length of the path; a longer path is set with {@link #path}
   */
  public L stages(int stages) {
    DagData.require(
        stages >= 1 && stages <= settings.s().length,
        "stages",
        stages,
        "1 to the path's length, which is " + settings.s().length);
    return path(Arrays.copyOf(settings.s(), stages));
  }

  /** The domain's s of each stage, all positive; default 1, 0.9, 0.8, 0.7. */
  public L path(double... s) {
    DagData.require(s.length > 0, "the number of stages", s.length, "at least 1");
    for (double value : s) {
      DagData.require(value > 0 && Double.isFinite(value), "each s", value, "positive");
    }
    settings =
        new LogDetPath.Settings(s.clone(), settings.warm(), settings.last(), settings.rate());
    return self();
  }

  /**
   * How many iterations a stage may take: all but the last {@code warm}, default 20,000, the last
   * {@code last}, default 70,000.
   */
  public L iterations(int warm, int last) {
    DagData.require(warm >= 1, "warm", warm, "at least 1");
    DagData.require(last >= 1, "last", last, "at least 1");
    settings = new LogDetPath.Settings(settings.s(), warm, last, settings.rate());
    return self();
  }

  /** Adam's learning rate, positive; default 3e-4. */
  public L learningRate(double rate) {
    DagData.require(rate > 0 && Double.isFinite(rate), "rate", rate, "positive");
    settings = new LogDetPath.Settings(settings.s(), settings.warm(), settings.last(), rate);
    return self();
  }

  /**
   * The score with its penalty, at the noise levels that are best for the weights.
   *
   * @param covariance {@code [d, d]}
   * @param weights {@code [d, d]}
   * @throws IllegalArgumentException if the covariance is not as {@link #fitCovariance} wants it,
   *     or the weights are not as many
   */
  public double score(double[][] covariance, double[][] weights) {
    double[][] c = DagData.ofCovariance(covariance, 2).covariance();
    DagData.checkSquare("the weights", weights);
    DagData.require(
        weights.length == c.length,
        "the number of rows of weights",
        weights.length,
        "the covariance's, " + c.length);
    return LogDetPath.score(c, noise, lambda, weights);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if a stage left the domain more than 20 times
   */
  @Override
  public DagEstimate fitCovariance(double[][] covariance, long rows) {
    return LogDetPath.follow(DagData.ofCovariance(covariance, rows), noise, lambda, settings);
  }
}
