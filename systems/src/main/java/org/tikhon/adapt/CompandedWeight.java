package org.tikhon.adapt;

import org.tikhon.nn.Parametrization;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * A weight that is the compander's function of the trained tensor v: {@code w = a psi(v / b)}. With
 * learnt scales, {@code a = softplus(a') + 1e-6} and likewise b, where a' and b' are trained.
 */
final class CompandedWeight extends Parametrization {
  /** What a learnt scale stays above. */
  static final double FLOOR = 1e-6;

  private final Compander f;
  private final boolean learned;
  private final boolean trainsOriginal;
  private final Parameter a;
  private final Parameter b;

  CompandedWeight(Compander f, double a, double b, boolean learned, boolean trainsOriginal) {
    this.f = f;
    this.learned = learned;
    this.trainsOriginal = trainsOriginal;
    if (learned) {
      this.a =
          parameter("a", Tensor.of(new double[] {softplusInverse(a - FLOOR)}).to(Dtype.FLOAT32));
      this.b =
          parameter("b", Tensor.of(new double[] {softplusInverse(b - FLOOR)}).to(Dtype.FLOAT32));
    } else {
      this.a = buffer("a", Tensor.of(new double[] {a}).to(Dtype.FLOAT32));
      this.b = buffer("b", Tensor.of(new double[] {b}).to(Dtype.FLOAT32));
    }
  }

  private static double softplusInverse(double y) {
    // log(e^y - 1), in the form that neither overflows nor loses small y.
    return y + Math.log(-Math.expm1(-Math.max(y, FLOOR)));
  }

  Tensor a() {
    return scale(a);
  }

  Tensor b() {
    return scale(b);
  }

  private Tensor scale(Parameter p) {
    return learned ? Functional.softplus(p.value()).add(FLOOR) : p.value();
  }

  Compander compander() {
    return f;
  }

  @Override
  public Tensor forward(Tensor v) {
    boolean narrow = v.dtype() == Dtype.FLOAT16 || v.dtype() == Dtype.BFLOAT16;
    return narrow
        ? f.apply(v.to(Dtype.FLOAT32), a(), b()).to(v.dtype())
        : f.apply(v, a().to(v.dtype()), b().to(v.dtype()));
  }

  @Override
  public boolean trainsOriginal() {
    return trainsOriginal;
  }
}
