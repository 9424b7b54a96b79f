package org.tikhon.nn;

import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * A function that takes a parameter's registered tensor and gives the tensor that the layer uses;
 * it may have trainable parameters of its own. See {@link Module#parametrize}.
 */
public abstract class Parametrization extends Module {
  /** The weight that the layer uses. */
  @Override
  public abstract Tensor forward(Tensor original);

  /**
   * {@code x W^T + bias} with the weight W of {@link #forward}. Override it where there is a
   * cheaper way than to build W: a low-rank pair, packed weights.
   *
   * @param bias {@code [out]}, or null
   */
  public Tensor linear(Tensor x, Tensor original, Tensor bias) {
    return Functional.linear(x, forward(original), bias);
  }

  /** Whether the registered tensor is still trained; false freezes it, as adapters do. */
  public boolean trainsOriginal() {
    return true;
  }
}
