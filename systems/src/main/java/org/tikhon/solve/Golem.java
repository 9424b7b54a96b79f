package org.tikhon.solve;

import java.util.Arrays;
import java.util.List;

/**
 * GOLEM: the likelihood of Gaussian noise with soft constraints. With {@code D(B)} as in {@link
 * CoLiDE} and {@code h(B) = tr e^(B o B) - d},
 *
 * <pre>
 * equal variances:    (d / 2) log tr D(B)         - log |det(I - B)| + lambda1 |B|_1 + lambda2 h(B)
 * unequal variances:  (1 / 2) sum_j log D(B)_jj   - log |det(I - B)| + lambda1 |B|_1 + lambda2 h(B)
 * </pre>
 *
 * <p>with a diagonal of 0, by Adam at 1e-3 for 100,000 steps. lambda1 is 0.02 for equal and 0.002
 * for unequal variances, lambda2 5. Unequal variances start from the solution for equal ones. All
 * steps are always taken, so that an estimate never says that it converged.
 *
 * <p>Source: Ng, Ghassami and Zhang, "On the Role of Sparsity and DAG Constraints for Learning
 * Linear DAGs", NeurIPS 2020.
 */
public final class Golem implements DagLearner {
  private static final double LAMBDA2 = 5;
  private static final double RATE = 1e-3;
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;
  private static final double LEAST_VARIANCE = 1e-4;

  private final boolean equal;
  private final double lambda1;
  private int steps = 100_000;

  private Golem(boolean equal, double lambda1) {
    this.equal = equal;
    this.lambda1 = lambda1;
  }

  /** With one noise variance for all columns. */
  public static Golem equalVariance() {
    return new Golem(true, 2e-2);
  }

  /** With a noise variance for each column. */
  public static Golem nonEqualVariance() {
    return new Golem(false, 2e-3);
  }

  /** The steps of Adam, at least 1, for each of the two likelihoods; default 100,000. */
  public Golem steps(int steps) {
    DagData.require(steps >= 1, "steps", steps, "at least 1");
    this.steps = steps;
    return this;
  }

  @Override
  public DagEstimate fitCovariance(double[][] covariance, long rows) {
    DagData data = DagData.ofCovariance(covariance, rows);
    int d = data.covariance().length;
    double[][] start =
        equal
            ? new double[d][d]
            : equalVariance().steps(steps).fitCovariance(covariance, rows).weights();
    return new Run(data, equal, lambda1, start).fit(steps);
  }

  /** One likelihood's minimisation. */
  private static final class Run {
    private final DagData data;
    private final boolean equal;
    private final double lambda1;
    private final double[][] b;
    private final Residuals residuals;
    private final double[] floor;

    Run(DagData data, boolean equal, double lambda1, double[][] start) {
      this.data = data;
      this.equal = equal;
      this.lambda1 = lambda1;
      this.b = start;
      this.residuals = new Residuals(data.covariance());
      this.floor = new double[start.length];
      // Collinear columns leave no residual, whose logarithm would have no bound.
      Arrays.setAll(floor, j -> LEAST_VARIANCE * data.covariance()[j][j]);
    }

    DagEstimate fit(int steps) {
      int d = b.length;
      double[][] m = new double[d][d];
      double[][] v = new double[d][d];
      double power1 = 1;
      double power2 = 1;
      for (int t = 1; t <= steps; t++) {
        double[][] gradient = gradient();
        power1 *= BETA1;
        power2 *= BETA2;
        for (int i = 0; i < d; i++) {
          for (int j = 0; j < d; j++) {
            double g = i == j ? 0 : gradient[i][j];
            m[i][j] = BETA1 * m[i][j] + (1 - BETA1) * g;
            v[i][j] = BETA2 * v[i][j] + (1 - BETA2) * g * g;
            b[i][j] -=
                RATE * m[i][j] / (1 - power1) / (Math.sqrt(v[i][j] / (1 - power2)) + EPSILON);
          }
        }
      }
      residuals.at(b);
      double h = Acyclicity.expm().value(b);
      double objective =
          likelihood()
              - SquareRows.logAbsDet(residuals.difference())
              + lambda1 * SquareRows.absSum(b)
              + LAMBDA2 * h;
      double[] std = residuals.std();
      if (equal) {
        Arrays.fill(std, Math.sqrt(Math.max(residuals.total(), 0) / d));
      }
      return new DagEstimate(
          b,
          std,
          objective,
          h,
          false,
          List.of(new DagEstimate.Stage(0, 0, steps, 0, objective, h, false)),
          data.rows(),
          data.warnings());
    }

    private double likelihood() {
      if (equal) {
        return b.length / 2.0 * Math.log(residuals.total());
      }
      double sum = 0;
      for (int j = 0; j < b.length; j++) {
        sum += Math.log(Math.max(residuals.variances[j], floor[j])) / 2;
      }
      return sum;
    }

    private double[][] gradient() {
      int d = b.length;
      residuals.at(b);
      double[][] inverse = SquareRows.copy(residuals.difference());
      SquareRows.invert(inverse);
      double[][] gradient = Acyclicity.expm().gradient(b);
      double total = Math.max(residuals.total(), Arrays.stream(floor).sum());
      for (int j = 0; j < d; j++) {
        double scale = equal ? d / total : 1 / Math.max(residuals.variances[j], floor[j]);
        for (int i = 0; i < d; i++) {
          gradient[i][j] =
              LAMBDA2 * gradient[i][j]
                  + inverse[j][i]
                  + lambda1 * Math.signum(b[i][j])
                  - scale * residuals.product[i][j];
        }
      }
      return gradient;
    }
  }
}
