package org.tikhon.adapt;

import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A 4-bit base with a low-rank pair in full precision: {@code W ~ deq(Q) + B A}.
 *
 * @param base Q, {@code [out, in]}
 * @param a {@code [r, in]}
 * @param b {@code [out, r]}
 */
public record QuantizedFactors(Nf4Tensor base, Tensor a, Tensor b) {

  /** The weight that the layer computes with, {@code deq(Q) + B A}, in the type of the pair. */
  public Tensor weight() {
    try (Scope scope = Scope.open()) {
      return scope.keep(base.dequantize().to(a.dtype()).add(b.matmul(a)));
    }
  }

  /** The error {@code ||W - (deq(Q) + B A)||} in the nuclear norm. */
  public double error(Tensor w) {
    return error(w, weight());
  }

  /**
   * By how many per cent the error is smaller than that of W quantised as it is (QLoRA's), in the
   * nuclear norm: {@code (1 - ||W - (deq(Q) + B A)|| / ||W - deq(NF4(W))||) 100}.
   */
  public double reductionPercent(Tensor w) {
    try (Scope scope = Scope.open()) {
      Tensor plain = Nf4.quantize(w, base.blockSize(), base.nested() != null).dequantize();
      return 100 * (1 - error(w) / error(w, plain));
    }
  }

  private static double error(Tensor w, Tensor approximation) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor exact = w.detach().to(Pissa.factorType(w.dtype()));
      return Linalg.nuclearNorm(exact.sub(approximation.to(exact.dtype()))).item();
    }
  }
}
