package org.tikhon.solve;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.tikhon.tensor.Tensor;

/**
 * The unsupervised loss of DCDM: what one exact step along the network's direction leaves of the
 * residual,
 *
 * <pre>
 * L = mean over b of | b - alpha_b A f(b) |^2,   alpha_b = f(b)'b / f(b)'A f(b).
 * </pre>
 *
 * <p>It does not change when f is multiplied by a number, and needs no solutions. The gradient
 * flows through alpha.
 */
public final class DirectionLoss {
  private DirectionLoss() {}

  /**
   * The loss of a batch, a scalar.
   *
   * @param a the matrix for batches, such as {@link GridPoisson#batched}
   * @param b right sides of norm 1, {@code [batch, 1, sides...]}
   * @param f the network's directions for them, of the same shape
   */
  public static Tensor of(UnaryOperator<Tensor> a, Tensor b, Tensor f) {
    if (!Arrays.equals(b.shape(), f.shape())) {
      throw new IllegalArgumentException(
          "f must have the shape of b, %s, has %s"
              .formatted(Arrays.toString(b.shape()), Arrays.toString(f.shape())));
    }
    Tensor right = b.flatten(1, -1);
    Tensor direction = f.flatten(1, -1);
    Tensor product = a.apply(f).flatten(1, -1);
    Tensor alpha = direction.mul(right).sumKeep(1).div(direction.mul(product).sumKeep(1));
    return right.sub(alpha.mul(product)).square().sum(1).mean();
  }
}
