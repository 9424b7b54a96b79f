package org.tikhon.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorExpTest {
  private static double[] uniform(int n, double bound, long seed) {
    return new SplittableRandom(seed).doubles(n, -bound, bound).toArray();
  }

  private static float[] floats(double[] x) {
    float[] y = new float[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = (float) x[i];
    }
    return y;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 64, 128, 256, 512})
  void everyWidthIsExact(int bits) {
    double[] x = uniform(10_001, 700, 1);
    double[] y = new double[x.length];
    Kernels.doubles(bits, true, false, false).exp(x, 0, y, 0, x.length);
    for (int i = 0; i < x.length; i++) {
      assertThat(Math.abs(y[i] / Math.exp(x[i]) - 1)).isLessThan(4e-16);
    }
    float[] f = floats(uniform(10_001, 87, 2));
    float[] g = new float[f.length];
    Kernels.floats(bits, true, false, false).exp(f, 0, g, 0, f.length);
    for (int i = 0; i < f.length; i++) {
      assertThat(Math.abs(g[i] / Math.exp(f[i]) - 1)).isLessThan(2e-7);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 64, 128, 256, 512})
  void extremesAreThoseOfMathExp(int bits) {
    double[] x = {
      0,
      -0.0,
      1,
      Double.NaN,
      -Double.NaN,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      709.7,
      709.79,
      1e300,
      -1e300,
      -708.5,
      -740,
      -745.1,
      -745.2,
      -746,
      Double.MIN_VALUE,
      -1e-300,
      5e8,
      -5e8
    };
    double[] y = new double[x.length];
    Kernels.doubles(bits, true, false, false).exp(x, 0, y, 0, x.length);
    float[] f = {
      0,
      -0f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      88.7f,
      88.8f,
      3e38f,
      -3e38f,
      -87.5f,
      -100,
      -103.9f,
      -104.1f,
      Float.MIN_VALUE,
      1e9f,
      -1e9f
    };
    float[] g = new float[f.length];
    Kernels.floats(bits, true, false, false).exp(f, 0, g, 0, f.length);
    for (int i = 0; i < x.length; i++) {
      double exact = Math.exp(x[i]);
      assertThat(Double.compare(y[i], exact) == 0 || Math.abs(y[i] - exact) <= 2 * Math.ulp(exact))
          .as("exp(%s) = %s, was %s", x[i], exact, y[i])
          .isTrue();
    }
    for (int i = 0; i < f.length; i++) {
      float exact = (float) Math.exp(f[i]);
      assertThat(Float.compare(g[i], exact) == 0 || Math.abs(g[i] - exact) <= 2 * Math.ulp(exact))
          .as("exp(%s) = %s, was %s", f[i], exact, g[i])
          .isTrue();
    }
  }

  @Test
  void arraysSegmentsRangesAndInPlaceAgree() {
    for (int n = 1; n < 70; n++) {
      double[] x = uniform(n + 7, 30, n);
      double[] expected = new double[n];
      VectorExp.exp(x, 3, expected, 0, n);
      double[] inPlace = x.clone();
      VectorExp.exp(inPlace, 3, inPlace, 3, n);
      assertThat(inPlace)
          .startsWith(x[0], x[1], x[2])
          .endsWith(x[n + 3], x[n + 4], x[n + 5], x[n + 6]);
      assertThat(Arrays.copyOfRange(inPlace, 3, n + 3)).isEqualTo(expected);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment off = arena.allocate(8L * n + 8, 8).asSlice(4, 8L * n);
        MemorySegment heap = MemorySegment.ofArray(x).asSlice(24, 8L * n);
        VectorExp.expDoubles(heap, off, n);
        double[] fromSegment = new double[n];
        MemorySegment.copy(off, 0, MemorySegment.ofArray(fromSegment), 0, 8L * n);
        assertThat(fromSegment).isEqualTo(expected);
        MemorySegment array = MemorySegment.ofArray(new double[n]);
        VectorExp.expDoubles(heap, array, n);
        assertThat(array.mismatch(off)).isEqualTo(-1);
      }
    }
  }

  @Test
  void wrongOperandsAreRefused() {
    assertThatThrownBy(() -> VectorExp.exp(new double[3], new double[4]))
        .hasMessage("x and y must have the same length, have 3 and 4");
    float[] x = new float[10];
    assertThatThrownBy(() -> VectorExp.exp(x, 0, x, 2, 4)).hasMessageContaining("overlap");
    MemorySegment s = MemorySegment.ofArray(x);
    assertThatThrownBy(() -> VectorExp.expFloats(s, s, 11)).hasMessageContaining("x must hold 11");
    assertThatThrownBy(() -> VectorExp.expFloats(s, s.asReadOnly(), 10))
        .hasMessageContaining("read-only");
    assertThatThrownBy(() -> VectorExp.expFloats(s, s.asSlice(4), 9))
        .hasMessageContaining("overlap");
  }
}
