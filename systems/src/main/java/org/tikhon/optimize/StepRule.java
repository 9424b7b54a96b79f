package org.tikhon.optimize;

import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * How long a step of {@link SubGm} is. Sub-gradients do not shrink near the solution, so steps
 * must.
 */
public sealed interface StepRule {
  /**
   * The factor before the sub-gradient.
   *
   * @param t the iteration, from 0
   * @param loss f(U_t)
   * @param gradientNorm the Frobenius norm of the sub-gradient
   */
  double length(int t, double loss, double gradientNorm);

  /**
   * {@code eta0 rho^t}, for outliers and noise; 0.25 and 0.99 unless told otherwise. All that U can
   * move is {@code eta0 / (1 - rho)} times the sub-gradients, which must let the signal grow from
   * alpha to its size.
   *
   * @param eta0 positive; divide 0.25 by the standard deviation of the measurements' entries. It
   *     need not follow the size of X
   * @param rho in (0, 1)
   */
  record Geometric(double eta0, double rho) implements StepRule {
    public Geometric {
      checkEta(eta0);
      Check.require(rho > 0 && rho < 1, "rho", rho, "in (0, 1)");
    }

    @Override
    public double length(int t, double loss, double gradientNorm) {
      return eta0 * Math.pow(rho, t);
    }
  }

  /**
   * {@code eta0 f(U_t)}, for measurements without noise: the decay comes by itself.
   *
   * @param eta0 positive; 0.34 / |X|_F for Gaussian measurements, see {@link #forMeasured}
   */
  record LossProportional(double eta0) implements StepRule {
    public LossProportional {
      checkEta(eta0);
    }

    /**
     * {@code eta0 = 0.34 / s} with {@code s = median |y| / 0.6745}, which estimates |X|_F for
     * Gaussian measurements of variance 1, few of them wrong (our choice; the card's 0.2 for |X|_F
     * = 1.7).
     *
     * @param y the measured values, {@code [m]}, not mostly zero
     */
    public static LossProportional forMeasured(Tensor y) {
      try (Scope scope = Scope.open()) {
        double size = y.abs().median().item() / 0.6745;
        Check.require(size > 0, "the median of |y|", size, "positive");
        return new LossProportional(0.34 / size);
      }
    }

    @Override
    public double length(int t, double loss, double gradientNorm) {
      return eta0 * loss;
    }
  }

  /**
   * Always eta0, for experiments: it ends in a neighbourhood of the solution whose size follows
   * eta0.
   *
   * @param eta0 positive
   * @param targetLoss the iteration ends where the loss is at most this; 0 or more
   */
  record Constant(double eta0, double targetLoss) implements StepRule {
    public Constant {
      checkEta(eta0);
      Check.require(targetLoss >= 0, "targetLoss", targetLoss, "0 or more");
    }

    @Override
    public double length(int t, double loss, double gradientNorm) {
      return loss <= targetLoss ? 0 : eta0;
    }
  }

  /**
   * {@code (f(U_t) - f*) / |D|_F^2} (Polyak's; our addition).
   *
   * @param optimum f*, the loss at the solution, 0 or more
   */
  record Polyak(double optimum) implements StepRule {
    public Polyak {
      Check.require(optimum >= 0, "optimum", optimum, "0 or more");
    }

    @Override
    public double length(int t, double loss, double gradientNorm) {
      return gradientNorm > 0 ? Math.max(loss - optimum, 0) / (gradientNorm * gradientNorm) : 0;
    }
  }

  private static void checkEta(double eta0) {
    Check.require(eta0 > 0 && eta0 < Double.POSITIVE_INFINITY, "eta0", eta0, "positive");
  }
}
