package org.tikhon.loss;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * {@code -log((1 + a + a^2 / 2) / (D + s + q / 2))}: softmax with the exponential's Taylor
 * polynomial of second order.
 */
public record LogTaylorSoftmax() implements SphericalLoss {
  @Override
  public Tensor value(Tensor a, Tensor s, Tensor q, long classes) {
    Tensor wide = a.to(Dtype.FLOAT64);
    Tensor all = s.to(Dtype.FLOAT64).add(q.to(Dtype.FLOAT64).mul(0.5)).add(classes).log();
    return all.sub(wide.square().mul(0.5).add(wide).add(1).log());
  }
}
