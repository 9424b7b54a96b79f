package org.tikhon.transport;

import java.util.Arrays;
import java.util.Objects;
import org.tikhon.Paper;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * How far a map T is from moving samples at the least possible cost:
 *
 * <pre>M(T) = (1/n) sum_i c(x_i, T(x_i)) - W(x, T(x)),</pre>
 *
 * where W is the cost of the best transport from the points to their images. It is 0 exactly for
 * c-optimal maps, knows nothing of how T is computed, and works with every cost. {@link #exact}
 * computes it by assignment; what is trained is the entropic gap, with
 *
 * <pre>W_epsilon = min_P &lt;C, P&gt; - epsilon H(P),  C_ij = c(x_i, T(x_j)),  P 1 = P' 1 = 1/n,
 * </pre>
 *
 * which is at least {@code epsilon log n} (P = diag(1/n) is a plan) and tends to the gap as epsilon
 * tends to 0. Its gradient takes the plan as a constant (envelope theorem):
 *
 * <pre>dM / dT(x_j) = (1/n) d_2 c(x_j, T(x_j)) - sum_i P_ij d_2 c(x_i, T(x_j)).</pre>
 *
 * <p>Defaults: epsilon 0.01 of the mean cost, L1 marginal error 1e-3, at most 1000 sweeps, the
 * {@link Convention#ENTROPIC} convention. The sweeps are in a kernel that goes to the log domain
 * where it must; above 4096 x 4096 pairs costs are computed in blocks of rows and never kept.
 *
 * <p>Source: the paper; conventions and defaults as in its authors' tutorial.
 */
@Paper(
    number = 28,
    title = "The Monge Gap: A Regularizer to Learn All Transport Maps",
    authors = "Théo Uscidda, Marco Cuturi",
    year = 2023,
    url = "https://proceedings.mlr.press/v202/uscidda23a.html")
public final class MongeGap implements MapPenalty {
  /** What is taken for the cost of the best transport. */
  public enum Convention {
    /** {@code <C, P> - epsilon H(P)}: the gap is at least {@code epsilon log n}. */
    ENTROPIC,
    /**
     * {@code <C, P> + epsilon KL(P | r x c)}, which is {@code 2 epsilon log n} more: the gap may be
     * negative.
     */
    KL,
    /**
     * {@code <C, P>} of the entropic plan: the gap may be negative. Its gradient is that of the
     * other two, which leaves out how P changes and so is not exact: the envelope theorem does not
     * cover this value.
     */
    PRIMAL
  }

  /**
   * A gap and how it came about.
   *
   * @param value the gap in the chosen convention
   * @param centred the entropic gap less {@code epsilon log n}, whatever the convention: 0 or more
   *     up to the solver's tolerance, and near the exact gap
   * @param displacement {@code (1/n) sum_i c(x_i, T(x_i))}
   * @param otCost {@code <C, P>}
   * @param epsilon in units of the cost
   * @param iterations Sinkhorn sweeps
   * @param converged whether the marginals reached the tolerance
   */
  public record Result(
      double value,
      double centred,
      double displacement,
      double otCost,
      double epsilon,
      Plan plan,
      int iterations,
      boolean converged) {}

  private final GroundCost cost;
  private final Epsilon epsilon;
  private final Convention convention;
  private final SampleTransport.Stopping stopping;

  private MongeGap(
      GroundCost cost, Epsilon epsilon, Convention convention, SampleTransport.Stopping stopping) {
    this.cost = Objects.requireNonNull(cost, "cost");
    this.epsilon = epsilon;
    this.convention = convention;
    this.stopping = stopping;
  }

  /** The gap for a cost, with the defaults. */
  public static MongeGap of(GroundCost cost) {
    return new MongeGap(
        cost, Epsilon.relativeMean(0.01), Convention.ENTROPIC, SampleTransport.Stopping.ROUGH);
  }

  /** With another regularisation. */
  public MongeGap epsilon(Epsilon other) {
    return new MongeGap(cost, other, convention, stopping);
  }

  /** With another convention. */
  public MongeGap convention(Convention other) {
    return new MongeGap(cost, epsilon, other, stopping);
  }

  /**
   * With another stopping rule.
   *
   * @param tolerance L1 error of the marginals, positive
   * @param maxSweeps at least 1
   */
  public MongeGap stopping(double tolerance, int maxSweeps) {
    return new MongeGap(
        cost, epsilon, convention, new SampleTransport.Stopping(tolerance, maxSweeps));
  }

  public GroundCost cost() {
    return cost;
  }

  public Epsilon epsilon() {
    return epsilon;
  }

  /**
   * The gap as a term of an objective.
   *
   * @param x {@code [n, d]}, n at least 2
   * @param mapped {@code [n, d]}, the image of each x
   * @return a scalar with gradients to both
   * @throws IllegalArgumentException if the shapes do not fit, or a point or cost is not finite
   */
  @Override
  public LossTerm term(Tensor x, Tensor mapped) {
    check(x, mapped);
    SampleTransport transport = SampleTransport.solve(cost, x, mapped, epsilon, stopping);
    Tensor displacement = cost.paired(x, mapped).mean();
    Tensor surrogate = displacement.sub(transport.surrogate(x, mapped));
    double value = displacement(x, mapped) - otherSide(transport, x.size(0));
    return new LossTerm(
        Autograd.custom(Tensor.full(value, surrogate.dtype()), surrogate),
        transport.solution().converged());
  }

  /** The gap with its epsilon fixed to that of a batch's costs from source to target. */
  @Override
  public MongeGap fixedOn(Tensor source, Tensor target) {
    SampleTransport.checkDimensions(cost, "source", source, "target", target);
    try (Scope scope = Scope.open()) {
      return epsilon(Epsilon.absolute(epsilon.of(cost.pairwise(source, target))));
    }
  }

  /** The gap as numbers, with its plan; shapes and errors as in {@link #term}. */
  public Result evaluate(Tensor x, Tensor mapped) {
    check(x, mapped);
    SampleTransport transport =
        SampleTransport.solve(cost, x.detach(), mapped.detach(), epsilon, stopping);
    double displacement = displacement(x, mapped);
    TransportSolution solution = transport.solution();
    return new Result(
        displacement - otherSide(transport, x.size(0)),
        displacement - transport.value() - transport.epsilon() * Math.log(x.size(0)),
        displacement,
        solution.cost(),
        transport.epsilon(),
        solution.plan(),
        solution.sweeps(),
        solution.converged());
  }

  private double otherSide(SampleTransport transport, long n) {
    return switch (convention) {
      case ENTROPIC -> transport.value();
      case KL -> transport.value() + 2 * transport.epsilon() * Math.log(n);
      case PRIMAL -> transport.solution().cost();
    };
  }

  private double displacement(Tensor x, Tensor mapped) {
    try (Scope scope = Scope.open()) {
      return cost.paired(x.detach(), mapped.detach()).to(Dtype.FLOAT64).mean().item();
    }
  }

  /**
   * The gap itself, by linear assignment: a second for 1,000 points.
   *
   * @param x {@code [n, d]}
   * @param mapped {@code [n, d]}
   * @return 0 or more up to rounding
   */
  public static double exact(GroundCost cost, Tensor x, Tensor mapped) {
    Exact exact = assignment(cost, x, mapped);
    return exact.displacement - exact.otCost;
  }

  /**
   * The gap as a fraction of the displacement, {@code (displacement - W) / displacement}: 0 for
   * optimal maps, 0 also where nothing moves.
   */
  public static double relativeExact(GroundCost cost, Tensor x, Tensor mapped) {
    Exact exact = assignment(cost, x, mapped);
    return exact.displacement > 0 ? (exact.displacement - exact.otCost) / exact.displacement : 0;
  }

  private record Exact(double displacement, double otCost) {}

  private static Exact assignment(GroundCost cost, Tensor x, Tensor mapped) {
    MongeGap.of(cost).check(x, mapped);
    try (Scope scope = Scope.open()) {
      double[][] matrix =
          cost.pairwise(x.detach().to(Dtype.FLOAT64), mapped.detach().to(Dtype.FLOAT64))
              .toDoubleRows();
      double displacement = 0;
      double[] weights = new double[matrix.length];
      Arrays.fill(weights, 1.0 / matrix.length);
      for (int i = 0; i < matrix.length; i++) {
        displacement += matrix[i][i] / matrix.length;
      }
      return new Exact(displacement, new ExactTransport().solve(matrix, weights, weights).cost());
    }
  }

  private void check(Tensor x, Tensor mapped) {
    SampleTransport.checkPoints("source", x, 2);
    SampleTransport.checkPoints("mapped", mapped, 2);
    if (x.size(0) != mapped.size(0)) {
      throw new IllegalArgumentException(
          "source has %d points, mapped %d".formatted(x.size(0), mapped.size(0)));
    }
    SampleTransport.checkDimensions(cost, "source", x, "mapped", mapped);
  }
}
