package org.tikhon.loss;

import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * {@code -log((a^2 + epsilon) / (q + D epsilon))}: softmax with squares in place of exponentials.
 *
 * @param epsilon above 0; the paper's is 0.01
 */
public record LogSphericalSoftmax(double epsilon) implements SphericalLoss {
  public LogSphericalSoftmax {
    if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
      throw new IllegalArgumentException("epsilon must be above 0, was " + epsilon);
    }
  }

  @Override
  public Tensor value(Tensor a, Tensor s, Tensor q, long classes) {
    Tensor all = q.to(Dtype.FLOAT64).add(classes * epsilon).log();
    return all.sub(a.to(Dtype.FLOAT64).square().add(epsilon).log());
  }
}
