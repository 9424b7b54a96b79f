package org.tikhon.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * NOTEARS: {@code min tr D(W) / 2 + lambda |W|_1} under {@code h(W) = tr e^(W o W) - d = 0}, by an
 * augmented Lagrangian, with D(W) as in {@link CoLiDE}.
 *
 * <p>Each subproblem {@code S(W) + rho h^2 / 2 + alpha h} is minimised from the last one's end; rho
 * grows tenfold until h is a quarter of what it was, then {@code alpha += rho h}. It ends when h is
 * 1e-8, or rho 1e16. The original minimises over positive and negative parts by L-BFGS-B; we
 * minimise the same function by L-BFGS within orthants.
 *
 * <p>Source: Zheng, Aragam, Ravikumar and Xing, "DAGs with NO TEARS: Continuous Optimization for
 * Structure Learning", NeurIPS 2018.
 */
public final class Notears implements DagLearner {
  private static final double PROGRESS = 0.25;
  private static final double TOLERANCE = 1e-8;
  private static final double MOST_RHO = 1e16;
  private static final int MOST_STAGES = 100;

  private final double lambda;

  /**
   * @param lambda the penalty, 0 or more; the paper's is 0.1
   */
  public Notears(double lambda) {
    this.lambda = DagData.checkPenalty("lambda", lambda);
  }

  @Override
  public DagEstimate fitCovariance(double[][] covariance, long rows) {
    DagData data = DagData.ofCovariance(covariance, rows);
    Residuals residuals = new Residuals(data.covariance());
    int d = data.covariance().length;
    double[] x = new double[d * d];
    double[][] w = new double[d][d];
    List<DagEstimate.Stage> trace = new ArrayList<>();
    double rho = 1;
    double alpha = 0;
    double h = Double.POSITIVE_INFINITY;
    for (int stage = 0; stage < MOST_STAGES && h > TOLERANCE && rho < MOST_RHO; stage++) {
      double reached = Double.POSITIVE_INFINITY;
      double[] start = x.clone();
      while (rho < MOST_RHO) {
        System.arraycopy(start, 0, x, 0, x.length);
        Lagrangian lagrangian = new Lagrangian(residuals, w, rho, alpha);
        int iterations = OrthantLbfgs.minimize(lagrangian, lambda, x);
        double value = lagrangian.at(x, new double[x.length]) + lambda * SquareRows.absSum(w);
        reached = Acyclicity.expm().value(w);
        trace.add(
            new DagEstimate.Stage(rho, 0, iterations, 0, value, reached, reached <= TOLERANCE));
        if (reached <= PROGRESS * h) {
          break;
        }
        rho *= 10;
      }
      h = reached;
      alpha += rho * h;
    }
    unpack(x, w);
    residuals.at(w);
    double score =
        NoiseLevels.FIXED.score(residuals.variances, residuals.std())
            + lambda * SquareRows.absSum(w);
    return new DagEstimate(
        w, residuals.std(), score, h, h <= TOLERANCE, trace, rows, data.warnings());
  }

  private static void unpack(double[] x, double[][] w) {
    for (int i = 0; i < w.length; i++) {
      System.arraycopy(x, i * w.length, w[i], 0, w.length);
    }
  }

  /** The smooth part of a subproblem. */
  private record Lagrangian(Residuals residuals, double[][] w, double rho, double alpha)
      implements OrthantLbfgs.Smooth {
    @Override
    public double at(double[] x, double[] gradient) {
      unpack(x, w);
      int d = w.length;
      residuals.at(w);
      Acyclicity.ValueAndGradient h = Acyclicity.Expm.valueAndGradient(w);
      double push = rho * h.value() + alpha;
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          gradient[i * d + j] = i == j ? 0 : push * h.gradient()[i][j] - residuals.product[i][j];
        }
      }
      double score = Arrays.stream(residuals.variances).sum() / 2;
      return score + rho / 2 * h.value() * h.value() + alpha * h.value();
    }
  }
}
