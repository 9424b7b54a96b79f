package org.tikhon.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tikhon.Paper;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Tall least squares by sketch and solve, with a bound for every coefficient (ℓ∞ regression).
 *
 * <p>For {@code A [n, d]}, {@code b [n]}, n much larger than d, and a {@link Sketch} S of m rows,
 *
 * <pre>
 * x* = argmin |A x - b|,   x' = argmin |S A x - S b|,   r = b - A x*,
 * |x' - x*|_inf &lt;= (epsilon / sqrt(d)) |r| |A^+|   with probability 1 - delta.
 * </pre>
 *
 * <p>With {@code A = U Σ V^T} and {@code U^T r = 0}, {@code x' - x* = V Σ^-1 (U^T S^T S U)^-1 U^T
 * S^T S r}, about {@code V Σ^-1 U^T (S^T S - I) r}: a bilinear form in S, which a dense sketch such
 * as {@link Sketch#srht} keeps small in every coordinate (see {@link OceProbe}) and a sparse one
 * does not, even where its residual is as good.
 *
 * <p>The number of rows is {@link #practicalRows}. In the limit of a Gaussian sketch the error of
 * coefficient i is {@code N(0, |r|^2 [(A^T A)^-1]_ii / m)}, so that
 *
 * <pre>
 * linfBound = sqrt(2 ln(2 d k / delta) / m) |r| |A^+|,
 * </pre>
 *
 * with |r| and |A^+| estimated from the sketch (both err to the large side), k the right sides.
 * {@link LsqResult#coordinateBounds} uses {@code [(A^T A)^-1]_ii} instead of {@code |A^+|^2}.
 *
 * <p><b>Caution.</b> The bounds are empirical for the SRHT. The paper proves {@code m =
 * O(epsilon^-2 d log^3(n / delta))} with a bound for fixed vectors applied to one that depends on
 * S; a later text by two of the authors gives a counter-example to that step and proves {@code m =
 * O(epsilon^-2 d log(d / delta))} for {@link Sketch#gaussianPooling} with padding. What is proven
 * for the plain SRHT is {@code d^(1 + o(1)) / epsilon^2} (Price, Song and Woodruff 2017).
 *
 * <p>Columns are scaled to length 1 after the sketch, which commutes with it, then a thin QR of S A
 * is solved, never the normal equations. Where S A is singular (CountSketch often is, with m below
 * d^2), the result has the least norm and infinite bounds.
 *
 * <p>Default: {@link #srht}, practical rows. The row rule, the scaling, the refinement and the
 * bounds are ours.
 */
@Paper(
    number = 10,
    title = "A Nearly-Optimal Bound for Fast Regression with ℓ∞ Guarantee",
    authors = "Zhao Song, Mingquan Ye, Junze Yin, Lichen Zhang",
    year = 2023,
    url = "https://arxiv.org/abs/2302.00248")
public final class SketchedLeastSquares {
  private static final int LEAST_ROWS_PER_COLUMN = 4;
  private static final int MOST_ITERATIONS = 200;

  private final String name;
  private final SketchFactory factory;
  private final double epsilon;
  private final double delta;
  private final long seed;
  private int rows;

  /** Makes a sketch {@code [m, n]} from a seed. */
  @FunctionalInterface
  public interface SketchFactory {
    Sketch make(long n, int m, long seed);
  }

  private SketchedLeastSquares(
      String name, SketchFactory factory, double epsilon, double delta, long seed) {
    checkRates(epsilon, delta);
    this.name = name;
    this.factory = factory;
    this.epsilon = epsilon;
    this.delta = delta;
    this.seed = seed;
  }

  private static void checkRates(double epsilon, double delta) {
    if (!(epsilon > 0 && epsilon <= 1)) {
      throw new IllegalArgumentException("epsilon must be in (0, 1], was " + epsilon);
    }
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException("delta must be in (0, 1), was " + delta);
    }
  }

  /**
   * With {@link Sketch#srht}.
   *
   * @param epsilon in (0, 1]
   * @param delta in (0, 1)
   */
  public static SketchedLeastSquares srht(double epsilon, double delta, long seed) {
    return with("srht", Sketch::srht, epsilon, delta, seed);
  }

  /**
   * With another sketch.
   *
   * @param name for {@link LsqResult#guarantee}
   */
  public static SketchedLeastSquares with(
      String name, SketchFactory factory, double epsilon, double delta, long seed) {
    return new SketchedLeastSquares(name, factory, epsilon, delta, seed);
  }

  /** Sets m, instead of {@link #practicalRows}; it must be at least the number of columns. */
  public SketchedLeastSquares rows(int m) {
    if (m < 1) {
      throw new IllegalArgumentException("sketch rows must be at least 1, was " + m);
    }
    this.rows = m;
    return this;
  }

  /**
   * The default m, from the Gaussian limit: {@code ceil(2 ln(2 d / delta) d / epsilon^2)}, at least
   * 4 d. Where this is n or more, the problem is solved exactly.
   */
  public static int practicalRows(int d, double epsilon, double delta) {
    checkRates(epsilon, delta);
    double wanted = Math.ceil(2 * Math.log(2 * d / delta) * d / (epsilon * epsilon));
    return (int) Math.min(Integer.MAX_VALUE, Math.max(LEAST_ROWS_PER_COLUMN * (double) d, wanted));
  }

  /** The paper's order of m, with the constant 1: {@code epsilon^-2 d ln^3(n / delta)}. */
  public static double theoryRows(long n, int d, double epsilon, double delta) {
    checkRates(epsilon, delta);
    return Math.ceil(Math.pow(Math.log(n / delta), 3) * d / (epsilon * epsilon));
  }

  private void checkShape(long n, int d) {
    if (d < 1) {
      throw new IllegalArgumentException("least squares needs at least one column");
    }
    if (n < d) {
      throw new IllegalArgumentException(
          "least squares needs at least as many rows as columns: %d x %d".formatted(n, d));
    }
    if (rows != 0 && rows < d) {
      throw new IllegalArgumentException("sketch rows %d < %d columns".formatted(rows, d));
    }
  }

  private Sketch sketch(long n, int d) {
    checkShape(n, d);
    int m = rows != 0 ? rows : practicalRows(d, epsilon, delta);
    return m >= n ? Sketch.identity(n) : factory.make(n, m, seed);
  }

  /**
   * Solves.
   *
   * @param a {@code [n, d]}, n at least d
   * @param b {@code [n]}, or {@code [n, k]}
   * @throws IllegalArgumentException if shapes do not fit or a number is not finite, with its place
   */
  public LsqResult solve(Tensor a, Tensor b) {
    checkProblem(a, b);
    int d = Math.toIntExact(a.size(1));
    long n = a.size(0);
    Sketch s = sketch(n, d);
    try (Scope scope = Scope.open()) {
      Tensor right = b.dim() == 1 ? b.unsqueeze(1) : b;
      boolean exact = s.m == n;
      Tensor sa = exact ? Sketch.host(a) : s.apply(a).to(Device.cpu());
      Tensor sb = exact ? Sketch.host(right) : s.apply(right).to(Device.cpu());
      if (!s.readsAllRows() || !sa.allFinite() || !sb.allFinite()) {
        checkFinite("A", a);
        checkFinite("b", b);
      }
      return keep(scope, a.device(), finish(sa, sb, exact, b.dim() == 1));
    }
  }

  private static void checkProblem(Tensor a, Tensor b) {
    if (a.dim() != 2) {
      throw new IllegalArgumentException(
          "A must be a matrix, has shape " + Arrays.toString(a.shape()));
    }
    if (b.dim() < 1 || b.dim() > 2 || b.size(0) != a.size(0) || (b.numel() == 0 && b.size(0) > 0)) {
      throw new IllegalArgumentException(
          "b must have shape [%d] or [%d, k] like the rows of A, has %s"
              .formatted(a.size(0), a.size(0), Arrays.toString(b.shape())));
    }
  }

  private static void checkFinite(String name, Tensor t) {
    try (Scope scope = Scope.open()) {
      Tensor bad = t.isFinite().logicalNot().nonzero();
      if (bad.size(0) > 0) {
        long[] place = bad.get(0).toLongArray();
        throw new IllegalArgumentException(
            "%s must be finite, but %s is %s"
                .formatted(
                    name,
                    place.length == 1
                        ? "row " + place[0]
                        : "row %d, column %d".formatted(place[0], place[1]),
                    place.length == 1
                        ? t.get(place[0]).item()
                        : t.get(place[0]).get(place[1]).item()));
      }
    }
  }

  private static LsqResult keep(Scope scope, Device device, LsqResult r) {
    return new LsqResult(
        scope.keep(r.x().to(device)),
        r.rows(),
        r.rank(),
        r.residualEstimate(),
        r.linfBound(),
        scope.keep(r.coordinateBounds().to(device)),
        r.sketchConditionNumber(),
        r.exactFallback(),
        r.iterations(),
        r.converged(),
        r.delta(),
        r.sketchName(),
        new LsqResult.Factor(
            scope.keep(r.factor().r().to(device)), scope.keep(r.factor().scale().to(device))));
  }

  /** The rows of a problem that come one after the other; holds only the sketch. */
  public final class Stream {
    private final int d;
    private final long n;
    private final boolean exact;
    private final Sketch.Stream stream;

    private Stream(long n, int d, int k) {
      if (k < 1) {
        throw new IllegalArgumentException("k must be at least 1, was " + k);
      }
      Sketch s = sketch(n, d);
      this.n = n;
      this.d = d;
      this.exact = s.m == n;
      this.stream = s.stream(d + k);
    }

    /**
     * Adds rows.
     *
     * @param values {@code rows} times {@code d + k} numbers, row-major: first those of A, then
     *     those of b
     */
    public void add(double[] values, int rows) {
      stream.add(values, rows);
    }

    /**
     * Solves.
     *
     * @return with x of shape {@code [d, k]}
     * @throws IllegalStateException if fewer than n rows were added
     * @throws IllegalArgumentException if a number was not finite
     */
    public LsqResult solve() {
      if (stream.rows() != n) {
        throw new IllegalStateException("%d of %d rows were added".formatted(stream.rows(), n));
      }
      try (Scope scope = Scope.open()) {
        Tensor both = stream.result();
        if (!both.allFinite()) {
          throw new IllegalArgumentException("A and b must be finite");
        }
        Tensor sa = both.slice(1, 0, d).contiguous();
        Tensor sb = both.slice(1, d, both.size(1)).contiguous();
        return keep(scope, Device.cpu(), finish(sa, sb, exact, false));
      }
    }
  }

  /**
   * A problem of n rows that need not be in memory.
   *
   * @param d the columns of A
   * @param k the columns of b
   */
  public Stream stream(long n, int d, int k) {
    return new Stream(n, d, k);
  }

  /**
   * Solves {@code min |(A1 ⊗ A2) x - vec(B)|} with a {@link TensorSketch}, without forming the
   * product's n1 n2 rows; n1 n2 is taken for n.
   *
   * @param a1 {@code [n1, d1]}
   * @param a2 {@code [n2, d2]}
   * @param b {@code [n1, n2]}
   * @return with x of shape {@code [d1 d2]}, the columns of A2 changing fastest
   */
  public LsqResult solveKron(Tensor a1, Tensor a2, Tensor b) {
    if (a1.dim() != 2 || a2.dim() != 2) {
      throw new IllegalArgumentException("A1 and A2 must be matrices");
    }
    int n1 = Math.toIntExact(a1.size(0));
    int n2 = Math.toIntExact(a2.size(0));
    int d = Math.toIntExact(Math.multiplyExact(a1.size(1), a2.size(1)));
    checkShape((long) n1 * n2, d);
    checkFinite("A1", a1);
    checkFinite("A2", a2);
    checkFinite("B", b);
    int m = rows != 0 ? rows : practicalRows(d, epsilon, delta);
    try (Scope scope = Scope.open()) {
      LsqResult result;
      if (m >= (long) n1 * n2) {
        Tensor product = Sketch.host(a1).kron(Sketch.host(a2));
        result = finish(product, Sketch.host(b).reshape(-1, 1), true, true);
      } else {
        TensorSketch s = TensorSketch.srht(n1, n2, m, seed);
        Tensor sa = s.applyKron(a1, a2).to(Device.cpu());
        result = finish(sa, s.applyMatrix(b).to(Device.cpu()).unsqueeze(1), false, true);
      }
      return keep(scope, a1.device(), result);
    }
  }

  private LsqResult finish(Tensor sa, Tensor sb, boolean exact, boolean vector) {
    int m = Math.toIntExact(sa.size(0));
    int d = Math.toIntExact(sa.size(1));
    long k = sb.size(1);
    Tensor lengths = sa.norm(2, 0);
    Tensor scale = Tensor.where(lengths.gt(0), lengths, 1);
    Linalg.Qr qr = Linalg.qr(sa.div(scale));
    Linalg.Svd svd = Linalg.svd(qr.r());
    double[] singular = svd.s().toDoubleArray();
    double threshold = singular[0] * Math.ulp(1.0) * Math.max(m, d);
    int rank = (int) Arrays.stream(singular).filter(v -> v > threshold).count();
    Tensor right = qr.q().mT().matmul(sb);
    Tensor x =
        rank == d
            ? Linalg.solveTriangular(qr.r(), right, true).div(scale.unsqueeze(1))
            : leastNorm(svd, right, scale, rank);
    double residual = sa.matmul(x).sub(sb).norm(2, 0).max().item();
    double estimate = exact || m <= d ? residual : residual * Math.sqrt((double) m / (m - d));
    double bound;
    Tensor bounds;
    if (exact) {
      bound = 0;
      bounds = x.zerosLike();
    } else if (rank < d) {
      bound = Double.POSITIVE_INFINITY;
      bounds = x.fullLike(Double.POSITIVE_INFINITY);
    } else {
      Tensor inverse =
          Linalg.solveTriangular(qr.r(), Tensor.eye(d, sa.dtype()).to(Device.cpu()), true)
              .div(scale.unsqueeze(1));
      double factor = Math.sqrt(2 * Math.log(2.0 * d * k / delta) / m) * estimate;
      bound = factor * Linalg.spectralNorm(inverse).item();
      bounds = inverse.norm(2, 1).mul(factor).unsqueeze(1).expand(d, k).contiguous();
    }
    return new LsqResult(
        vector ? x.reshape(d) : x,
        m,
        rank,
        estimate,
        bound,
        vector ? bounds.reshape(d) : bounds,
        rank < d ? Double.POSITIVE_INFINITY : singular[0] / singular[d - 1],
        exact,
        0,
        true,
        delta,
        exact ? "none" : name,
        new LsqResult.Factor(qr.r(), scale));
  }

  /** The shortest of the x with the least residual; the columns' scale takes no part in it. */
  private static Tensor leastNorm(Linalg.Svd svd, Tensor right, Tensor scale, int rank) {
    Tensor column = scale.unsqueeze(1);
    if (rank == 0) {
      return right.zerosLike();
    }
    Tensor s = svd.s().slice(0, 0, rank).unsqueeze(1);
    Tensor u = svd.u().slice(1, 0, rank);
    Tensor y = svd.vh().slice(0, 0, rank).mT().matmul(u.mT().matmul(right).div(s));
    Tensor x = y.div(column);
    Tensor kernel = svd.vh().slice(0, rank, svd.vh().size(0)).mT().div(column);
    Tensor basis = Linalg.qr(kernel.div(kernel.norm(2, 0))).q();
    return x.sub(basis.matmul(basis.mT().matmul(x)));
  }

  /**
   * Goes on from a sketched solution to the exact one, by LSQR on all of A with the sketch's R as
   * preconditioner. S A is so near to A that 15 to 30 iterations reach 1e-12.
   *
   * @param a {@code [n, d]}, the same as before
   * @param b {@code [n]}, or {@code [n, k]}, the same as before
   * @param start from {@link #solve}, of full rank
   * @param tolerance stops where the gradient {@code |R^-T A^T r|} is this small in units of |r|,
   *     or |r| in units of |b|; in (0, 1)
   * @return with the exact residual, and a bound from what is left of the gradient
   */
  public LsqResult refine(Tensor a, Tensor b, LsqResult start, double tolerance) {
    checkProblem(a, b);
    if (!(tolerance > 0 && tolerance < 1)) {
      throw new IllegalArgumentException("tolerance must be in (0, 1), was " + tolerance);
    }
    int d = Math.toIntExact(a.size(1));
    if (start.x().size(0) != d || start.x().dim() != b.dim()) {
      throw new IllegalArgumentException(
          "start must have a coefficient for each of the %d columns of A and each right side, has shape %s"
              .formatted(d, Arrays.toString(start.x().shape())));
    }
    if (start.rank() < d) {
      throw new IllegalArgumentException(
          "start must have full rank %d, has %d: no preconditioner".formatted(d, start.rank()));
    }
    try (Scope scope = Scope.open()) {
      Tensor matrix = a.detach().to(Dtype.FLOAT64);
      Tensor right = b.detach().to(Dtype.FLOAT64);
      right = b.dim() == 1 ? right.unsqueeze(1) : right;
      Tensor begin = b.dim() == 1 ? start.x().unsqueeze(1) : start.x();
      PreconditionedLsqr lsqr =
          new PreconditionedLsqr(matrix, start.factor(), tolerance, MOST_ITERATIONS);
      List<Tensor> solutions = new ArrayList<>();
      int iterations = 0;
      boolean converged = true;
      double residual = 0;
      double gradient = 0;
      for (long column = 0; column < right.size(1); column++) {
        PreconditionedLsqr.Result r =
            lsqr.solve(right.select(1, column), begin.select(1, column).contiguous());
        solutions.add(r.x());
        iterations = Math.max(iterations, r.iterations());
        converged &= r.converged();
        residual = Math.max(residual, r.residual());
        gradient = Math.max(gradient, r.gradient());
      }
      Tensor x = Tensor.stack(solutions, 1);
      Tensor inverse = lsqr.inverse();
      // A R^-1 has singular values near 1 - sqrt(d / m) and 1 + sqrt(d / m).
      double least = start.exactFallback() ? 1 : 1 / (1 + Math.sqrt((double) d / start.rows()));
      double factor = gradient / (least * least);
      Tensor bounds = inverse.norm(2, 1).mul(factor).unsqueeze(1).expandAs(x).contiguous();
      return keep(
          scope,
          a.device(),
          new LsqResult(
              b.dim() == 1 ? x.reshape(d) : x,
              start.rows(),
              d,
              residual,
              factor * Linalg.spectralNorm(inverse).item(),
              b.dim() == 1 ? bounds.reshape(d) : bounds,
              start.sketchConditionNumber(),
              start.exactFallback(),
              iterations,
              converged,
              start.delta(),
              start.sketchName(),
              start.factor()));
    }
  }
}
