package org.tikhon.optimize;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tikhon.optimize.Selection.GreedyTree;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** The state of a {@link Selection} during a run. */
final class BlockSelector {
  private static final double IHT_CHANGE = 1e-10;
  private static final double POWER_CHANGE = 1e-12;
  private static final int POWER_ITERATIONS = 2000;

  private final SmoothProblem problem;
  private final Partition partition;
  private final Selection rule;
  private final Regularizer r;
  private final int n;
  private final double[] bounds;

  /** The blocks of a fixed partition, or of a sequence. */
  private final List<Block> fixed;

  private final Forest forest;
  private double[] blockWeights;
  private double[] rowSums;
  private double largestEigenvalue = -1;
  private List<int[]> permuted = List.of();
  private int turn;

  BlockSelector(SmoothProblem problem, Partition partition, Selection rule, Regularizer r) {
    this.problem = problem;
    this.partition = partition;
    this.rule = rule;
    this.r = r;
    n = problem.dim();
    bounds = IntStream.range(0, n).mapToDouble(problem::coordinateBound).toArray();
    List<int[]> blocks =
        rule instanceof Selection.FixedSequence sequence
            ? sequence.blocks()
            : partition.blocks(problem);
    for (int[] block : blocks) {
      checkBlock(block);
    }
    fixed = blocks.stream().map(b -> new Block(problem, b)).toList();
    if (rule instanceof Selection.GSQ && partition.isVariable()) {
      throw new IllegalArgumentException(
          "GSQ must choose among fixed blocks (for variable ones it is NP-hard: use IHT)");
    }
    if (rule instanceof Selection.IHT && !partition.isVariable()) {
      throw new IllegalArgumentException("IHT must have variable blocks (for fixed ones use GSQ)");
    }
    if (rule instanceof GreedyTree) {
      if (!partition.isVariable() || !(problem instanceof SparseQuadratic quadratic)) {
        throw new IllegalArgumentException(
            "GreedyTree must have variable blocks and a SparseQuadratic");
      }
      forest = new Forest(quadratic.matrix());
    } else {
      forest = null;
    }
  }

  private void checkBlock(int[] block) {
    Check.require(block.length >= 1, "the size of a block", 0, "at least 1");
    boolean[] seen = new boolean[n];
    for (int i : block) {
      Check.require(
          i >= 0 && i < n && !seen[i],
          "coordinate " + i + " of a block",
          i,
          "in [0, " + n + ") and named once");
      seen[i] = true;
    }
  }

  boolean needsGradient() {
    return !(rule instanceof Selection.RandomRule
        || rule instanceof Selection.Cyclic
        || rule instanceof Selection.LipschitzSampling
        || rule instanceof Selection.FixedSequence
        || (rule instanceof GreedyTree tree && tree.order() == GreedyTree.Order.RANDOM));
  }

  /** How many blocks it takes to update every coordinate about once. */
  int epoch() {
    if (forest != null) {
      return 2;
    }
    return fixed.isEmpty() ? (n + partition.size() - 1) / partition.size() : fixed.size();
  }

  /**
   * The next block.
   *
   * @param g the gradient of f, if it is needed
   */
  Block next(double[] g) {
    return switch (rule) {
      case Selection.RandomRule random ->
          partition.isVariable()
              ? variable(subset(random.rng()))
              : fixed.get((int) random.rng().nextLong(fixed.size()));
      case Selection.Cyclic cyclic -> partition.isVariable() ? permuted(cyclic.rng()) : inTurn();
      case Selection.LipschitzSampling sampling -> sampled(sampling.rng());
      case Selection.FixedSequence sequence -> inTurn();
      case GreedyTree tree -> variable(tree(tree, g));
      case Selection.IHT iht -> variable(hardThresholding(g, iht.iterations()));
      case Selection.GSqProx prox -> best(proxScores(g), (b, s) -> sum(b, s));
      case Selection.GS gs -> best(steepest(g, null), (b, s) -> sum(b, s));
      case Selection.GSL gsl ->
          partition.isVariable()
              ? variable(steepest(g, bounds))
              : best(
                  steepest(g, null), (b, s) -> guarded(sum(b, s), b.lipschitz(), b.coordinates[0]));
      case Selection.GSD gsd ->
          partition.isVariable()
              ? variable(steepest(g, rowSums()))
              : best(
                  steepest(g, null),
                  (b, s) ->
                      IntStream.range(0, b.coordinates.length)
                          .mapToDouble(
                              i -> guarded(s[b.coordinates[i]], b.rowSums()[i], b.coordinates[i]))
                          .sum());
      case Selection.GSQ gsq -> {
        double[] direction = direction(g);
        yield best(direction, (b, d) -> quadratic(b, d));
      }
    };
  }

  private interface Score {
    double of(Block block, double[] perCoordinate);
  }

  private Block best(double[] perCoordinate, Score score) {
    if (partition.isVariable()) {
      return variable(perCoordinate);
    }
    Block best = null;
    double largest = Double.NEGATIVE_INFINITY;
    for (Block block : fixed) {
      double s = score.of(block, perCoordinate);
      if (s > largest) {
        largest = s;
        best = block;
      }
    }
    return best;
  }

  private Block variable(double[] scores) {
    return variable(Ranking.largest(scores, partition.size()));
  }

  private Block variable(int[] coordinates) {
    return new Block(problem, coordinates);
  }

  private static double sum(Block block, double[] s) {
    double sum = 0;
    for (int i : block.coordinates) {
      sum += s[i];
    }
    return sum;
  }

  private static double quadratic(Block block, double[] g) {
    double[] gb = Vectors.gather(g, block.coordinates);
    return Vectors.dot(gb, block.boundFactor().solve(gb));
  }

  private double[] direction(double[] g) {
    double[] s = new double[n];
    for (int i = 0; i < n; i++) {
      s[i] = r.steepest(problem.at(i), g[i]);
    }
    return s;
  }

  /** The squares of the smallest sub-gradients, divided by weights if there are any. */
  private double[] steepest(double[] g, double[] weights) {
    double[] s = direction(g);
    for (int i = 0; i < n; i++) {
      s[i] = weights == null ? s[i] * s[i] : guarded(s[i] * s[i], weights[i], i);
    }
    return s;
  }

  /** A quotient that is 0 for 0 / 0; without curvature a slope has no end. */
  private static double guarded(double square, double bound, int coordinate) {
    if (bound > 0) {
      return square / bound;
    }
    if (square > 0) {
      throw Block.unbounded(coordinate);
    }
    return 0;
  }

  private double[] rowSums() {
    if (rowSums == null) {
      rowSums = IntStream.range(0, n).mapToDouble(problem::boundRowSum).toArray();
    }
    return rowSums;
  }

  /** What the proximal steps of single coordinates gain. */
  private double[] proxScores(double[] g) {
    double[] s = new double[n];
    for (int i = 0; i < n; i++) {
      double x = problem.at(i);
      s[i] = proxGain(x, g[i], Math.max(bounds[i], Double.MIN_NORMAL));
      if (!Double.isFinite(s[i])) {
        throw Block.unbounded(i);
      }
      if (!r.kink(x)) {
        // Where nothing is gained, the support goes first: on it steps must be Newton's.
        s[i] = Math.max(s[i], Double.MIN_NORMAL);
      }
    }
    return s;
  }

  private double proxGain(double x, double g, double bound) {
    double slope = r.steepest(x, g);
    double free = x - slope / bound;
    if (r.towards(x, free) == free) {
      return slope * slope / (2 * bound);
    }
    double to = r.prox(x - g / bound, 1 / bound);
    double d = to - x;
    return -(g * d + bound * d * d / 2 + r.change(x, to));
  }

  private Block inTurn() {
    return fixed.get(turn++ % fixed.size());
  }

  private Block permuted(Rng rng) {
    if (turn % epoch() == 0) {
      permuted = Partition.pieces(permutation(rng), partition.size());
    }
    return variable(permuted.get(turn++ % epoch()));
  }

  private int[] permutation(Rng rng) {
    try (Scope scope = Scope.open()) {
      return Arrays.stream(rng.permutation(n).toLongArray()).mapToInt(i -> (int) i).toArray();
    }
  }

  private int[] subset(Rng rng) {
    return Arrays.copyOf(permutation(rng), partition.size());
  }

  private Block sampled(Rng rng) {
    if (blockWeights == null) {
      blockWeights =
          partition.isVariable() ? bounds : fixed.stream().mapToDouble(Block::lipschitz).toArray();
    }
    int positive = (int) Arrays.stream(blockWeights).filter(w -> w > 0).count();
    int draws = partition.isVariable() ? Math.min(partition.size(), positive) : 1;
    if (positive == 0) {
      // f is constant.
      return partition.isVariable() ? variable(subset(rng)) : fixed.getFirst();
    }
    try (Scope scope = Scope.open()) {
      long[] drawn =
          rng.multinomial(Tensor.of(blockWeights, blockWeights.length), draws, false)
              .to(Dtype.INT64)
              .toLongArray();
      return partition.isVariable()
          ? variable(Arrays.stream(drawn).mapToInt(i -> (int) i).toArray())
          : fixed.get((int) drawn[0]);
    }
  }

  private int[] tree(GreedyTree tree, double[] g) {
    int[] order =
        switch (tree.order()) {
          case GS -> Ranking.descending(steepest(g, null));
          case GSL -> Ranking.descending(steepest(g, bounds));
          case RANDOM -> permutation(tree.rng());
        };
    forest.clear();
    int[] block = new int[n];
    int count = 0;
    for (int i : order) {
      if (forest.add(i)) {
        block[count++] = i;
      }
    }
    return Arrays.copyOf(block, count);
  }

  /** The support of {@code min <g, d> + d' H d / 2} over d with at most tau entries, roughly. */
  int[] hardThresholding(double[] g, int iterations) {
    if (largestEigenvalue < 0) {
      largestEigenvalue = powerIteration();
    }
    double[] s = direction(g);
    double[] d = new double[n];
    double[] product = new double[n];
    double[] moved = new double[n];
    double[] sizes = new double[n];
    int[] support = {};
    for (int k = 0; k < iterations; k++) {
      problem.boundProduct(d, product);
      for (int i = 0; i < n; i++) {
        moved[i] = largestEigenvalue > 0 ? d[i] - (s[i] + product[i]) / largestEigenvalue : 0;
        sizes[i] = Math.abs(moved[i]);
      }
      support = Ranking.largest(sizes, partition.size());
      double[] next = new double[n];
      for (int i : support) {
        next[i] = moved[i];
      }
      double change = 0;
      for (int i = 0; i < n; i++) {
        change = Math.max(change, Math.abs(next[i] - d[i]));
      }
      d = next;
      if (change < IHT_CHANGE) {
        break;
      }
    }
    return support;
  }

  /** lambda_max(H), by products. */
  private double powerIteration() {
    double[] v = new double[n];
    // Not orthogonal to anything likely.
    Arrays.setAll(v, i -> 1 + 0.5 * Math.sin(1.0 + i));
    double[] product = new double[n];
    double eigenvalue = 0;
    for (int k = 0; k < POWER_ITERATIONS; k++) {
      v = Vectors.scaled(v, 1 / Math.sqrt(Vectors.dot(v, v)));
      problem.boundProduct(v, product);
      double next = Vectors.dot(v, product);
      if (!(Vectors.dot(product, product) > 0)) {
        return 0;
      }
      double change = Math.abs(next - eigenvalue);
      eigenvalue = next;
      v = product.clone();
      if (change <= POWER_CHANGE * eigenvalue) {
        break;
      }
    }
    return eigenvalue;
  }
}
