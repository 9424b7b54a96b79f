package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.transport.TransportSolution.Stage;

/**
 * The dual (Lyapunov) potential of a problem at a point (x, y), to be maximised:
 *
 * <pre>f(x, y) = -(1 / eta) sum_ij exp(eta (x_i + y_j - C_ij) - 1) + &lt;r, x&gt; + &lt;c, y&gt;
 * </pre>
 *
 * with gradient {@code (r - P 1; c - P' 1)} and Hessian {@code -eta [[diag(P 1), P], [P', diag(P'
 * 1)]]}. It is concave, and constant along {@code (1; -1)}.
 *
 * <p>A relaxed marginal replaces {@code <r, x>} by {@code -gamma sum r (exp(-x / gamma) - 1)}: then
 * r in the gradient is {@code r exp(-x / gamma)}, and a sweep's potential is damped.
 *
 * <p>The point is kept as {@code a = eta x}, {@code b = eta y}; in these coordinates {@code eta f}
 * has the same gradient and the Hessian without eta, and nothing depends on the units of the cost.
 */
final class EntropicDual {
  /** A trial point may be far off: its plan must stay finite to be compared. */
  private static final double LARGEST_EXPONENT = 50;

  /** Column sums below this may have lost terms, which are 0 below e^-650. */
  private static final double SAFE_SUM = 1e-240;

  /** A row whose sum is off by more is computed again with its largest exponent as zero. */
  private static final double SAFE_FACTOR = 1e20;

  final EntropicProblem problem;
  final double[] a;
  final double[] b;
  private final double[] logR;
  private final double[] logC;
  private final double cap;

  private final double rowDamping;
  private final double columnDamping;

  /** P at the point of the last {@link #evaluate}, {@code [n, m]}, or null: not kept. */
  final double[][] plan;

  /** P 1 and P' 1 one after the other, {@code [n + m]}. */
  final double[] sums;

  private final double[] row;
  private final double[] costBuffer;
  private final double[] columnSums;

  /**
   * The dual at a point.
   *
   * @param keepPlan whether {@link #plan} is kept, {@code 8 n m} bytes
   */
  EntropicDual(EntropicProblem problem, double[] x, double[] y, boolean keepPlan) {
    double eta = problem.eta();
    this.problem = problem;
    this.a = Arrays.stream(x).map(v -> eta * v).toArray();
    this.b = Arrays.stream(y).map(v -> eta * v).toArray();
    this.logR = Arrays.stream(problem.r()).map(Math::log).toArray();
    this.logC = Arrays.stream(problem.c()).map(Math::log).toArray();
    this.cap = LARGEST_EXPONENT + Math.max(0, Math.log(problem.mass()));
    this.rowDamping = problem.damping(problem.gammaRows());
    this.columnDamping = problem.damping(problem.gammaColumns());
    this.plan = keepPlan ? new double[problem.n()][problem.m()] : null;
    this.sums = new double[problem.n() + problem.m()];
    this.row = new double[problem.m()];
    this.costBuffer = new double[problem.m()];
    this.columnSums = new double[problem.m()];
  }

  /**
   * One Sinkhorn sweep in the log domain,
   *
   * <pre>
   * a_i = log r_i + 1 - logsumexp_j(b_j - eta C_ij),
   * b_j = log c_j + 1 - logsumexp_i(a_i - eta C_ij),
   * </pre>
   *
   * times {@code gamma / (gamma + epsilon)} where a marginal is relaxed.
   *
   * <p>The exponentials of the first line, scaled by the new a, are those of the second: one pass.
   *
   * @return the rows' error before the sweep, the whole marginal error if a sweep went before
   */
  double sweep() {
    double error = 0;
    Arrays.fill(columnSums, 0);
    for (int i = 0; i < a.length; i++) {
      double r = rowTarget(i);
      double[] cost = problem.costs().row(i, costBuffer);
      // Near the solution a itself is as good as the largest exponent to keep exp in range.
      double shift = a[i] - 1;
      double sum = rowExpSum(cost, shift);
      if (!(r / sum > 1 / SAFE_FACTOR && r / sum < SAFE_FACTOR)) {
        RowKernels.exponents(b, cost, problem.eta(), row);
        shift = -RowKernels.max(row);
        sum = rowExpSum(cost, shift);
      }
      error += Math.abs(sum * Math.exp(a[i] - 1 - shift) - r);
      a[i] = rowDamping * (logR[i] + 1 - (Math.log(sum) - shift));
      RowKernels.addScaled(columnSums, row, Math.exp(a[i] - 1 - shift));
    }
    boolean lost = false;
    for (int j = 0; j < b.length; j++) {
      lost |= !(columnSums[j] > SAFE_SUM);
      // The sums hold the old b.
      columnSums[j] = 1 - b[j] + Math.log(columnSums[j]);
    }
    if (lost) {
      columnLogSumExp(columnSums);
    }
    for (int j = 0; j < b.length; j++) {
      b[j] = columnDamping * (logC[j] + 1 - columnSums[j]);
    }
    return error;
  }

  /** What the i-th row's sum should be at these potentials: r, or less where that costs more. */
  private double rowTarget(int i) {
    double r = problem.r()[i];
    return rowDamping == 1 ? r : r * Math.exp(-a[i] / (problem.eta() * problem.gammaRows()));
  }

  private double columnTarget(int j) {
    double c = problem.c()[j];
    return columnDamping == 1 ? c : c * Math.exp(-b[j] / (problem.eta() * problem.gammaColumns()));
  }

  /** {@code row_j = exp(b_j - eta C_ij + shift)}; gives the sum. */
  private double rowExpSum(double[] cost, double shift) {
    RowKernels.exponents(b, cost, problem.eta(), row);
    return RowKernels.expSum(row, shift, cap);
  }

  /** {@code out_j = logsumexp_i(a_i - eta C_ij)}, whatever its size: two passes. */
  private void columnLogSumExp(double[] out) {
    double[] max = new double[b.length];
    Arrays.fill(max, Double.NEGATIVE_INFINITY);
    Arrays.fill(out, 0);
    for (int i = 0; i < a.length; i++) {
      double[] cost = problem.costs().row(i, costBuffer);
      for (int j = 0; j < b.length; j++) {
        max[j] = Math.max(max[j], a[i] - problem.eta() * cost[j]);
      }
    }
    for (int i = 0; i < a.length; i++) {
      double[] cost = problem.costs().row(i, costBuffer);
      for (int j = 0; j < b.length; j++) {
        out[j] += Math.exp(a[i] - problem.eta() * cost[j] - max[j]);
      }
    }
    for (int j = 0; j < b.length; j++) {
      out[j] = max[j] + Math.log(out[j]);
    }
  }

  /**
   * Sweeps until the marginal error is at most {@code tolerance}, then computes the plan.
   *
   * @param most the number of sweeps, at least 1
   */
  void sweeps(int most, double tolerance, Trace trace) {
    double seconds = 0;
    for (int k = 0; k < most; k++) {
      double before = sweep();
      if (k > 0) {
        trace.add(Stage.SINKHORN, before, 1, seconds);
      }
      seconds = trace.seconds();
      if (before <= tolerance) {
        break;
      }
    }
    evaluate();
    trace.add(Stage.SINKHORN, error(), 1, seconds);
  }

  /** Computes the plan and its sums at the point. */
  void evaluate() {
    int n = a.length;
    Arrays.fill(columnSums, 0);
    for (int i = 0; i < n; i++) {
      double[] p = plan == null ? row : plan[i];
      sums[i] = fillRow(i, p);
      RowKernels.addScaled(columnSums, p, 1);
    }
    System.arraycopy(columnSums, 0, sums, n, b.length);
  }

  /** Computes the i-th row of the plan at the point; gives its sum. */
  double fillRow(int i, double[] p) {
    RowKernels.exponents(b, problem.costs().row(i, costBuffer), problem.eta(), p);
    return RowKernels.expSum(p, a[i] - 1, cap);
  }

  /** The gradient {@code (r - P 1; c - P' 1)} at the last evaluation. */
  double[] gradient() {
    double[] g = new double[sums.length];
    for (int i = 0; i < a.length; i++) {
      g[i] = rowTarget(i) - sums[i];
    }
    for (int j = 0; j < b.length; j++) {
      g[a.length + j] = columnTarget(j) - sums[a.length + j];
    }
    return g;
  }

  /** {@code |P 1 - r|_1 + |P' 1 - c|_1} at the last evaluation. */
  double error() {
    return Arrays.stream(gradient()).map(Math::abs).sum();
  }

  private static double klDivergence(double[] p, int from, double[] q) {
    double sum = 0;
    for (int k = 0; k < q.length; k++) {
      double pk = p[from + k];
      sum += (pk > 0 ? pk * Math.log(pk / q[k]) : 0) - pk + q[k];
    }
    return sum;
  }

  /** The sum of the plan at the last evaluation. */
  double planMass() {
    double mass = 0;
    for (int i = 0; i < a.length; i++) {
      mass += sums[i];
    }
    return mass;
  }

  /** {@code f(x, y)} at the last evaluation. */
  double value() {
    return (RowKernels.dot(problem.r(), a) + RowKernels.dot(problem.c(), b) - planMass())
        / problem.eta();
  }

  /** {@code <r, d_r> + <c, d_c>}: how f would change along a direction if P did not. */
  double linear(double[] direction) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += problem.r()[i] * direction[i];
    }
    for (int j = 0; j < b.length; j++) {
      sum += problem.c()[j] * direction[a.length + j];
    }
    return sum;
  }

  /** Goes to {@code (a0; b0) + step direction} and evaluates there. */
  void moveTo(double[] a0, double[] b0, double step, double[] direction) {
    for (int i = 0; i < a.length; i++) {
      a[i] = a0[i] + step * direction[i];
    }
    for (int j = 0; j < b.length; j++) {
      b[j] = b0[j] + step * direction[a.length + j];
    }
    evaluate();
  }

  double[] x() {
    return Arrays.stream(a).map(v -> v / problem.eta()).toArray();
  }

  double[] y() {
    return Arrays.stream(b).map(v -> v / problem.eta()).toArray();
  }

  /** The result at the last evaluation. */
  TransportSolution result(double tolerance, Trace trace) {
    double cost = 0;
    double entropy = 0;
    for (int i = 0; i < a.length; i++) {
      double[] p = plan == null ? row : plan[i];
      if (plan == null) {
        fillRow(i, p);
      }
      double[] costs = problem.costs().row(i, costBuffer);
      for (int j = 0; j < b.length; j++) {
        // Zero times an infinite cost, and 0 log 0, are 0.
        if (p[j] > 0) {
          cost += p[j] * costs[j];
          entropy += p[j] * Math.log(p[j]);
        }
      }
    }
    double objective = cost + entropy / problem.eta();
    if (rowDamping < 1) {
      objective += problem.gammaRows() * klDivergence(sums, 0, problem.r());
    }
    if (columnDamping < 1) {
      objective += problem.gammaColumns() * klDivergence(sums, a.length, problem.c());
    }
    double[] g = gradient();
    double rowError = Arrays.stream(g, 0, a.length).map(Math::abs).sum();
    double columnError = Arrays.stream(g, a.length, g.length).map(Math::abs).sum();
    return new TransportSolution(
        plan == null ? new LazyPlan(problem, a, b, cap) : new DensePlan(problem.expandPlan(plan)),
        problem.expandX(x()),
        problem.expandY(y()),
        cost,
        objective,
        rowError,
        columnError,
        trace.sweeps(),
        trace.newtonSteps(),
        trace.cgIterations(),
        rowError + columnError <= tolerance,
        trace.history());
  }
}
