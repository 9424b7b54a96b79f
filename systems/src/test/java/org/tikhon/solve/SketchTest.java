package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.solve.SketchedLeastSquares.SketchFactory;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SketchTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static final List<SketchFactory> FAMILIES =
      List.of(
          Sketch::srht,
          Sketch::srhtWithoutReplacement,
          Sketch::gaussian,
          Sketch::rademacher,
          Sketch::countSketch,
          (n, m, seed) -> Sketch.osnap(n, m, 4, seed),
          Sketch::uniformRows,
          (n, m, seed) -> Sketch.gaussianPooling(n, m, 0, seed));

  private static double difference(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item();
  }

  private static Tensor unit(int n, int at) {
    double[] e = new double[n];
    e[at] = 1;
    return Tensor.of(e);
  }

  @Test
  void everyWayToApplyASketchIsTheMatrix() {
    int n = 2500;
    int m = 40;
    Rng rng = new Rng(1);
    Tensor a = rng.normal(Dtype.FLOAT64, n, 70);
    Tensor y = rng.normal(Dtype.FLOAT64, m, 3);
    for (SketchFactory family : FAMILIES) {
      Sketch s = family.make(n, m, 5);
      Tensor dense = s.dense();
      Tensor expected = dense.matmul(a);
      assertThat(s.shape()).containsExactly(m, n);
      assertThat(difference(s.apply(a), expected)).as("%s", s).isLessThan(1e-11);
      assertThat(difference(s.apply(a.select(1, 2)), expected.select(1, 2))).isLessThan(1e-11);
      assertThat(difference(s.adjoint(y), dense.mT().matmul(y))).isLessThan(1e-11);

      // In pieces that fit no block, with a row changed before it came and one after.
      Sketch.Stream stream = s.stream(70);
      double[] change = new Random(3).doubles(70).toArray();
      stream.update(2000, change);
      for (long at = 0, rows = 7; at < n; at += rows, rows = Math.min(3 * rows, n - at)) {
        stream.add(a.slice(0, at, at + rows).toDoubleArray(), (int) rows);
      }
      stream.update(3, change);
      Tensor delta = Tensor.of(change).unsqueeze(0);
      Tensor columns = dense.slice(1, 2000, 2001).add(dense.slice(1, 3, 4));
      assertThat(difference(stream.result(), expected.add(columns.matmul(delta))))
          .as("%s", s)
          .isLessThan(1e-11);
    }
    Tensor narrow = a.to(Dtype.FLOAT32);
    assertThat(
            difference(
                Sketch.srht(n, m, 5).apply(narrow),
                Sketch.srht(n, m, 5).apply(narrow.to(Dtype.FLOAT64))))
        .isZero();
  }

  @Test
  void srhtInSmallBlocksIsTheWholeTransform() {
    // 4096 rows in blocks of 1024.
    Tensor a = new Rng(2).normal(Dtype.FLOAT64, 3000, 5);
    Sketch s = Sketch.srht(3000, 64, 9);
    assertThat(difference(s.apply(a), s.dense().matmul(a))).isLessThan(1e-11);
  }

  @Test
  void srhtHasColumnsOfLengthOne() {
    for (int seed = 0; seed < 20; seed++) {
      assertThat(Sketch.srht(100, 30, seed).dense().norm(2, 0).sub(1).abs().max().item())
          .isLessThan(1e-12);
    }
  }

  @Test
  void theMeanOfSTransposedSIsTheIdentity() {
    int n = 16;
    int seeds = 4000;
    Tensor eye = Tensor.eye(n, Dtype.FLOAT64);
    for (SketchFactory family : FAMILIES) {
      double[] sum = new double[n * n];
      for (int seed = 0; seed < seeds; seed++) {
        try (Scope inner = Scope.open()) {
          Tensor s = family.make(n, 8, seed).apply(eye);
          double[] product = s.mT().matmul(s).toDoubleArray();
          Sketch.axpy(1.0 / seeds, product, 0, sum, 0, n * n);
        }
      }
      double worst = difference(Tensor.of(sum, n, n), eye);
      assertThat(worst).as("family %d", FAMILIES.indexOf(family)).isLessThan(5 / Math.sqrt(seeds));
    }
  }

  @Test
  void allRowsWithoutReplacementAreOrthogonal() {
    Tensor s = Sketch.srhtWithoutReplacement(64, 64, 3).dense();
    assertThat(difference(s.mT().matmul(s), Tensor.eye(64, Dtype.FLOAT64))).isLessThan(1e-12);
  }

  @Test
  void obliviousCoordinateWiseEmbedding() {
    int n = 1024;
    int m = 256;
    Tensor g = new Rng(1).normal(Dtype.FLOAT64, n);
    g = g.div(g.norm());
    Tensor h = new Rng(2).normal(Dtype.FLOAT64, n);
    h = h.sub(g.mul(h.dot(g)));
    h = h.div(h.norm());
    for (SketchFactory family : List.<SketchFactory>of(Sketch::srht, Sketch::gaussian)) {
      OceProbe.Result dense = OceProbe.of(seed -> family.make(n, m, seed), 400).measure(g, h);
      assertThat(dense.scaledVariance()).isBetween(0.8, 1.2);
      assertThat(dense.mean()).isCloseTo(0, within(4 / Math.sqrt(400.0 * m)));
      // Only two columns of S count; a smaller n draws fewer that do not.
      OceProbe.Result units =
          OceProbe.of(seed -> family.make(64, m, seed), 400).measure(unit(64, 0), unit(64, 1));
      assertThat(units.quantile(1)).isBetween(2.3, 4.5);
    }
    double[] counts =
        OceProbe.of(seed -> Sketch.countSketch(n, m, seed), 2000)
            .measure(unit(n, 0), unit(n, 1))
            .deviations();
    // Collisions: about 2000 / 256.
    assertThat(counts[counts.length - 1]).isEqualTo(16);
    assertThat(Arrays.stream(counts).filter(v -> v > 0))
        .allMatch(v -> v == 16)
        .hasSizeBetween(1, 20);
  }

  @Test
  void tensorSketchIsUnbiased() {
    Tensor x = Tensor.of(new double[] {1, -2, 0.5, 3, 0.1});
    Tensor u = Tensor.of(new double[] {0.3, 1, -1, 2, 2});
    Tensor y = Tensor.of(new double[] {2, 1, -1});
    Tensor w = Tensor.of(new double[] {1, 0.5, 4});
    double exact = x.dot(u).item() * y.dot(w).item();
    int seeds = 3000;
    double[] products = new double[seeds];
    for (int seed = 0; seed < seeds; seed++) {
      try (Scope inner = Scope.open()) {
        TensorSketch t = TensorSketch.srht(5, 3, 16, seed);
        products[seed] = t.apply(x, y).dot(t.apply(u, w)).item();
      }
    }
    double mean = Arrays.stream(products).average().orElseThrow();
    double variance = Arrays.stream(products).map(p -> (p - mean) * (p - mean)).sum() / (seeds - 1);
    assertThat(mean).isCloseTo(exact, within(4 * Math.sqrt(variance / seeds)));
  }

  @Test
  void tensorSketchEqualsItsMatrix() {
    Rng rng = new Rng(4);
    for (int n1 : new int[] {8, 6}) {
      int n2 = 4;
      TensorSketch t = TensorSketch.srht(n1, n2, 10, 2);
      Tensor a1 = rng.normal(Dtype.FLOAT64, n1, 3);
      Tensor a2 = rng.normal(Dtype.FLOAT64, n2, 2);
      Tensor b = rng.normal(Dtype.FLOAT64, n1, n2);
      assertThat(difference(t.applyKron(a1, a2), t.dense().matmul(a1.kron(a2)))).isLessThan(1e-12);
      assertThat(difference(t.applyMatrix(b), t.dense().mv(b.flatten()))).isLessThan(1e-12);
      assertThat(t.shape()).containsExactly(10, (long) n1 * n2);
    }
  }

  private static void refuses(Runnable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContaining(message);
  }

  @Test
  void refusesBadInput() {
    refuses(() -> Sketch.srht(0, 1, 0), "n must be at least 1, was 0");
    refuses(() -> Sketch.srht(4, 0, 0), "m must be at least 1, was 0");
    refuses(() -> Sketch.srhtWithoutReplacement(5, 9, 0), "at most 8 without replacement, was 9");
    refuses(() -> Sketch.gaussian(1 << 20, 1000, 0), "above 100000000 entries; take srht");
    refuses(() -> Sketch.osnap(10, 10, 4, 0), "s must divide the 10 rows of the sketch, was 4");
    refuses(() -> Sketch.gaussianPooling(10, 4, 12, 0), "power of two from 10 to 2^30, was 12");
    refuses(() -> Sketch.gaussianPooling(10, 17, 0, 0), "m must be at most 16, was 17");
    Sketch s = Sketch.srht(10, 4, 0);
    refuses(
        () -> s.apply(Tensor.zeros(9, 2)), "A must have shape [10] or [10, columns], has [9, 2]");
    refuses(() -> s.adjoint(Tensor.zeros(5)), "Y must have shape [4] or [4, columns], has [5]");
    Sketch.Stream stream = s.stream(2);
    refuses(() -> stream.add(new double[22], 11), "at most 10 more rows");
    refuses(() -> stream.add(new double[3], 2), "values must hold 2 x 2 numbers, holds 3");
    refuses(() -> stream.update(10, new double[2]), "update needs a row in 0..9");
    refuses(() -> TensorSketch.srht(0, 1, 1, 0), "must be at least 1, were 0, 1 and 1");
    TensorSketch t = TensorSketch.srht(3, 2, 4, 0);
    refuses(() -> t.applyKron(Tensor.zeros(2, 1), Tensor.zeros(2, 1)), "A1 must have shape [3,");
    refuses(() -> t.applyMatrix(Tensor.zeros(2, 3)), "B must have shape [3, 2], has [2, 3]");
    refuses(() -> OceProbe.of(seed -> s, 1), "trials must be at least 2, was 1");
    refuses(
        () -> OceProbe.of(seed -> s, 2).measure(Tensor.zeros(10), Tensor.ones(10)),
        "g and h must be finite and not zero");
  }
}
