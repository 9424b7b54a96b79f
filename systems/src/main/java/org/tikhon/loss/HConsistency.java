package org.tikhon.loss;

/**
 * H-consistency bounds of the comp-sum losses (system 51): how much zero-one error a surrogate
 * error can hide. For a symmetric and complete set H of scoring functions, every h and
 * distribution,
 *
 * <pre>R01(h) - R01*(H) + M01(H) &lt;= Gamma_tau(R_tau(h) - R_tau*(H) + M_tau(H))</pre>
 *
 * with {@code Gamma_tau} the inverse of {@link #transform T_tau}, and the minimizability gaps M.
 * The same holds at each point for conditional regrets. Up to tau = 1 the number of classes n does
 * not enter; above, it costs {@code n^(tau - 1)}.
 */
public final class HConsistency {
  private static final double ROUNDING = 1e-9;

  private HConsistency() {}

  private static void check(double tau, int n) {
    if (!(tau >= 0) || Double.isInfinite(tau)) {
      throw new IllegalArgumentException("tau must be 0 or more, was " + tau);
    }
    if (n < 2) {
      throw new IllegalArgumentException("n must be at least 2, was " + n);
    }
  }

  private static boolean isOne(double tau) {
    return Math.abs(tau - 1) < 1e-6;
  }

  /**
   * The transform on [0, 1], with {@code e = 1 / (2 - tau)} and {@code A = ((1 + b)^e + (1 - b)^e)
   * / 2}:
   *
   * <pre>
   * T(b) = 2^(1 - tau) / (1 - tau) (1 - A^(2 - tau))             tau in [0, 1)
   *      = (1 + b) / 2 log(1 + b) + (1 - b) / 2 log(1 - b)       tau = 1
   *      = (A^(2 - tau) - 1) / ((tau - 1) n^(tau - 1))           tau in (1, 2)
   *      = b / ((tau - 1) n^(tau - 1))                           tau >= 2
   * </pre>
   *
   * @param beta in [0, 1]
   */
  public static double transform(double tau, int n, double beta) {
    check(tau, n);
    if (!(beta >= 0 && beta <= 1)) {
      throw new IllegalArgumentException("beta must be in [0, 1], was " + beta);
    }
    if (isOne(tau)) {
      return (1 + beta) / 2 * Math.log1p(beta)
          + (beta == 1 ? 0 : (1 - beta) / 2 * Math.log1p(-beta));
    }
    if (tau >= 2) {
      return beta / ((tau - 1) * Math.pow(n, tau - 1));
    }
    double e = 1 / (2 - tau);
    double power = Math.pow((Math.pow(1 + beta, e) + Math.pow(1 - beta, e)) / 2, 2 - tau);
    return tau < 1
        ? Math.pow(2, 1 - tau) / (1 - tau) * (1 - power)
        : (power - 1) / ((tau - 1) * Math.pow(n, tau - 1));
  }

  /**
   * {@code Gamma_tau(t)}: the largest zero-one excess that goes with a surrogate excess t; 1 where
   * t is at least T(1).
   *
   * @param surrogateExcess 0 or more; -1e-9 and above counts as 0
   */
  public static double bound(double tau, int n, double surrogateExcess) {
    double t = checkExcess(tau, n, surrogateExcess);
    if (t >= transform(tau, n, 1)) {
      return 1;
    }
    double low = 0;
    double high = 1;
    while (high - low > 1e-15) {
      double middle = (low + high) / 2;
      if (middle == low || middle == high) {
        break;
      }
      if (transform(tau, n, middle) < t) {
        low = middle;
      } else {
        high = middle;
      }
    }
    // The upper end, so that rounding cannot make a bound that is too small.
    return t == 0 ? 0 : high;
  }

  /**
   * A closed form that is not below {@link #bound}: {@code sqrt(2^tau (2 - tau) t)} for tau below
   * 1, {@code sqrt(2 n^(tau - 1) t)} below 2, {@code (tau - 1) n^(tau - 1) t} from 2.
   */
  public static double explicitBound(double tau, int n, double surrogateExcess) {
    double t = checkExcess(tau, n, surrogateExcess);
    if (tau < 1 && !isOne(tau)) {
      return Math.sqrt(Math.pow(2, tau) * (2 - tau) * t);
    }
    return tau < 2 ? Math.sqrt(2 * Math.pow(n, tau - 1) * t) : (tau - 1) * Math.pow(n, tau - 1) * t;
  }

  private static double checkExcess(double tau, int n, double excess) {
    check(tau, n);
    if (!(excess >= -ROUNDING)) {
      throw new IllegalArgumentException("surrogateExcess must be 0 or more, was " + excess);
    }
    return Math.max(0, excess);
  }

  /**
   * The minimizability gap {@code R*(H) - E_x[C*(pi(x))]}, 0 where H is rich enough.
   *
   * @param bestRisk the smallest surrogate risk in H
   * @param pi the class distribution at each of equally likely points
   */
  public static double minimizabilityGap(double bestRisk, double tau, double[][] pi) {
    if (pi.length == 0) {
      throw new IllegalArgumentException("pi must have at least one row, has 0");
    }
    CompSumLoss loss = new CompSumLoss(tau);
    double sum = 0;
    for (double[] row : pi) {
      sum += loss.bestConditionalRisk(row);
    }
    return bestRisk - sum / pi.length;
  }

  /**
   * The smallest loss where labels are deterministic and scores lie in [-lambda, lambda]: {@code
   * Phi_tau((n - 1) exp(-2 lambda))}. It falls with tau, and the gap with it.
   *
   * @param lambda 0 or more
   */
  public static double deterministicBest(double tau, int n, double lambda) {
    check(tau, n);
    if (!(lambda >= 0)) {
      throw new IllegalArgumentException("lambda must be 0 or more, was " + lambda);
    }
    return new CompSumLoss(tau).phi((n - 1) * Math.exp(-2 * lambda));
  }

  /**
   * The bound on the zero-one excess of the minimiser of the empirical surrogate risk, with
   * probability 1 - delta: {@code Gamma(M + 4 R + 2 B sqrt(log(2 / delta) / (2 m))) - M01}.
   *
   * @param gap M, the surrogate's minimizability gap
   * @param zeroOneGap M01, that of the zero-one loss
   * @param rademacher R, the Rademacher complexity of the surrogate's class
   * @param lossBound B, what the loss does not exceed
   * @param samples m, at least 1
   * @param delta in (0, 1)
   */
  public static double learningBound(
      double tau,
      int n,
      double gap,
      double zeroOneGap,
      double rademacher,
      double lossBound,
      int samples,
      double delta) {
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException("delta must be in (0, 1), was " + delta);
    }
    if (samples < 1) {
      throw new IllegalArgumentException("samples must be at least 1, was " + samples);
    }
    double deviation = 2 * lossBound * Math.sqrt(Math.log(2 / delta) / (2.0 * samples));
    return bound(tau, n, gap + 4 * rademacher + deviation) - zeroOneGap;
  }
}
