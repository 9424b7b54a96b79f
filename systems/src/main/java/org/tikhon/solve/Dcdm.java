package org.tikhon.solve;

import java.util.ArrayDeque;
import java.util.Deque;
import org.tikhon.Paper;

/**
 * The deep conjugate direction method: conjugate directions that a network proposes.
 *
 * <p>For A symmetric positive definite and a network f that approximates {@code gamma A^-1 r} with
 * any scalar gamma,
 *
 * <pre>
 * d   = f(r / |r|)
 * p   = d - sum over the last K directions p_j of p_j (d'A p_j) / (p_j'A p_j)
 * x  += alpha p,   alpha = r'p / p'A p,   r = b - A x
 * </pre>
 *
 * <p>until {@code |r| <= tolerance |r_0|}. The step is the exact minimiser along p, so {@code |x -
 * x*|_A} falls in every iteration whatever the network says; a good network makes it fall fast. f
 * is not linear, so it cannot precondition {@link ConjugateGradient}. With f the identity and K at
 * least 1 this is {@link ConjugateGradient} without preconditioner.
 *
 * <p>A direction that is not finite, depends on the last K, is orthogonal to r or has no positive
 * curvature is useless: r takes its place, and after three in a row the solver gives up ({@link
 * SolveResult#breakdown}). Directions are orthogonalised twice, against rounding; r is updated
 * along the way and computed anew from x every tenth iteration and before convergence is declared.
 * The last three are ours. If A is singular, directions are projected onto its range; in cells that
 * are not fluid they are 0.
 *
 * <p>Defaults: K = 2, tolerance 1e-4, at most 100 iterations. An iteration costs a call of f and a
 * product with A.
 */
@Paper(
    number = 60,
    title = "A Deep Conjugate Direction Method for Iteratively Solving Linear Systems",
    authors =
        "Ayano Kaneda, Osman Akar, Jingyu Chen, Victoria Trevino Kala, David Hyde, Joseph Teran",
    year = 2023,
    url = "https://arxiv.org/abs/2205.10763")
public final class Dcdm implements LinearSolver {
  private static final int USELESS_IN_A_ROW = 3;

  /** What is left of a direction that depends on the last ones, and its part along r. */
  private static final double NOTHING = 1e-12;

  private final DirectionGenerator f;
  private int directions = 2;
  private double tolerance = 1e-4;
  private int maxIterations = 100;

  public Dcdm(DirectionGenerator f) {
    this.f = f;
  }

  /** K, the last directions that a new one is conjugate to; 0 or more. */
  public Dcdm directions(int k) {
    if (k < 0) {
      throw new IllegalArgumentException("directions must be 0 or more, was " + k);
    }
    this.directions = k;
    return this;
  }

  /** Stops at {@code |r_i| <= tolerance |r_0|}; positive. */
  public Dcdm tolerance(double tolerance) {
    this.tolerance = LinearIterate.checkTolerance(tolerance);
    return this;
  }

  /** Gives up after this many iterations; 0 or more. */
  public Dcdm maxIterations(int iterations) {
    this.maxIterations = LinearIterate.checkIterations(iterations);
    return this;
  }

  /** A direction with its product and curvature. */
  private record Direction(double[] p, double[] ap, double curvature) {}

  @Override
  public SolveResult solve(SpdOperator a, double[] b, double[] x0) {
    LinearIterate state = new LinearIterate(a, b, x0, tolerance);
    Deque<Direction> last = new ArrayDeque<>();
    double[] unit = new double[b.length];
    int replaced = 0;
    int useless = 0;
    while (useless < USELESS_IN_A_ROW && state.iterations() < maxIterations && !state.converged()) {
      Vectors.scale(unit, state.r, 1 / state.norm());
      Direction next = next(state, unit, last);
      useless = isUseful(next, unit) ? 0 : useless + 1;
      if (useless > 0) {
        replaced++;
        next = conjugate(a, unit.clone(), last);
      }
      state.step(next.p, next.ap);
      last.addLast(next);
      if (last.size() > directions) {
        last.removeFirst();
      }
    }
    return state.result(useless == USELESS_IN_A_ROW, replaced);
  }

  /** What the network proposes, made conjugate; null if that is not finite or nothing is left. */
  private Direction next(LinearIterate state, double[] unit, Deque<Direction> last) {
    double[] d = new double[unit.length];
    f.direction(state.a, unit, d);
    if (Vectors.notFinite(d) >= 0) {
      return null;
    }
    state.a.project(d);
    double norm = Vectors.norm(d);
    if (!(norm > 0) || Double.isInfinite(norm)) {
      return null;
    }
    Vectors.scale(d, d, 1 / norm);
    return conjugate(state.a, d, last);
  }

  /** Makes a vector conjugate to the last directions, in place. */
  private static Direction conjugate(SpdOperator a, double[] d, Deque<Direction> last) {
    for (int pass = 0; pass < 2; pass++) {
      for (Direction j : last) {
        Vectors.addScaled(d, j.p, -Vectors.dot(d, j.ap) / j.curvature);
      }
    }
    double[] ad = new double[d.length];
    a.apply(d, ad);
    return new Direction(d, ad, Vectors.dot(d, ad));
  }

  private static boolean isUseful(Direction next, double[] unit) {
    if (next == null || !(next.curvature > 0)) {
      return false;
    }
    double norm = Vectors.norm(next.p);
    return norm > NOTHING && Math.abs(Vectors.dot(unit, next.p)) > NOTHING * norm;
  }
}
