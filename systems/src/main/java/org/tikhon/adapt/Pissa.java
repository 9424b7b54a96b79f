package org.tikhon.adapt;

import org.tikhon.Paper;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * PiSSA: low-rank fine-tuning that starts with the principal part of each weight.
 *
 * <p>A linear layer {@code y = W x} with {@code W [m, n]} becomes {@code y = (W_res + s B A) x},
 * with {@code B [m, r]} and {@code A [r, n]} trained and {@code W_res} frozen. LoRA starts with
 * {@code B A = 0}; PiSSA takes the leading singular triplets {@code W = U diag(S) V^T},
 *
 * <pre>
 * S' = S[:r] / s,   B = U[:, :r] diag(sqrt S'),   A = diag(sqrt S') V[:, :r]^T,   W_res = W - s B A
 * </pre>
 *
 * so that the output is unchanged at first, whatever the quality of the decomposition, and {@code
 * B^T B = A A^T = diag(S')}. The gradients {@code dL/dA = s B^T G} and {@code dL/dB = s G A^T} are
 * large from the first step (LoRA's {@code dL/dA} is zero).
 *
 * <p>The paper's recipe: rank 128 and scaling 1 on all projections, no dropout, AdamW with rate
 * 2e-5, no weight decay, 3 % warm-up, cosine decay, batches of 128. {@link PeftModel} adapts whole
 * networks, {@link CheckpointAdapter} checkpoint files, {@link QPissa} quantises the residual.
 */
@Paper(
    number = 49,
    title =
        "PiSSA: Principal Singular Values and Singular Vectors Adaptation of Large Language Models",
    authors = "Fanxu Meng, Zhaohui Wang, Muhan Zhang",
    year = 2024,
    url = "https://arxiv.org/abs/2404.02948")
public final class Pissa {
  /** Rows of a weight that are worked on at once, so that temporaries stay small. */
  private static final long ROWS = 512;

  private Pissa() {}

  /**
   * Splits a weight.
   *
   * @param w {@code [out, in]}, a floating-point type; 16-bit weights are decomposed in FLOAT32
   * @param r the rank, 1 to min(out, in)
   * @param scaling s, above 0
   * @return A and B in FLOAT32 (FLOAT64 for such a weight) and the residual in the type of w
   * @throws IllegalArgumentException if the rank does not fit, the type is not floating-point or
   *     the weight is not finite
   */
  public static LoraFactors init(Tensor w, int r, double scaling, SvdMethod svd) {
    check(w, r, scaling);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      LoraFactors principal = principal(w, r, scaling, svd);
      Tensor residual = w.detach().cloned();
      addProduct(residual, principal.a(), principal.b(), -scaling);
      return new LoraFactors(
          scope.keep(principal.a()), scope.keep(principal.b()), scope.keep(residual));
    }
  }

  private static void check(Tensor w, int r, double scaling) {
    if (w.dim() != 2) {
      throw new IllegalArgumentException(
          "w must be a matrix [out, in], it has " + w.dim() + " dimensions");
    }
    if (!w.dtype().isFloatingPoint()) {
      throw new IllegalArgumentException(
          "w is " + w.dtype() + "; initialise in f32/f16/bf16, then quantise the residual");
    }
    checkRank(r, w.size(0), w.size(1), "");
    if (!(scaling > 0) || Double.isInfinite(scaling)) {
      throw new IllegalArgumentException("scaling must be above 0, was " + scaling);
    }
  }

  /**
   * @param layer {@code " of layer ..."}, or empty
   */
  static void checkRank(long r, long out, long in, String layer) {
    if (r < 1) {
      throw new IllegalArgumentException("rank must be at least 1, was " + r);
    }
    if (r > Math.min(out, in)) {
      throw new IllegalArgumentException(
          "rank %d exceeds min(%d, %d)%s".formatted(r, out, in, layer));
    }
  }

  /** The pair alone; the residual is null. */
  static LoraFactors principal(Tensor w, int r, double scaling, SvdMethod svd) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor full = w.detach().to(factorType(w.dtype()));
      if (!full.allFinite()) {
        throw new IllegalArgumentException("the weight is not finite (NaN or infinite elements)");
      }
      Linalg.Svd leading = svd.leading(full, r);
      Tensor root = leading.s().div(scaling).sqrt();
      return new LoraFactors(
          scope.keep(leading.vh().mul(root.unsqueeze(1))),
          scope.keep(leading.u().mul(root.unsqueeze(0))),
          null);
    }
  }

  static Dtype factorType(Dtype weight) {
    return weight == Dtype.FLOAT64 ? Dtype.FLOAT64 : Dtype.FLOAT32;
  }

  /**
   * Adds {@code scale B A} to a weight in place, block by block of rows; the sum is taken in the
   * pair's type and cast to the weight's after it.
   */
  static void addProduct(Tensor w, Tensor a, Tensor b, double scale) {
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor weight = w.detach();
      for (long row = 0; row < weight.size(0); row += ROWS) {
        try (Scope scope = Scope.open()) {
          long rows = Math.min(ROWS, weight.size(0) - row);
          Tensor block = weight.narrow(0, row, rows);
          Tensor product = b.detach().narrow(0, row, rows).matmul(a.detach());
          block.copy_(block.to(product.dtype()).addScaled(product, scale));
        }
      }
    }
  }
}
