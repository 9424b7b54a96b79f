package org.tikhon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TensorTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor matrix() {
    return Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
  }

  @Test
  void arraysGoInAndOutUnchanged() {
    assertThat(Tensor.of(new float[] {1.5f, -2}).toFloatArray()).containsExactly(1.5f, -2);
    assertThat(Tensor.of(new long[] {1, 2, 3, 4}, 2, 2).toLongArray()).containsExactly(1, 2, 3, 4);
    assertThat(Tensor.of(new int[] {7}).dim()).isZero();
    assertThat(Tensor.of(new byte[] {-1}, 1).toIntArray()).containsExactly(255);
    assertThat(Tensor.of(new boolean[] {true, false}).dtype()).isEqualTo(Dtype.BOOL);
    assertThat(Tensor.of(new double[][] {{1, 2}, {3, 4}}).t().toDoubleArray())
        .containsExactly(1, 3, 2, 4);
    assertThat(Tensor.of(new float[0]).shape()).containsExactly(0);
  }

  @Test
  void givesTheRowsOfAMatrix() {
    double[][] rows = {{1, 2, 3}, {4, 5, 6}};
    assertThat(Tensor.of(rows).toDoubleRows()).isDeepEqualTo(rows);
    assertThat(Tensor.of(rows).t().toDoubleRows())
        .isDeepEqualTo(new double[][] {{1, 4}, {2, 5}, {3, 6}});
    assertThat(Tensor.zeros(0, 3).toDoubleRows()).isEmpty();
    assertThatThrownBy(() -> Tensor.zeros(3).toDoubleRows()).hasMessageContaining("[3]");
  }

  @Test
  void aShapeThatDoesNotFitIsRefused() {
    assertThatThrownBy(() -> Tensor.of(new float[5], 2, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shape [2, 3] does not hold 5 elements");
  }

  @Test
  void everyTypeSurvivesConversion() {
    for (Dtype dtype : Dtype.values()) {
      assertThat(matrix().to(dtype).dtype()).isEqualTo(dtype);
      assertThat(Tensor.zeros(dtype, 2).dtype()).isEqualTo(dtype);
      assertThat(Dtype.ofSafetensors(dtype.safetensorsName())).isEqualTo(dtype);
    }
  }

  @Test
  void memoryIsSharedWithoutACopy() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(24, 64);
      Tensor shared = Tensor.sharing(segment, Dtype.FLOAT64, 3);
      segment.setAtIndex(ValueLayout.JAVA_DOUBLE, 1, 42);
      assertThat(shared.toDoubleArray()).containsExactly(0, 42, 0);
      shared.fill_(2);
      assertThat(segment.getAtIndex(ValueLayout.JAVA_DOUBLE, 2)).isEqualTo(2);
      shared.close();
    }
    Tensor own = Tensor.zeros(2);
    own.segment().setAtIndex(ValueLayout.JAVA_FLOAT, 0, 5);
    assertThat(own.toFloatArray()).containsExactly(5, 0);
    assertThatThrownBy(() -> matrix().t().segment()).hasMessageContaining("contiguous");
  }

  @Test
  void arithmeticBroadcastsAndKeepsIntegerTypes() {
    assertThat(matrix().add(Tensor.of(new double[] {10, 20, 30})).toDoubleArray())
        .containsExactly(11, 22, 33, 14, 25, 36);
    assertThat(Tensor.arange(3).add(2).dtype()).isEqualTo(Dtype.INT64);
    assertThat(Tensor.arange(3).mul(0.5).toDoubleArray()).containsExactly(0, 0.5, 1);
    assertThat(matrix().rsub(1).toDoubleArray()).containsExactly(0, -1, -2, -3, -4, -5);
    assertThat(Tensor.of(new double[] {2}).rdiv(1).item()).isEqualTo(0.5);
    assertThat(Tensor.of(new double[] {-3, 5}).clamp(-1, 2).toDoubleArray()).containsExactly(-1, 2);
    assertThat(Tensor.of(new double[] {-7, 7}).remainder(4).toDoubleArray()).containsExactly(1, 3);
  }

  @Test
  void reductionsAgreeWithHandComputation() {
    assertThat(matrix().sum().item()).isEqualTo(21);
    assertThat(matrix().sum(0).toDoubleArray()).containsExactly(5, 7, 9);
    assertThat(matrix().meanKeep(1).shape()).containsExactly(2, 1);
    assertThat(matrix().var(true).item()).isCloseTo(3.5, within(1e-12));
    assertThat(matrix().max(1).indices().toLongArray()).containsExactly(2, 2);
    assertThat(matrix().argmin(0).toLongArray()).containsExactly(0, 0, 0);
    assertThat(matrix().norm(Double.POSITIVE_INFINITY, 1).toDoubleArray()).containsExactly(3, 6);
    assertThat(matrix().logsumexp(1).get(0).item()).isCloseTo(3.40760596444438, within(1e-12));
    assertThat(matrix().quantile(0.5).item()).isEqualTo(3.5);
    assertThat(Tensor.of(new long[] {3, 1, 3, 2}).uniqueWithCounts().indices().toLongArray())
        .containsExactly(1, 1, 2);
    assertThat(Tensor.of(new long[] {0, 2, 2}).bincount(4).toLongArray())
        .containsExactly(1, 0, 2, 0);
  }

  @Test
  void indexingReadsAndWrites() {
    Tensor m = matrix();
    assertThat(m.slice(1, 0, 3, 2).toDoubleArray()).containsExactly(1, 3, 4, 6);
    assertThat(m.index(Tensor.of(new long[] {1, 0}), Tensor.of(new long[] {2, 0})).toDoubleArray())
        .containsExactly(6, 1);
    assertThat(m.maskedSelect(m.gt(4)).toDoubleArray()).containsExactly(5, 6);
    assertThat(m.gather(1, Tensor.of(new long[] {2, 0}, 2, 1)).toDoubleArray())
        .containsExactly(3, 4);
    assertThat(
            Tensor.zeros(Dtype.FLOAT64, 3)
                .scatterAdd(0, Tensor.of(new long[] {1, 1}), Tensor.of(new double[] {2, 3}))
                .toDoubleArray())
        .containsExactly(0, 5, 0);
    m.indexPut_(Tensor.of(new double[] {9}), Tensor.of(new long[] {0}), Tensor.of(new long[] {1}));
    assertThat(m.get(0).toDoubleArray()).containsExactly(1, 9, 3);
    assertThat(m.topk(2, 1, true).values().toDoubleArray()).containsExactly(9, 3, 6, 5);
    assertThat(
            Tensor.of(new double[] {1, 3, 5})
                .searchsorted(Tensor.of(new double[] {3, 4}), true)
                .toLongArray())
        .containsExactly(2, 2);
  }

  @Test
  void shapesChangeAndJoin() {
    assertThat(Tensor.cat(List.of(matrix(), matrix()), 0).shape()).containsExactly(4, 3);
    assertThat(Tensor.stack(List.of(matrix(), matrix()), 2).shape()).containsExactly(2, 3, 2);
    assertThat(matrix().split(new long[] {1, 2}, 1).get(1).toDoubleArray())
        .containsExactly(2, 3, 5, 6);
    assertThat(matrix().unfold(1, 2, 1).shape()).containsExactly(2, 2, 2);
    assertThat(Tensor.einsum("ij,kj->ik", matrix(), matrix()).toDoubleArray())
        .containsExactly(14, 32, 32, 77);
    assertThat(matrix().cdist(matrix(), 2).toDoubleArray()[1])
        .isCloseTo(Math.sqrt(27), within(1e-6));
    assertThat(Tensor.blockDiag(List.of(Tensor.ones(1, 2), Tensor.ones(2, 1))).shape())
        .containsExactly(3, 3);
  }

  @Test
  void linearAlgebraReconstructs() {
    Rng rng = new Rng(1);
    Tensor a = rng.normal(Dtype.FLOAT64, 5, 3);
    Linalg.Svd svd = Linalg.svd(a);
    assertThat(svd.u().mul(svd.s()).matmul(svd.vh()).allClose(a, 0, 1e-12)).isTrue();
    Linalg.Qr qr = Linalg.qrPositive(a);
    assertThat(qr.q().matmul(qr.r()).allClose(a, 0, 1e-12)).isTrue();
    assertThat(qr.r().diagonal().ge(0).all()).isTrue();
    Tensor spd = a.t().matmul(a);
    assertThat(Linalg.solve(spd, spd).allClose(Tensor.eye(3, Dtype.FLOAT64), 0, 1e-9)).isTrue();
    Tensor chol = Linalg.cholesky(spd);
    assertThat(chol.matmul(chol.t()).allClose(spd, 0, 1e-12)).isTrue();
    Linalg.Eigen eigen = Linalg.eigh(spd);
    assertThat(eigen.values().sqrt().flip(0).allClose(svd.s(), 1e-10, 0)).isTrue();
    assertThat(Linalg.logdet(spd).item())
        .isCloseTo(Linalg.slogdet(spd).logAbsDet().item(), within(1e-10));
    assertThat(Linalg.matrixExp(Tensor.zeros(Dtype.FLOAT64, 2, 2)).toDoubleArray())
        .containsExactly(1, 0, 0, 1);
    assertThat(a.matmul(Linalg.lstsq(a, a)).allClose(a, 0, 1e-10)).isTrue();
    assertThat(Fft.irfft(Fft.rfft(a, 5, 0), 5, 0).allClose(a, 0, 1e-12)).isTrue();
    assertThatThrownBy(() -> Linalg.cholesky(spd.neg())).isInstanceOf(TensorException.class);
  }

  @Test
  void anErrorIsOneReadableLine() {
    assertThatThrownBy(() -> matrix().matmul(matrix()))
        .isInstanceOf(TensorException.class)
        .hasMessageContaining("2x3 and 2x3")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  @Test
  void complexNumbersWork() {
    Tensor z = Tensor.complex(Tensor.of(new double[] {3}), Tensor.of(new double[] {4}));
    assertThat(z.abs().item()).isEqualTo(5);
    assertThat(z.mul(z.conj()).real().item()).isEqualTo(25);
  }

  @Test
  void aScopeFreesWhatItMadeAndKeepsWhatItIsTold() {
    Tensor kept;
    Tensor freed;
    try (Scope inner = Scope.open()) {
      freed = Tensor.ones(3);
      kept = inner.keep(freed.add(1));
    }
    assertThat(freed.isClosed()).isTrue();
    assertThat(kept.toFloatArray()).containsExactly(2, 2, 2);
  }

  @Test
  void scopesMustBeClosedInOrder() {
    Scope outer = Scope.open();
    Scope inner = Scope.open();
    assertThatThrownBy(outer::close).hasMessage("an inner scope is still open");
    inner.close();
    outer.close();
    outer.close();
  }

  @Test
  void aSeedFixesEveryDraw() {
    assertThat(new Rng(7).normal(5).toFloatArray()).isEqualTo(new Rng(7).normal(5).toFloatArray());
    Rng rng = new Rng(3);
    Tensor state = rng.state();
    double first = rng.beta(2, 3);
    long[] order = rng.permutation(10).toLongArray();
    rng.restore(state);
    assertThat(rng.beta(2, 3)).isEqualTo(first).isBetween(0.0, 1.0);
    assertThat(rng.permutation(10).toLongArray()).isEqualTo(order);
    double mean = 0;
    for (int i = 0; i < 2000; i++) {
      mean += rng.gamma(0.5) / 2000;
    }
    assertThat(mean).isCloseTo(0.5, within(0.08));
  }

  @Test
  void theRandomisedDecompositionFindsALowRankMatrixExactly() {
    Rng rng = new Rng(1);
    Tensor a = rng.normal(Dtype.FLOAT64, 30, 4).matmul(rng.normal(Dtype.FLOAT64, 4, 50));
    Linalg.Svd f = Linalg.randomizedSvd(a, 4, 2, 1, rng);
    assertThat(f.u().shape()).containsExactly(30, 4);
    assertThat(f.vh().shape()).containsExactly(4, 50);
    assertThat(f.u().mul(f.s()).matmul(f.vh()).allClose(a, 0, 1e-10)).isTrue();
    assertThat(f.s().allClose(Linalg.svdvals(a).narrow(0, 0, 4), 1e-10, 0)).isTrue();
  }

  @Test
  void drawnNumbersHaveTheMomentsOfTheirDistributions() {
    Rng rng = new Rng(11);
    long n = 40_000;
    Tensor e = rng.exponential(2, Dtype.FLOAT64, n);
    assertThat(e.min().item()).isPositive();
    assertThat(e.mean().item()).isCloseTo(0.5, within(0.01));
    assertThat(e.std(true).item()).isCloseTo(0.5, within(0.015));
    Tensor g = rng.gumbel(Dtype.FLOAT64, n);
    assertThat(g.mean().item()).isCloseTo(0.5772, within(0.03));
    assertThat(g.var(true).item()).isCloseTo(Math.PI * Math.PI / 6, within(0.06));
    Tensor counts = rng.poisson(Tensor.full(3, Dtype.FLOAT64, n));
    assertThat(counts.mean().item()).isCloseTo(3, within(0.05));
    assertThat(counts.var(true).item()).isCloseTo(3, within(0.1));
    assertThatThrownBy(() -> rng.exponential(0, Dtype.FLOAT64, 2))
        .hasMessage("rate must be positive, was 0.0");
  }
}
