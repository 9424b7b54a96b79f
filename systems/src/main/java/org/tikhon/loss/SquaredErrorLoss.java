package org.tikhon.loss;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/** The squared distance between scores and the one-hot target, {@code q - 2 a + 1}. */
public record SquaredErrorLoss() implements SphericalLoss {
  @Override
  public Tensor value(Tensor a, Tensor s, Tensor q, long classes) {
    return q.to(Dtype.FLOAT64).sub(a.to(Dtype.FLOAT64).mul(2)).add(1);
  }
}
