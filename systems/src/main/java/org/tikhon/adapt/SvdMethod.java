package org.tikhon.adapt;

import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Linalg.Svd;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** How the leading singular triplets of a weight are found. */
@FunctionalInterface
public interface SvdMethod {
  /** The paper's default number of iterations. */
  int DEFAULT_NITER = 4;

  /**
   * Columns beyond the rank. The reference uses none; with 8 the error of the same number of
   * iterations is a third, at little cost.
   */
  long OVERSAMPLING = 8;

  /** The r leading triplets of a real matrix {@code [m, n]}. */
  Svd leading(Tensor w, int r);

  /** The full decomposition, cut: {@code O(m n min(m, n))}. */
  static SvdMethod exact() {
    return (w, r) -> {
      try (Scope scope = Scope.open()) {
        Svd full = Linalg.svd(w);
        return new Svd(
            scope.keep(full.u().narrow(1, 0, r).contiguous()),
            scope.keep(full.s().narrow(0, 0, r).cloned()),
            scope.keep(full.vh().narrow(0, 0, r).contiguous()));
      }
    };
  }

  /** Randomised subspace iteration with r + 8 columns: {@code O(m n r niter)}. */
  static SvdMethod randomized(int niter, Rng rng) {
    return randomized(niter, OVERSAMPLING, rng);
  }

  /** Randomised subspace iteration, see {@link Linalg#randomizedSvd}. */
  static SvdMethod randomized(int niter, long oversampling, Rng rng) {
    return (w, r) -> Linalg.randomizedSvd(w, r, oversampling, niter, rng);
  }
}
