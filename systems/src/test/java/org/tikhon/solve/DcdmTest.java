package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class DcdmTest {
  private static final GridPoisson BOX = GridPoisson.box(16, 16).openTop();

  static double[] random(int n, long seed) {
    return new SplittableRandom(seed).doubles(n, -1, 1).toArray();
  }

  static double[][] dense(SpdOperator a) {
    int n = a.size();
    double[][] columns = new double[n][n];
    double[] unit = new double[n];
    for (int j = 0; j < n; j++) {
      unit[j] = 1;
      a.apply(unit, columns[j]);
      unit[j] = 0;
    }
    return columns;
  }

  /** {@code f(r) = factor A^+ r}. */
  static DirectionGenerator inverse(SpdOperator a, double factor) {
    double[][] inverse;
    try (Scope scope = Scope.open()) {
      double[] values = Linalg.pinv(Tensor.of(dense(a))).toDoubleArray();
      inverse = new double[a.size()][];
      Arrays.setAll(inverse, i -> Arrays.copyOfRange(values, i * a.size(), (i + 1) * a.size()));
    }
    return (matrix, r, d) -> Arrays.setAll(d, i -> factor * Vectors.dot(inverse[i], r));
  }

  static DirectionGenerator of(Preconditioner m) {
    return (matrix, r, d) -> m.apply(r, d);
  }

  private static double energy(SpdOperator a, double[] x, double[] y) {
    double[] e = x.clone();
    Vectors.addScaled(e, y, -1);
    double[] ae = new double[e.length];
    a.apply(e, ae);
    return Math.sqrt(Math.max(0, Vectors.dot(e, ae)));
  }

  // ---- Golden checks of the solver

  @ParameterizedTest
  @ValueSource(doubles = {1, 7.5, -0.3})
  void theExactInverseConvergesAtOnce(double factor) {
    double[] b = random(BOX.size(), 1);
    SolveResult result = new Dcdm(inverse(BOX, factor)).tolerance(1e-10).solve(BOX, b);
    assertThat(result.iterations()).isEqualTo(1);
    assertThat(result.converged()).isTrue();
    assertThat(result.relativeResidual()).isLessThan(1e-10);
  }

  @ParameterizedTest
  @CsvSource({"none, 1", "none, 3", "jacobi, 1", "ic, 1", "ic, 2"})
  void aLinearPreconditionerGivesConjugateGradients(String name, int k) {
    GridPoisson a = GridPoisson.box(16, 16).openTop().obstacle(BOX.ball(3));
    Preconditioner m =
        switch (name) {
          case "jacobi" -> Preconditioner.jacobi(a);
          case "ic" -> IncompleteCholesky.zeroFill(a.toCsr());
          default -> Preconditioner.identity();
        };
    double[] b = random(a.size(), 2);
    for (int iterations : new int[] {1, 2, 5, 12, 30}) {
      double[] ours =
          new Dcdm(of(m)).directions(k).tolerance(1e-14).maxIterations(iterations).solve(a, b).x();
      double[] cg =
          new ConjugateGradient(m).tolerance(1e-14).maxIterations(iterations).solve(a, b).x();
      assertThat(energy(a, ours, cg)).isLessThan(1e-8);
      assertThat(ours).containsExactly(cg, within(1e-8));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 5})
  void anyNetworkLowersTheEnergyAlongConjugateDirections(int k) {
    double[] b = random(BOX.size(), 3);
    double[] exact = new ConjugateGradient().tolerance(1e-14).maxIterations(2000).solve(BOX, b).x();
    try (Scope scope = Scope.open();
        DirectionNet net = DirectionNet.paper2d(4, new Rng(5))) {
      double before = energy(BOX, new double[b.length], exact);
      List<double[]> steps = new ArrayList<>();
      double[] x = new double[b.length];
      for (int i = 1; i <= 12; i++) {
        SolveResult result = new Dcdm(net).directions(k).maxIterations(i).solve(BOX, b);
        double after = energy(BOX, result.x(), exact);
        assertThat(after).isLessThanOrEqualTo(before + 1e-10);
        assertThat(result.energyDecrease()[i - 1])
            .isCloseTo(before * before - after * after, within(1e-8 * before * before));
        double[] step = result.x().clone();
        Vectors.addScaled(step, x, -1);
        checkConjugate(step, steps, k, norm(exact));
        steps.add(step);
        x = result.x();
        before = after;
      }
    }
  }

  /** Steps are known up to the rounding of x, which counts where a step is small. */
  private static void checkConjugate(double[] step, List<double[]> steps, int k, double x) {
    double[] zero = new double[step.length];
    double[] product = new double[step.length];
    BOX.apply(step, product);
    for (int j = Math.max(0, steps.size() - k); j < steps.size(); j++) {
      double scale = energy(BOX, step, zero) * energy(BOX, steps.get(j), zero);
      double rounding = 1e-15 * x * (norm(step) + norm(steps.get(j)));
      assertThat(Vectors.dot(steps.get(j), product)).isCloseTo(0, within(1e-9 * scale + rounding));
    }
  }

  @Test
  void allDirectionsTogetherAreExact() {
    int n = 20;
    double[] b = random(n, 4);
    SplittableRandom random = new SplittableRandom(6);
    DirectionGenerator any = (a, r, d) -> Arrays.setAll(d, i -> random.nextDouble(-1, 1));
    GridPoisson line = GridPoisson.box(n).openAll();
    SolveResult result = new Dcdm(any).directions(n).tolerance(1e-10).solve(line, b);
    assertThat(result.converged()).isTrue();
    assertThat(result.iterations()).isLessThanOrEqualTo(n);
  }

  // ---- The loss and the data

  @Test
  void theLossIsZeroForTheInverseAndBlindToScale() {
    GridPoisson a = GridPoisson.box(6, 4).openTop().obstacle(mask(24, 9, 10));
    var batched = a.batched(Dtype.FLOAT64);
    try (Scope scope = Scope.open()) {
      double[] b = random(24, 7);
      a.project(b);
      Vectors.scale(b, b, 1 / Vectors.norm(b));
      double[] d = new double[24];
      inverse(a, -3).direction(a, b, d);
      Tensor right = Tensor.of(b, 1, 1, 6, 4);
      assertThat(DirectionLoss.of(batched, right, Tensor.of(d, 1, 1, 6, 4)).item())
          .isCloseTo(0, within(1e-20));
      double[] ab = new double[24];
      a.apply(b, ab);
      double[] rest = b.clone();
      Vectors.addScaled(rest, ab, -Vectors.dot(b, b) / Vectors.dot(b, ab));
      assertThat(DirectionLoss.of(batched, right, right).item())
          .isCloseTo(Vectors.dot(rest, rest), within(1e-14));
      Tensor f = Tensor.of(random(24, 8), 1, 1, 6, 4);
      assertThat(DirectionLoss.of(batched, right, f.mul(5)).item())
          .isCloseTo(DirectionLoss.of(batched, right, f).item(), within(1e-13));
      assertThatThrownBy(() -> DirectionLoss.of(batched, right, f.reshape(1, 1, 4, 6)))
          .hasMessageContaining("f must have the shape of b, [1, 1, 6, 4], has [1, 1, 4, 6]");
    }
  }

  @Test
  void theLossHasTheRightGradient() {
    GridPoisson flat = GridPoisson.box(4, 4).openTop().obstacle(mask(16, 6));
    GridPoisson cube = GridPoisson.box(2, 3, 4).openTop().air(mask(24, 6, 7));
    for (GridPoisson a : List.of(flat, cube)) {
      var batched = a.batched(Dtype.FLOAT64);
      try (Scope scope = Scope.open()) {
        int n = a.size();
        long[] shape = a.batchShape(3);
        Tensor b = Tensor.of(random(3 * n, 9), shape);
        double error =
            Autograd.checkGrad(
                in -> DirectionLoss.of(batched, b, in.getFirst()),
                List.of(Tensor.of(random(3 * n, 10), shape)));
        assertThat(error).isLessThan(1e-5);
      }
    }
  }

  static boolean[] mask(int n, int... cells) {
    boolean[] mask = new boolean[n];
    for (int cell : cells) {
      mask[cell] = true;
    }
    return mask;
  }

  @Test
  void lanczosIsOrthogonalAndTridiagonal() {
    try (Scope scope = Scope.open()) {
      Lanczos run = Lanczos.run(BOX, 60, new Rng(1));
      Tensor q = run.q();
      Tensor a = Tensor.of(dense(BOX));
      assertThat(q.matmul(q.t()).sub(Tensor.eye(60, Dtype.FLOAT64)).abs().max().item())
          .isLessThan(1e-10);
      assertThat(q.matmul(a).matmul(q.t()).sub(run.tridiagonal()).abs().max().item())
          .isLessThan(1e-9);
    }
  }

  @Test
  void allOfLanczosGivesTheEigenvalues() {
    try (Scope scope = Scope.open()) {
      GridPoisson line = GridPoisson.box(20).openAll();
      double[] expected = new double[20];
      Arrays.setAll(expected, k -> 2 - 2 * Math.cos(Math.PI * (k + 1) / 21));
      assertThat(Lanczos.run(line, 20, new Rng(2)).ritz().values())
          .containsExactly(expected, within(1e-9));
      // The Krylov space of the identity has one dimension.
      CsrMatrix identity = CsrMatrix.of(new double[][] {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}});
      assertThat(Lanczos.run(identity, 3, new Rng(2)).ritz().values())
          .containsExactly(new double[] {1}, within(1e-12));
    }
  }

  @Test
  void trainingVectorsAreUnitAndSmooth() {
    try (Scope scope = Scope.open()) {
      Tensor vectors = RitzDataset.lanczos(BOX, 40).samples(50).seed(3).draw();
      assertThat(vectors.shape()).containsExactly(50, 1, 16, 16);
      Tensor norms = vectors.flatten(1, -1).norm(2, 1);
      assertThat(norms.sub(1).abs().max().item()).isLessThan(1e-5);
      var a = BOX.batched(Dtype.FLOAT32);
      double low = a.apply(vectors).mul(vectors).sum().item() / 50;
      Tensor flat = RitzDataset.lanczos(BOX, 40).samples(50).lowModeFactor(1).seed(3).draw();
      double white = a.apply(flat).mul(flat).sum().item() / 50;
      assertThat(low).isLessThan(0.8 * white);
      assertThat(RitzDataset.lanczos(BOX, 40).samples(50).seed(3).draw().toDoubleArray())
          .isEqualTo(vectors.toDoubleArray());
    }
    assertThatThrownBy(() -> RitzDataset.lanczos(BOX, 257))
        .hasMessage("the number of Lanczos steps must be in 1 to 256, was 257");
    assertThatThrownBy(() -> RitzDataset.lanczos(BOX, 10).samples(1)).hasMessageContaining("was 1");
  }

  // ---- Scale, null space, breakdown

  @Test
  void theUnitsOfTheRightSideDoNotCount() {
    double[] b = random(BOX.size(), 11);
    try (Scope scope = Scope.open();
        DirectionNet net = DirectionNet.trained(2)) {
      SolveResult reference = new Dcdm(net).solve(BOX, b);
      assertThat(reference.converged()).isTrue();
      for (double scale : new double[] {1e-20, 1e20, 1e-290, 1e290}) {
        double[] scaled = Arrays.stream(b).map(v -> v * scale).toArray();
        SolveResult result = new Dcdm(net).solve(BOX, scaled);
        assertThat(result.iterations()).isEqualTo(reference.iterations());
        assertThat(Arrays.stream(result.x()).map(v -> v / scale).toArray())
            .containsExactly(reference.x(), within(1e-6));
      }
    }
  }

  @Test
  void zeroIsSolvedByZero() {
    SolveResult result = new Dcdm(of(Preconditioner.identity())).solve(BOX, new double[256]);
    assertThat(result.iterations()).isZero();
    assertThat(result.converged()).isTrue();
    assertThat(result.x()).containsOnly(0);
    assertThat(result.residuals()).containsExactly(0);
  }

  @Test
  void aSingularBoxIsSolvedUpToAConstant() {
    GridPoisson closed = GridPoisson.box(8, 8).obstacle(mask(64, 27, 28, 35, 36));
    double[] b = random(64, 12);
    double[] inRange = b.clone();
    closed.project(inRange);
    double expected = norm(difference(b, inRange)) / norm(b);
    for (LinearSolver solver :
        List.of(
            new Dcdm(DirectionNet.trained(2)).tolerance(1e-8).maxIterations(300),
            new ConjugateGradient().tolerance(1e-8),
            new ConjugateGradient(IncompleteCholesky.zeroFill(closed.toCsr())).tolerance(1e-8),
            new ConjugateGradient(Multigrid.vCycle(closed)).tolerance(1e-8))) {
      SolveResult result = solver.solve(closed, b);
      assertThat(result.converged()).isTrue();
      assertThat(result.nullSpacePart()).isCloseTo(expected, within(1e-12));
      double[] product = new double[64];
      closed.apply(result.x(), product);
      assertThat(product).containsExactly(inRange, within(1e-6));
      assertThat(Arrays.stream(result.x()).sum()).isCloseTo(0, within(1e-10));
      assertThat(result.x()[27]).isZero();
    }
    assertThat(new ConjugateGradient().solve(closed, inRange).nullSpacePart()).isLessThan(1e-15);
  }

  private static double[] difference(double[] a, double[] b) {
    double[] d = a.clone();
    Vectors.addScaled(d, b, -1);
    return d;
  }

  private static double norm(double[] v) {
    return Vectors.norm(v);
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "zero", "same", "infinite"})
  void threeUselessDirectionsInARowAreABreakdown(String kind) {
    double[] b = random(BOX.size(), 13);
    double[] first = new double[b.length];
    first[3] = 1;
    DirectionGenerator useless =
        (a, r, d) ->
            Arrays.setAll(
                d,
                i ->
                    switch (kind) {
                      case "NaN" -> Double.NaN;
                      case "zero" -> 0;
                      case "infinite" -> 1e200 * (i + 1) * 1e200;
                      default -> first[i];
                    });
    SolveResult result = new Dcdm(useless).solve(BOX, b);
    int good = kind.equals("same") ? 1 : 0;
    assertThat(result.breakdown()).isTrue();
    assertThat(result.converged()).isFalse();
    assertThat(result.replaced()).isEqualTo(3);
    assertThat(result.iterations()).isEqualTo(good + 3);
    double[] descent = new ConjugateGradient().maxIterations(3).solve(BOX, b).x();
    if (good == 0) {
      assertThat(result.x()).containsExactly(descent, within(1e-10));
    }
  }

  @Test
  void anOccasionalUselessDirectionIsReplaced() {
    int[] calls = {0};
    DirectionGenerator sometimes =
        (a, r, d) -> Arrays.setAll(d, i -> calls[0] % 3 == 1 ? Double.NaN : r[i]);
    DirectionGenerator counted =
        (a, r, d) -> {
          sometimes.direction(a, r, d);
          calls[0]++;
        };
    SolveResult result = new Dcdm(counted).solve(BOX, random(BOX.size(), 14));
    assertThat(result.converged()).isTrue();
    assertThat(result.breakdown()).isFalse();
    assertThat(result.replaced()).isPositive().isLessThan(result.iterations());
  }

  @Test
  void aSolverThatDidNotConvergeSaysSo() {
    SolveResult result =
        new Dcdm(of(Preconditioner.identity())).maxIterations(3).solve(BOX, random(256, 15));
    assertThat(result.converged()).isFalse();
    assertThat(result.breakdown()).isFalse();
    assertThat(result.iterations()).isEqualTo(3);
    assertThat(result.residuals()).hasSize(4);
  }

  @Test
  void aGoodGuessIsUsed() {
    double[] b = random(256, 16);
    double[] exact = new ConjugateGradient().tolerance(1e-13).solve(BOX, b).x();
    SolveResult result =
        new Dcdm(of(Preconditioner.identity()))
            .maxIterations(300)
            .tolerance(1e-3)
            .solve(BOX, b, exact);
    assertThat(result.residuals()[0]).isLessThan(1e-10);
    double[] guess = random(256, 17);
    assertThat(new Dcdm(DirectionNet.trained(2)).solve(BOX, b, guess).converged()).isTrue();
  }

  // ---- Bad input

  @Test
  void refusesBadArguments() {
    Dcdm dcdm = new Dcdm(of(Preconditioner.identity()));
    assertThatThrownBy(() -> dcdm.directions(-1))
        .hasMessage("directions must be 0 or more, was -1");
    assertThatThrownBy(() -> dcdm.tolerance(0))
        .hasMessage("tolerance must be positive and finite, was 0.0");
    assertThatThrownBy(() -> dcdm.tolerance(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> dcdm.maxIterations(-1)).hasMessageContaining("was -1");
    assertThatThrownBy(() -> dcdm.solve(BOX, new double[255]))
        .hasMessage("b must have a number for each of the 256 unknowns, has 255");
    double[] b = new double[256];
    b[17] = Double.NaN;
    assertThatThrownBy(() -> dcdm.solve(BOX, b)).hasMessage("b must be finite, entry 17 is NaN");
    assertThatThrownBy(() -> dcdm.solve(BOX, new double[256], new double[3]))
        .hasMessageContaining("x0 must have a number for each of the 256 unknowns, has 3");
  }

  @Test
  void refusesMatricesThatAreNotPositiveDefinite() {
    LinearSolver cg = new ConjugateGradient();
    LinearSolver dcdm = new Dcdm(of(Preconditioner.identity()));
    for (LinearSolver solver : List.of(cg, dcdm)) {
      assertThatThrownBy(
              () ->
                  solver.solve(CsrMatrix.of(new double[][] {{2, 1}, {0, 2}}), new double[] {1, 1}))
          .hasMessageStartingWith("A must be symmetric, but u'Av = ");
      assertThatThrownBy(
              () ->
                  solver.solve(CsrMatrix.of(new double[][] {{1, 2}, {2, 1}}), new double[] {1, -1}))
          .hasMessageContaining("A must be positive definite")
          .hasMessageContaining("A is indefinite");
      assertThatThrownBy(
              () ->
                  solver.solve(CsrMatrix.of(new double[][] {{1, 1}, {1, 1}}), new double[] {1, 0}))
          .hasMessageContaining("A is singular, and b is not in its range");
    }
    assertThatThrownBy(() -> CsrMatrix.of(new double[][] {{1, 2, 3}, {2, 1, 0}}))
        .hasMessage("A must be square, has 2 rows and a row of 3 numbers");
    SpdOperator broken =
        new SpdOperator() {
          @Override
          public int size() {
            return 3;
          }

          @Override
          public void apply(double[] x, double[] y) {
            Arrays.fill(y, Double.NaN);
          }
        };
    assertThatThrownBy(() -> cg.solve(broken, new double[3]))
        .hasMessage("A must give finite numbers, entry 0 of a product is NaN");
  }

  @Test
  void refusesGridsThatTheNetworkCannotTake() {
    GridPoisson odd = GridPoisson.box(9, 16).openTop();
    DirectionNet net = DirectionNet.trained(2);
    double[] b = random(odd.size(), 18);
    assertThatThrownBy(() -> new Dcdm(net).solve(odd, b))
        .hasMessage(
            "the grid's sides must be even for the network's pooling, or padding be on, are [9, 16]");
    assertThat(new Dcdm(net.padding(true)).solve(odd, b).converged()).isTrue();
    GridPoisson cube = GridPoisson.box(4, 4, 4).openTop();
    assertThatThrownBy(() -> new Dcdm(net).solve(cube, random(64, 19)))
        .hasMessageContaining("this network is for grids of 2 dimensions");
    DirectionGenerator cut = DirectionGenerator.of(t -> t.slice(2, 1, 8), Dtype.FLOAT64);
    assertThatThrownBy(() -> new Dcdm(cut).solve(BOX, random(256, 20)))
        .hasMessage("the network must give a tensor of shape [1, 1, 16, 16], gave [1, 1, 7, 16]");
  }
}
