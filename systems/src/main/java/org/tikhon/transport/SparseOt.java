package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.Paper;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Transport in which every column of the plan has at most k entries:
 *
 * <pre>
 * min  &lt;C, T&gt; + sum_j (gamma / 2) |t_j|^2
 *      over  T >= 0,  T 1 = r,  T' 1 = c,  |t_j|_0 &lt;= k for each column t_j.
 * </pre>
 *
 * <p>What is solved is the concave dual, whose conjugates have closed forms (scores {@code s =
 * alpha + beta_j - c_j}, the k largest of them, their positive parts divided by gamma):
 *
 * <pre>
 * dual:       max over alpha, beta of  &lt;alpha, r&gt; + &lt;beta, c&gt; - sum_j Omega*_+(alpha + beta_j - c_j)
 * semi-dual:  max over alpha of        &lt;alpha, r&gt; - sum_j Omega*_(c_j)(alpha - c_j)
 * </pre>
 *
 * <p>The two have the same value, a lower bound of the problem above, and equal to it if in every
 * column the k-th score is larger than the next: then the plan is optimal. Where they are tied, the
 * dual is not smooth at its maximum; the plan still has at most k entries per column, and of the
 * semi-dual exact column sums, but its row sums may be off: see {@link
 * SparseOtSolution#rowResidual} and {@link SparseOtSolution#tied}. With k = 1 this is transport
 * without regularisation, plus {@code (gamma / 2) |c|^2}; with k above the largest support it is
 * quadratic transport.
 *
 * <p>An evaluation costs O(nm), and O(km) after the selection. {@link #quadratic} and {@link
 * #entropic} solve the same duals with other regularisers.
 *
 * <p>Default settings: gamma 1; L-BFGS with 10 pairs, 500 iterations, stopping at a gradient whose
 * entries are at most 1e-9. A line search that fails at a kink is followed by a sub-gradient step,
 * and the best point is kept.
 *
 * <p>For a bound per row, {@link #rows}. Both at once are not part of the method. Relaxed and
 * partial problems, and infinite costs, are refused.
 */
@Paper(
    number = 8,
    title = "Sparsity-Constrained Optimal Transport",
    authors = "Tianlin Liu, Joan Puigcerver, Mathieu Blondel",
    year = 2023,
    url = "https://arxiv.org/abs/2209.15466")
public final class SparseOt implements TransportSolver {
  private static final double MASS_TOLERANCE = 1e-6;

  /** So many sub-gradient steps without a better value end a solve. */
  private static final int MOST_FAILURES = 10;

  /** The length of the first sub-gradient step, in units of the scores that gamma and c imply. */
  private static final double SUBGRADIENT_STEP = 1e-2;

  private enum Kind {
    SPARSE,
    QUADRATIC,
    ENTROPIC
  }

  private final Kind kind;
  private final int k;
  private final boolean byRow;
  private final double gamma;
  private final Lbfgs.Options options;

  private SparseOt(Kind kind, int k, boolean byRow, double gamma, Lbfgs.Options options) {
    this.kind = kind;
    this.k = k;
    this.byRow = byRow;
    this.gamma = gamma;
    this.options = options;
  }

  private static SparseOt of(Kind kind, int k, boolean byRow) {
    if (k < 1) {
      throw new IllegalArgumentException("k must be at least 1, was " + k);
    }
    return new SparseOt(kind, k, byRow, 1, new Lbfgs.Options(10, 500, 1e-9));
  }

  /**
   * At most k entries in each column.
   *
   * @param k at least 1; more than there are rows is no bound
   */
  public static SparseOt columns(int k) {
    return of(Kind.SPARSE, k, false);
  }

  /**
   * At most k entries in each row.
   *
   * @param k at least 1; more than there are columns is no bound
   */
  public static SparseOt rows(int k) {
    return of(Kind.SPARSE, k, true);
  }

  /** Without a bound: {@code (gamma / 2) |T|^2}, whose plans are sparse too. */
  public static SparseOt quadratic() {
    return of(Kind.QUADRATIC, Integer.MAX_VALUE, false);
  }

  /** {@code gamma sum T log T}, whose plans have no zeros. */
  public static SparseOt entropic() {
    return of(Kind.ENTROPIC, Integer.MAX_VALUE, false);
  }

  /** The weight of the regulariser, positive, in units of the cost per mass; default 1. */
  public SparseOt gamma(double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException("gamma must be positive and finite, was " + value);
    }
    return new SparseOt(kind, k, byRow, value, options);
  }

  /** When the solver stops. */
  public SparseOt options(Lbfgs.Options value) {
    return new SparseOt(kind, k, byRow, gamma, value);
  }

  private Conjugate conjugate() {
    return kind == Kind.ENTROPIC
        ? new Conjugate.NegativeEntropy(gamma)
        : new Conjugate.SparseQuadratic(gamma, k);
  }

  /** A value of a dual and its gradient. */
  public record ValueAndGradient(double value, double[] gradient) {}

  /**
   * The semi-dual, to be maximised.
   *
   * @param alpha {@code [n]}; for a bound per row the potential of the columns, {@code [m]}
   * @return with the gradient {@code r - T 1}
   */
  public ValueAndGradient semiDual(TransportProblem problem, double[] alpha) {
    return new SparseOtDual(problem, conjugate(), byRow, true).at(alpha);
  }

  /**
   * The dual, to be maximised.
   *
   * @param alphaBeta {@code [n + m]}: alpha, then beta; for a bound per row the columns' potential
   *     first
   * @return with the gradient {@code (r - T 1; c - T' 1)}
   */
  public ValueAndGradient dual(TransportProblem problem, double[] alphaBeta) {
    return new SparseOtDual(problem, conjugate(), byRow, false).at(alphaBeta);
  }

  /**
   * Maximises the semi-dual: the columns' sums (for a bound per row, the rows') are exact.
   *
   * @throws IllegalArgumentException if the masses differ by more than 1e-6 of them, a cost is not
   *     finite, or the problem is relaxed or partial
   */
  public SparseOtSolution solveSemiDual(TransportProblem problem) {
    return solve(problem, true, null);
  }

  /** Maximises the dual; otherwise like {@link #solveSemiDual}. */
  public SparseOtSolution solveDual(TransportProblem problem) {
    return solve(problem, false, null);
  }

  /** The semi-dual's solution; the sweeps of the result are iterations of L-BFGS. */
  @Override
  public TransportSolution solve(TransportProblem problem, TransportSolution warmStart) {
    double[] start = warmStart == null ? null : byRow ? warmStart.y() : warmStart.x();
    return solve(problem, true, start).transport();
  }

  private SparseOtSolution solve(TransportProblem problem, boolean semi, double[] warm) {
    checkMass(problem);
    SparseOtDual dual = new SparseOtDual(problem, conjugate(), byRow, semi);
    double[] best = dual.start(warm);
    double bestValue = Double.NEGATIVE_INFINITY;
    int iterations = 0;
    double gradient = Double.POSITIVE_INFINITY;
    try (Scope scope = Scope.open()) {
      Tensor at = Tensor.of(best, best.length);
      int failures = 0;
      for (int t = 1; iterations < options.maxIterations() && failures < MOST_FAILURES; t++) {
        Lbfgs.Result result =
            Lbfgs.minimizeWithGradient(
                dual::negative,
                kind == Kind.SPARSE ? Lbfgs.Curvature.WEAK : Lbfgs.Curvature.STRONG,
                at,
                new Lbfgs.Options(
                    options.memory(),
                    options.maxIterations() - iterations,
                    options.gradientTolerance()));
        iterations += Math.max(result.iterations(), 1);
        if (-result.value() > bestValue) {
          failures = -result.value() > bestValue + Math.ulp(bestValue) * 16 ? 0 : failures + 1;
          bestValue = -result.value();
          best = result.x().toDoubleArray();
          gradient = result.gradient();
        } else {
          failures++;
        }
        if (result.converged()) {
          break;
        }
        at = subgradientStep(dual, best, t);
      }
    }
    return dual.solution(best, iterations, gradient <= options.gradientTolerance(), k);
  }

  /** From the best point so far, a step up of length {@code c / sqrt(t)}. */
  private Tensor subgradientStep(SparseOtDual dual, double[] best, int t) {
    double[] g = dual.reducedGradient(best);
    double norm = Math.sqrt(RowKernels.dot(g, g));
    double length = SUBGRADIENT_STEP * gamma * dual.largestWeight() / Math.sqrt(t);
    double[] next = new double[best.length];
    for (int i = 0; i < next.length; i++) {
      next[i] = best[i] + (norm > 0 ? length * g[i] / norm : 0);
    }
    return Tensor.of(next, next.length);
  }

  private static void checkMass(TransportProblem problem) {
    if (problem.isRelaxed() || problem.isPartial()) {
      throw new IllegalArgumentException(
          "problem must be balanced, is " + (problem.isPartial() ? "partial" : "relaxed"));
    }
    double r = Arrays.stream(problem.r()).sum();
    double c = Arrays.stream(problem.c()).sum();
    if (!(Math.abs(r - c) <= MASS_TOLERANCE * Math.max(r, c))) {
      throw new IllegalArgumentException("masses differ: %s and %s".formatted(r, c));
    }
  }

  /**
   * The optimal value as a differentiable function of its data, by the envelope theorem: the
   * derivative in the cost is the plan, in r alpha, in c beta. The solver is not differentiated.
   *
   * @param r {@code [n]}
   * @param c {@code [m]}
   * @param cost {@code [n, m]}
   * @return a scalar of the cost's type
   */
  public Tensor value(Tensor r, Tensor c, Tensor cost) {
    if (cost.dim() != 2 || r.dim() != 1 || c.dim() != 1) {
      throw new IllegalArgumentException(
          "r, c and cost must have 1, 1 and 2 dimensions, have %d, %d and %d"
              .formatted(r.dim(), c.dim(), cost.dim()));
    }
    SparseOtSolution s =
        solveSemiDual(
            TransportProblem.of(cost.toDoubleRows(), r.toDoubleArray(), c.toDoubleArray()));
    Dtype type = cost.dtype();
    Tensor plan = Tensor.of(s.plan().dense()).to(type).to(cost.device());
    Tensor alpha = Tensor.of(s.alpha(), s.alpha().length).to(type).to(cost.device());
    Tensor beta = Tensor.of(s.beta(), s.beta().length).to(type).to(cost.device());
    Tensor surrogate = cost.mul(plan).sum().add(r.mul(alpha).sum()).add(c.mul(beta).sum());
    Tensor value = surrogate.detach().mul(0).add(s.value());
    return Autograd.custom(value, surrogate);
  }
}
