package org.tikhon.nn;

import java.util.function.UnaryOperator;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/** A function without parameters as a module: activations, pooling, reshaping. */
public final class Lambda extends Module {
  private final UnaryOperator<Tensor> function;

  public Lambda(UnaryOperator<Tensor> function) {
    this.function = function;
  }

  @Override
  public Tensor forward(Tensor x) {
    return function.apply(x);
  }

  public static Lambda relu() {
    return new Lambda(Tensor::relu);
  }

  public static Lambda gelu() {
    return new Lambda(Functional::gelu);
  }

  public static Lambda tanh() {
    return new Lambda(Tensor::tanh);
  }

  /** Joins all dimensions after the first. */
  public static Lambda flatten() {
    return new Lambda(x -> x.flatten(1, -1));
  }

  /** Maximum over windows of a size, with the same stride. */
  public static Lambda maxPool2d(long size) {
    return new Lambda(x -> Functional.maxPool2d(x, size, size, 0));
  }

  /** Mean over each image's pixels: {@code [n, c, h, w] -> [n, c]}. */
  public static Lambda globalAvgPool2d() {
    return new Lambda(x -> x.mean(2, 3));
  }
}
