package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SketchedLeastSquaresTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor normal(long seed, long... shape) {
    return new Rng(seed).normal(Dtype.FLOAT64, shape);
  }

  private static Tensor exact(Tensor a, Tensor b) {
    return Linalg.lstsq(a, b.unsqueeze(1)).squeeze(1);
  }

  private static double difference(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item();
  }

  private static SketchedLeastSquares with(SketchedLeastSquares.SketchFactory factory, int m) {
    return SketchedLeastSquares.with("test", factory, 0.5, 0.1, 3).rows(m);
  }

  private static List<SketchedLeastSquares> all(int m) {
    return List.of(
        with(Sketch::srht, m),
        with(Sketch::srhtWithoutReplacement, m),
        with(Sketch::gaussian, m),
        with(Sketch::rademacher, m),
        with(Sketch::countSketch, m),
        with((n, rows, seed) -> Sketch.osnap(n, rows, 4, seed), m),
        with(Sketch::uniformRows, m),
        with((n, rows, seed) -> Sketch.gaussianPooling(n, rows, 0, seed), m));
  }

  @Test
  void aConsistentSystemIsSolvedExactly() {
    Tensor a = normal(1, 500, 6);
    Tensor x = normal(2, 6);
    for (SketchedLeastSquares ls : all(100)) {
      LsqResult r = ls.solve(a, a.mv(x));
      assertThat(difference(r.x(), x)).isLessThan(1e-9);
      assertThat(r.rank()).isEqualTo(6);
      assertThat(r.linfBound()).isLessThan(1e-9);
    }
    // Rows of the least number: SA is square.
    assertThat(difference(with(Sketch::gaussian, 6).solve(a, a.mv(x)).x(), x)).isLessThan(1e-9);
  }

  @Test
  void equivariance() {
    Tensor a = normal(1, 700, 5);
    Tensor b = normal(2, 700);
    Tensor mixing = normal(3, 5, 5).add(Tensor.eye(5, Dtype.FLOAT64).mul(4));
    Tensor z = normal(4, 5);
    for (SketchedLeastSquares ls : all(120)) {
      Tensor x = ls.solve(a, b).x();
      assertThat(difference(ls.solve(a, b.mul(-3)).x(), x.mul(-3))).isLessThan(1e-9);
      assertThat(difference(mixing.mv(ls.solve(a.matmul(mixing), b).x()), x)).isLessThan(1e-9);
      assertThat(difference(ls.solve(a, b.add(a.mv(z))).x(), x.add(z))).isLessThan(1e-9);
    }
  }

  @Test
  void theErrorOfGaussianData() {
    int m = 1024;
    Tensor a = normal(1, 4096, 64);
    Tensor b = normal(2, 4096);
    Tensor x = exact(a, b);
    double unit = a.mv(x).sub(b).norm().item() / Linalg.svdvals(a).min().item() / Math.sqrt(m);
    for (SketchedLeastSquares.SketchFactory factory :
        List.<SketchedLeastSquares.SketchFactory>of(Sketch::srht, Sketch::gaussian)) {
      List<Double> errors = new ArrayList<>();
      for (int seed = 0; seed < 20; seed++) {
        LsqResult r =
            SketchedLeastSquares.with("test", factory, 0.5, 0.1, seed).rows(m).solve(a, b);
        errors.add(difference(r.x(), x) / unit);
        assertThat(r.linfBound()).isGreaterThan(difference(r.x(), x));
        assertThat(r.residualEstimate()).isCloseTo(a.mv(x).sub(b).norm().item(), within(5.0));
      }
      errors.sort(null);
      assertThat((errors.get(9) + errors.get(10)) / 2).isBetween(1.8, 3.2);
    }
  }

  @Test
  void coordinateBoundsHold() {
    Tensor a = normal(1, 8192, 10).mul(Tensor.of(new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    Tensor b = normal(2, 8192);
    Tensor x = exact(a, b);
    int held = 0;
    for (int seed = 0; seed < 100; seed++) {
      LsqResult r = SketchedLeastSquares.srht(0.5, 0.1, seed).solve(a, b);
      assertThat(r.rows()).isEqualTo(SketchedLeastSquares.practicalRows(10, 0.5, 0.1));
      assertThat(r.coordinateBounds().max().item()).isLessThanOrEqualTo(r.linfBound());
      held += r.x().sub(x).abs().le(r.coordinateBounds()).all() ? 1 : 0;
    }
    assertThat(held).isGreaterThanOrEqualTo(90);
  }

  @Test
  void refinementReachesTheExactSolution() {
    Tensor a = normal(1, 5000, 20).mul(Tensor.linspace(-4, 4, 20, Dtype.FLOAT64).mul(2.3).exp());
    Tensor b = normal(2, 5000, 2);
    Tensor x = Linalg.lstsq(a, b);
    SketchedLeastSquares ls = SketchedLeastSquares.srht(0.5, 0.1, 0);
    LsqResult start = ls.solve(a, b);
    LsqResult r = ls.refine(a, b, start, 1e-12);
    assertThat(r.converged()).isTrue();
    assertThat(r.iterations()).isBetween(2, 30);
    assertThat(r.x().shape()).containsExactly(20, 2);
    Tensor scale = a.norm(2, 0).unsqueeze(1);
    assertThat(r.x().sub(x).mul(scale).abs().max().item()).isLessThan(1e-9);
    assertThat(r.linfBound()).isLessThan(1e-6 * start.linfBound());
    LsqResult one = ls.refine(a, b.select(1, 0), ls.solve(a, b.select(1, 0)), 1e-12);
    assertThat(difference(one.x(), r.x().select(1, 0)) / x.abs().max().item()).isLessThan(1e-10);
  }

  @Test
  void manyRowsOfASketchAreTheProblemItself() {
    Tensor a = normal(1, 50, 5);
    Tensor b = normal(2, 50);
    LsqResult r = SketchedLeastSquares.srht(0.1, 0.1, 0).solve(a, b);
    assertThat(r.exactFallback()).isTrue();
    assertThat(r.rows()).isEqualTo(50);
    assertThat(difference(r.x(), exact(a, b))).isLessThan(1e-10);
    assertThat(r.linfBound()).isZero();
    assertThat(r.guarantee()).startsWith("exact");
    LsqResult whole =
        with(Sketch::srhtWithoutReplacement, 64).solve(normal(1, 64, 5), normal(2, 64));
    assertThat(whole.exactFallback()).isTrue();
    // All 64 rows of the transform of 60: orthogonal, so exact as well.
    Tensor s = Sketch.srhtWithoutReplacement(50, 64, 1).apply(a);
    Tensor t = Sketch.srhtWithoutReplacement(50, 64, 1).apply(b);
    assertThat(difference(exact(s, t), exact(a, b))).isLessThan(1e-10);
  }

  @Test
  void streamsGiveTheSameAsTheWhole() {
    Tensor a = normal(1, 3000, 4);
    Tensor b = normal(2, 3000, 1);
    for (double epsilon : new double[] {0.3, 0.01}) {
      SketchedLeastSquares ls = SketchedLeastSquares.srht(epsilon, 0.1, 7);
      SketchedLeastSquares.Stream stream = ls.stream(3000, 4, 1);
      Tensor both = Tensor.cat(List.of(a, b), 1);
      assertThatIllegalStateException()
          .isThrownBy(stream::solve)
          .withMessage("0 of 3000 rows were added");
      for (int at = 0; at < 3000; at += 500) {
        stream.add(both.slice(0, at, at + 500).toDoubleArray(), 500);
      }
      LsqResult r = stream.solve();
      assertThat(r.exactFallback()).isEqualTo(epsilon == 0.01);
      assertThat(difference(r.x(), ls.solve(a, b).x())).isLessThan(1e-12);
    }
  }

  @Test
  void tensorProducts() {
    Tensor a1 = normal(1, 64, 3);
    Tensor a2 = normal(2, 50, 4);
    Tensor b = normal(3, 64, 50);
    Tensor x = exact(a1.kron(a2), b.flatten());
    LsqResult exact = SketchedLeastSquares.srht(0.05, 0.1, 0).solveKron(a1, a2, b);
    assertThat(exact.exactFallback()).isTrue();
    assertThat(difference(exact.x(), x)).isLessThan(1e-10);
    int held = 0;
    for (int seed = 0; seed < 40; seed++) {
      LsqResult r = SketchedLeastSquares.srht(0.5, 0.1, seed).solveKron(a1, a2, b);
      assertThat(r.exactFallback()).isFalse();
      held += difference(r.x(), x) <= r.linfBound() ? 1 : 0;
    }
    assertThat(held).isGreaterThanOrEqualTo(36);
    Tensor truth = normal(5, 3, 4);
    Tensor consistent = a1.matmul(truth).matmul(a2.mT());
    assertThat(
            difference(
                SketchedLeastSquares.srht(0.5, 0.1, 1).solveKron(a1, a2, consistent).x(),
                truth.flatten()))
        .isLessThan(1e-9);
  }

  @Test
  void columnsOfVeryDifferentScale() {
    Tensor scale = Tensor.of(new double[] {1e-8, 1e-3, 1, 1e4, 1e8});
    Tensor a = normal(1, 2000, 5);
    Tensor b = normal(2, 2000);
    SketchedLeastSquares ls = SketchedLeastSquares.srht(0.5, 0.1, 0);
    LsqResult scaled = ls.solve(a.mul(scale), b);
    assertThat(difference(scaled.x().mul(scale), ls.solve(a, b).x())).isLessThan(1e-12);
    assertThat(scaled.sketchConditionNumber()).isLessThan(2);
    assertThat(scaled.linfBound()).isBetween(1e6, 1e8);
  }

  @Test
  void singularProblemsGetTheShortestSolution() {
    Tensor half = normal(1, 400, 3);
    Tensor a =
        Tensor.cat(
            List.of(half, half.slice(1, 0, 1).mul(2), Tensor.zeros(Dtype.FLOAT64, 400, 1)), 1);
    Tensor x0 = Tensor.of(new double[] {1, -1, 2, 0, 0});
    LsqResult r = SketchedLeastSquares.srht(0.5, 0.1, 0).solve(a, a.mv(x0));
    assertThat(r.rank()).isEqualTo(3);
    assertThat(r.linfBound()).isInfinite();
    assertThat(r.guarantee()).startsWith("none").contains("rank 3 of 5");
    // x1 + 2 x4 = 1 has the shortest solution (0.2, 0.4).
    assertThat(r.x().toDoubleArray())
        .containsExactly(new double[] {0.2, -1, 2, 0.4, 0}, within(1e-10));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SketchedLeastSquares.srht(0.5, 0.1, 0).refine(a, a.mv(x0), r, 1e-9))
        .withMessage("start must have full rank 5, has 3: no preconditioner");
    LsqResult zero = SketchedLeastSquares.srht(0.5, 0.1, 0).solve(half.mul(0), a.mv(x0));
    assertThat(zero.rank()).isZero();
    assertThat(zero.x().abs().max().item()).isZero();
    LsqResult nothing =
        SketchedLeastSquares.srht(0.5, 0.1, 0).solve(half, Tensor.zeros(Dtype.FLOAT64, 400));
    assertThat(nothing.x().abs().max().item()).isZero();
    assertThat(nothing.linfBound()).isZero();
  }

  @Test
  void aCollisionMakesCountSketchSingular() {
    // 40 unit vectors in 60 buckets: two meet in nearly every draw.
    double[] rows = new double[1000 * 40];
    for (int i = 0; i < 40; i++) {
      rows[i * 40 + i] = 1;
    }
    LsqResult r = with(Sketch::countSketch, 60).solve(Tensor.of(rows, 1000, 40), normal(1, 1000));
    assertThat(r.rank()).isLessThan(40);
    assertThat(r.x().allFinite()).isTrue();
    assertThat(r.linfBound()).isInfinite();
  }

  @Test
  void rowCounts() {
    assertThat(SketchedLeastSquares.practicalRows(64, 1, 0.1))
        .isEqualTo((int) Math.ceil(2 * Math.log(1280) * 64));
    assertThat(SketchedLeastSquares.practicalRows(1, 1, 0.9)).isEqualTo(4);
    assertThat(SketchedLeastSquares.theoryRows(1024, 4, 0.5, 0.1))
        .isEqualTo(Math.ceil(16 * Math.pow(Math.log(10240), 3)));
  }

  private static void refuses(Runnable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContaining(message);
  }

  @Test
  void refusesBadInput() {
    SketchedLeastSquares ls = SketchedLeastSquares.srht(0.5, 0.1, 0);
    refuses(() -> ls.solve(normal(1, 10, 20), normal(1, 10)), "as many rows as columns: 10 x 20");
    refuses(() -> ls.solve(Tensor.zeros(10, 0), normal(1, 10)), "at least one column");
    refuses(() -> ls.solve(normal(1, 10), normal(1, 10)), "A must be a matrix, has shape [10]");
    refuses(() -> ls.solve(normal(1, 10, 2), normal(1, 9)), "b must have shape [10] or [10, k]");
    refuses(
        () ->
            SketchedLeastSquares.srht(0.5, 0.1, 0)
                .rows(50)
                .solve(normal(1, 900, 64), normal(1, 900)),
        "sketch rows 50 < 64 columns");
    for (double epsilon : new double[] {0, -1, 1.1, Double.NaN}) {
      refuses(() -> SketchedLeastSquares.srht(epsilon, 0.1, 0), "epsilon must be in (0, 1], was");
    }
    for (double delta : new double[] {0, 1, Double.NaN}) {
      refuses(() -> SketchedLeastSquares.srht(0.5, delta, 0), "delta must be in (0, 1), was");
    }
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      double[] values = normal(1, 300 * 3).toDoubleArray();
      values[100 * 3 + 2] = bad;
      Tensor a = Tensor.of(values, 300, 3);
      Tensor b = Tensor.of(Arrays.copyOf(values, 303)).slice(0, 3, 303);
      for (SketchedLeastSquares each : all(40)) {
        refuses(
            () -> each.solve(a, normal(1, 300)),
            "A must be finite, but row 100, column 2 is " + bad);
        refuses(() -> each.solve(normal(1, 300, 3), b), "b must be finite, but row 299 is " + bad);
      }
      SketchedLeastSquares.Stream stream = ls.stream(300, 2, 1);
      stream.add(values, 300);
      refuses(stream::solve, "A and b must be finite");
    }
    LsqResult r = ls.solve(normal(1, 300, 3), normal(2, 300));
    refuses(
        () -> ls.refine(normal(1, 300, 3), normal(2, 300), r, 0), "tolerance must be in (0, 1)");
    refuses(() -> ls.refine(normal(1, 300, 4), normal(2, 300), r, 1e-9), "each of the 4 columns");
  }
}
