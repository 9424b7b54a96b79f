package org.tikhon.transport;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Partial, unbalanced transport of N samples to K clusters: only a part rho of the mass is moved,
 * and the clusters' sizes are softly tied to a prior.
 *
 * <pre>min_Q &lt;Q, C&gt; + gamma KL(Q' 1 | rho pi)   over Q &gt;= 0, Q 1 &lt;= 1 / N, 1' Q 1 = rho
 * </pre>
 *
 * <p>With xi, the mass of each sample that is not moved, as the column of a virtual cluster of cost
 * 0, {@code Q^ = [Q, xi]} has rows of exactly 1 / N and a last column of exactly 1 - rho; with the
 * entropy {@code epsilon sum Q^ (log Q^ - 1)} alternating updates solve it:
 *
 * <pre>
 * M = exp(-[C, 0] / epsilon),   alpha = 1 / N,   beta = (rho pi, 1 - rho)
 * a = alpha / (M b),   b = (beta / (M' a))^f,   f = gamma / (gamma + epsilon), 1 for the last
 * </pre>
 *
 * and a last a makes the rows exact. The limits are transport of a part with exact cluster sizes
 * (gamma infinite), unbalanced transport (rho = 1) and Sinkhorn's (both). A constant that is added
 * to a row's costs counts: the row competes with the virtual cluster's 0.
 *
 * <p>The iteration stops when {@code log b} changes by at most the tolerance in the Euclidean norm;
 * the official code measures the change of b itself, which depends on the size of b. One iteration
 * is one pass over {@code N (K + 1)} numbers, on the CPU.
 *
 * <p>Source: Chuyu Zhang, Hui Ren, Xuming He, <i>SP2OT</i>, 2024, and the <i>P2OT</i> of 2024 that
 * it extends.
 *
 * @param epsilon the weight of the entropy, positive, in units of the cost; 0.1 in the paper
 * @param gamma the weight of the clusters' sizes, 0 or more; +infinity: exactly the prior; 1 in the
 *     paper
 * @param tolerance of the change of {@code log b}, 0 or more; 1e-6 in the paper. FLOAT32 kernels
 *     cannot see less than {@code 2e-7 sqrt(K + 1)}
 * @param maxIterations at least 1; 1000 in the paper
 * @param domain how the updates are computed; LOG unless there is a reason
 */
public record PartialTransport(
    double epsilon, double gamma, double tolerance, int maxIterations, Domain domain) {

  /** How the updates are computed; all have the same iterates up to rounding. */
  public enum Domain {
    /** In the log domain and double precision: any cost, an exponential an entry and iteration. */
    LOG,
    /**
     * Scalings of the kernel M in the precision of the cost, which is computed once. Throws an
     * {@link ArithmeticException} where it overflows or underflows.
     */
    SCALING,
    /**
     * Scalings that go into the potentials, and the kernel computed anew, when they pass 1e8: the
     * speed of SCALING for any cost.
     */
    STABILISED
  }

  private static final double SINGLE_RESOLUTION = 2e-7;
  private static final double PRIOR_TOLERANCE = 1e-6;

  public PartialTransport {
    if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
      throw new IllegalArgumentException("epsilon must be positive and finite, was " + epsilon);
    }
    if (!(gamma >= 0)) {
      throw new IllegalArgumentException("gamma must be 0 or more, was " + gamma);
    }
    EntropicProblem.checkTolerance(tolerance);
    if (maxIterations < 1) {
      throw new IllegalArgumentException("maxIterations must be at least 1, was " + maxIterations);
    }
  }

  /** The paper's settings: epsilon 0.1, gamma 1, tolerance 1e-6, 1000 iterations. */
  public PartialTransport() {
    this(0.1, 1, 1e-6, 1000);
  }

  /** In the log domain. */
  public PartialTransport(double epsilon, double gamma, double tolerance, int maxIterations) {
    this(epsilon, gamma, tolerance, maxIterations, Domain.LOG);
  }

  public PartialTransport withGamma(double other) {
    return new PartialTransport(epsilon, other, tolerance, maxIterations, domain);
  }

  public PartialTransport withDomain(Domain other) {
    return new PartialTransport(epsilon, gamma, tolerance, maxIterations, other);
  }

  /** With equal clusters as the prior, from the start {@code b = 1}. */
  public PartialSolution solve(Tensor cost, double rho) {
    return solve(cost, rho, null, null);
  }

  /**
   * Solves.
   *
   * @param cost C, FLOAT32 or FLOAT64 {@code [N, K]}, such as {@code -log P}; +infinity forbids a
   *     pair
   * @param rho the part of the mass to move, in (0, 1]
   * @param prior pi, {@code [K]}, 0 or more with the sum 1 (0: no mass), or null: 1 / K each; for
   *     sizes whose clusters are not known see {@link #inPredictedOrder}
   * @param warm potentials to start from, v {@code [K + 1]} as of another batch, or null; u is not
   *     used
   * @return with its own flag of convergence
   * @throws IllegalArgumentException if an argument is outside its range, or costs are such that no
   *     plan exists
   */
  public PartialSolution solve(Tensor cost, double rho, double[] prior, Potentials warm) {
    int samples = checkedSize(cost);
    int clusters = (int) cost.size(1);
    PartialSweeps sweeps = sweeps(cost);
    double[] v = start(clusters, warm);
    return solution(
        cost, sweeps, v, run(sweeps, toDoubles(cost), weights(clusters, rho, prior), v), samples);
  }

  /** Checks the shape and gives N. */
  static int checkedSize(Tensor cost) {
    if (cost.dim() != 2 || cost.size(0) < 1 || cost.size(1) < 1) {
      throw new IllegalArgumentException(
          "cost must be [N, K] with at least one sample and one cluster, was "
              + Arrays.toString(cost.shape()));
    }
    if (cost.dtype() != Dtype.FLOAT32 && cost.dtype() != Dtype.FLOAT64) {
      throw new IllegalArgumentException("cost must be FLOAT32 or FLOAT64, was " + cost.dtype());
    }
    return (int) cost.size(0);
  }

  static double[] toDoubles(Tensor tensor) {
    try (Scope scope = Scope.open()) {
      return tensor.detach().to(Device.cpu()).to(Dtype.FLOAT64).toDoubleArray();
    }
  }

  /** Arrays for problems of a cost's shape. */
  PartialSweeps sweeps(Tensor cost) {
    return new PartialSweeps(
        (int) cost.size(0), (int) cost.size(1), domain, cost.dtype() == Dtype.FLOAT32);
  }

  /** {@code v / epsilon} to start from. */
  double[] start(int clusters, Potentials warm) {
    if (warm == null) {
      return new double[clusters + 1];
    }
    if (warm.v().length != clusters + 1) {
      throw new IllegalArgumentException(
          "warm.v must have a potential for each of the %d clusters and the virtual one, has %d"
              .formatted(clusters, warm.v().length));
    }
    return Arrays.stream(warm.v()).map(value -> value / epsilon).toArray();
  }

  /** beta, {@code [K + 1]}. */
  static double[] weights(int clusters, double rho, double[] prior) {
    if (!(rho > 0 && rho <= 1)) {
      throw new IllegalArgumentException("rho must be in (0, 1], was " + rho);
    }
    double[] beta = new double[clusters + 1];
    beta[clusters] = 1 - rho;
    Arrays.fill(beta, 0, clusters, rho / clusters);
    if (prior != null) {
      checkPrior(prior, clusters);
      Arrays.setAll(beta, k -> k < clusters ? rho * prior[k] : 1 - rho);
    }
    return beta;
  }

  private static void checkPrior(double[] prior, int clusters) {
    if (prior.length != clusters) {
      throw new IllegalArgumentException(
          "prior must have a size for each of the %d clusters, has %d"
              .formatted(clusters, prior.length));
    }
    for (int k = 0; k < clusters; k++) {
      if (!(prior[k] >= 0)) {
        throw new IllegalArgumentException(
            "prior[%d] must be 0 or more, was %s".formatted(k, prior[k]));
      }
    }
    double sum = Arrays.stream(prior).sum();
    if (!(Math.abs(sum - 1) <= PRIOR_TOLERANCE)) {
      throw new IllegalArgumentException("prior must have the sum 1, has " + sum);
    }
  }

  /**
   * Loads costs and iterates.
   *
   * @param cost {@code [N, K]}, row-major
   * @param v {@code v / epsilon}, overwritten
   */
  PartialSweeps.End run(PartialSweeps sweeps, double[] cost, double[] beta, double[] v) {
    sweeps.tiles.load(cost, epsilon);
    checkFeasible(sweeps.tiles, beta);
    double[] power = new double[beta.length];
    Arrays.fill(power, gamma == Double.POSITIVE_INFINITY ? 1 : gamma / (gamma + epsilon));
    power[beta.length - 1] = 1;
    return sweeps.run(beta, power, v, toleranceOf(sweeps), maxIterations);
  }

  private double toleranceOf(PartialSweeps sweeps) {
    return sweeps.isSinglePrecision()
        ? Math.max(tolerance, SINGLE_RESOLUTION * Math.sqrt(sweeps.tiles.columns))
        : tolerance;
  }

  boolean converged(PartialSweeps sweeps, PartialSweeps.End end) {
    return end.error() <= toleranceOf(sweeps);
  }

  private void checkFeasible(SampleTiles tiles, double[] beta) {
    int virtual = beta.length - 1;
    for (int k = 0; k < virtual; k++) {
      if (gamma == Double.POSITIVE_INFINITY && beta[k] > 0 && !tiles.usable[k]) {
        throw new IllegalArgumentException(
            "column %d of the cost has no finite cost but must take mass %s (gamma is infinite)"
                .formatted(k, beta[k]));
      }
    }
    if (beta[virtual] > 0) {
      return;
    }
    for (int i = 0; i < tiles.samples; i++) {
      int sample = i;
      if (IntStream.range(0, virtual)
          .noneMatch(k -> beta[k] > 0 && tiles.cost(sample, k) < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "row %d of the cost has no finite cost in a cluster that may take mass".formatted(i));
      }
    }
  }

  private PartialSolution solution(
      Tensor cost, PartialSweeps sweeps, double[] v, PartialSweeps.End end, int samples) {
    Tensor plan = like(cost, sweeps.tiles.plan(v));
    return new PartialSolution(
        plan,
        plan.sum(1),
        potentials(sweeps, v, samples),
        end.iterations(),
        end.error(),
        converged(sweeps, end));
  }

  /** A tensor of a cost's shape, type and device. */
  static Tensor like(Tensor cost, double[] values) {
    try (Scope scope = Scope.open()) {
      return scope.keep(Tensor.of(values, cost.shape()).to(cost.dtype()).to(cost.device()));
    }
  }

  Potentials potentials(PartialSweeps sweeps, double[] v, int samples) {
    double[] u = new double[samples];
    Arrays.setAll(u, i -> -epsilon * (Math.log(samples) + sweeps.tiles.logRowSum(i)));
    return new Potentials(u, Arrays.stream(v).map(value -> epsilon * value).toArray());
  }

  /**
   * Gives each cluster a size: the largest to the cluster that is predicted most, {@code sum_i
   * exp(-C_ik)}, and so on.
   *
   * @param sizes {@code [K]}, in any order, such as those of k-means clusters
   * @param cost {@code -log P}, {@code [N, K]}
   */
  public static double[] inPredictedOrder(double[] sizes, Tensor cost) {
    checkedSize(cost);
    if (sizes.length != cost.size(1)) {
      throw new IllegalArgumentException(
          "sizes must have one for each of the %d clusters, has %d"
              .formatted(cost.size(1), sizes.length));
    }
    double[] sorted = Arrays.stream(sizes).sorted().toArray();
    double[] prior = new double[sizes.length];
    try (Scope scope = Scope.open()) {
      int[] order = cost.detach().neg().exp().sum(0).argsort(0, false).toIntArray();
      for (int rank = 0; rank < order.length; rank++) {
        prior[order[rank]] = sorted[rank];
      }
    }
    return prior;
  }

  /**
   * What the plan minimises, {@code <Q, C> + epsilon sum Q^ (log Q^ - 1) + gamma KL(Q' 1 | rho
   * pi)}; without the last term where gamma is infinite.
   *
   * @param plan N Q, {@code [N, K]}
   * @param prior {@code [K]} or null
   */
  public double objective(Tensor cost, Tensor plan, double rho, double[] prior) {
    int samples = checkedSize(cost);
    if (!Arrays.equals(cost.shape(), plan.shape())) {
      throw new IllegalArgumentException(
          "plan must have the cost's shape %s, has %s"
              .formatted(Arrays.toString(cost.shape()), Arrays.toString(plan.shape())));
    }
    double[] beta = weights((int) cost.size(1), rho, prior);
    return objective(toDoubles(cost), toDoubles(plan), samples, beta);
  }

  /** The same of arrays; the plan is N Q. */
  double objective(double[] cost, double[] plan, int samples, double[] beta) {
    int clusters = beta.length - 1;
    double[] sizes = new double[clusters];
    double transport = 0;
    double entropy = 0;
    for (int i = 0; i < samples; i++) {
      double rest = 1;
      for (int k = 0; k < clusters; k++) {
        double share = plan[i * clusters + k];
        if (share > 0) {
          transport += share * cost[i * clusters + k];
          entropy += negativeEntropy(share / samples);
          sizes[k] += share / samples;
          rest -= share;
        }
      }
      entropy += negativeEntropy(Math.max(0, rest) / samples);
    }
    return transport / samples + epsilon * entropy + sizeCost(sizes, beta);
  }

  private static double negativeEntropy(double q) {
    return q > 0 ? q * (Math.log(q) - 1) : 0;
  }

  private double sizeCost(double[] sizes, double[] beta) {
    if (gamma == Double.POSITIVE_INFINITY) {
      return 0;
    }
    double divergence = 0;
    for (int k = 0; k < sizes.length; k++) {
      divergence +=
          beta[k] - sizes[k] + (sizes[k] > 0 ? sizes[k] * Math.log(sizes[k] / beta[k]) : 0);
    }
    return gamma * divergence;
  }
}
