package org.tikhon.adapt;

import org.tikhon.nn.Init;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Starts for low-rank adapters on a 4-bit base.
 *
 * <p>QPiSSA quantises the residual of the principal part, whose distribution is narrower than the
 * weight's, and refines both in turn:
 *
 * <pre>
 * R = W;   T times:   B, A = principal(R, r);   Q = NF4(W - B A);   R = W - deq(Q)
 * </pre>
 *
 * LoftQ begins at the other end, {@code Q = NF4(W - B A); B, A = principal(W - deq(Q), r)} with
 * {@code B A = 0} at first; QLoRA is {@code Q = NF4(W), B = 0}. All three have scaling 1.
 */
public final class QPissa {
  private QPissa() {}

  /** How the 4-bit base and the pair start. */
  public enum Method {
    QPISSA,
    LOFTQ,
    QLORA
  }

  /**
   * Settings of a 4-bit base.
   *
   * @param method the start
   * @param iterations T, at least 1; the paper's scripts use 5 for QPiSSA
   * @param blockSize 32, 64, ..., 4096
   * @param doubleQuant whether the blocks' maxima are quantised too
   */
  public record Settings(Method method, int iterations, int blockSize, boolean doubleQuant) {
    public Settings {
      checkIterations(iterations);
      Nf4.checkBlockSize(blockSize);
    }

    /** QPiSSA with T iterations, blocks of 64, double quantisation. */
    public static Settings qpissa(int iterations) {
      return new Settings(Method.QPISSA, iterations, Nf4.DEFAULT_BLOCK_SIZE, true);
    }

    /** QLoRA, blocks of 64, double quantisation. */
    public static Settings qlora() {
      return new Settings(Method.QLORA, 1, Nf4.DEFAULT_BLOCK_SIZE, true);
    }
  }

  private static void checkIterations(int iterations) {
    if (iterations < 1) {
      throw new IllegalArgumentException("iterations must be at least 1, was " + iterations);
    }
  }

  /** QPiSSA with the exact decomposition. */
  public static QuantizedFactors init(
      Tensor w, int r, int iterations, int blockSize, boolean doubleQuant) {
    return init(w, r, iterations, blockSize, doubleQuant, SvdMethod.exact());
  }

  /**
   * QPiSSA.
   *
   * @param w {@code [out, in]}, a floating-point type
   * @param r the rank, 1 to min(out, in)
   * @param iterations T, at least 1
   */
  public static QuantizedFactors init(
      Tensor w, int r, int iterations, int blockSize, boolean doubleQuant, SvdMethod svd) {
    check(w, r, iterations);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor full = w.detach().to(Pissa.factorType(w.dtype()));
      Tensor rest = full;
      LoraFactors pair = null;
      Nf4Tensor base = null;
      for (int t = 1; t <= iterations; t++) {
        pair = Pissa.principal(rest, r, 1, svd);
        base = quantizeRest(w, full, pair, blockSize, doubleQuant);
        if (t < iterations) {
          rest = full.sub(base.dequantize().to(full.dtype()));
        }
      }
      return keep(scope, base, pair);
    }
  }

  /** LoftQ with the exact decomposition. */
  public static QuantizedFactors loftq(
      Tensor w, int r, int iterations, int blockSize, boolean doubleQuant) {
    check(w, r, iterations);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor full = w.detach().to(Pissa.factorType(w.dtype()));
      LoraFactors pair = null;
      Nf4Tensor base = null;
      for (int t = 1; t <= iterations; t++) {
        base =
            pair == null
                ? Nf4.quantize(w, blockSize, doubleQuant)
                : quantizeRest(w, full, pair, blockSize, doubleQuant);
        pair =
            Pissa.principal(full.sub(base.dequantize().to(full.dtype())), r, 1, SvdMethod.exact());
      }
      return keep(scope, base, pair);
    }
  }

  /** QLoRA: the weight quantised as it is, A uniform (Kaiming), B zero. */
  public static QuantizedFactors qlora(
      Tensor w, int r, int blockSize, boolean doubleQuant, Rng rng) {
    check(w, r, 1);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      return keep(
          scope,
          Nf4.quantize(w, blockSize, doubleQuant),
          new LoraFactors(Init.torchDefault(rng, r, w.size(1)), Tensor.zeros(w.size(0), r), null));
    }
  }

  static QuantizedFactors init(Tensor w, int r, Settings settings, SvdMethod svd, Rng rng) {
    return switch (settings.method) {
      case QPISSA -> init(w, r, settings.iterations, settings.blockSize, settings.doubleQuant, svd);
      case LOFTQ -> loftq(w, r, settings.iterations, settings.blockSize, settings.doubleQuant);
      case QLORA -> qlora(w, r, settings.blockSize, settings.doubleQuant, rng);
    };
  }

  private static void check(Tensor w, int r, int iterations) {
    checkIterations(iterations);
    if (w.dim() != 2 || !w.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "w must be a floating-point matrix [out, in], it is %s with %d dimensions"
              .formatted(w.dtype(), w.dim()));
    }
    Pissa.checkRank(r, w.size(0), w.size(1), "");
  }

  /** {@code NF4(W - B A)}; the difference is taken in full precision. */
  private static Nf4Tensor quantizeRest(
      Tensor w, Tensor full, LoraFactors pair, int blockSize, boolean doubleQuant) {
    Tensor rest = full.sub(pair.b().matmul(pair.a()));
    Nf4Tensor q = Nf4.quantize(rest, blockSize, doubleQuant);
    return new Nf4Tensor(q.packed(), q.absmax(), q.nested(), q.shape(), w.dtype(), blockSize);
  }

  private static QuantizedFactors keep(Scope scope, Nf4Tensor base, LoraFactors pair) {
    base.tensors().forEach(scope::keep);
    return new QuantizedFactors(base, scope.keep(pair.a()), scope.keep(pair.b()));
  }
}
