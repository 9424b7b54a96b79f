package org.tikhon.nn;

import org.tikhon.tensor.Tensor;

/**
 * A function that takes a parameter's registered tensor and gives the tensor that the layer uses;
 * it may have trainable parameters of its own. See {@link Module#parametrize}.
 */
public abstract class Parametrization extends Module {
  /** The weight that the layer uses. */
  @Override
  public abstract Tensor forward(Tensor original);

  /** Whether the registered tensor is still trained; false freezes it, as adapters do. */
  public boolean trainsOriginal() {
    return true;
  }
}
