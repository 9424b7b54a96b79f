package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** The grid equation, its sparse matrix and the preconditioners. */
class GridPoissonTest {
  @Test
  void dirichletBoxHasTheKnownEigenvalues() {
    int n = 7;
    double[] expected = new double[n * n];
    for (int i = 1; i <= n; i++) {
      for (int j = 1; j <= n; j++) {
        expected[(i - 1) * n + j - 1] =
            4 - 2 * Math.cos(Math.PI * i / (n + 1)) - 2 * Math.cos(Math.PI * j / (n + 1));
      }
    }
    Arrays.sort(expected);
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.of(DcdmTest.dense(GridPoisson.box(n, n).openAll()));
      assertThat(Linalg.eigvalsh(a).toDoubleArray()).containsExactly(expected, within(1e-12));
    }
  }

  @Test
  void boundariesAreWhereTheyShouldBe() {
    // 3 x 3 with an open top, a solid middle and air in the corner below on the right.
    GridPoisson a =
        GridPoisson.box(3, 3).openTop().obstacle(DcdmTest.mask(9, 4)).air(DcdmTest.mask(9, 8));
    assertThat(a.diagonal()).containsExactly(3, 3, 3, 2, 0, 2, 2, 2, 0);
    assertThat(a.masked()).containsExactly(true, true, true, true, false, true, true, true, false);
    double[][] dense = DcdmTest.dense(a);
    for (int i = 0; i < 9; i++) {
      assertThat(dense[4][i]).isZero();
      assertThat(dense[i][4]).isZero();
      assertThat(dense[8][i]).isZero();
    }
    assertThat(dense[0][1]).isEqualTo(-1);
    assertThat(dense[7][8]).isZero();
    assertThat(a.nullSpaceDimension()).isEqualTo(2);
    assertThat(GridPoisson.box(3, 3).nullSpaceDimension()).isEqualTo(1);
    boolean[] wall = new boolean[16];
    Arrays.fill(wall, 4, 8, true);
    GridPoisson two = GridPoisson.box(4, 4).openTop().obstacle(wall);
    // Below the wall the fluid is cut off from the air.
    assertThat(two.nullSpaceDimension()).isEqualTo(1 + 4);
    double[] v = DcdmTest.random(16, 1);
    double[] projected = v.clone();
    two.project(projected);
    assertThat(Arrays.copyOf(projected, 4)).containsExactly(Arrays.copyOf(v, 4));
    assertThat(Arrays.stream(projected, 8, 16).sum()).isCloseTo(0, within(1e-14));
    assertThat(Arrays.copyOfRange(projected, 4, 8)).containsOnly(0);
  }

  static List<GridPoisson> grids() {
    GridPoisson box = GridPoisson.box(24, 40);
    GridPoisson cube = GridPoisson.box(6, 10, 22);
    return List.of(
        GridPoisson.box(37).openTop(),
        GridPoisson.box(1, 9),
        GridPoisson.box(5, 1).openAll(),
        box.openTop(),
        box.openTop().obstacle(box.ball(7)),
        box.air(box.ball(5)),
        cube.openTop(),
        cube.openAll().obstacle(cube.ball(2.5)));
  }

  @Test
  void allFormsOfTheMatrixAgree() {
    for (GridPoisson a : grids()) {
      int n = a.size();
      double[] x = DcdmTest.random(n, 2);
      double[] y = new double[n];
      double[] sparse = new double[n];
      a.apply(x, y);
      CsrMatrix csr = a.toCsr();
      csr.apply(x, sparse);
      assertThat(y).containsExactly(sparse, within(1e-13));
      assertThat(csr.diagonal()).containsExactly(a.diagonal());
      double[] projected = x.clone();
      double[] other = x.clone();
      a.project(projected);
      csr.project(other);
      assertThat(projected).containsExactly(other, within(1e-15));
      double[] u = DcdmTest.random(n, 3);
      double[] au = new double[n];
      a.apply(u, au);
      assertThat(Vectors.dot(u, y)).isCloseTo(Vectors.dot(x, au), within(1e-10));
      if (a.shape().length > 1) {
        try (Scope scope = Scope.open()) {
          Tensor batch = Tensor.of(x, a.batchShape(1));
          assertThat(a.batched(Dtype.FLOAT64).apply(batch).toDoubleArray())
              .containsExactly(y, within(1e-13));
        }
      }
    }
  }

  @Test
  void refusesBadBoxes() {
    assertThatThrownBy(() -> GridPoisson.box()).hasMessage("sides must be 1 to 3 numbers, are 0");
    assertThatThrownBy(() -> GridPoisson.box(4, 0))
        .hasMessage("sides must be at least 1, are [4, 0]");
    assertThatThrownBy(() -> GridPoisson.box(4096, 4096, 4096)).hasMessageContaining("2^30");
    GridPoisson box = GridPoisson.box(2, 2);
    assertThatThrownBy(() -> box.obstacle(new boolean[3]))
        .hasMessage("mask must have one entry for each of the 4 cells of [2, 2], has 3");
    assertThatThrownBy(() -> box.obstacle(new boolean[] {true, true, true, true}))
        .hasMessage("mask must leave a fluid cell, leaves none");
    assertThatThrownBy(() -> GridPoisson.box(4).batched(Dtype.FLOAT64))
        .hasMessageContaining("2 or 3 sides");
  }

  @Test
  void refusesBadSparseMatrices() {
    assertThatThrownBy(() -> new CsrMatrix(new int[] {0, 1}, new int[] {2}, new double[] {1}))
        .hasMessage("A must be square: row 0 of 1 has an entry in column 2");
    assertThatThrownBy(() -> new CsrMatrix(new int[] {0, 1}, new int[] {0}, new double[] {1, 2}))
        .hasMessage("values must have an entry for each of the 1 columns, has 2");
    assertThatThrownBy(() -> new CsrMatrix(new int[] {1, 2}, new int[] {0}, new double[] {1}))
        .hasMessageContaining("rowStarts must go from 0");
    assertThatThrownBy(() -> new CsrMatrix(new int[] {0, 2, 1}, new int[] {0}, new double[] {1}))
        .hasMessageContaining("rowStarts must ascend");
    assertThatThrownBy(
            () -> new CsrMatrix(new int[] {0, 2, 2}, new int[] {1, 0}, new double[] {1, 1}))
        .hasMessage("columns must ascend within a row, in row 0 column 0 follows 1");
    assertThatThrownBy(
            () -> new CsrMatrix(new int[] {0, 1}, new int[] {0}, new double[] {Double.NaN}))
        .hasMessage("A must be finite, row 0 column 0 is NaN");
  }

  // ---- Preconditioners

  @Test
  void incompleteCholeskyOfATridiagonalMatrixIsExact() {
    CsrMatrix a = GridPoisson.box(12).openAll().toCsr();
    IncompleteCholesky factor = IncompleteCholesky.zeroFill(a);
    try (Scope scope = Scope.open()) {
      double[] exact = Linalg.cholesky(Tensor.of(DcdmTest.dense(a))).toDoubleArray();
      for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 12; j++) {
          assertThat(factor.get(i, j)).isCloseTo(exact[12 * i + j], within(1e-14));
        }
      }
    }
    assertThat(factor.shift()).isZero();
    double[] r = DcdmTest.random(12, 4);
    double[] z = new double[12];
    double[] back = new double[12];
    factor.apply(r, z);
    a.apply(z, back);
    assertThat(back).containsExactly(r, within(1e-13));
  }

  @Test
  void incompleteCholeskyShiftsWhereItMust() {
    // Positive definite, but IC(0) without a shift meets a negative pivot (Kershaw 1978).
    CsrMatrix kershaw =
        CsrMatrix.of(new double[][] {{3, -2, 0, 2}, {-2, 3, -2, 0}, {0, -2, 3, -2}, {2, 0, -2, 3}});
    IncompleteCholesky factor = IncompleteCholesky.zeroFill(kershaw);
    assertThat(factor.shift()).isPositive();
    assertThat(
            new ConjugateGradient(factor)
                .tolerance(1e-10)
                .solve(kershaw, new double[] {1, 2, 3, 4})
                .converged())
        .isTrue();
    CsrMatrix negative = CsrMatrix.of(new double[][] {{1, 0}, {0, -2}});
    assertThatThrownBy(() -> IncompleteCholesky.zeroFill(negative))
        .hasMessage("A must have a positive diagonal, in row 1 it is -2.0");
    assertThatThrownBy(() -> Preconditioner.jacobi(negative))
        .hasMessage("A must have a positive diagonal, in row 1 it is -2.0");
  }

  @Test
  void theCycleIsSymmetricAndPositive() {
    for (GridPoisson a : grids()) {
      Multigrid cycle = Multigrid.vCycle(a);
      int n = a.size();
      double[] u = DcdmTest.random(n, 5);
      double[] v = DcdmTest.random(n, 6);
      a.project(u);
      a.project(v);
      double[] mu = new double[n];
      double[] mv = new double[n];
      cycle.apply(u, mu);
      cycle.apply(v, mv);
      double scale = Vectors.norm(mu) * Vectors.norm(v);
      assertThat(Vectors.dot(u, mv)).isCloseTo(Vectors.dot(v, mu), within(1e-12 * scale + 1e-14));
      assertThat(Vectors.dot(u, mu)).isGreaterThanOrEqualTo(0);
    }
  }

  @Test
  void multigridHardlyNoticesTheSize() {
    for (int side : new int[] {32, 64, 128, 100}) {
      GridPoisson a = GridPoisson.box(side, side).openTop();
      double[] b = SmoothNoise.of(a, 3, 0.05, new Rng(1));
      GridPoisson disc = a.obstacle(a.ball(side / 6.0));
      assertThat(multigrid(a, b)).isLessThanOrEqualTo(12);
      assertThat(multigrid(disc, SmoothNoise.of(disc, 3, 0.05, new Rng(1))))
          .isLessThanOrEqualTo(16);
    }
    GridPoisson cube = GridPoisson.box(32, 32, 32).openTop();
    assertThat(multigrid(cube, SmoothNoise.of(cube, 3, 0.05, new Rng(2)))).isLessThanOrEqualTo(12);
  }

  private static int multigrid(GridPoisson a, double[] b) {
    SolveResult result = new ConjugateGradient(Multigrid.vCycle(a)).solve(a, b);
    assertThat(result.converged()).isTrue();
    return result.iterations();
  }

  @ParameterizedTest
  @CsvSource({"32, 128, 39", "64, 256, 76"})
  void iterationsAreWhatTheyAreElsewhere(int side, int cg, int ic) {
    GridPoisson a = GridPoisson.box(side, side).openTop();
    IncompleteCholesky factor = IncompleteCholesky.zeroFill(a.toCsr());
    double plain = 0;
    double preconditioned = 0;
    for (int seed = 0; seed < 5; seed++) {
      double[] b = SmoothNoise.of(a, 3, 0.05, new Rng(seed));
      plain += new ConjugateGradient().solve(a, b).iterations() / 5.0;
      preconditioned += new ConjugateGradient(factor).solve(a, b).iterations() / 5.0;
    }
    assertThat(plain).isCloseTo(cg, within(0.06 * cg));
    assertThat(preconditioned).isCloseTo(ic, within(0.06 * ic));
  }

  @Test
  void deflationSavesIterations() {
    GridPoisson a = GridPoisson.box(32, 32).openTop();
    double[] b = SmoothNoise.of(a, 3, 0.05, new Rng(3));
    SolveResult plain = new ConjugateGradient().solve(a, b);
    SolveResult deflated = new ConjugateGradient().deflate(16).solve(a, b);
    assertThat(deflated.converged()).isTrue();
    // The paper's 16 vectors hardly help here, 64 do.
    assertThat(deflated.iterations()).isCloseTo(plain.iterations(), within(3));
    assertThat(new ConjugateGradient().deflate(100).solve(a, b).iterations())
        .isLessThan(plain.iterations() * 3 / 4);
    assertThat(deflated.x()).containsExactly(plain.x(), within(0.05));
    assertThat(
            new ConjugateGradient()
                .deflate(256)
                .tolerance(1e-8)
                .solve(GridPoisson.box(16, 16).openAll(), DcdmTest.random(256, 7))
                .iterations())
        .isLessThanOrEqualTo(1);
    assertThatThrownBy(() -> new ConjugateGradient().deflate(-1)).hasMessageContaining("was -1");
    assertThatThrownBy(
            () -> new ConjugateGradient((r, z) -> Arrays.setAll(z, i -> -r[i])).solve(a, b))
        .hasMessageContaining("the preconditioner must be positive definite");
  }

  @Test
  void noiseIsSmoothAndOfUnitSize() {
    GridPoisson a = GridPoisson.box(64, 64);
    double[] b = SmoothNoise.of(a, 3, 0, new Rng(4));
    assertThat(Vectors.dot(b, b) / b.length).isCloseTo(1, within(0.2));
    double[] ab = new double[b.length];
    a.apply(b, ab);
    assertThat(Vectors.dot(b, ab) / Vectors.dot(b, b)).isLessThan(0.2);
    assertThatThrownBy(() -> SmoothNoise.of(a, 0, 0, new Rng(4))).hasMessageContaining("sigma");
    assertThatThrownBy(() -> SmoothNoise.of(a, 1, -1, new Rng(4))).hasMessageContaining("white");
  }
}
