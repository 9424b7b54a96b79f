package org.tikhon.adapt;

import org.tikhon.tensor.Rng;

/**
 * How a low-rank pair starts.
 *
 * @param kind the start
 * @param niter iterations of the randomised decomposition, 0 or more; only for {@link
 *     Kind#PISSA_NITER}
 */
public record LoraInit(Kind kind, int niter) {
  /** The starts. */
  public enum Kind {
    /** LoRA's: A uniform within {@code 1 / sqrt(in)} (Kaiming), B zero. */
    KAIMING,
    /** A normal with standard deviation {@code 1 / r}, B zero. */
    GAUSSIAN,
    /** The principal part of the weight, exact decomposition. */
    PISSA,
    /** The principal part of the weight, randomised decomposition. */
    PISSA_NITER
  }

  public static final LoraInit KAIMING = new LoraInit(Kind.KAIMING, 0);
  public static final LoraInit GAUSSIAN = new LoraInit(Kind.GAUSSIAN, 0);
  public static final LoraInit PISSA = new LoraInit(Kind.PISSA, 0);

  public LoraInit {
    if (niter < 0) {
      throw new IllegalArgumentException("niter must be 0 or more, was " + niter);
    }
  }

  /** The principal part, by k rounds of subspace iteration; the paper's scripts use 16. */
  public static LoraInit pissaNiter(int k) {
    return new LoraInit(Kind.PISSA_NITER, k);
  }

  /** Whether the pair starts with the principal part of the weight. */
  public boolean isPissa() {
    return kind == Kind.PISSA || kind == Kind.PISSA_NITER;
  }

  /** The decomposition of a PiSSA start. */
  SvdMethod svd(Rng rng) {
    return kind == Kind.PISSA ? SvdMethod.exact() : SvdMethod.randomized(niter, rng);
  }
}
