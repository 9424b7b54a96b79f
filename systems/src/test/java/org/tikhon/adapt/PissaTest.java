package org.tikhon.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tikhon.nn.Linear;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class PissaTest {
  private final Rng rng = new Rng(0);
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** U diag(i^-1/2) V^T with random orthogonal U and V. */
  static Tensor slowSpectrum(long n, Rng rng) {
    Tensor u = Linalg.qr(rng.normal(Dtype.FLOAT64, n, n)).q();
    Tensor v = Linalg.qr(rng.normal(Dtype.FLOAT64, n, n)).q();
    Tensor s = Tensor.arange(1, n + 1).to(Dtype.FLOAT64).rsqrt();
    return u.mul(s).matmul(v.t()).to(Dtype.FLOAT32);
  }

  private static Tensor product(LoraFactors f, double scaling) {
    return f.b().matmul(f.a()).mul(scaling);
  }

  @Test
  void aTwoByTwoMatrixIsSplitAsByHand() {
    Tensor w = Tensor.of(new float[] {4, 0, 3, -5}, 2, 2);
    double[] s = Linalg.svdvals(w).toDoubleArray();
    assertThat(s[0]).isCloseTo(6.32455532, offset(1e-6));
    assertThat(s[1]).isCloseTo(3.16227766, offset(1e-6));

    LoraFactors one = Pissa.init(w, 1, 1, SvdMethod.exact());
    double[] a = one.a().toDoubleArray();
    assertThat(Math.abs(a[0])).isCloseTo(1.77827941, offset(1e-6));
    assertThat(a[1]).isCloseTo(-a[0], offset(1e-6));
    assertThat(product(one, 1).allClose(Tensor.of(new float[] {2, -2, 4, -4}, 2, 2), 0, 2e-6))
        .isTrue();
    Tensor residual = Tensor.of(new float[] {2, 2, -1, -1}, 2, 2);
    assertThat(one.residual().allClose(residual, 0, 2e-6)).isTrue();

    LoraFactors two = Pissa.init(w, 1, 2, SvdMethod.exact());
    assertThat(Math.abs(two.a().toDoubleArray()[0])).isCloseTo(1.25743343, offset(1e-6));
    double[] b = two.b().toDoubleArray();
    assertThat(Math.abs(b[0])).isCloseTo(.79527073, offset(1e-6));
    assertThat(Math.abs(b[1])).isCloseTo(1.59054146, offset(1e-6));
    assertThat(two.residual().allClose(residual, 0, 2e-6)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1", "0.5", "2"})
  void theFactorsShareTheSingularValuesAndTheResidualHasTheRest(double scaling) {
    Tensor w = rng.normal(30, 20);
    Tensor s = Linalg.svdvals(w);
    int r = 6;
    LoraFactors f = Pissa.init(w, r, scaling, SvdMethod.exact());
    Tensor expected = s.narrow(0, 0, r).div(scaling).diag();
    double tolerance = 1e-5 * expected.max().item();
    assertThat(f.b().t().matmul(f.b()).allClose(expected, 0, tolerance)).isTrue();
    assertThat(f.a().matmul(f.a().t()).allClose(expected, 0, tolerance)).isTrue();
    double next = s.get(r).item();
    assertThat(Linalg.spectralNorm(f.residual()).item()).isCloseTo(next, offset(1e-5 * next));
    assertThat(f.residual().add(product(f, scaling)).allClose(w, 0, 1e-6)).isTrue();

    LoraFactors all = Pissa.init(w, 20, scaling, SvdMethod.exact());
    assertThat(all.residual().abs().max().item()).isLessThan(1e-5);
  }

  @Test
  void theFastDecompositionIsNearlyOptimal() {
    Tensor w = slowSpectrum(768, rng);
    int r = 128;
    double optimal = 0;
    for (int i = r + 1; i <= 768; i++) {
      optimal += 1.0 / i;
    }
    optimal = Math.sqrt(optimal);
    int[] niters = {2, 4, 16};
    double[] bounds = {1.02, 1.01, 1.001};
    for (int i = 0; i < niters.length; i++) {
      for (long oversampling : new long[] {0, SvdMethod.OVERSAMPLING}) {
        Linalg.Svd f = SvdMethod.randomized(niters[i], oversampling, rng).leading(w, r);
        double error = Linalg.frobeniusNorm(w.sub(f.u().mul(f.s()).matmul(f.vh()))).item();
        assertThat(error / optimal)
            .as("niter %d, oversampling %d", niters[i], oversampling)
            .isBetween(1 - 1e-4, bounds[i]);
      }
    }
  }

  @Test
  void theFastDecompositionOfWideAndSmallMatricesHasTheRightShapes() {
    Tensor w = rng.normal(5, 40);
    LoraFactors f = Pissa.init(w, 5, 1, SvdMethod.randomized(0, rng));
    assertThat(f.a().shape()).containsExactly(5, 40);
    assertThat(f.b().shape()).containsExactly(5, 5);
    assertThat(f.residual().abs().max().item()).isLessThan(1e-5);
    assertThatThrownBy(() -> Linalg.randomizedSvd(w, 6, 0, 1, rng))
        .hasMessage("rank must be in 1..5 for a matrix 5 x 40, was 6");
    assertThatThrownBy(() -> Linalg.randomizedSvd(w, 2, -1, 1, rng))
        .hasMessageContaining("must be 0 or more");
    assertThatThrownBy(() -> Linalg.randomizedSvd(rng.normal(3), 1, 0, 1, rng))
        .hasMessageContaining("must be a matrix");
  }

  @Test
  void theFirstGradientsAreThoseOfTheProduct() {
    Linear linear = new Linear(7, 5, false, rng);
    Tensor w = linear.weight().detach().cloned().setRequiresGrad(true);
    Tensor x = rng.normal(9, 7);
    Functional.linear(x, w, null).square().sum().backward();
    Tensor g = w.grad();

    LoraConfig config = new LoraConfig(3, 6, false, 0, List.of(), LoraInit.PISSA, false);
    LoraLinear layer = new LoraLinear(linear, config, rng);
    layer.forward(x).square().sum().backward();
    Tensor a = layer.lora().a();
    Tensor b = layer.lora().b();
    assertThat(a.grad().allClose(b.detach().t().matmul(g).mul(2), 1e-4, 1e-4)).isTrue();
    assertThat(b.grad().allClose(g.matmul(a.detach().t()).mul(2), 1e-4, 1e-4)).isTrue();
    assertThat(a.grad().abs().max().item()).isPositive();
    assertThat(b.grad().abs().max().item()).isPositive();
    assertThat(layer.namedParameters()).hasSize(2);

    LoraLinear lora = new LoraLinear(new Linear(7, 5, false, rng), LoraConfig.lora(3), rng);
    lora.forward(x).square().sum().backward();
    assertThat(lora.lora().a().grad().abs().max().item()).isZero();
    assertThat(lora.lora().b().grad().abs().max().item()).isPositive();
  }

  @Test
  void theGradientAgreesWithFiniteDifferences() {
    Tensor residual = rng.normal(Dtype.FLOAT64, 4, 5);
    Tensor x = rng.normal(Dtype.FLOAT64, 3, 5);
    LoraFactors f = Pissa.init(rng.normal(Dtype.FLOAT64, 4, 5), 2, 1.5, SvdMethod.exact());
    double worst =
        Autograd.checkGrad(
            p ->
                Functional.linear(x, residual, null)
                    .add(x.matmul(p.get(0).t()).matmul(p.get(1).t()).mul(1.5))
                    .tanh()
                    .sum(),
            List.of(f.a(), f.b()));
    assertThat(worst).isLessThan(1e-6);
  }

  @Test
  void aRankDeficientWeightGivesZeroColumnsAndFiniteGradients() {
    Tensor w = rng.normal(6, 1).matmul(rng.normal(1, 6));
    LoraFactors f = Pissa.init(w, 4, 1, SvdMethod.exact());
    assertThat(f.residual().abs().max().item()).isLessThan(1e-5);
    assertThat(f.a().isFinite().all()).isTrue();
    Linear zero = new Linear(6, 6, false, rng);
    zero.loadStateDict(java.util.Map.of("weight", Tensor.zeros(6, 6)));
    LoraLinear layer = new LoraLinear(zero, LoraConfig.pissa(4), rng);
    layer.forward(rng.normal(3, 6)).square().sum().backward();
    assertThat(layer.lora().a().grad().isFinite().all()).isTrue();
    assertThat(layer.lora().b().abs().max().item()).isZero();
  }

  @Test
  void aSixteenBitWeightIsSubtractedInFullPrecisionFirst() {
    Tensor w = rng.normal(40, 30).to(Dtype.BFLOAT16);
    LoraFactors f = Pissa.init(w, 8, 1, SvdMethod.exact());
    assertThat(f.residual().dtype()).isEqualTo(Dtype.BFLOAT16);
    assertThat(f.a().dtype()).isEqualTo(Dtype.FLOAT32);
    Tensor expected = w.to(Dtype.FLOAT32).sub(product(f, 1)).to(Dtype.BFLOAT16);
    assertThat(f.residual().to(Dtype.FLOAT32).toFloatArray())
        .isEqualTo(expected.to(Dtype.FLOAT32).toFloatArray());
  }

  @Test
  void badArgumentsAreRefused() {
    Tensor w = rng.normal(128, 784);
    assertThatThrownBy(() -> Pissa.init(w, 200, 1, SvdMethod.exact()))
        .hasMessage("rank 200 exceeds min(128, 784)");
    assertThatThrownBy(() -> Pissa.init(w, 0, 1, SvdMethod.exact()))
        .hasMessage("rank must be at least 1, was 0");
    assertThatThrownBy(() -> Pissa.init(w, 1, 0, SvdMethod.exact()))
        .hasMessage("scaling must be above 0, was 0.0");
    assertThatThrownBy(() -> Pissa.init(Tensor.zeros(Dtype.INT8, 3, 3), 1, 1, SvdMethod.exact()))
        .hasMessage("w is INT8; initialise in f32/f16/bf16, then quantise the residual");
    assertThatThrownBy(() -> Pissa.init(rng.normal(3), 1, 1, SvdMethod.exact()))
        .hasMessageContaining("must be a matrix");
    assertThatThrownBy(
            () -> Pissa.init(Tensor.full(Double.NaN, Dtype.FLOAT32, 3, 3), 1, 1, SvdMethod.exact()))
        .hasMessageContaining("not finite");
    assertThatThrownBy(() -> LoraConfig.pissa(0)).hasMessage("r must be at least 1, was 0");
    assertThatThrownBy(() -> new LoraConfig(1, 0, false, 0, List.of(), LoraInit.PISSA, false))
        .hasMessage("alpha must be above 0, was 0");
    assertThatThrownBy(() -> new LoraConfig(1, 1, false, 1, List.of(), LoraInit.PISSA, false))
        .hasMessage("dropout must be in [0, 1), was 1");
    assertThatThrownBy(() -> LoraInit.pissaNiter(-1)).hasMessage("niter must be 0 or more, was -1");
  }
}
