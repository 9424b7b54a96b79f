package org.tikhon.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SparseOtTest {
  private static final double[][] C = {{0, 1, 2}, {1, 0, 1}, {2, 1, 0}};
  private static final double[] A = {.5, .3, .2};
  private static final double[] B = {.2, .3, .5};
  private static final TransportProblem SMALL = TransportProblem.of(C, A, B);

  private static final double[] S = {0.9, 0.5, 0.4, -0.2};

  private static double[] dense(Conjugate.Column column, int n) {
    double[] t = new double[n];
    for (int i = 0; i < column.size; i++) {
      t[column.index[i]] = column.mass[i];
    }
    return t;
  }

  @Test
  void conjugatesHaveTheirClosedForms() {
    double[] values = {0.81, 1.06, 1.22, 1.22};
    double[][] gradients = {{1.8, 0, 0, 0}, {1.8, 1, 0, 0}, {1.8, 1, .8, 0}, {1.8, 1, .8, 0}};
    double[] withMass = {0.65, 0.655, 0.655};
    double[][] maximisers = {{1, 0, 0, 0}, {.9, .1, 0, 0}, {.9, .1, 0, 0}};
    Conjugate.Column out = new Conjugate.Column(4);
    for (int k = 1; k <= 4; k++) {
      Conjugate conjugate = new Conjugate.SparseQuadratic(0.5, k);
      assertEquals(values[k - 1], conjugate.free(S, out), 1e-12);
      assertArrayEquals(gradients[k - 1], dense(out, 4), 1e-12);
      if (k <= 3) {
        assertEquals(withMass[k - 1], conjugate.withMass(S, 1, out), 1e-12);
        assertArrayEquals(maximisers[k - 1], dense(out, 4), 1e-12);
      }
    }
  }

  @Test
  void theMaximiserIsThatOfTheFreeConjugateAtBeta() {
    Random random = new Random(1);
    for (Conjugate conjugate :
        new Conjugate[] {
          new Conjugate.SparseQuadratic(0.3, 4), new Conjugate.NegativeEntropy(0.3)
        }) {
      double[] s = random.doubles(30, -1, 1).toArray();
      Conjugate.Column out = new Conjugate.Column(30);
      conjugate.withMass(s, 0.7, out);
      double[] expected = dense(out, 30);
      double beta = out.beta;
      conjugate.free(Arrays.stream(s).map(v -> v + beta).toArray(), out);
      assertArrayEquals(expected, dense(out, 30), 1e-12);
      assertEquals(0.7, Arrays.stream(expected).sum(), 1e-12);
    }
  }

  @Test
  void theSmallProblemHasItsPlans() {
    SparseOtSolution free = SparseOt.columns(3).solveSemiDual(SMALL);
    assertEquals(0.685, free.value(), 1e-9);
    double[][] plan = {{.2, .15, .15}, {0, .15, .15}, {0, 0, .2}};
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(plan[i], free.plan().row(i), 1e-7);
    }
    assertTrue(free.converged() && !free.tied() && free.feasible());
    SparseOtSolution two = SparseOt.columns(2).solveSemiDual(SMALL);
    assertEquals(0.705, two.value(), 1e-6);
    assertTrue(two.tied());
    SparseOtSolution one = SparseOt.columns(1).solveSemiDual(SMALL);
    assertEquals(0.79, one.value(), 1e-6);
    for (int k = 1; k <= 3; k++) {
      SparseOt ot = SparseOt.columns(k);
      assertEquals(ot.solveSemiDual(SMALL).value(), ot.solveDual(SMALL).value(), 1e-6);
    }
    assertTrue(one.value() >= two.value() && two.value() >= free.value());
  }

  private static double[] weights(Random random, int n) {
    double[] w = random.doubles(n, 0.5, 1.5).toArray();
    double sum = Arrays.stream(w).sum();
    return Arrays.stream(w).map(v -> v / sum).toArray();
  }

  private static TransportProblem random(int n, int m, long seed) {
    Random random = new Random(seed);
    double[][] cost =
        IntStream.range(0, n).mapToObj(i -> random.doubles(m).toArray()).toArray(double[][]::new);
    return TransportProblem.of(cost, weights(random, n), weights(random, m));
  }

  @Test
  void noColumnHasMoreThanItsEntries() {
    for (int k : new int[] {1, 2, 3, 5, 20}) {
      TransportProblem problem = random(20, 20, k);
      SparseOtSolution s = SparseOt.columns(k).gamma(0.5).solveSemiDual(problem);
      int[] support = new int[20];
      double[] sums = new double[20];
      for (double[] row : s.plan().dense()) {
        for (int j = 0; j < 20; j++) {
          support[j] += row[j] != 0 ? 1 : 0;
          sums[j] += row[j];
        }
      }
      assertTrue(Arrays.stream(support).max().orElseThrow() <= k);
      assertArrayEquals(problem.c(), sums, 1e-12);
      if (s.converged()) {
        assertTrue(s.rowResidual() <= 1e-7, "row residual " + s.rowResidual());
      }
      assertTrue(s.converged() || s.rowResidual() > 0);
    }
  }

  @Test
  void allEntriesAreQuadraticTransport() {
    TransportProblem problem = random(20, 15, 3);
    double quadratic = SparseOt.quadratic().solveSemiDual(problem).value();
    assertEquals(quadratic, SparseOt.columns(20).solveSemiDual(problem).value(), 1e-8);
    assertEquals(quadratic, SparseOt.columns(100).solveDual(problem).value(), 1e-8);
  }

  @Test
  void theGradientsAreThoseOfTheValues() {
    TransportProblem problem = random(12, 9, 5);
    Random random = new Random(6);
    int i = 0;
    for (SparseOt ot :
        new SparseOt[] {
          SparseOt.columns(3), SparseOt.rows(3), SparseOt.quadratic(), SparseOt.entropic()
        }) {
      SparseOt with = ot.gamma(0.4);
      int n = i++ == 1 ? 9 : 12;
      double[] alpha = random.doubles(n, -0.2, 0.2).toArray();
      double[] both = random.doubles(21, 0.1, 0.5).toArray();
      assertGradient(x -> with.semiDual(problem, x), alpha);
      assertGradient(x -> with.dual(problem, x), both);
    }
  }

  private interface Dual {
    SparseOt.ValueAndGradient at(double[] x);
  }

  private static void assertGradient(Dual dual, double[] x) {
    double[] g = dual.at(x).gradient();
    for (int i = 0; i < x.length; i++) {
      double[] up = x.clone();
      double[] down = x.clone();
      up[i] += 1e-6;
      down[i] -= 1e-6;
      assertEquals((dual.at(up).value() - dual.at(down).value()) / 2e-6, g[i], 1e-6);
    }
  }

  @Test
  void shiftsChangeWhatTheyShould() {
    SparseOt ot = SparseOt.columns(2).gamma(0.5);
    double[] point = {.3, .1, .2, .4, .5, .6};
    double[] shifted = {.8, .6, .7, -.1, 0, .1};
    assertEquals(ot.dual(SMALL, point).value(), ot.dual(SMALL, shifted).value(), 1e-12);
    TransportProblem problem = random(10, 10, 8);
    double[][] dearer =
        IntStream.range(0, 10)
            .mapToObj(i -> Arrays.stream(problem.costRow(i)).map(v -> v + 3).toArray())
            .toArray(double[][]::new);
    SparseOt free = SparseOt.columns(10);
    SparseOtSolution before = free.solveSemiDual(problem);
    SparseOtSolution after =
        free.solveSemiDual(TransportProblem.of(dearer, problem.r(), problem.c()));
    assertEquals(before.value() + 3, after.value(), 1e-8);
    for (int i = 0; i < 10; i++) {
      assertArrayEquals(before.plan().row(i), after.plan().row(i), 1e-7);
    }
  }

  /** The least cost over all supports of at most two entries per column, by projected Newton. */
  private static double bruteForce(TransportProblem problem, double gamma) {
    double best = Double.POSITIVE_INFINITY;
    int[][] pairs = {{0, 1}, {0, 2}, {1, 2}};
    for (int[] first : pairs) {
      for (int[] second : pairs) {
        for (int[] third : pairs) {
          double[][] cost = new double[3][3];
          for (double[] row : cost) {
            Arrays.fill(row, 1e3);
          }
          int[][] support = {first, second, third};
          for (int j = 0; j < 3; j++) {
            for (int i : support[j]) {
              cost[i][j] = problem.costRow(i)[j];
            }
          }
          SparseOtSolution s =
              SparseOt.quadratic()
                  .gamma(gamma)
                  .options(new Lbfgs.Options(10, 5000, 1e-9))
                  .solveSemiDual(TransportProblem.of(cost, problem.r(), problem.c()));
          best = Math.min(best, s.value());
        }
      }
    }
    return best;
  }

  @Test
  void theValueIsABoundOfAllSupports() {
    int equal = 0;
    for (long seed = 0; seed < 6; seed++) {
      TransportProblem problem = random(3, 3, 100 + seed);
      SparseOtSolution s = SparseOt.columns(2).gamma(0.5).solveSemiDual(problem);
      double least = bruteForce(problem, 0.5);
      assertTrue(s.value() <= least + 1e-7);
      if (s.converged() && !s.tied()) {
        assertEquals(least, s.value(), 1e-6);
        equal++;
      }
    }
    assertTrue(equal > 0);
  }

  @Test
  void aBoundPerRowIsTheSameWithSidesExchanged() {
    TransportProblem problem = random(8, 11, 12);
    double[][] transposed = new double[11][8];
    for (int i = 0; i < 8; i++) {
      for (int j = 0; j < 11; j++) {
        transposed[j][i] = problem.costRow(i)[j];
      }
    }
    SparseOtSolution rows = SparseOt.rows(4).solveSemiDual(problem);
    SparseOtSolution columns =
        SparseOt.columns(4)
            .solveSemiDual(TransportProblem.of(transposed, problem.c(), problem.r()));
    assertEquals(columns.value(), rows.value(), 1e-9);
    assertArrayEquals(columns.beta(), rows.alpha(), 1e-9);
    assertEquals(8, rows.plan().rows());
    assertEquals(0, rows.rowResidual(), 1e-12);
  }

  @Test
  void pointsNeedNoMatrix() {
    Random random = new Random(4);
    double[][] x = new double[30][];
    Arrays.setAll(x, i -> new double[] {random.nextGaussian(), random.nextGaussian()});
    double[][] y = new double[20][];
    Arrays.setAll(y, i -> new double[] {random.nextGaussian(), random.nextGaussian()});
    double[] r = weights(random, 30);
    double[] c = weights(random, 20);
    SparseOt ot = SparseOt.columns(30).gamma(2);
    double expected =
        ot.solveSemiDual(TransportProblem.of(Costs.squaredEuclidean(x, y), r, c)).value();
    TransportProblem points = TransportProblem.of(x, y, GroundCost.squaredEuclidean(), r, c);
    assertEquals(expected, ot.solveSemiDual(points).value(), 1e-9);
    assertEquals(expected, ot.solve(points).objective(), 1e-9);
  }

  @Test
  void emptyRowsAndColumnsTakeNoPart() {
    double[] a = {.5, 0, .5};
    double[] b = {0, .4, .6};
    SparseOtSolution s = SparseOt.columns(3).solveSemiDual(TransportProblem.of(C, a, b));
    assertTrue(s.converged());
    assertEquals(0, s.alpha()[1]);
    assertEquals(0, s.beta()[0]);
    assertEquals(0, Arrays.stream(s.plan().row(1)).sum());
    assertEquals(0.5, Arrays.stream(s.plan().row(0)).sum(), 1e-8);
  }

  @Test
  void aTinyGammaOverflowsNowhere() {
    SparseOtSolution s = SparseOt.columns(2).gamma(1e-8).solveSemiDual(SMALL);
    assertEquals(0.6, s.value(), 1e-3);
    assertTrue(Double.isFinite(s.rowResidual()));
    assertTrue(Arrays.stream(s.plan().value()).allMatch(v -> v > 0 && v <= 0.5 + 1e-12));
  }

  @Test
  void tooFewEntriesAreSaidToBeTooFew() {
    TransportProblem tall = random(9, 3, 2);
    SparseOtSolution s = SparseOt.columns(2).solveSemiDual(tall);
    assertFalse(s.feasible());
    assertFalse(s.converged());
    assertTrue(s.message().contains("so few entries"));
  }

  @Test
  void theValueIsDifferentiable() {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(2);
      Tensor cost = rng.uniform(Dtype.FLOAT64, 6, 5).setRequiresGrad(true);
      Tensor r = Tensor.of(weights(new Random(1), 6), 6);
      Tensor c = Tensor.of(weights(new Random(2), 5), 5);
      SparseOt ot = SparseOt.columns(6).gamma(0.5);
      Tensor gradient = Autograd.grad(ot.value(r, c, cost), cost);
      double[] direction = rng.normal(Dtype.FLOAT64, 30).toDoubleArray();
      Tensor d = Tensor.of(direction, 6, 5);
      double up = ot.value(r, c, cost.detach().addScaled(d, 1e-5)).item();
      double down = ot.value(r, c, cost.detach().addScaled(d, -1e-5)).item();
      assertEquals((up - down) / 2e-5, gradient.mul(d).sum().item(), 1e-6);
    }
  }

  private static String refusal(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  @Test
  void wrongUseIsRefused() {
    assertTrue(refusal(() -> SparseOt.columns(0)).contains("k must be at least 1, was 0"));
    assertTrue(refusal(() -> SparseOt.columns(1).gamma(0)).contains("gamma"));
    double[] less = {.5, .3, .1};
    assertTrue(
        refusal(() -> SparseOt.columns(1).solveSemiDual(TransportProblem.of(C, less, B)))
            .contains("masses differ"));
    double[][] infinite = {{0, 1, 2}, {1, Double.POSITIVE_INFINITY, 1}, {2, 1, 0}};
    assertTrue(
        refusal(() -> SparseOt.columns(1).solveSemiDual(TransportProblem.of(infinite, A, B)))
            .contains("cost[1][1]"));
    assertTrue(
        refusal(() -> SparseOt.columns(1).solveSemiDual(SMALL.relax(1, 1))).contains("relaxed"));
    double[] negative = {.5, .7, -.2};
    assertTrue(refusal(() -> TransportProblem.of(C, negative, B)).contains("-0.2"));
  }
}
