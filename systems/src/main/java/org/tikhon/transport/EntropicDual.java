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

  /** {@code <C, P>} at the last {@link #evaluate}. */
  private double cost;

  /** P 1 and P' 1 one after the other, {@code [n + m]}. */
  final double[] sums;

  /** The rows, for all that is done to them. */
  final RowChunks chunks;

  /** A row of each chunk's. */
  private final double[][] rowBuffers;

  private final double[][] costBuffers;
  private final double[] columnSums;

  /** {@code <C, P>} and other sums of each chunk's. */
  private final double[] partial;

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
    this.chunks = new RowChunks(problem.n(), problem.m(), problem.costs().isShareable());
    this.rowBuffers = new double[RowChunks.COUNT][problem.m()];
    this.costBuffers = new double[RowChunks.COUNT][problem.m()];
    this.columnSums = new double[problem.m()];
    this.partial = new double[RowChunks.COUNT];
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
    chunks.run(this::sweepRows);
    chunks.takeColumnSums(columnSums);
    double error = Arrays.stream(partial).sum();
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

  /** The rows of one chunk. */
  private void sweepRows(int chunk) {
    double[] row = rowBuffers[chunk];
    double error = 0;
    for (int i = chunks.start(chunk); i < chunks.start(chunk + 1); i++) {
      double r = rowTarget(i);
      double[] cost = problem.costs().row(i, costBuffers[chunk]);
      // Near the solution a itself is as good as the largest exponent to keep exp in range.
      double shift = a[i] - 1;
      RowKernels.exponents(b, cost, problem.eta(), row);
      double sum = RowKernels.expSum(row, shift, cap);
      if (!(r / sum > 1 / SAFE_FACTOR && r / sum < SAFE_FACTOR)) {
        RowKernels.exponents(b, cost, problem.eta(), row);
        shift = -RowKernels.max(row);
        sum = RowKernels.expSum(row, shift, cap);
      }
      error += Math.abs(sum * Math.exp(a[i] - 1 - shift) - r);
      a[i] = rowDamping * (logR[i] + 1 - (Math.log(sum) - shift));
      RowKernels.addScaled(chunks.columnSums(chunk), row, Math.exp(a[i] - 1 - shift));
    }
    partial[chunk] = error;
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

  /** {@code out_j = logsumexp_i(a_i - eta C_ij)}, whatever its size: two passes. */
  private void columnLogSumExp(double[] out) {
    double[] max = new double[b.length];
    Arrays.fill(max, Double.NEGATIVE_INFINITY);
    Arrays.fill(out, 0);
    for (int i = 0; i < a.length; i++) {
      double[] cost = problem.costs().row(i, costBuffers[0]);
      for (int j = 0; j < b.length; j++) {
        max[j] = Math.max(max[j], a[i] - problem.eta() * cost[j]);
      }
    }
    for (int i = 0; i < a.length; i++) {
      double[] cost = problem.costs().row(i, costBuffers[0]);
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

  /** Computes the plan, its sums and its cost at the point. */
  void evaluate() {
    evaluate(false);
  }

  /**
   * Computes the plan, its sums and its cost at the point.
   *
   * @param normalised whether a is set first so that the largest entry of each row is 1
   */
  void evaluate(boolean normalised) {
    eachRow((chunk, i, p) -> fillRow(chunk, i, p, normalised));
  }

  /** Multiplies the plan's entries by {@code u_i v_j}, which the point has taken over. */
  void scalePlan(double[] u, double[] v) {
    eachRow(
        (chunk, i, p) -> {
          sums[i] = RowKernels.scale(p, u[i], v);
          return problem.costs().row(i, costBuffers[chunk]);
        });
  }

  /** Makes a row of the plan and its sum; gives the row's costs. */
  private interface RowWork {
    double[] apply(int chunk, int i, double[] p);
  }

  private void eachRow(RowWork work) {
    chunks.run(
        chunk -> {
          double total = 0;
          for (int i = chunks.start(chunk); i < chunks.start(chunk + 1); i++) {
            double[] p = plan == null ? rowBuffers[chunk] : plan[i];
            double[] costs = work.apply(chunk, i, p);
            RowKernels.addScaled(chunks.columnSums(chunk), p, 1);
            total += rowCost(p, costs);
          }
          partial[chunk] = total;
        });
    chunks.takeColumnSums(columnSums);
    System.arraycopy(columnSums, 0, sums, a.length, b.length);
    cost = Arrays.stream(partial).sum();
  }

  /** {@code <p, costs>}, where no mass times an infinite cost is 0. */
  private static double rowCost(double[] p, double[] costs) {
    double cost = RowKernels.dot(p, costs);
    if (Double.isNaN(cost)) {
      cost = 0;
      for (int j = 0; j < p.length; j++) {
        cost += p[j] > 0 ? p[j] * costs[j] : 0;
      }
    }
    return cost;
  }

  /**
   * Computes the i-th row of the plan at the point, and its sum.
   *
   * @param normalised whether a_i is set first so that the largest entry is 1
   * @return the row's costs
   */
  double[] fillRow(int chunk, int i, double[] p, boolean normalised) {
    double[] costs = problem.costs().row(i, costBuffers[chunk]);
    RowKernels.exponents(b, costs, problem.eta(), p);
    if (normalised) {
      a[i] = 1 - RowKernels.max(p);
    }
    sums[i] = RowKernels.expSum(p, a[i] - 1, cap);
    return costs;
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
    // The cost with the entropy, by log P_ij = eta (x_i + y_j - C_ij) - 1.
    double objective =
        (RowKernels.dot(a, Arrays.copyOf(sums, a.length))
                + RowKernels.dot(b, columnSums)
                - planMass())
            / problem.eta();
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
