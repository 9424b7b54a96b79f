package org.tikhon.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HadamardTest {
  private static double[] random(int n) {
    return new Random(n).doubles(n, -1, 1).toArray();
  }

  @Test
  void goldenNumbers() {
    double[] x = {1, 2, 3, 4};
    Hadamard.transformInPlace(x, 4, 1);
    assertThat(x).containsExactly(10, -2, -4, 0);
  }

  @ParameterizedTest
  @CsvSource({"1,3", "2,1", "4,5", "8,9", "16,1", "16,16", "32,13", "64,8", "128,3", "512,1"})
  void equalsTheDenseMatrixInVectorsAndInPlainJava(int rows, int cols) {
    double[] x = random(rows * cols);
    double[] expected = new double[rows * cols];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < rows; j++) {
        double h = Integer.bitCount(i & j) % 2 == 0 ? 1 : -1;
        for (int c = 0; c < cols; c++) {
          expected[i * cols + c] += h * x[j * cols + c];
        }
      }
    }
    double[] plain = x.clone();
    Hadamard.transform(plain, 0, rows, cols, false);
    assertThat(plain).containsExactly(expected, within(1e-12));
    double[] vectors = x.clone();
    Hadamard.transform(vectors, 0, rows, cols, true);
    assertThat(vectors).containsExactly(plain);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, x);
      Hadamard.transformInPlace(segment, rows, cols);
      assertThat(segment.toArray(ValueLayout.JAVA_DOUBLE)).containsExactly(plain);
    }
    Hadamard.transformInPlace(plain, rows, cols);
    for (int i = 0; i < x.length; i++) {
      assertThat(plain[i]).isCloseTo(rows * x[i], within(1e-11));
    }
  }

  @Test
  void refusesBadShapes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Hadamard.transformInPlace(new double[6], 6, 1))
        .withMessage("rows must be a power of two, was 6");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Hadamard.transformInPlace(new double[6], 2, 0))
        .withMessage("cols must be at least 1, was 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Hadamard.transformInPlace(new double[6], 4, 2))
        .withMessage("data must hold 4 x 2 numbers, holds 6");
  }
}
