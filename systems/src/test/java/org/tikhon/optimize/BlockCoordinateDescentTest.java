package org.tikhon.optimize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.optimize.Selection.GreedyTree;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class BlockCoordinateDescentTest {
  private static final Offset<Double> EXACT = within(1e-12);
  private static final double[][] THREE = {{4, 1, 0}, {1, 3, 1}, {0, 1, 2}};
  private static final double[] THREE_C = {-2, 1, -3};

  private static SparseQuadratic three() {
    return SparseQuadratic.of(SparseMatrix.of(THREE), THREE_C);
  }

  private static int[] chosen(SmoothProblem problem, Partition partition, Selection rule) {
    BlockSelector selector = new BlockSelector(problem, partition, rule, Regularizer.NONE);
    double[] g = new double[problem.dim()];
    problem.gradient(g);
    return selector.next(g).coordinates;
  }

  private static BcdResult run(
      SmoothProblem problem, Partition partition, Selection rule, Update update, int iterations) {
    return new BlockCoordinateDescent(problem, partition, rule, update, Regularizer.NONE)
        .run(iterations, 0);
  }

  private static double[][] gaussian(int m, int n, long seed) {
    Random random = new Random(seed);
    double[][] a = new double[m][n];
    for (double[] row : a) {
      Arrays.setAll(row, j -> random.nextGaussian());
    }
    return a;
  }

  private static double[] gaussian(int n, long seed) {
    return gaussian(1, n, seed)[0];
  }

  /** One of each class, of about 12 coordinates. */
  private static Stream<SmoothProblem> problems() {
    SparseMatrix a = SparseMatrix.of(gaussian(60, 12, 1));
    double[] signs = Arrays.stream(gaussian(60, 2)).map(Math::signum).toArray();
    int[] labels = new Random(3).ints(20, 0, 3).toArray();
    labels[0] = 2;
    int[] labelled = {0, 7};
    return Stream.of(
        LeastSquares.of(a, gaussian(60, 4)),
        Logistic.of(a, signs),
        Softmax.of(SparseMatrix.of(gaussian(20, 4, 5)), labels),
        SparseQuadratic.of(spd(12, 6), gaussian(12, 7)),
        SparseQuadratic.labelPropagation(lattice(3, 4), labelled, new double[] {1, -1}));
  }

  private static SparseMatrix spd(int n, long seed) {
    double[][] a = gaussian(n, n, seed);
    double[][] h = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        h[i][j] = Vectors.dot(a[i], a[j]) + (i == j ? 1 : 0);
        h[j][i] = h[i][j];
      }
    }
    return SparseMatrix.of(h);
  }

  /** The adjacency of a lattice, its nodes numbered by rows. */
  private static SparseMatrix lattice(int rows, int columns) {
    double[][] w = new double[rows * columns][rows * columns];
    for (int i = 0; i < w.length; i++) {
      if (i % columns + 1 < columns) {
        w[i][i + 1] = 1;
        w[i + 1][i] = 1;
      }
      if (i + columns < w.length) {
        w[i][i + columns] = 1;
        w[i + columns][i] = 1;
      }
    }
    return SparseMatrix.of(w);
  }

  @Test
  void steepDirectionsAreNotTheBestOnes() {
    SparseMatrix a = SparseMatrix.of(new double[][] {{100, 0}, {0, 1}});
    double[] c = {10, 5};
    Partition single = Partition.variable(1);
    assertThat(chosen(SparseQuadratic.of(a, c), single, new Selection.GS())).containsExactly(0);
    assertThat(chosen(SparseQuadratic.of(a, c), single, new Selection.GSL())).containsExactly(1);
    BcdResult gs = run(SparseQuadratic.of(a, c), single, new Selection.GS(), Update.GRADIENT, 1);
    BcdResult gsl = run(SparseQuadratic.of(a, c), single, new Selection.GSL(), Update.GRADIENT, 1);
    assertThat(gs.values()[0] - gs.values()[1]).isCloseTo(0.5, EXACT);
    assertThat(gsl.values()[0] - gsl.values()[1]).isCloseTo(12.5, EXACT);
  }

  @Test
  void goldenRules() {
    Partition pairs = Partition.of(List.of(new int[] {0, 1}, new int[] {0, 2}, new int[] {1, 2}));
    double[] expected = {1.8181818, 5.5, 7};
    double[] g = {2, -1, 3};
    List<int[]> blocks = pairs.blocks(three());
    for (int k = 0; k < 3; k++) {
      double[] gb = Vectors.gather(g, blocks.get(k));
      double score = Vectors.dot(gb, new Block(three(), blocks.get(k)).boundFactor().solve(gb));
      assertThat(score).isCloseTo(expected[k], within(5e-8));
    }
    assertThat(new Block(three(), blocks.get(0)).boundFactor().solve(new double[] {2, -1}))
        .containsExactly(new double[] {7.0 / 11, -6.0 / 11}, EXACT);
    assertThat(chosen(three(), pairs, new Selection.GSQ())).containsExactly(1, 2);
    assertThat(chosen(three(), pairs, new Selection.GS())).containsExactly(0, 2);
    assertThat(chosen(three(), pairs, new Selection.GSL())).containsExactly(0, 2);
    Partition two = Partition.variable(2);
    assertThat(chosen(three(), two, new Selection.GS())).containsExactly(0, 2);
    assertThat(chosen(three(), two, new Selection.GSL())).containsExactly(0, 2);
    BlockSelector iht = new BlockSelector(three(), two, new Selection.IHT(), Regularizer.NONE);
    assertThat(iht.hardThresholding(g, 1)).containsExactly(0, 2);
    assertThat(iht.hardThresholding(g, 2)).containsExactly(0, 2);
    assertThat(iht.hardThresholding(g, 3)).containsExactly(1, 2);
    assertThat(iht.hardThresholding(g, 10)).containsExactly(1, 2);
    double[] diagonal = {0.8, 0.2, 3};
    for (int i = 0; i < 3; i++) {
      assertThat(g[i] * g[i] / three().boundRowSum(i)).isCloseTo(diagonal[i], EXACT);
    }
    assertThat(chosen(three(), Partition.variable(1), new Selection.GSD())).containsExactly(2);
  }

  @Test
  void scoresAreOrderedAsTheirGuarantees() {
    SparseQuadratic problem = SparseQuadratic.of(spd(12, 20), gaussian(12, 21));
    double[] g = new double[12];
    problem.gradient(g);
    for (int[] b : Partition.order(4).blocks(problem)) {
      Block block = new Block(problem, b);
      double[] gb = Vectors.gather(g, b);
      double gsq = Vectors.dot(gb, block.boundFactor().solve(gb));
      double gsl = Vectors.dot(gb, gb) / block.lipschitz();
      double gsd = IntStream.range(0, 4).mapToDouble(i -> gb[i] * gb[i] / block.rowSums()[i]).sum();
      assertThat(gsl).isLessThanOrEqualTo(gsq * (1 + 1e-12));
      assertThat(gsd).isLessThanOrEqualTo(gsq * (1 + 1e-12));
    }
  }

  @Test
  void goldenChain() {
    SparseMatrix a =
        SparseMatrix.of(
            new double[][] {{2, -1, 0, 0}, {-1, 2, -1, 0}, {0, -1, 2, -1}, {0, 0, -1, 2}});
    TreeSolver.Factor factor = new TreeSolver(a).factor(new int[] {0, 1, 2, 3});
    assertThat(factor.pivots()).containsExactly(new double[] {2, 1.5, 4.0 / 3, 1.25}, EXACT);
    double[] x = new double[4];
    factor.solve(new double[] {1, 0, 0, 3}, x);
    assertThat(x).containsExactly(new double[] {1.4, 1.8, 2.2, 2.6}, EXACT);
    SparseQuadratic problem = SparseQuadratic.of(a, new double[] {1, 0, 0, 3});
    BcdResult result = run(problem, Partition.variable(4), new GreedyTree(), Update.TREE_SOLVE, 1);
    assertThat(result.x()).containsExactly(new double[] {1.4, 1.8, 2.2, 2.6}, EXACT);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2})
  void treesAreSolvedAsDenseSystems(long seed) {
    int n = 200;
    Random random = new Random(seed);
    double[][] dense = new double[n][n];
    for (int i = 1; i < n; i++) {
      if (random.nextInt(10) > 0) {
        int j = random.nextInt(i);
        dense[i][j] = random.nextGaussian();
        dense[j][i] = dense[i][j];
      }
    }
    for (int i = 0; i < n; i++) {
      dense[i][i] = 0.1 + Arrays.stream(dense[i]).map(Math::abs).sum();
    }
    int[] block = IntStream.range(0, n).filter(i -> random.nextInt(5) > 0).toArray();
    double[] rhs = gaussian(block.length, seed);
    double[] x = new double[block.length];
    SparseMatrix a = SparseMatrix.of(dense);
    assertThat(Forest.isForest(a, block)).isTrue();
    TreeSolver.solve(a, block, rhs, x);
    double[] expected =
        SymmetricFactor.of(SparseQuadratic.of(a, new double[n]).blockBound(block)).solve(rhs);
    assertThat(x).containsExactly(expected, within(1e-10));
  }

  @Test
  void cyclesAreRefused() {
    double[][] triangle = {{3, 1, 1}, {1, 3, 1}, {1, 1, 3}};
    SparseMatrix a = SparseMatrix.of(triangle);
    int[] all = {0, 1, 2};
    assertThat(Forest.isForest(a, all)).isFalse();
    assertThat(Forest.isForest(a, new int[] {0, 2})).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TreeSolver.solve(a, all, new double[3], new double[3]))
        .withMessage("block is not a forest");
    SparseQuadratic problem = SparseQuadratic.of(a, new double[] {1, 2, 3});
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                run(
                    problem,
                    Partition.variable(3),
                    new Selection.FixedSequence(List.of(all)),
                    Update.TREE_SOLVE,
                    1))
        .withMessage("block is not a forest");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TreeSolver.solve(a, new int[] {1, 1}, new double[2], new double[2]));
  }

  @Test
  void aBlockOfAllCoordinatesSolvesAQuadratic() {
    int n = 40;
    SparseMatrix a = spd(n, 8);
    double[] c = gaussian(n, 9);
    SparseQuadratic problem = SparseQuadratic.of(a, c);
    BcdResult result = run(problem, Partition.variable(n), new Selection.GSL(), Update.MATRIX, 1);
    double[] product = new double[n];
    a.multiply(result.x(), product);
    assertThat(product).containsExactly(c, within(1e-9));
  }

  @Test
  void largeFactorsEqualSmallOnes() {
    int n = 70;
    double[][] h =
        SparseQuadratic.of(spd(n, 30), new double[n]).blockBound(IntStream.range(0, n).toArray());
    double[] b = gaussian(n, 31);
    double[] x = SymmetricFactor.of(h).solve(b);
    for (int i = 0; i < n; i++) {
      assertThat(Vectors.dot(h[i], x)).isCloseTo(b[i], within(1e-9));
    }
    // The last column again: singular, but b is in the range.
    double[][] twice = new double[n + 1][];
    for (int i = 0; i <= n; i++) {
      double[] row = Arrays.copyOf(h[Math.min(i, n - 1)], n + 1);
      row[n] = row[n - 1];
      twice[i] = row;
    }
    double[] longer = Arrays.copyOf(b, n + 1);
    longer[n] = longer[n - 1];
    double[] y = SymmetricFactor.of(twice).solve(longer);
    for (int i = 0; i <= n; i++) {
      assertThat(Vectors.dot(twice[i], y)).isCloseTo(longer[i], within(1e-6));
    }
  }

  @Test
  void singleCoordinatesAreGaussSouthwell() {
    int n = 10;
    double[][] dense = new double[n][n];
    SparseMatrix a = spd(n, 10);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        dense[i][j] = a.get(i, j);
      }
    }
    double[] g = Vectors.scaled(gaussian(n, 11), -1);
    double[] x = new double[n];
    for (int k = 0; k < 50; k++) {
      int best = 0;
      for (int i = 1; i < n; i++) {
        best = Math.abs(g[i]) > Math.abs(g[best]) ? i : best;
      }
      double d = -g[best] / dense[best][best];
      x[best] += d;
      for (int i = 0; i < n; i++) {
        g[i] += dense[i][best] * d;
      }
    }
    SparseQuadratic problem = SparseQuadratic.of(a, gaussian(n, 11));
    BcdResult result = run(problem, Partition.variable(1), new Selection.GS(), Update.GRADIENT, 50);
    assertThat(result.x()).containsExactly(x, EXACT);
  }

  private static List<Selection> rules() {
    return List.of(
        new Selection.RandomRule(new Rng(1)),
        new Selection.Cyclic(new Rng(2)),
        new Selection.LipschitzSampling(new Rng(3)),
        new Selection.GS(),
        new Selection.GSL(),
        new Selection.GSD(),
        new Selection.GSQ(),
        new Selection.IHT(),
        new Selection.GSqProx());
  }

  /** Every rule with every kind of block on every problem: f falls, and reaches the optimum. */
  @ParameterizedTest
  @EnumSource(
      value = Update.class,
      names = {"GRADIENT", "MATRIX", "NEWTON", "LIPSCHITZ_APPROX", "PROX_GRADIENT", "PROX_NEWTON"})
  void nothingEverRises(Update update) {
    for (Selection rule : rules()) {
      for (Partition partition :
          List.of(Partition.variable(3), Partition.average(5), Partition.sort(4))) {
        boolean variable = partition.isVariable();
        if ((rule instanceof Selection.GSQ && variable)
            || (rule instanceof Selection.IHT && !variable)) {
          continue;
        }
        problems()
            .forEach(
                problem -> {
                  BcdResult result = run(problem, partition, rule, update, 30);
                  double[] f = result.values();
                  assertThat(f[30]).isLessThan(f[0]);
                  for (int k = 0; k < 30; k++) {
                    assertThat(f[k + 1])
                        .as("%s %s", rule, problem)
                        .isLessThanOrEqualTo(f[k] + 1e-12 * (1 + Math.abs(f[k])));
                  }
                });
      }
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void exactBlocksReachTheOptimum(SmoothProblem problem) {
    BcdResult result =
        new BlockCoordinateDescent(
                problem,
                Partition.variable(5),
                new Selection.GSL(),
                Update.NEWTON,
                Regularizer.NONE)
            .run(5000, 1e-7);
    assertThat(result.converged()).isTrue();
    assertThat(result.iterations()).isLessThan(2000);
    BcdResult again =
        new BlockCoordinateDescent(
                problem,
                Partition.variable(5),
                new Selection.GSL(),
                Update.NEWTON,
                Regularizer.NONE)
            .run(100, 1e-7);
    assertThat(again.iterations()).isZero();
    assertThat(again.x()).containsExactly(result.x());
  }

  @ParameterizedTest
  @MethodSource("problems")
  void derivativesMatchFiniteDifferences(SmoothProblem problem) {
    int n = problem.dim();
    int[] all = IntStream.range(0, n).toArray();
    problem.apply(all, Vectors.scaled(gaussian(n, 12), 0.3));
    double[] g = new double[n];
    problem.gradient(g);
    assertThat(problem.blockGradient(all)).containsExactly(g, EXACT);
    double[][] hessian = problem.blockHessian(all);
    double h = 1e-6;
    for (int i = 0; i < n; i++) {
      int[] one = {i};
      double slope =
          (problem.change(one, new double[] {h}) - problem.change(one, new double[] {-h}))
              / (2 * h);
      assertThat(g[i]).isCloseTo(slope, within(1e-6));
      problem.apply(one, new double[] {h});
      double[] up = problem.blockGradient(all);
      problem.apply(one, new double[] {-2 * h});
      double[] down = problem.blockGradient(all);
      problem.apply(one, new double[] {h});
      for (int j = 0; j < n; j++) {
        assertThat(hessian[i][j]).isCloseTo((up[j] - down[j]) / (2 * h), within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void changesProductsAndSumsAgree(SmoothProblem problem) {
    int n = problem.dim();
    int[] all = IntStream.range(0, n).toArray();
    double[][] h = problem.blockBound(all);
    double[] v = gaussian(n, 13);
    double[] product = new double[n];
    problem.boundProduct(v, product);
    for (int i = 0; i < n; i++) {
      assertThat(product[i]).isCloseTo(Vectors.dot(h[i], v), within(1e-10));
      assertThat(problem.coordinateBound(i)).isCloseTo(h[i][i], EXACT);
    }
    for (int i = 0; i < n; i++) {
      assertThat(problem.boundRowSum(i))
          .isCloseTo(Arrays.stream(h[i]).map(Math::abs).sum(), within(1e-10));
    }
    int[] block = {1, 3, 4};
    double[] delta = {0.3, -0.2, 0.1};
    double before = problem.value();
    double change = problem.change(block, delta);
    assertThat(problem.value()).isEqualTo(before);
    problem.apply(block, delta);
    assertThat(problem.value() - before).isCloseTo(change, EXACT);
    assertThat(problem.at(3)).isEqualTo(-0.2);
  }

  @Test
  void boundsAreBounds() {
    SmoothProblem[] models = problems().skip(1).limit(2).toArray(SmoothProblem[]::new);
    for (SmoothProblem problem : models) {
      int n = problem.dim();
      int[] all = IntStream.range(0, n).toArray();
      double[][] bound = problem.blockBound(all);
      for (int k = 0; k < 100; k++) {
        problem.move(all, gaussian(n, 100 + k));
        double[][] hessian = problem.blockHessian(all);
        try (Scope scope = Scope.open()) {
          double smallest = Linalg.eigvalsh(Tensor.of(bound).sub(Tensor.of(hessian))).min().item();
          assertThat(smallest).isGreaterThan(-1e-12 * n);
        }
      }
    }
  }

  @Test
  void partitionsOfALattice() {
    SparseMatrix graph = lattice(50, 50);
    List<int[]> combs = TreePartition.lattice(50, 50);
    assertThat(combs).hasSize(2);
    for (int[] comb : combs) {
      assertThat(Forest.isForest(graph, comb)).isTrue();
    }
    assertPartition(combs, 2500);
    List<int[]> greedy = TreePartition.greedy(graph);
    for (int[] forest : greedy) {
      assertThat(Forest.isForest(graph, forest)).isTrue();
    }
    assertPartition(greedy, 2500);
    assertThat(greedy.size()).isLessThan(4);
    SparseQuadratic laplacian =
        SparseQuadratic.labelPropagation(graph, new int[] {0}, new double[] {1});
    for (List<int[]> colours :
        List.of(TreePartition.redBlack(50, 50), TreePartition.colouring(graph))) {
      assertPartition(colours, 2500);
      assertThat(colours).hasSize(2);
      for (int[] block : colours) {
        for (int i : block) {
          for (int e = graph.start[i]; e < graph.start[i + 1]; e++) {
            assertThat(Arrays.binarySearch(block, graph.index[e])).isNegative();
          }
        }
      }
    }
    for (int[] block : TreePartition.colouring(laplacian.matrix())) {
      double[][] h = laplacian.blockBound(block);
      for (int i = 0; i < h.length; i++) {
        for (int j = 0; j < h.length; j++) {
          assertThat(h[i][j] != 0).isEqualTo(i == j);
        }
      }
    }
    assertThat(TreePartition.lattice(1, 5)).hasSize(1);
    assertPartition(TreePartition.lattice(2, 5), 10);
  }

  private static void assertPartition(List<int[]> blocks, int n) {
    assertThat(blocks.stream().flatMapToInt(Arrays::stream).sorted().toArray())
        .isEqualTo(IntStream.range(0, n).toArray());
  }

  @Test
  void treesSolveALattice() {
    int[] labelled = {0, 55, 99};
    double[] labels = {1, -1, 1};
    for (GreedyTree tree :
        List.of(
            new GreedyTree(),
            new GreedyTree(GreedyTree.Order.GS, null),
            new GreedyTree(GreedyTree.Order.RANDOM, new Rng(4)))) {
      SparseQuadratic problem = SparseQuadratic.labelPropagation(lattice(10, 10), labelled, labels);
      BcdResult result =
          new BlockCoordinateDescent(
                  problem, Partition.variable(1), tree, Update.TREE_SOLVE, Regularizer.NONE)
              .run(2000, 1e-10);
      assertThat(result.converged()).isTrue();
      assertThat(Arrays.stream(result.x())).allMatch(v -> v > -1 && v < 1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Update.class,
      names = {"PROX_GRADIENT", "PROX_NEWTON"})
  void supportsOfTheLassoAreIdentified(Update update) {
    int n = 50;
    SparseMatrix a = SparseMatrix.of(gaussian(80, n, 14));
    double[] truth = new double[n];
    Arrays.fill(truth, 0, 5, 3);
    double[] b = new double[80];
    a.multiply(truth, b);
    double[] noise = gaussian(80, 15);
    Arrays.setAll(b, i -> b[i] + noise[i]);
    Regularizer l1 = Regularizer.l1(15);
    double[] optimum = lassoByActiveSet(a, b, 15);
    LeastSquares problem = LeastSquares.of(a, b);
    BcdResult result =
        new BlockCoordinateDescent(
                problem, Partition.variable(10), new Selection.GSqProx(), update, l1)
            .run(2000, 1e-9);
    assertThat(result.converged()).isTrue();
    assertThat(result.x()).containsExactly(optimum, within(1e-9));
    int identified = result.supportIdentified();
    assertThat(identified).isPositive().isLessThan(result.iterations() + 1);
    LeastSquares replay = LeastSquares.of(a, b);
    BlockCoordinateDescent method =
        new BlockCoordinateDescent(
            replay, Partition.variable(10), new Selection.GSqProx(), update, l1);
    for (int k = 0; k < result.iterations(); k++) {
      double[] x = method.run(1, 0).x();
      boolean same = IntStream.range(0, n).allMatch(i -> x[i] == 0 == (optimum[i] == 0));
      if (k + 1 >= identified) {
        assertThat(same).isTrue();
      } else if (k + 2 == identified) {
        assertThat(same).isFalse();
      }
    }
    double delta = ActiveSet.nonDegeneracy(problem, l1);
    assertThat(delta).isPositive().isLessThan(15);
  }

  /** Adds the worst violator and solves on the support, dropping what changes sign. */
  private static double[] lassoByActiveSet(SparseMatrix a, double[] b, double lambda) {
    int n = a.columns();
    double[] x = new double[n];
    LeastSquares problem = LeastSquares.of(a, b);
    int[] all = IntStream.range(0, n).toArray();
    for (int round = 0; round < 200; round++) {
      problem.move(all, x);
      double[] g = problem.blockGradient(all);
      int worst = -1;
      for (int i = 0; i < n; i++) {
        if (x[i] == 0
            && Math.abs(g[i]) > lambda + 1e-9
            && (worst < 0 || Math.abs(g[i]) > Math.abs(g[worst]))) {
          worst = i;
        }
      }
      if (worst < 0) {
        return x;
      }
      x[worst] = -Math.signum(g[worst]) * 1e-12;
      boolean inside = false;
      while (!inside) {
        problem.move(all, x);
        int[] s = IntStream.range(0, n).filter(i -> x[i] != 0).toArray();
        double[] slope = problem.blockGradient(s);
        for (int k = 0; k < s.length; k++) {
          slope[k] = -slope[k] - lambda * Math.signum(x[s[k]]);
        }
        double[] d = SymmetricFactor.of(problem.blockBound(s)).solve(slope);
        double step = 1;
        int first = -1;
        for (int k = 0; k < s.length; k++) {
          double reach = -x[s[k]] / d[k];
          if (reach > 0 && reach < step) {
            step = reach;
            first = k;
          }
        }
        for (int k = 0; k < s.length; k++) {
          x[s[k]] = k == first ? 0 : x[s[k]] + step * d[k];
        }
        inside = first < 0;
      }
    }
    throw new AssertionError("no optimum");
  }

  @Test
  void proximalGradientIdentifiesWithinItsBound() {
    int n = 8;
    SparseMatrix a = SparseMatrix.of(gaussian(40, n, 16));
    double[] b = gaussian(40, 17);
    Regularizer r = Regularizer.nonNegative(0.5);
    LeastSquares problem = LeastSquares.of(a, b);
    BcdResult result =
        new BlockCoordinateDescent(
                problem, Partition.variable(n), new Selection.GSqProx(), Update.PROX_GRADIENT, r)
            .run(5000, 1e-10);
    int[] all = IntStream.range(0, n).toArray();
    double[] eigenvalues;
    try (Scope scope = Scope.open()) {
      eigenvalues = Linalg.eigvalsh(Tensor.of(problem.blockBound(all))).toDoubleArray();
    }
    double bound =
        ActiveSet.proximalGradientIterations(
            eigenvalues[n - 1],
            eigenvalues[0],
            Math.sqrt(Vectors.dot(result.x(), result.x())),
            ActiveSet.nonDegeneracy(problem, r));
    assertThat((double) result.supportIdentified()).isLessThanOrEqualTo(bound + 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Update.class,
      names = {"PROX_GRADIENT", "PROX_NEWTON", "TWO_METRIC"})
  void boundsAreKept(Update update) {
    for (Regularizer r : List.of(Regularizer.box(0.1, 0.7), Regularizer.nonNegative(0.3))) {
      problems()
          .forEach(
              problem -> {
                BcdResult result =
                    new BlockCoordinateDescent(
                            problem, Partition.variable(5), new Selection.GSqProx(), update, r)
                        .run(3000, 1e-9);
                assertThat(result.converged()).as("%s %s", r, problem).isTrue();
                assertThat(Arrays.stream(result.x())).allMatch(v -> Double.isFinite(r.value(v)));
                double[] f = result.values();
                for (int k = 1; k < f.length; k++) {
                  assertThat(f[k]).isLessThanOrEqualTo(f[k - 1] + 1e-12 * (1 + Math.abs(f[k])));
                }
                double[] g = new double[problem.dim()];
                problem.gradient(g);
                for (int i = 0; i < g.length; i++) {
                  if (!r.kink(problem.at(i))) {
                    assertThat(r.steepest(problem.at(i), g[i])).isCloseTo(0, within(1e-8));
                  }
                }
              });
    }
  }

  @Test
  void largeBlocksEndFinitely() {
    SparseMatrix a = SparseMatrix.of(gaussian(40, 100, 18));
    LeastSquares problem = LeastSquares.of(a, gaussian(40, 19));
    for (Update update : List.of(Update.PROX_NEWTON, Update.TWO_METRIC)) {
      problem.move(IntStream.range(0, 100).toArray(), new double[100]);
      BcdResult result =
          new BlockCoordinateDescent(
                  problem,
                  Partition.variable(40),
                  new Selection.GSqProx(),
                  update,
                  Regularizer.nonNegative(2))
              .run(100, 1e-11);
      assertThat(result.converged()).as("%s", update).isTrue();
      assertThat(result.iterations()).isLessThanOrEqualTo(result.supportIdentified() + 2);
      assertThat(result.iterations()).isLessThan(30);
    }
  }

  @Test
  void rankings() {
    double[] scores = {3, 1, 3, 0, 7, 3, 2};
    assertThat(Ranking.largest(scores, 1)).containsExactly(4);
    assertThat(Ranking.largest(scores, 3)).containsExactly(0, 2, 4);
    assertThat(Ranking.largest(scores, 7)).containsExactly(0, 1, 2, 3, 4, 5, 6);
    assertThat(Ranking.descending(scores)).containsExactly(4, 0, 2, 5, 6, 1, 3);
    for (int seed = 0; seed < 50; seed++) {
      double[] s = new Random(seed).doubles(60).toArray();
      int k = 1 + seed;
      double[] sorted = Arrays.stream(s).sorted().toArray();
      assertThat(Arrays.stream(Ranking.largest(s, k)).mapToDouble(i -> s[i]).sorted().toArray())
          .containsExactly(Arrays.copyOfRange(sorted, 60 - k, 60));
    }
  }

  @Test
  void degenerateProblemsSurvive() {
    // Column 1 is zero, columns 0 and 2 are equal.
    SparseMatrix a = SparseMatrix.of(new double[][] {{1, 0, 1}, {2, 0, 2}});
    for (Selection rule : List.of(new Selection.GS(), new Selection.GSL(), new Selection.IHT())) {
      LeastSquares problem = LeastSquares.of(a, new double[] {1, 2});
      BcdResult result = run(problem, Partition.variable(3), rule, Update.MATRIX, 3);
      assertThat(result.value()).isCloseTo(0, within(1e-20));
      assertThat(result.x()[1]).isZero();
    }
    LeastSquares single = LeastSquares.of(SparseMatrix.of(new double[][] {{2}}), new double[] {4});
    BcdResult one = run(single, Partition.order(1), new Selection.GSQ(), Update.MATRIX, 5);
    assertThat(one.x()).containsExactly(2);
    assertThat(one.iterations()).isEqualTo(1);
    assertThat(one.converged()).isTrue();
    double[][] scales = {{1e-6, 0, 0}, {0, 1, 0}, {0, 0, 1e6}};
    LeastSquares huge = LeastSquares.of(SparseMatrix.of(scales), new double[] {1, 1, 1});
    assertThat(run(huge, Partition.variable(3), new Selection.GSL(), Update.MATRIX, 2).x())
        .containsExactly(new double[] {1e6, 1, 1e-6}, within(1e-6));
    SparseQuadratic apart =
        SparseQuadratic.of(SparseMatrix.of(new double[][] {{2, 0}, {0, 4}}), new double[] {2, 4});
    assertThat(run(apart, Partition.variable(2), new GreedyTree(), Update.TREE_SOLVE, 9).x())
        .containsExactly(1, 1);
  }

  /** x_0 has a slope and no curvature. */
  private static SmoothProblem withoutCurvature() {
    SparseQuadratic inner = three();
    return new SmoothProblem() {
      @Override
      public int dim() {
        return 3;
      }

      @Override
      public double at(int i) {
        return inner.at(i);
      }

      @Override
      public double[] point() {
        return inner.point();
      }

      @Override
      public double value() {
        return inner.value();
      }

      @Override
      public void gradient(double[] out) {
        inner.gradient(out);
      }

      @Override
      public double[] blockGradient(int[] block) {
        return inner.blockGradient(block);
      }

      @Override
      public double[][] blockBound(int[] block) {
        return new double[block.length][block.length];
      }

      @Override
      public double[][] blockHessian(int[] block) {
        return blockBound(block);
      }

      @Override
      public double coordinateBound(int i) {
        return 0;
      }

      @Override
      public double boundRowSum(int i) {
        return 0;
      }

      @Override
      public void boundProduct(double[] v, double[] out) {
        Arrays.fill(out, 0);
      }

      @Override
      public double change(int[] block, double[] delta) {
        return inner.change(block, delta);
      }

      @Override
      public void move(int[] block, double[] to) {
        inner.move(block, to);
      }
    };
  }

  @Test
  void slopesWithoutCurvatureAreReported() {
    for (Selection rule :
        List.of(
            new Selection.GSL(),
            new Selection.GSD(),
            new Selection.GSqProx(),
            new Selection.GS())) {
      assertThatExceptionOfType(ArithmeticException.class)
          .isThrownBy(
              () -> run(withoutCurvature(), Partition.variable(1), rule, Update.GRADIENT, 1))
          .withMessageContaining("unbounded");
    }
  }

  @Test
  void badArguments() {
    SparseQuadratic problem = three();
    Selection gs = new Selection.GS();
    assertThatIllegalArgumentException().isThrownBy(() -> Partition.variable(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(problem, Partition.variable(4), gs, Update.MATRIX, 1))
        .withMessage("the size of a block must be at most n = 3, was 4");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(problem, Partition.sort(4), gs, Update.MATRIX, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> Partition.of(List.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(problem, Partition.of(List.of(new int[] {3})), gs, Update.MATRIX, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> run(problem, Partition.variable(2), new Selection.GSQ(), Update.MATRIX, 1))
        .withMessageContaining("IHT");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(problem, Partition.order(2), new Selection.IHT(), Update.MATRIX, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(problem, Partition.order(2), new GreedyTree(), Update.MATRIX, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new BlockCoordinateDescent(
                    problem, Partition.variable(1), gs, Update.MATRIX, Regularizer.l1(1)));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new BlockCoordinateDescent(
                    problem, Partition.variable(1), gs, Update.TWO_METRIC, Regularizer.l1(1)));
    LeastSquares squares = LeastSquares.of(SparseMatrix.of(THREE), THREE_C);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> run(squares, Partition.variable(1), gs, Update.TREE_SOLVE, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> Regularizer.l1(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> Regularizer.nonNegative(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> Regularizer.box(1, 1));
    SparseMatrix lopsided = SparseMatrix.of(new double[][] {{1, 2}, {0, 1}});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseQuadratic.of(lopsided, new double[2]))
        .withMessageContaining("symmetric");
    SparseMatrix indefinite = SparseMatrix.of(new double[][] {{1, 0}, {0, -1}});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseQuadratic.of(indefinite, new double[2]))
        .withMessageContaining("diagonal");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Logistic.of(lopsided, new double[] {0, 1}))
        .withMessageContaining("label");
    assertThatIllegalArgumentException().isThrownBy(() -> Softmax.of(lopsided, new int[] {0, -1}));
    assertThatIllegalArgumentException().isThrownBy(() -> LeastSquares.of(lopsided, new double[3]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseMatrix.of(new double[][] {{Double.NaN}}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparseMatrix.of(1, 1, new int[] {0}, new int[] {1}, new double[] {1}));
    SparseMatrix merged =
        SparseMatrix.of(2, 2, new int[] {1, 0, 1}, new int[] {0, 1, 0}, new double[] {2, 5, 3});
    assertThat(merged.get(1, 0)).isEqualTo(5);
    assertThat(merged.get(0, 1)).isEqualTo(5);
    assertThat(merged.isSymmetric()).isTrue();
    assertThat(merged.entries()).isEqualTo(2);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new BlockCoordinateDescent(
                        problem, Partition.variable(1), gs, Update.MATRIX, Regularizer.NONE)
                    .run(-1, 0));
  }
}
