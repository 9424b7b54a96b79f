package org.tikhon.solve;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** Guesses {@code gamma A^-1 r} for any scalar gamma: the f of {@link Dcdm}. */
@FunctionalInterface
public interface DirectionGenerator {
  /**
   * Writes a direction.
   *
   * @param a the matrix
   * @param unitResidual r, of norm 1; must not be changed
   * @param direction where f(r) goes; what is not finite is not used
   */
  void direction(SpdOperator a, double[] unitResidual, double[] direction);

  /**
   * A function of tensors, {@code [1, 1, sides of the grid] -> the same}.
   *
   * @param dtype what the function computes in
   */
  static DirectionGenerator of(UnaryOperator<Tensor> function, Dtype dtype) {
    return (a, r, direction) -> {
      int[] sides = a.shape();
      long[] shape = new long[sides.length + 2];
      Arrays.setAll(shape, i -> i < 2 ? 1 : sides[i - 2]);
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        Tensor out = function.apply(Tensor.of(r, shape).to(dtype));
        if (!Arrays.equals(out.shape(), shape)) {
          throw new IllegalArgumentException(
              "the network must give a tensor of shape %s, gave %s"
                  .formatted(Arrays.toString(shape), Arrays.toString(out.shape())));
        }
        double[] values = out.to(Dtype.FLOAT64).toDoubleArray();
        System.arraycopy(values, 0, direction, 0, values.length);
      }
    };
  }
}
