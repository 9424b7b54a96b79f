package org.tikhon.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tikhon.Paper;
import org.tikhon.tensor.Tensor;

/**
 * Partial transport that sends similar samples to the same cluster:
 *
 * <pre>min_Q &lt;Q, C&gt; - lambda &lt;S, Q Q'&gt; + gamma KL(Q' 1 | rho pi)
 * over Q &gt;= 0, Q 1 &lt;= 1 / N, 1' Q 1 = rho,      lambda = neighbourWeight N (1 - rho)</pre>
 *
 * with an entropy as in {@link PartialTransport}. The similarity counts less as rho grows. Each
 * outer step puts the tangent of the similarity at Q in its place, {@code C - lambda (S + S') Q},
 * and solves a partial transport, from {@code Q = rho / (N K)} on.
 *
 * <p>That lowers the objective at every step only if S + S' is positive semi-definite, which a
 * graph of neighbours with a zero diagonal is not: the steps may run in a circle. {@code psdShift}
 * adds a multiple of the identity to S, which changes the objective. Or {@code guard} halves a step
 * {@code Q + damping (Q_new - Q)} until the objective does not grow; the direction goes down, so
 * that this ends.
 *
 * <p>Source: the paper and its official code; the dependence of lambda on N (entries of Q are at
 * most 1 / N), the guard and the shift are derived.
 *
 * @param inner the solver of the outer steps
 * @param neighbourWeight lambda_0 / N, 0 or more; 0.2 is the paper's 1000 for N = 5120 and 20
 *     neighbours; 0: one partial transport
 * @param outerSteps at most so many, at least 1
 * @param damping eta, in (0, 1]; 1 in the paper
 * @param psdShift added to the diagonal of S, 0 or more; 0 in the paper
 * @param guard whether a step that would raise the objective is halved
 */
@Paper(
    number = 57,
    title =
        "SP2OT: Semantic-Regularized Progressive Partial Optimal Transport for Imbalanced"
            + " Clustering",
    authors = "Chuyu Zhang, Hui Ren, Xuming He",
    year = 2024,
    url = "https://arxiv.org/abs/2404.03446")
public record SemanticTransport(
    PartialTransport inner,
    double neighbourWeight,
    int outerSteps,
    double damping,
    double psdShift,
    boolean guard) {
  public static final double DEFAULT_NEIGHBOUR_WEIGHT = 0.2;

  /** An outer step that changes the objective by less ends the iteration. */
  private static final double TOLERANCE = 1e-6;

  /** By then a step is too small to change anything. */
  private static final int MOST_HALVINGS = 30;

  public SemanticTransport {
    if (!(neighbourWeight >= 0) || Double.isInfinite(neighbourWeight)) {
      throw new IllegalArgumentException(
          "neighbourWeight must be finite and 0 or more, was " + neighbourWeight);
    }
    if (outerSteps < 1) {
      throw new IllegalArgumentException("outerSteps must be at least 1, was " + outerSteps);
    }
    if (!(damping > 0 && damping <= 1)) {
      throw new IllegalArgumentException("damping must be in (0, 1], was " + damping);
    }
    if (!(psdShift >= 0) || Double.isInfinite(psdShift)) {
      throw new IllegalArgumentException("psdShift must be finite and 0 or more, was " + psdShift);
    }
  }

  /** The default weight, at most 10 whole steps, no shift, guarded. */
  public SemanticTransport(PartialTransport inner) {
    this(inner, DEFAULT_NEIGHBOUR_WEIGHT, 10, 1, 0, true);
  }

  /** Without a similarity: one partial transport. */
  public static SemanticTransport without(PartialTransport inner) {
    return new SemanticTransport(inner, 0, 1, 1, 0, false);
  }

  /** With equal clusters as the prior, from the start {@code b = 1}. */
  public SemanticSolution solve(Tensor cost, SparseSimilarity s, double rho) {
    return solve(cost, s, rho, null, null);
  }

  /**
   * Solves.
   *
   * @param cost C, FLOAT32 or FLOAT64 {@code [N, K]}, such as {@code -log P}
   * @param s of the same N samples; null where neighbourWeight is 0
   * @param rho the part of the mass to move, in (0, 1]
   * @param prior pi, {@code [K]}, or null, as in {@link PartialTransport#solve}
   * @param warm potentials of an earlier solution to start from, or null
   */
  public SemanticSolution solve(
      Tensor cost, SparseSimilarity s, double rho, double[] prior, Potentials warm) {
    int samples = PartialTransport.checkedSize(cost);
    checkSimilarity(s, samples);
    int clusters = (int) cost.size(1);
    double[] beta = PartialTransport.weights(clusters, rho, prior);
    Steps steps = new Steps(PartialTransport.toDoubles(cost), s, beta, inner.sweeps(cost));
    double[] v = inner.start(clusters, warm);
    List<Double> history = new ArrayList<>();
    int iterations = 0;
    double error = Double.POSITIVE_INFINITY;
    boolean converged = false;
    Potentials first = null;
    while (history.size() < outerSteps && !(error < TOLERANCE)) {
      PartialSweeps.End end = steps.next(v);
      iterations += end.iterations();
      converged = inner.converged(steps.sweeps, end);
      error = lambda(samples, rho) == 0 ? 0 : Math.abs(steps.change);
      history.add(steps.objective);
      first = first == null ? inner.potentials(steps.sweeps, v, samples) : first;
    }
    Tensor plan = PartialTransport.like(cost, steps.plan);
    return new SemanticSolution(
        plan, plan.sum(1), first, history, iterations, error, converged && error < TOLERANCE);
  }

  private void checkSimilarity(SparseSimilarity s, int samples) {
    if (s == null && neighbourWeight > 0) {
      throw new IllegalArgumentException(
          "s must not be null where neighbourWeight is positive, " + neighbourWeight);
    }
    if (s != null && s.size() != samples) {
      throw new IllegalArgumentException(
          "s must be of the cost's %d samples, is of %d".formatted(samples, s.size()));
    }
  }

  private double lambda(int samples, double rho) {
    return neighbourWeight * samples * (1 - rho);
  }

  /**
   * What is minimised, with the entropy.
   *
   * @param plan N Q, {@code [N, K]}
   */
  public double objective(
      Tensor cost, Tensor plan, SparseSimilarity s, double rho, double[] prior) {
    int samples = PartialTransport.checkedSize(cost);
    checkSimilarity(s, samples);
    double[] beta = PartialTransport.weights((int) cost.size(1), rho, prior);
    Steps steps = new Steps(PartialTransport.toDoubles(cost), s, beta, null);
    double[] q = PartialTransport.toDoubles(plan);
    return steps.objective(q, steps.neighbours(q));
  }

  /** The iterates of one problem. */
  private final class Steps {
    private final double[] cost;
    private final SparseSimilarity s;
    private final double[] beta;
    private final PartialSweeps sweeps;
    private final int samples;
    private final int clusters;
    private final double lambda;

    /** N Q. */
    private double[] plan;

    /** {@code (S + S') N Q}. */
    private double[] neighbours;

    private double objective;
    private double change;

    Steps(double[] cost, SparseSimilarity s, double[] beta, PartialSweeps sweeps) {
      this.cost = cost;
      this.s = s;
      this.beta = beta;
      this.sweeps = sweeps;
      this.clusters = beta.length - 1;
      this.samples = cost.length / clusters;
      double rho = 1 - beta[clusters];
      this.lambda = lambda(samples, rho);
      this.plan = new double[cost.length];
      Arrays.fill(plan, rho / clusters);
      this.neighbours = neighbours(plan);
      this.objective = objective(plan, neighbours);
    }

    /** {@code (S + S') q} of the shifted S. */
    private double[] neighbours(double[] q) {
      if (lambda == 0) {
        return new double[q.length];
      }
      double[] product = s.timesSymmetric(q, clusters);
      for (int e = 0; e < q.length; e++) {
        product[e] += 2 * psdShift * q[e];
      }
      return product;
    }

    private double objective(double[] q, double[] product) {
      double similarity = RowKernels.dot(product, q) / (2.0 * samples * samples);
      return inner.objective(cost, q, samples, beta) - lambda * similarity;
    }

    /** One outer step. */
    PartialSweeps.End next(double[] v) {
      double[] linearised = cost.clone();
      RowKernels.addScaled(linearised, neighbours, -lambda / samples);
      PartialSweeps.End end = inner.run(sweeps, linearised, beta, v);
      move(sweeps.tiles.plan(v));
      return end;
    }

    /** Goes towards a plan: the whole damped step, or less of it if the objective would grow. */
    private void move(double[] target) {
      double[] product = neighbours(target);
      double eta = damping;
      for (int halvings = 0; ; halvings++) {
        double[] q = between(plan, target, eta);
        double[] qProduct = between(neighbours, product, eta);
        double value = objective(q, qProduct);
        boolean grows = value > objective;
        if (!guard || !grows || halvings == MOST_HALVINGS) {
          accept(q, qProduct, value, guard && grows);
          return;
        }
        eta /= 2;
      }
    }

    private void accept(double[] q, double[] product, double value, boolean stay) {
      change = stay ? 0 : value - objective;
      if (!stay) {
        plan = q;
        neighbours = product;
        objective = value;
      }
    }

    private static double[] between(double[] from, double[] to, double eta) {
      double[] point = new double[from.length];
      for (int e = 0; e < point.length; e++) {
        point[e] = (1 - eta) * from[e] + eta * to[e];
      }
      return point;
    }
  }
}
