package org.tikhon.loss;

import java.util.Objects;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Tensor;

/**
 * Cross-entropy that is computed in a chosen precision, whatever the network's: separates the
 * precision of the loss from that of the model.
 *
 * @param lossDtype the floating-point type of the loss
 */
public record CrossEntropy(Dtype lossDtype, Reduction reduction) implements ClassificationLoss {
  public CrossEntropy {
    Objects.requireNonNull(reduction, "reduction");
    if (!lossDtype.isFloatingPoint()) {
      throw new IllegalArgumentException(
          "lossDtype must be a floating-point type, was " + lossDtype);
    }
  }

  @Override
  public Tensor apply(Tensor logits, Tensor labels) {
    return Functional.crossEntropy(logits.to(lossDtype), labels, null, reduction, 0);
  }
}
