package org.tikhon.optimize;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.tikhon.Paper;

/**
 * Block coordinate descent with good blocks and good steps:
 *
 * <pre>min f(x) + sum_i r(x_i),  a block b of coordinates at a time,</pre>
 *
 * for a smooth convex f with a bound H on its curvature, {@code f(x + d) <= f(x) + <grad f, d> + d'
 * H d / 2}; {@code L_i = H_ii}, {@code L_b = lambda_max(H_bb)}. Three choices:
 *
 * <ul>
 *   <li>{@link Partition}: from which blocks;
 *   <li>{@link Selection}: which of them next, from cyclic to greedy rules;
 *   <li>{@link Update}: what to do with it, from a gradient step to exact solution.
 * </ul>
 *
 * <p>Variable blocks by {@link Selection.GSL} with {@link Update#MATRIX} need the fewest
 * iterations; a greedy rule pays a full gradient for each. On the graph of a sparse quadratic,
 * trees of half the nodes are solved exactly in linear time ({@link Selection.GreedyTree} or {@link
 * TreePartition} with {@link Update#TREE_SOLVE}). With a {@link Regularizer}, {@link
 * Selection.GSqProx} with blocks not smaller than the support of the solution and {@link
 * Update#PROX_NEWTON} or {@link Update#TWO_METRIC} find the support, and then are Newton's method
 * on it: superlinear, and finite if f is quadratic ({@link ActiveSet}).
 *
 * <p>A run starts from the problem's point and leaves the problem at the solution. Products such as
 * A x are kept up to date by the columns of a block.
 *
 * <p>Ours: with a regulariser the rules GS, GSL, GSD, GSQ and IHT use the smallest sub-gradient; GS
 * and GSL for fixed blocks use norms, where the reference code uses sums of absolute values.
 */
@Paper(
    number = 34,
    title =
        "Let's Make Block Coordinate Descent Converge Faster: Faster Greedy Rules, Message-Passing, Active-Set Complexity, and Superlinear Convergence",
    authors = "Julie Nutini, Issam Laradji, Mark Schmidt",
    year = 2022,
    url = "https://arxiv.org/abs/1712.08859")
public final class BlockCoordinateDescent {
  /** Two-metric projection: so near to a bound a coordinate may be active. */
  private static final double NEAR_BOUND = 1e-4;

  private static final double NOISE = 1e-15;
  private static final int MOST_DOUBLINGS = 200;

  private final SmoothProblem problem;
  private final Regularizer r;
  private final Update update;
  private final BlockSelector selector;
  private final TreeSolver treeSolver;

  /** The last L of {@link Update#LIPSCHITZ_APPROX}, by coordinate. */
  private final double[] approximate;

  /**
   * A method for a problem.
   *
   * @param r {@link Regularizer#NONE} for the updates that do not know regularisers
   * @throws IllegalArgumentException if the choices do not fit each other or the problem
   */
  public BlockCoordinateDescent(
      SmoothProblem problem,
      Partition partition,
      Selection selection,
      Update update,
      Regularizer r) {
    Check.require(
        partition.size() <= problem.dim() || !partition.isVariable(),
        "the size of a block",
        partition.size(),
        "at most n = " + problem.dim());
    if (!update.needsProx()) {
      Check.require(r.equals(Regularizer.NONE), "the regulariser", r, "NONE for " + update);
    }
    if (update == Update.TWO_METRIC) {
      Check.require(r instanceof Regularizer.Bounds, "the regulariser", r, "bounds for " + update);
    }
    if (update == Update.TREE_SOLVE) {
      Check.require(
          problem instanceof SparseQuadratic,
          "the problem",
          problem.getClass().getSimpleName(),
          "a SparseQuadratic for " + update);
    }
    this.problem = problem;
    this.r = r;
    this.update = update;
    selector = new BlockSelector(problem, partition, selection, r);
    treeSolver =
        update == Update.TREE_SOLVE ? new TreeSolver(((SparseQuadratic) problem).matrix()) : null;
    approximate = new double[problem.dim()];
    Arrays.fill(approximate, 1);
  }

  /**
   * Updates blocks until the optimality condition is met: {@code L_i |x_i - prox_{r / L_i}(x_i -
   * g_i / L_i)|}, without a regulariser {@code |g_i|}, at most {@code tol} for every i. Rules that
   * need no full gradient look only once in n / tau iterations.
   *
   * @param maxIter the most updates of a block, 0 or more
   * @param tol 0 or more
   * @throws ArithmeticException if f is found to be unbounded below
   */
  public BcdResult run(int maxIter, double tol) {
    Check.require(maxIter >= 0, "maxIter", maxIter, "0 or more");
    Check.require(tol >= 0, "tol", tol, "0 or more");
    int n = problem.dim();
    int[] all = IntStream.range(0, n).toArray();
    problem.move(all, Arrays.stream(all).mapToDouble(i -> r.prox(problem.at(i), 0)).toArray());
    double[] values = new double[maxIter + 1];
    int[] identified = new int[n];
    double[] g = new double[n];
    int iterations = 0;
    values[0] = objective();
    boolean converged = false;
    while (true) {
      boolean last = iterations == maxIter;
      if (selector.needsGradient() || last || iterations % selector.epoch() == 0) {
        problem.gradient(g);
        converged = optimal(g, tol);
      }
      if (converged || last) {
        break;
      }
      Block block = selector.next(g);
      int[] b = block.coordinates;
      double[] gb = selector.needsGradient() ? Vectors.gather(g, b) : problem.blockGradient(b);
      double[] x = Arrays.stream(b).mapToDouble(problem::at).toArray();
      double[] to = updated(block, gb, x, values[iterations]);
      iterations++;
      for (int i = 0; i < b.length; i++) {
        if (r.kink(x[i]) != r.kink(to[i])) {
          identified[b[i]] = iterations;
        }
      }
      problem.move(b, to);
      values[iterations] = objective();
    }
    return new BcdResult(
        problem.point(), Arrays.copyOf(values, iterations + 1), identified, iterations, converged);
  }

  private double objective() {
    double value = problem.value();
    if (!r.equals(Regularizer.NONE)) {
      for (int i = 0; i < problem.dim(); i++) {
        value += r.value(problem.at(i));
      }
    }
    return value;
  }

  private boolean optimal(double[] g, double tol) {
    for (int i = 0; i < g.length; i++) {
      double x = problem.at(i);
      double bound = Math.max(problem.coordinateBound(i), Double.MIN_NORMAL);
      if (!(bound * Math.abs(x - r.prox(x - g[i] / bound, 1 / bound)) <= tol)) {
        return false;
      }
    }
    return true;
  }

  private double[] updated(Block block, double[] g, double[] x, double value) {
    double noise = NOISE * (1 + Math.abs(value));
    return switch (update) {
      case GRADIENT -> sum(x, Vectors.scaled(g, -1 / lipschitz(block, g)));
      case MATRIX -> sum(x, Vectors.scaled(block.boundFactor().solve(g), -1));
      case NEWTON -> newton(block, g, x, noise);
      case LIPSCHITZ_APPROX -> lipschitzApproximation(block, g, x, noise);
      case PROX_GRADIENT -> proxGradient(block, g, x);
      case PROX_NEWTON -> proxNewton(block, g, x, noise);
      case TWO_METRIC -> twoMetric(block, g, x, noise);
      case TREE_SOLVE -> {
        double[] d = Vectors.scaled(g, -1);
        block.tree(treeSolver).solve(d, d);
        yield sum(x, d);
      }
    };
  }

  private static double[] sum(double[] x, double[] d) {
    return along(x, d, 1);
  }

  private static double[] along(double[] x, double[] d, double length) {
    double[] to = new double[x.length];
    for (int i = 0; i < to.length; i++) {
      to[i] = x[i] + length * d[i];
    }
    return to;
  }

  private static double[] difference(double[] to, double[] from) {
    return along(to, from, -1);
  }

  /** L_b, or 1 where it does not matter. */
  private static double lipschitz(Block block, double[] g) {
    double bound = block.lipschitz();
    if (bound > 0) {
      return bound;
    }
    for (int i = 0; i < g.length; i++) {
      if (g[i] != 0) {
        throw Block.unbounded(block.coordinates[i]);
      }
    }
    return 1;
  }

  private double[] newton(Block block, double[] g, double[] x, double noise) {
    int[] b = block.coordinates;
    double[] d = Vectors.scaled(SymmetricFactor.of(problem.blockHessian(b)).solve(g), -1);
    double slope = Vectors.dot(g, d);
    double length =
        LineSearch.backtrack(
            t -> problem.change(b, Vectors.scaled(d, t)), t -> t * slope, slope, noise);
    return along(x, d, length);
  }

  private double[] lipschitzApproximation(Block block, double[] g, double[] x, double noise) {
    int[] b = block.coordinates;
    double square = Vectors.dot(g, g);
    double bound = Arrays.stream(b).mapToDouble(i -> approximate[i]).max().orElseThrow();
    double[] d = Vectors.scaled(g, -1 / bound);
    for (int k = 0;
        k < MOST_DOUBLINGS && !(problem.change(b, d) <= noise - square / (2 * bound));
        k++) {
      bound *= 2;
      d = Vectors.scaled(g, -1 / bound);
    }
    for (int i : b) {
      approximate[i] = bound;
    }
    return sum(x, d);
  }

  private double[] proxGradient(Block block, double[] g, double[] x) {
    double bound = Math.max(block.lipschitz(), Double.MIN_NORMAL);
    double[] to = new double[x.length];
    for (int i = 0; i < to.length; i++) {
      to[i] = r.prox(x[i] - g[i] / bound, 1 / bound);
    }
    return finite(block, to);
  }

  /** A step without end means no curvature. */
  private static double[] finite(Block block, double[] to) {
    for (int i = 0; i < to.length; i++) {
      if (!Double.isFinite(to[i])) {
        throw Block.unbounded(block.coordinates[i]);
      }
    }
    return to;
  }

  private double penaltyChange(double[] x, double[] to) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += r.change(x[i], to[i]);
    }
    return sum;
  }

  private double[] proxNewton(Block block, double[] g, double[] x, double noise) {
    int[] b = block.coordinates;
    double[] target = finite(block, BlockQp.minimize(problem.blockHessian(b), g, x, r));
    double[] d = difference(target, x);
    double promise = Vectors.dot(g, d) + penaltyChange(x, target);
    double length =
        LineSearch.backtrack(
            t ->
                problem.change(b, Vectors.scaled(d, t))
                    + penaltyChange(x, t == 1 ? target : along(x, d, t)),
            t -> t * promise,
            promise,
            noise);
    return length == 1 ? target : along(x, d, length);
  }

  private double[] twoMetric(Block block, double[] g, double[] x, double noise) {
    int[] b = block.coordinates;
    Regularizer.Bounds bounds = (Regularizer.Bounds) r;
    double[] s = new double[b.length];
    boolean[] active = new boolean[b.length];
    double activeBound = 0;
    for (int i = 0; i < b.length; i++) {
      s[i] = g[i] + bounds.linear();
      active[i] =
          (x[i] <= bounds.low() + NEAR_BOUND && s[i] > 0)
              || (x[i] >= bounds.high() - NEAR_BOUND && s[i] < 0);
      activeBound += active[i] ? problem.coordinateBound(b[i]) : 0;
    }
    double[] d = new double[b.length];
    int[] working = IntStream.range(0, b.length).filter(i -> !active[i]).toArray();
    if (working.length > 0) {
      int[] coordinates = Arrays.stream(working).map(i -> b[i]).toArray();
      double[] newton =
          SymmetricFactor.of(problem.blockHessian(coordinates)).solve(Vectors.gather(s, working));
      for (int k = 0; k < working.length; k++) {
        d[working[k]] = -newton[k];
      }
    }
    for (int i = 0; i < b.length; i++) {
      if (active[i]) {
        d[i] = -s[i] / Math.max(activeBound, Double.MIN_NORMAL);
      }
    }
    double length =
        LineSearch.backtrack(
            t -> {
              double[] moved = difference(projected(bounds, x, d, t), x);
              return problem.change(b, moved) + bounds.linear() * Arrays.stream(moved).sum();
            },
            t -> Vectors.dot(s, difference(projected(bounds, x, d, t), x)),
            Vectors.dot(s, d),
            noise);
    return projected(bounds, x, d, length);
  }

  private static double[] projected(
      Regularizer.Bounds bounds, double[] x, double[] d, double length) {
    double[] to = along(x, d, length);
    for (int i = 0; i < to.length; i++) {
      to[i] = bounds.clip(to[i]);
    }
    return to;
  }
}
