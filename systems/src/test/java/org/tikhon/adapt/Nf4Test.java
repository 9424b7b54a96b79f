package org.tikhon.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Special;
import org.tikhon.tensor.Tensor;

class Nf4Test {
  /** Half the widest gap between levels. */
  private static final double HALF_GAP = .1519;

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

  @Test
  void aBlockIsCodedAsByHand() {
    float[] x = new float[64];
    System.arraycopy(new float[] {.9f, -.45f, .1f, .02f, -.9f, .3f, 0, -.03f}, 0, x, 0, 8);
    Nf4Tensor q = Nf4.quantize(Tensor.of(x), 64, false);
    byte[] packed = q.packed().toByteArray();
    int[] codes = new int[8];
    for (int i = 0; i < 8; i++) {
      codes[i] = packed[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15;
    }
    assertThat(codes).containsExactly(15, 2, 8, 7, 0, 11, 7, 7);
    assertThat(packed[0] & 255).isEqualTo(0xF2);
    assertThat(q.packed().shape()).containsExactly(32, 1);
    assertThat(q.absmax().toFloatArray()).containsExactly(.9f);
    float[] values = q.dequantize().toFloatArray();
    float[] expected = {.9f, -.472566f, .071622f, 0, -.9f, .304124f, 0, 0};
    for (int i = 0; i < 8; i++) {
      assertThat(values[i]).isCloseTo(expected[i], offset(1e-6f));
    }
  }

  @Test
  void theLevelsAreNormalQuantiles() {
    float[] levels = Nf4.levels();
    Tensor positive = Special.ndtri(Tensor.linspace(.9677083, .5, 9, Dtype.FLOAT64));
    Tensor negative = Special.ndtri(Tensor.linspace(.9677083, .5, 8, Dtype.FLOAT64));
    double largest = positive.get(0).item();
    for (int i = 0; i < 8; i++) {
      assertThat((double) levels[15 - i]).isCloseTo(positive.get(i).item() / largest, offset(2e-7));
    }
    assertThat(levels[7]).isZero();
    for (int i = 0; i < 7; i++) {
      assertThat((double) levels[i]).isCloseTo(-negative.get(i).item() / largest, offset(2e-7));
    }
  }

  @Test
  void levelsTimesAPowerOfTwoComeBackExactlyAndMidpointsGoDown() {
    float[] levels = Nf4.levels();
    float[] x = new float[64];
    for (int i = 0; i < 64; i++) {
      x[i] = levels[i % 16] * .5f;
    }
    assertThat(Nf4.quantize(Tensor.of(x), 64, false).dequantize().toFloatArray()).isEqualTo(x);
    x = new float[32];
    x[0] = 1;
    x[1] = (float) ((levels[7] + (double) levels[8]) / 2);
    x[2] = Math.nextUp(x[1]);
    float[] back = Nf4.quantize(Tensor.of(x), 32, false).dequantize().toFloatArray();
    assertThat(back[1]).isZero();
    assertThat(back[2]).isEqualTo(levels[8]);
  }

  @ParameterizedTest
  @CsvSource({"7, 9, 32", "5, 64, 64", "3, 1, 64", "100, 33, 128", "1, 4099, 4096"})
  void theErrorIsAtMostHalfTheWidestGap(long rows, long columns, int blockSize) {
    Tensor x = rng.normal(rows, columns);
    Nf4Tensor q = Nf4.quantize(x, blockSize, false);
    Tensor back = q.dequantize();
    assertThat(back.shape()).containsExactly(rows, columns);
    Tensor bound =
        q.absmax()
            .repeatInterleave(blockSize, 0)
            .narrow(0, 0, rows * columns)
            .view(rows, columns)
            .mul(HALF_GAP + 1e-4);
    assertThat(x.sub(back).abs().le(bound).all()).isTrue();
    assertThat(q.packed().numel()).isEqualTo((rows * columns + 1) / 2);
  }

  @Test
  void aBlockOfZerosStaysZeroAndTheTypeIsKept() {
    Tensor x = Tensor.cat(java.util.List.of(Tensor.zeros(64), rng.normal(64)), 0);
    for (boolean nested : new boolean[] {false, true}) {
      Nf4Tensor q = Nf4.quantize(x.to(Dtype.BFLOAT16), 64, nested);
      Tensor back = q.dequantize();
      assertThat(back.dtype()).isEqualTo(Dtype.BFLOAT16);
      assertThat(back.narrow(0, 0, 64).abs().max().item()).isZero();
    }
  }

  @Test
  void theDynamicMapHasSevenExponents() {
    float[] map = Nf4.dynamicMapCopy();
    assertThat(map).hasSize(256).isSorted();
    assertThat(map[255]).isEqualTo(1);
    // The largest exponent's first and last centres, and the smallest's only one.
    assertThat(map).contains(0.99296874f, 0.10703125f, 5.5e-7f, -5.5e-7f, 0);
    assertThat(map[0]).isEqualTo(-0.99296874f);
  }

  @Test
  void doubleQuantisationKeepsTheMaximaToAPercent() {
    Tensor x = rng.normal(300, 100);
    Nf4Tensor plain = Nf4.quantize(x, 64, false);
    Nf4Tensor nested = Nf4.quantize(x, 64, true);
    assertThat(nested.absmax().dtype()).isEqualTo(Dtype.UINT8);
    Tensor error = nested.blockMaxima().sub(plain.absmax()).abs();
    assertThat(error.max().item()).isLessThan(0.01 * plain.absmax().max().item());
    assertThat(nested.bytes()).isLessThan(plain.bytes());
    assertThat(nested.bytes()).isLessThan(x.numel() * 53 / 100);
  }

  @ParameterizedTest
  @CsvSource({
    "33, 50, 64, false",
    "600, 1001, 64, true",
    "3, 1000, 4096, false",
    "70, 64, 32, true"
  })
  void theProductEqualsThatWithTheDequantisedMatrix(long out, long in, int block, boolean nested) {
    Nf4Tensor q = Nf4.quantize(rng.normal(out, in), block, nested);
    Tensor x = rng.normal(2, 3, in);
    Tensor expected = x.matmul(q.dequantize().t());
    assertThat(q.matmul(x).shape()).containsExactly(2, 3, out);
    assertThat(q.matmul(x).allClose(expected, 1e-5, 1e-4)).isTrue();

    Tensor leaf = x.cloned().setRequiresGrad(true);
    q.matmul(leaf).sum().backward();
    assertThat(leaf.grad().get(0).get(0).allClose(q.dequantize().sum(0), 1e-4, 1e-3)).isTrue();
    assertThatThrownBy(() -> q.matmul(rng.normal(2, in + 1))).hasMessageContaining("does not fit");
  }

  @ParameterizedTest
  @CsvSource({"64, 4096", "32, 999", "128, 1000"})
  void vectorsLoopsAndTensorOperationsAgree(int blockSize, int n) {
    Tensor x = rng.normal(n);
    Nf4Tensor q = Nf4.quantize(x, blockSize, false);
    Tensor loop = Tensor.empty(Dtype.FLOAT32, n);
    Tensor vectors = Tensor.empty(Dtype.FLOAT32, n);
    MemorySegment packed = q.packed().segment();
    MemorySegment maxima = q.absmax().segment();
    Nf4Kernel.dequantize(packed, 0, maxima, 0, blockSize, n, loop.segment(), false);
    Nf4Kernel.dequantize(packed, 0, maxima, 0, blockSize, n, vectors.segment());
    assertThat(vectors.toFloatArray()).isEqualTo(loop.toFloatArray());
    Tensor otherPacked = Tensor.empty(Dtype.UINT8, (n + 1) / 2, 1);
    Tensor otherMaxima = Tensor.empty(Dtype.FLOAT32, q.absmax().numel());
    Nf4.quantizeByLookup(x, blockSize, otherPacked, otherMaxima);
    assertThat(otherPacked.toByteArray()).isEqualTo(q.packed().toByteArray());
    assertThat(otherMaxima.toFloatArray()).isEqualTo(q.absmax().toFloatArray());
    Tensor lookup = q.blocksByLookup(q.absmax(), 0, q.absmax().numel(), 0, n);
    assertThat(lookup.toFloatArray()).isEqualTo(loop.toFloatArray());
  }

  @Test
  void filesKeepEverything(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("model.safetensors");
    for (boolean nested : new boolean[] {false, true}) {
      Nf4Tensor q = Nf4.quantize(rng.normal(20, 30).to(Dtype.BFLOAT16), 64, nested);
      Map<String, Tensor> tensors = Nf4Files.tensors("layer.weight", q);
      Safetensors.write(file, tensors, Map.of("format", "pt"));
      try (Safetensors read = Safetensors.open(file)) {
        assertThat(read.names())
            .contains("layer.weight.absmax", "layer.weight.quant_state.bitsandbytes__nf4");
        assertThat(read.names().contains("layer.weight.nested_absmax")).isEqualTo(nested);
        Nf4Tensor back = Nf4Files.read(read, "layer.weight");
        assertThat(back.dequantize().dtype()).isEqualTo(Dtype.BFLOAT16);
        assertThat(back.dequantize().toFloatArray()).isEqualTo(q.dequantize().toFloatArray());
      }
      tensors.put("layer.weight.absmax", Tensor.zeros(3));
      Safetensors.write(file, tensors, Map.of());
      try (Safetensors read = Safetensors.open(file)) {
        assertThatThrownBy(() -> Nf4Files.read(read, "layer.weight"))
            .isInstanceOf(DataException.class)
            .hasMessageContaining("absmax must hold 10 numbers");
      }
    }
  }

  @Test
  void badArgumentsAreRefused() {
    for (int size : new int[] {0, 16, 48, 8192}) {
      assertThatThrownBy(() -> Nf4.quantize(rng.normal(64), size, false))
          .hasMessage("blockSize must be a power of two in 32..4096, was " + size);
    }
    assertThatThrownBy(() -> Nf4.quantize(Tensor.zeros(Dtype.INT8, 64), 64, false))
        .hasMessageContaining("floating-point");
    assertThatThrownBy(() -> Nf4.quantize(Tensor.full(Double.NaN, Dtype.FLOAT32, 64), 64, false))
        .hasMessageContaining("not finite");
  }
}
