package org.tikhon.optim;

import java.util.List;
import java.util.Objects;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Stochastic gradient descent with momentum on the {@link Grassmann} manifold (Wang, Li and Zhang
 * 2023). Parameters are orthonormal bases S, {@code [..., d, k]}; with D the Euclidean gradient:
 *
 * <pre>m = momentum m + D
 * G = m - S (S^T m)
 * S = exp_S(-lr G)</pre>
 *
 * and every few steps the columns are made orthonormal again, against drift. The momentum is not
 * transported along the geodesic: the projection at the new point replaces it, unless {@link
 * Options#transport} stores the projected momentum back.
 *
 * <p>There is no weight decay and no Nesterov momentum: neither means anything for a subspace.
 * Other parameters of a network have an optimiser of their own beside this one, see {@link
 * CompositeOptimizer}.
 */
public final class RiemannianSgd extends ParameterwiseOptimizer {
  private static final System.Logger LOG = System.getLogger(RiemannianSgd.class.getName());

  /** How a point is moved along a tangent. */
  public enum Retraction {
    /** The exponential map. */
    GEODESIC,
    /** QR of the point plus the tangent: cheaper, right to second order. */
    QR
  }

  /**
   * The parts of the method that may be chosen.
   *
   * @param momentum in [0, 1)
   * @param reorthonormalizeEvery the number of steps between two QR decompositions, at least 1
   * @param transport whether the momentum is stored back as projected
   */
  public record Options(
      double momentum, int reorthonormalizeEvery, Retraction retraction, boolean transport) {
    /** The paper's: momentum 0.9, QR after every fifth step, geodesics, no transport. */
    public static final Options DEFAULT = new Options(0.9, 5, Retraction.GEODESIC, false);

    public Options {
      Check.require(momentum >= 0 && momentum < 1, "momentum", momentum, "in [0, 1)");
      Check.require(
          reorthonormalizeEvery >= 1, "reorthonormalizeEvery", reorthonormalizeEvery, "at least 1");
      Objects.requireNonNull(retraction, "retraction");
    }

    public Options withMomentum(double value) {
      return new Options(value, reorthonormalizeEvery, retraction, transport);
    }
  }

  private final Options options;
  private boolean warned;

  /**
   * An optimiser of subspaces.
   *
   * @param learningRate 0 or more; beside another optimiser, its rate times the factor between the
   *     two (the paper: the same rate as SGD; 100 times AdamW's)
   */
  public RiemannianSgd(List<Tensor> subspaces, double learningRate, Options options) {
    super(List.of(new Group(subspaces, learningRate, 0)));
    for (Tensor s : subspaces) {
      if (s.dim() < 2) {
        throw new IllegalArgumentException(
            "a subspace needs the shape [..., d, k], was [%d]".formatted(s.numel()));
      }
    }
    this.options = options;
  }

  /**
   * Changes all subspaces, or none.
   *
   * @throws ArithmeticException if a gradient is not finite
   */
  @Override
  public void step() {
    try (Scope scope = Scope.open()) {
      for (Tensor s : parameters()) {
        if (s.grad() != null && !s.grad().allFinite()) {
          throw new ArithmeticException("the gradient of a subspace is not finite");
        }
      }
    }
    super.step();
  }

  @Override
  protected void update(Group group, Tensor s, Tensor gradient) {
    Tensor m = slot(s, "momentum").mul_(options.momentum()).add_(gradient);
    Tensor tangent = Grassmann.project(s, m);
    if (options.transport()) {
      m.copy_(tangent);
    }
    s.copy_(
        switch (options.retraction()) {
          case GEODESIC -> geodesic(s, tangent, group.learningRate());
          case QR -> Grassmann.retractQr(s, tangent, -group.learningRate());
        });
    if (steps() % options.reorthonormalizeEvery() == 0) {
      s.copy_(Grassmann.reorthonormalize(s));
    }
  }

  private Tensor geodesic(Tensor s, Tensor tangent, double learningRate) {
    Grassmann.Move move = Grassmann.geodesic(s, tangent, -learningRate);
    if (move.largestAngle() > Math.PI && !warned) {
      warned = true;
      LOG.log(
          System.Logger.Level.WARNING,
          "a step of Riemannian SGD turned a subspace by {0} radians, more than half a circle: the learning rate {1} is large",
          move.largestAngle(),
          learningRate);
    }
    return move.point();
  }
}
