package org.tikhon.transport;

import java.util.Objects;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Tensor;

/**
 * The Sinkhorn divergence between two clouds of points with equal weights,
 *
 * <pre>
 * S(a, b) = OT(a, b) - OT(a, a) / 2 - OT(b, b) / 2,  OT = min &lt;C, P&gt; + epsilon KL(P | a x b),
 * </pre>
 *
 * 0 if the clouds are equal, positive otherwise; the terms of one cloud with itself remove the
 * entropic bias that would shrink what is fitted. Gradients by the envelope theorem, as in {@link
 * MongeGap}.
 *
 * <p>Default of {@link #squaredEuclidean}: epsilon 0.1 of the mean cost within the target, L1
 * marginal error 1e-3, at most 1000 sweeps, all three terms computed.
 *
 * <p>Source: Aude Genevay, Gabriel Peyré, Marco Cuturi, <i>Learning Generative Models with Sinkhorn
 * Divergences</i>, AISTATS 2018.
 */
public final class SinkhornDivergence implements FittingLoss {
  private final GroundCost cost;
  private final Epsilon epsilon;
  private final SampleTransport.Stopping stopping;
  private final boolean staticTarget;

  /** OT(b, b) that was computed once, or NaN: computed each time. */
  private final double targetTerm;

  private SinkhornDivergence(
      GroundCost cost,
      Epsilon epsilon,
      SampleTransport.Stopping stopping,
      boolean staticTarget,
      double targetTerm) {
    this.cost = Objects.requireNonNull(cost, "cost");
    this.epsilon = epsilon;
    this.stopping = stopping;
    this.staticTarget = staticTarget;
    this.targetTerm = targetTerm;
  }

  /**
   * A divergence.
   *
   * @param epsilon if relative, to the costs within the target
   */
  public SinkhornDivergence(GroundCost cost, Epsilon epsilon) {
    this(cost, epsilon, SampleTransport.Stopping.ROUGH, false, Double.NaN);
  }

  /** The squared Euclidean divergence with epsilon 0.1 of the mean cost within the target. */
  public static SinkhornDivergence squaredEuclidean() {
    return new SinkhornDivergence(GroundCost.squaredEuclidean(), Epsilon.relativeMean(0.1));
  }

  /** With another stopping rule; see {@link MongeGap#stopping}. */
  public SinkhornDivergence stopping(double tolerance, int maxSweeps) {
    return new SinkhornDivergence(
        cost,
        epsilon,
        new SampleTransport.Stopping(tolerance, maxSweeps),
        staticTarget,
        targetTerm);
  }

  /**
   * Whether the term of the target with itself, which has no gradient, is computed once, for the
   * batch of {@link #fixedOn}: two solves a step instead of three, the same gradient, and values
   * that are off by how much the term differs between batches.
   */
  public SinkhornDivergence staticTarget(boolean on) {
    return new SinkhornDivergence(cost, epsilon, stopping, on, targetTerm);
  }

  /** The divergence with its epsilon, and a static target's term, fixed for a target. */
  @Override
  public SinkhornDivergence fixedOn(Tensor target) {
    SampleTransport.checkPoints("target", target, 2);
    SampleTransport within = within(target.detach(), epsilon);
    return new SinkhornDivergence(
        cost,
        Epsilon.absolute(within.epsilon()),
        stopping,
        staticTarget,
        staticTarget ? kl(within, target, target) : Double.NaN);
  }

  /**
   * The divergence.
   *
   * @param mapped {@code [n, d]}, at least 2 points
   * @param target {@code [m, d]}, at least 2 points
   * @return a scalar with gradients to both
   */
  @Override
  public LossTerm term(Tensor mapped, Tensor target) {
    SampleTransport.checkPoints("mapped", mapped, 2);
    SampleTransport.checkPoints("target", target, 2);
    SampleTransport.checkDimensions(cost, "mapped", mapped, "target", target);
    SampleTransport targets = Double.isNaN(targetTerm) ? within(target, epsilon) : null;
    Epsilon absolute = targets == null ? epsilon : Epsilon.absolute(targets.epsilon());
    SampleTransport across = SampleTransport.solve(cost, mapped, target, absolute, stopping);
    SampleTransport images = within(mapped, absolute);
    double value =
        kl(across, mapped, target)
            - kl(images, mapped, mapped) / 2
            - (targets == null ? targetTerm : kl(targets, target, target)) / 2;
    Tensor surrogate =
        across.surrogate(mapped, target).sub(images.surrogate(mapped, mapped).div(2));
    if (target.requiresGrad() && targets != null) {
      surrogate = surrogate.sub(targets.surrogate(target, target).div(2));
    }
    return new LossTerm(
        Autograd.custom(Tensor.full(value, surrogate.dtype()), surrogate),
        across.solution().converged()
            && images.solution().converged()
            && (targets == null || targets.solution().converged()));
  }

  private SampleTransport within(Tensor points, Epsilon regularisation) {
    return SampleTransport.solve(cost, points, points, regularisation, stopping);
  }

  /** {@code epsilon KL(P | a x b)} is {@code -epsilon H(P) + epsilon (log n + log m)}. */
  private static double kl(SampleTransport transport, Tensor x, Tensor y) {
    return transport.value() + transport.epsilon() * Math.log((double) x.size(0) * y.size(0));
  }
}
