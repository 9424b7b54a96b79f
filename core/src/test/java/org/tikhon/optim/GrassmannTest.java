package org.tikhon.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class GrassmannTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor point(long c, long d, long k, Rng rng) {
    return Linalg.qrPositive(rng.normal(Dtype.FLOAT64, c, d, k)).q();
  }

  private static double orthonormality(Tensor s) {
    return s.mT().matmul(s).sub(Tensor.eye(s.size(-1), s.dtype())).abs().max().item();
  }

  private static double maxDifference(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item();
  }

  @Test
  void randomPointsAreOrthonormalAndRepeatable() {
    Tensor s = Grassmann.random(7, 20, 3, new Rng(1));
    assertThat(s.shape()).containsExactly(7, 20, 3);
    assertThat(orthonormality(s)).isLessThan(1e-6);
    assertThat(maxDifference(s, Grassmann.random(7, 20, 3, new Rng(1)))).isZero();
  }

  @Test
  void tangentsAreOrthogonalToThePoint() {
    Rng rng = new Rng(2);
    Tensor s = point(5, 12, 3, rng);
    Tensor g = Grassmann.project(s, rng.normal(Dtype.FLOAT64, 5, 12, 3));
    assertThat(s.mT().matmul(g).abs().max().item()).isLessThan(1e-12);
    Tensor s32 = s.to(Dtype.FLOAT32);
    Tensor g32 = Grassmann.project(s32, rng.normal(Dtype.FLOAT32, 5, 12, 3));
    assertThat(s32.mT().matmul(g32).abs().max().item()).isLessThan(1e-6);
  }

  @Test
  void geodesicsStartAtThePointAndStayOnTheManifold() {
    Rng rng = new Rng(3);
    Tensor s = point(5, 12, 3, rng);
    Tensor g = Grassmann.project(s, rng.normal(Dtype.FLOAT64, 5, 12, 3));
    assertThat(maxDifference(Grassmann.exp(s, g, 0), s)).isLessThan(1e-14);
    assertThat(orthonormality(Grassmann.exp(s, g, 0.7))).isLessThan(1e-12);
  }

  @Test
  void geodesicOfALineTurnsIt() {
    Tensor s = Tensor.of(new double[][] {{1}, {0}, {0}});
    Tensor g = Tensor.of(new double[][] {{0}, {2}, {0}});
    Tensor end = Grassmann.exp(s, g, 0.3);
    assertThat(end.toDoubleArray())
        .containsExactly(new double[] {Math.cos(0.6), Math.sin(0.6), 0}, within(1e-15));
    assertThat(Grassmann.geodesic(s, g, -0.3).largestAngle()).isCloseTo(0.6, within(1e-14));
  }

  @Test
  void geodesicIsThatOfTheSingularValueDecomposition() {
    Rng rng = new Rng(4);
    Tensor s = point(4, 10, 3, rng);
    Tensor g = Grassmann.project(s, rng.normal(Dtype.FLOAT64, 4, 10, 3));
    Linalg.Svd svd = Linalg.svd(g);
    double t = 0.2;
    Tensor v = svd.vh().mT();
    Tensor expected =
        s.matmul(v)
            .mul(svd.s().mul(t).cos().unsqueeze(-2))
            .add(svd.u().mul(svd.s().mul(t).sin().unsqueeze(-2)))
            .matmul(svd.vh());
    assertThat(maxDifference(Grassmann.exp(s, g, t), expected)).isLessThan(1e-12);
  }

  @Test
  void distanceAlongAGeodesicIsTimeTimesNorm() {
    Rng rng = new Rng(5);
    Tensor s = point(6, 12, 3, rng);
    Tensor g = Grassmann.project(s, rng.normal(Dtype.FLOAT64, 6, 12, 3));
    Tensor sigma = Linalg.svdvals(g);
    double t = 1.4 / sigma.max().item();
    Tensor distance = Grassmann.distance(s, Grassmann.exp(s, g, t));
    assertThat(maxDifference(distance, sigma.mul(t).square().sum(-1).sqrt())).isLessThan(1e-9);
  }

  @Test
  void qrRetractionDiffersFromTheGeodesicInThirdOrder() {
    Rng rng = new Rng(6);
    Tensor s = point(1, 12, 3, rng);
    Tensor g = Grassmann.project(s, rng.normal(Dtype.FLOAT64, 1, 12, 3));
    Tensor sigma = Linalg.svdvals(g).flip(-1);
    double t = 0.05;
    Tensor angles = Grassmann.principalAngles(s, Grassmann.retractQr(s, g, t));
    assertThat(maxDifference(angles, sigma.mul(t).atan())).isLessThan(1e-9);
    assertThat(maxDifference(Grassmann.principalAngles(s, Grassmann.exp(s, g, t)), sigma.mul(t)))
        .isLessThan(1e-9);
    double gap = gap(s, g, sigma, 0.02);
    assertThat(gap / gap(s, g, sigma, 0.01)).isCloseTo(8, within(0.1));
  }

  private static double gap(Tensor s, Tensor g, Tensor sigma, double t) {
    return sigma
        .mul(t)
        .sub(Grassmann.principalAngles(s, Grassmann.retractQr(s, g, t)))
        .max()
        .item();
  }

  @Test
  void zeroAndRankDeficientTangentsAreHarmless() {
    Rng rng = new Rng(7);
    Tensor s = point(2, 8, 3, rng);
    assertThat(maxDifference(Grassmann.exp(s, s.zerosLike(), 0.5), s)).isLessThan(1e-14);
    Tensor column = rng.normal(Dtype.FLOAT64, 2, 8, 1);
    Tensor rankOne = Grassmann.project(s, column.matmul(rng.normal(Dtype.FLOAT64, 2, 1, 3)));
    Tensor end = Grassmann.exp(s, rankOne, 0.5);
    assertThat(orthonormality(end)).isLessThan(1e-12);
    Tensor angles = Grassmann.principalAngles(s, end);
    assertThat(angles.slice(1, 0, 2).abs().max().item()).isLessThan(1e-7);
  }

  @Test
  void smallAnglesAreAccurate() {
    Tensor a = Tensor.of(new double[][] {{1}, {0}});
    Tensor b = Tensor.of(new double[][] {{Math.cos(1e-9)}, {Math.sin(1e-9)}});
    assertThat(Grassmann.principalAngles(a, b).item()).isCloseTo(1e-9, within(1e-20));
    Tensor across = Tensor.of(new double[][] {{0}, {1}});
    assertThat(Grassmann.principalAngles(a, across).item()).isCloseTo(Math.PI / 2, within(1e-15));
  }

  @Test
  void reorthonormalizingMovesAnOrthonormalBasisByRoundingOnly() {
    Tensor s = point(9, 10, 4, new Rng(8));
    assertThat(maxDifference(Grassmann.reorthonormalize(s), s)).isLessThan(1e-13);
    // Columns whose R has a negative diagonal would be mirrored by a plain QR.
    assertThat(maxDifference(Grassmann.reorthonormalize(s.neg()), s.neg())).isLessThan(1e-13);
  }

  @Test
  void refusesWrongDimensionsAndShapes() {
    assertThatThrownBy(() -> Grassmann.random(2, 8, 8, new Rng(0)))
        .hasMessage("subspace dimension 8 must be below the feature dimension 8");
    assertThatThrownBy(() -> Grassmann.random(2, 8, 0, new Rng(0)))
        .hasMessage("subspace dimension must be at least 1, was 0");
    assertThatThrownBy(() -> Grassmann.random(0, 8, 2, new Rng(0)))
        .hasMessageContaining("count must be at least 1");
    Tensor s = Grassmann.random(2, 8, 3, new Rng(0));
    assertThatThrownBy(() -> Grassmann.project(s, Tensor.zeros(2, 8, 2)))
        .hasMessage(
            "euclidean must have the shape [..., d, k] of the subspaces, [2, 8, 3], was [2, 8, 2]");
  }
}
