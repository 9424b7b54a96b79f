package org.tikhon.loss;

import java.util.List;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * A loss of the spherical family: it sees the D scores o of an example only through the target's
 * score {@code a = o_c}, the sum {@code s = sum_k o_k} and the sum of squares {@code q = sum_k
 * o_k^2}. That is what makes an exact update independent of D possible, see {@link
 * FactoredSphericalLayer}.
 */
public sealed interface SphericalLoss
    permits ZLoss, SquaredErrorLoss, LogSphericalSoftmax, LogTaylorSoftmax {
  /**
   * The losses of examples.
   *
   * @param a the targets' scores, {@code [m]} (or {@code [m, K]}, with s and q {@code [m, 1]})
   * @param classes D, at least 2
   * @return FLOAT64 of a's shape
   */
  Tensor value(Tensor a, Tensor s, Tensor q, long classes);

  /** Derivatives of the losses with respect to a, s and q, FLOAT64. */
  record SphericalGrad(Tensor a, Tensor s, Tensor q) {}

  /** The derivatives of the sum of all losses. */
  default SphericalGrad grad(Tensor a, Tensor s, Tensor q, long classes) {
    Tensor av = a.detach().to(Dtype.FLOAT64).cloned().setRequiresGrad(true);
    Tensor sv = s.detach().to(Dtype.FLOAT64).cloned().setRequiresGrad(true);
    Tensor qv = q.detach().to(Dtype.FLOAT64).cloned().setRequiresGrad(true);
    // Not every member depends on all three.
    Tensor total =
        value(av, sv, qv, classes).sum().add(av.sum().add(sv.sum()).add(qv.sum()).mul(0));
    List<Tensor> g = Autograd.grad(total, List.of(av, sv, qv), false);
    return new SphericalGrad(g.get(0), g.get(1), g.get(2));
  }

  /**
   * The mean loss of an ordinary layer's scores, differentiable.
   *
   * @param scores {@code [m, D]}, finite
   * @param labels INT64 {@code [m]}
   */
  default Tensor dense(Tensor scores, Tensor labels) {
    LossInput.check(scores, labels);
    LossInput.checkNotEmpty(scores);
    return unchecked(scores, labels);
  }

  /** {@link #dense} where scores that are not finite give a loss that is not. */
  default Tensor unchecked(Tensor scores, Tensor labels) {
    Tensor a = scores.gather(1, labels.unsqueeze(1)).squeeze(1);
    // A norm's backward pass is cheaper than that of a sum of squares.
    Tensor q = scores.norm(2, 1).square();
    return value(a, scores.sum(1), q, checkClasses(scores.size(1))).mean();
  }

  /** Refuses fewer than two classes. */
  static long checkClasses(long classes) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    return classes;
  }
}
