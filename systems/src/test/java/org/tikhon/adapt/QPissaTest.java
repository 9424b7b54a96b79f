package org.tikhon.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tikhon.nn.Linear;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class QPissaTest {
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

  @ParameterizedTest
  @CsvSource({"8, 25", "16, 33", "32, 41", "64, 52"})
  void theErrorFallsAsInTheReference(int r, double percent) {
    Tensor w = PissaTest.slowSpectrum(256, rng);
    double once = QPissa.init(w, r, 1, 64, false).reductionPercent(w);
    assertThat(once).isCloseTo(percent, offset(4.0));
    assertThat(QPissa.init(w, r, 3, 64, false).reductionPercent(w)).isGreaterThan(once);
  }

  @Test
  void theBaselinesAreTheirDefinitions() {
    Tensor w = PissaTest.slowSpectrum(96, rng);
    QuantizedFactors qlora = QPissa.qlora(w, 8, 64, true, rng);
    assertThat(qlora.reductionPercent(w)).isCloseTo(0, offset(1e-4));
    QuantizedFactors loftq = QPissa.loftq(w, 8, 1, 64, true);
    assertThat(loftq.base().dequantize().toFloatArray())
        .isEqualTo(qlora.base().dequantize().toFloatArray());
    assertThat(loftq.reductionPercent(w)).isPositive();
    assertThat(QPissa.loftq(w, 8, 5, 64, true).reductionPercent(w))
        .isGreaterThan(loftq.reductionPercent(w));
  }

  @Test
  void aFourBitLayerComputesWithItsBaseAndPair() {
    Linear linear = new Linear(48, 40, rng);
    Tensor w = linear.weight().detach().cloned();
    Tensor bias = linear.bias().detach();
    LoraLinear layer = new LoraLinear(linear, LoraConfig.pissa(4), QPissa.Settings.qpissa(1), rng);
    Tensor x = rng.normal(5, 48).setRequiresGrad(true);
    QuantizedFactors expected = QPissa.init(w, 4, 1, 64, true);
    Tensor y = layer.forward(x);
    assertThat(y.allClose(Functional.linear(x, expected.weight(), bias), 1e-4, 1e-5)).isTrue();
    assertThat(layer.mergedWeight().allClose(expected.weight(), 0, 1e-6)).isTrue();
    y.sum().backward();
    assertThat(x.grad()).isNotNull();
    assertThat(layer.lora().a().grad()).isNotNull();
    assertThat(layer.stateDict().get("base_layer.parametrizations.weight.original").dtype())
        .isEqualTo(Dtype.UINT8);
    assertThatThrownBy(layer::merge).hasMessageContaining("4-bit");
    assertThat(linear.inFeatures()).isEqualTo(48);
  }

  @Test
  void badArgumentsAreRefused() {
    Tensor w = rng.normal(8, 8);
    assertThatThrownBy(() -> QPissa.init(w, 9, 1, 64, true)).hasMessage("rank 9 exceeds min(8, 8)");
    assertThatThrownBy(() -> QPissa.init(w, 2, 0, 64, true))
        .hasMessage("iterations must be at least 1, was 0");
    assertThatThrownBy(() -> QPissa.init(w, 2, 1, 60, true)).hasMessageContaining("blockSize");
    assertThatThrownBy(() -> QPissa.loftq(Tensor.zeros(Dtype.INT8, 4, 4), 2, 1, 64, true))
        .hasMessageContaining("floating-point");
  }
}
