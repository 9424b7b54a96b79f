package org.tikhon.head;

import java.util.Locale;
import org.tikhon.Paper;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Equiangular basis vectors: N unit vectors in R^d that are as orthogonal to each other as wanted,
 * as fixed class vectors for {@link EbvHead}.
 *
 * <p>An (N, d, alpha) set has {@code |w_i| = 1} and {@code |<w_i, w_j>| <= alpha} for i != j. No
 * set is below the Welch bound {@code sqrt((N - d) / (d (N - 1)))}; for N &lt;= d alpha may be 0.
 * It is found by gradient descent on
 *
 * <pre>sum_{i != j} max(0, |&lt;w_i, w_j&gt;| - alpha)</pre>
 *
 * with rows that are normalised before each step, until the largest cosine is at most {@code alpha
 * + 1e-4}. The gradient {@code 2 sum_j sign(<w_i, w_j>) w_j} over the pairs above alpha is computed
 * in slices of rows, so that no N x N matrix exists.
 *
 * <p>Class labels can be added later: {@link #extend} finds further vectors and leaves the old ones
 * as they are, to the bit. Source: the paper and its official code; the extension with frozen rows
 * and the QR shortcut are ours.
 */
@Paper(
    number = 17,
    title = "Equiangular Basis Vectors",
    authors = "Yang Shen, Xuhao Sun, Xiu-Shen Wei",
    year = 2023,
    url = "https://arxiv.org/abs/2303.11637")
public final class EquiangularBasis {
  /** How far above alpha the largest cosine may end. */
  static final double TOLERANCE = 1e-4;

  private final Tensor vectors;
  private final Coherence coherence;

  private EquiangularBasis(Tensor vectors, Coherence coherence) {
    this.vectors = vectors.escape();
    this.coherence = coherence;
  }

  /**
   * How equiangular a set is.
   *
   * @param max and {@code mean} of the absolute cosines between different vectors
   * @param welch the bound that no set of this size can go below
   * @param steps the steps of gradient descent that were used
   * @param reached whether the wanted bound was reached
   */
  public record Coherence(double max, double mean, double welch, int steps, boolean reached) {}

  /** A strict search did not reach its bound. */
  public static final class NotConvergedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NotConvergedException(EbvSpec spec, double reached) {
      super(
          String.format(
              Locale.ROOT,
              "no %d vectors in dimension %d with cosines up to %s after %d steps and %d restarts: %.4f was reached; try another learningRate (was %s), more steps or a larger maxCosine",
              spec.count(),
              spec.dimension(),
              spec.maxCosine(),
              spec.maxSteps(),
              spec.restarts(),
              reached,
              spec.learningRate()));
    }
  }

  /** The Welch bound for n vectors in dimension d; 0 for n at most d. */
  public static double welchBound(int n, int d) {
    if (n < 1 || d < 1) {
      throw new IllegalArgumentException("n and d must be at least 1, were " + n + " and " + d);
    }
    return n <= d ? 0 : Math.sqrt((n - d) / (d * (n - 1.0)));
  }

  /**
   * Finds a set.
   *
   * @throws IllegalArgumentException if the bound is below Welch's
   * @throws NotConvergedException if it was not reached and the search is strict
   */
  public static EquiangularBasis generate(EbvSpec spec) {
    return search(spec, null);
  }

  /** As many orthonormal vectors, at most {@code dimension}: Q of a random matrix. */
  public static EquiangularBasis orthonormal(int count, int dimension, Rng rng) {
    if (count < 1 || count > dimension) {
      throw new IllegalArgumentException(
          "count must be in 1..%d (the dimension), was %d".formatted(dimension, count));
    }
    try (Scope scope = Scope.open()) {
      Tensor q = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, dimension, count)).q();
      Tensor w = q.mT().contiguous().to(Dtype.FLOAT32);
      return new EquiangularBasis(scope.keep(w), measure(w, 0, true));
    }
  }

  /**
   * A set of given vectors {@code [N, d]}, which are normalised; one that was saved, for example.
   */
  public static EquiangularBasis of(Tensor vectors) {
    if (vectors.dim() != 2 || !vectors.allFinite()) {
      throw new IllegalArgumentException("vectors must be a finite matrix [N, d]");
    }
    try (Scope scope = Scope.open()) {
      Tensor w = Functional.normalize(vectors.detach(), 1);
      return new EquiangularBasis(scope.keep(w), measure(w, 0, true));
    }
  }

  /**
   * This set with further vectors, which keep the bound to all others; the old vectors stay
   * bit-identical.
   *
   * @param extra the number of further vectors, at least 1
   * @param spec how to look for them; its count is not used, its dimension must be this one's
   */
  public EquiangularBasis extend(int extra, EbvSpec spec) {
    if (extra < 1) {
      throw new IllegalArgumentException("extra must be at least 1, was " + extra);
    }
    if (spec.dimension() != vectors.size(1)) {
      throw new IllegalArgumentException(
          "dimension must be %d as in the old set, was %d"
              .formatted(vectors.size(1), spec.dimension()));
    }
    EbvSpec whole =
        new EbvSpec(
            Math.toIntExact(vectors.size(0) + extra),
            spec.dimension(),
            spec.maxCosine(),
            spec.learningRate(),
            spec.maxSteps(),
            spec.sliceSize(),
            spec.restarts(),
            spec.seed(),
            spec.strict());
    return search(whole, vectors);
  }

  private static EquiangularBasis search(EbvSpec spec, Tensor frozen) {
    double welch = welchBound(spec.count(), spec.dimension());
    if (spec.maxCosine() < welch) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "maxCosine %s is below the Welch bound %.4f for %d vectors in dimension %d",
              spec.maxCosine(),
              welch,
              spec.count(),
              spec.dimension()));
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Rng rng = new Rng(spec.seed());
      Attempt best = null;
      int steps = 0;
      for (int i = 0; i <= spec.restarts() && (best == null || !best.reached(spec)); i++) {
        Attempt attempt = descend(spec, frozen, rng);
        steps += attempt.steps;
        if (best == null || attempt.max < best.max) {
          best = attempt;
        }
      }
      if (spec.strict() && !best.reached(spec)) {
        throw new NotConvergedException(spec, best.max);
      }
      return new EquiangularBasis(
          scope.keep(best.vectors), measure(best.vectors, steps, best.reached(spec)));
    }
  }

  private record Attempt(Tensor vectors, double max, int steps) {
    boolean reached(EbvSpec spec) {
      return max <= spec.maxCosine() + TOLERANCE;
    }
  }

  /** One descent from random vectors; the first rows stay if they are given. */
  private static Attempt descend(EbvSpec spec, Tensor frozen, Rng rng) {
    long old = frozen == null ? 0 : frozen.size(0);
    Tensor w = Tensor.zeros(spec.count(), spec.dimension());
    if (frozen != null) {
      w.slice(0, 0, old).copy_(frozen);
    }
    Tensor free = w.slice(0, old, spec.count());
    free.copy_(rng.normal(spec.count() - old, spec.dimension()));
    for (int step = 0; ; step++) {
      try (Scope scope = Scope.open()) {
        free.copy_(Functional.normalize(free, 1));
        Hinge hinge = hinge(w, old, spec.maxCosine(), spec.sliceSize());
        boolean reached = hinge.max <= spec.maxCosine() + TOLERANCE;
        if (reached || step == spec.maxSteps()) {
          return new Attempt(w, hinge.max, step);
        }
        free.add_(hinge.gradient, -spec.learningRate());
      }
    }
  }

  /**
   * The loss over ordered pairs of which the first is a free row, its gradient for the free rows,
   * and the largest absolute cosine of these pairs.
   */
  record Hinge(double loss, Tensor gradient, double max) {}

  static Hinge hinge(Tensor w, long frozen, double alpha, int sliceSize) {
    long n = w.size(0);
    Tensor gradient = w.slice(0, frozen, n).zerosLike();
    double loss = 0;
    double max = 0;
    for (long start = frozen; start < n; start += sliceSize) {
      try (Scope scope = Scope.open()) {
        long end = Math.min(start + sliceSize, n);
        Tensor cosines = w.slice(0, start, end).matmul(w.mT());
        Tensor self = Tensor.arange(start, end).unsqueeze(1);
        cosines.scatter_(1, self, self.to(cosines.dtype()).zerosLike());
        // sign(c) max(0, |c| - alpha)
        Tensor excess = cosines.sub(cosines.clamp(-alpha, alpha));
        loss += excess.abs().sum().item();
        max = Math.max(max, cosines.abs().max().item());
        gradient.slice(0, start - frozen, end - frozen).copy_(excess.sign_().matmul(w).mul_(2));
      }
    }
    return new Hinge(loss, gradient, max);
  }

  private static Coherence measure(Tensor w, int steps, boolean reached) {
    int n = Math.toIntExact(w.size(0));
    int d = Math.toIntExact(w.size(1));
    // With alpha 0 the loss is the sum of all absolute cosines.
    Hinge all = hinge(w, 0, 0, 512);
    double mean = n == 1 ? 0 : all.loss / (n * (n - 1.0));
    return new Coherence(all.max, mean, welchBound(n, d), steps, reached);
  }

  /** The vectors as rows, FLOAT32 {@code [N, d]}; not to be changed. */
  public Tensor vectors() {
    return vectors;
  }

  public Coherence coherence() {
    return coherence;
  }
}
