package org.tikhon.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import jdk.incubator.vector.FloatVector;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.simd.SoftmaxKernel.Algorithm;

class SoftmaxTest {
  private static final int[] WIDTHS = {0, 128, 256, 512};

  private static float[] uniform(int n, double bound, long seed) {
    return floats(new SplittableRandom(seed).doubles(n, -bound, bound).toArray());
  }

  private static float[] floats(double... x) {
    float[] y = new float[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = (float) x[i];
    }
    return y;
  }

  private static double[] doubles(float... x) {
    double[] y = new double[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = x[i];
    }
    return y;
  }

  private static double[] reference(double[] x) {
    double max = Arrays.stream(x).max().getAsDouble();
    double[] y = Arrays.stream(x).map(v -> Math.exp(v - max)).toArray();
    double sum = Arrays.stream(y).sum();
    return Arrays.stream(y).map(v -> v / sum).toArray();
  }

  private static SoftmaxKernel kernel(Algorithm algorithm, int bits) {
    return new SoftmaxKernel(algorithm, bits, 1, null, null, false);
  }

  private static float[] softmax(SoftmaxKernel kernel, float... x) {
    float[] y = new float[x.length];
    kernel.rows(x, y, 1, x.length, x.length, x.length);
    return y;
  }

  private static float[] softmax(float... x) {
    float[] y = new float[x.length];
    Softmax.compute(x, y);
    return y;
  }

  private static double[] softmax(double... x) {
    double[] y = new double[x.length];
    Softmax.compute(x, y);
    return y;
  }

  private static ExtendedSum sum(float... x) {
    ExtendedSum sum = new ExtendedSum();
    sum.add(x, 0, x.length);
    return sum;
  }

  private static float[] twice(float x, int n) {
    float[] y = new float[n];
    Arrays.fill(y, x);
    return y;
  }

  // Golden check 1.
  @Test
  void oneTwoThree() {
    double[] expected = {0.09003057, 0.24472847, 0.66524096};
    for (Algorithm algorithm : Algorithm.values()) {
      float[] y = softmax(new SoftmaxKernel(algorithm), 1, 2, 3);
      for (int i = 0; i < 3; i++) {
        assertThat(y[i] / expected[i]).isCloseTo(1, within(2e-7));
      }
    }
    assertThat(Softmax.logSumExp(floats(1, 2, 3)) / 3.40760596).isCloseTo(1, within(2e-7));
    double[][] pairs = {{1.359141, 1}, {0.923632, 3}, {1.255346, 4}};
    for (int i = 0; i < 3; i++) {
      ExtendedSum one = sum(i + 1);
      assertThat(one.mantissa()).isCloseTo(pairs[i][0], within(5e-7 + 2e-7));
      assertThat(one.exponent()).isEqualTo(pairs[i][1]);
    }
    ExtendedSum all = sum(1, 2, 3);
    assertThat(all.mantissa()).isCloseTo(1.887055, within(5e-7 + 4e-7));
    assertThat(all.exponent()).isEqualTo(4);
  }

  // Golden check 2.
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void aShiftChangesNothing(Algorithm algorithm) {
    SoftmaxKernel kernel = new SoftmaxKernel(algorithm);
    float[] x = new float[257];
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextInt(-20, 21);
    }
    float[] y = softmax(kernel, x);
    for (float c : new float[] {100, -100, 1000, -1000, 10_000, -10_000}) {
      float[] moved = x.clone();
      for (int i = 0; i < x.length; i++) {
        moved[i] += c;
      }
      float[] z = softmax(kernel, moved);
      for (int i = 0; i < x.length; i++) {
        assertThat(z[i] / (double) y[i]).isCloseTo(1, within(2e-6));
      }
    }
    float[] high = softmax(kernel, 1000, 1001, 1002);
    assertThat(high[0]).isCloseTo(0.09003057f, within(2e-7f));
    assertThat(high[2]).isCloseTo(0.66524094f, within(2e-7f));
  }

  // Golden check 3, through the vector kernel: a full block of equal elements has s = n m.
  @Test
  void mantissasAreAccurate() {
    SplittableRandom random = new SplittableRandom(5);
    int n = 64;
    double worst = 0;
    double worstFar = 0;
    for (int i = 0; i < 4000; i++) {
      float x = (float) random.nextDouble(-1e6, 1e6);
      float near = x / 10;
      worstFar = Math.max(worstFar, mantissaError(sum(twice(x, n)), x, n));
      worst = Math.max(worst, mantissaError(sum(twice(near, n)), near, n));
      ExtendedSum small = sum(twice(x / 1000, n));
      assertThat(small.mantissa() / n).isBetween(0.7070, 1.4143);
      assertThat(FloatExp.mantissa(x / 1000)).isBetween(0.7070f, 1.4143f);
      worst = Math.max(worst, mantissaError(sum(near), near, 1));
    }
    assertThat(worst).isLessThan(2.5e-7);
    assertThat(worstFar).isLessThan(2e-6);
  }

  private static double mantissaError(ExtendedSum sum, float x, int n) {
    // exp(x - e ln 2) with ln 2 as the sum of two doubles, so that the difference is exact enough.
    double ln2High = 0x1.62e42fee00000p-1;
    double ln2Low = 0x1.a39ef35793c76p-33;
    double exact = n * Math.exp(x - sum.exponent() * ln2High - sum.exponent() * ln2Low);
    return Math.abs(sum.mantissa() / exact - 1);
  }

  // Golden check 4.
  @Test
  void algorithmsAgreeWithEachOtherAndWithDoubles() {
    for (int bits : WIDTHS) {
      for (int n : new int[] {1, 2, 100, 4096, 50_257}) {
        float[] x = uniform(n, 1000, n);
        double[] exact = reference(doubles(x));
        float[][] y = new float[3][];
        for (int a = 0; a < 3; a++) {
          y[a] = softmax(kernel(Algorithm.values()[a], bits), x);
          double worst = 0;
          for (int i = 0; i < n; i++) {
            worst = Math.max(worst, (Math.abs(y[a][i] - exact[i]) - 1e-37) / exact[i]);
          }
          assertThat(worst)
              .as("%s, %d bits, n = %d", Algorithm.values()[a], bits, n)
              .isLessThan(1e-6);
        }
        double spread = 0;
        for (int i = 0; i < n; i++) {
          float largest = Math.max(y[0][i], Math.max(y[1][i], y[2][i]));
          float smallest = Math.min(y[0][i], Math.min(y[1][i], y[2][i]));
          spread = Math.max(spread, (largest - smallest - 1e-37) / Math.ulp(largest));
        }
        assertThat(spread).isLessThanOrEqualTo(4);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void tenMillionElementsSumToOne(Algorithm algorithm) {
    float[] x = uniform(10_000_000, 10, 1);
    new SoftmaxKernel(algorithm).rows(x, x, 1, x.length, x.length, x.length);
    double sum = 0;
    for (float y : x) {
      sum += y;
    }
    assertThat(sum).isCloseTo(1, within(1e-5));
  }

  // Golden check 5.
  @Test
  void sumsMergeInAnyOrder() {
    float[] x = uniform(5000, 300, 8);
    ExtendedSum whole = sum(x);
    SplittableRandom random = new SplittableRandom(9);
    for (int repeat = 0; repeat < 20; repeat++) {
      ExtendedSum forward = new ExtendedSum();
      ExtendedSum backward = new ExtendedSum();
      for (int from = 0; from < x.length; ) {
        int to = Math.min(x.length, from + 1 + random.nextInt(700));
        ExtendedSum piece = new ExtendedSum();
        piece.add(x, from, to);
        forward.merge(piece);
        piece.merge(backward);
        backward = piece;
        from = to;
      }
      for (ExtendedSum merged : new ExtendedSum[] {forward, backward}) {
        assertThat(merged.exponent()).isEqualTo(whole.exponent());
        assertThat(merged.mantissa() / whole.mantissa()).isCloseTo(1, within(1e-6));
      }
    }
    ExtendedSum nothing = new ExtendedSum();
    assertThat(nothing.mantissa()).isZero();
    assertThat(nothing.exponent()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(nothing.log()).isEqualTo(Double.NEGATIVE_INFINITY);
    double before = whole.mantissa();
    whole.merge(nothing);
    assertThat(whole.mantissa()).isEqualTo(before);
    nothing.merge(whole);
    assertThat(nothing.log()).isEqualTo(whole.log());
    for (Algorithm algorithm : Algorithm.values()) {
      for (float v : uniform(200, 1000, 4)) {
        assertThat(softmax(new SoftmaxKernel(algorithm), v)).containsExactly(1f);
      }
    }
  }

  @Test
  void sumsReachBeyondTheRangeOfTheKernels() {
    ExtendedSum sum = sum(floats(-3e38, 3e38, 3e38, 1));
    assertThat(sum.log()).isCloseTo(3e38f + Math.log(2), within(1e23));
    sum.merge(sum(1, 2));
    assertThat(sum.log()).isCloseTo(3e38f + Math.log(2), within(1e23));
    ExtendedSum low = sum(-2e6f, -2e6f);
    assertThat(low.log()).isCloseTo(-2e6 + Math.log(2), within(1e-8));
    low.merge(sum(0));
    assertThat(low.log()).isZero();
    assertThat(sum(Float.NEGATIVE_INFINITY).log()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(sum(1, Float.POSITIVE_INFINITY).log()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(sum(1, Float.NaN).log()).isNaN();
    assertThat(sum(Float.NaN, Float.POSITIVE_INFINITY).log()).isNaN();
  }

  // Golden check 6.
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void constantAndPeakedRows(Algorithm algorithm) {
    for (int bits : WIDTHS) {
      SoftmaxKernel kernel = kernel(algorithm, bits);
      for (int n : new int[] {2, 3, 63, 64, 1000, 123_457}) {
        for (float value : new float[] {0, -0f, 3.7f, -812.3f, 1e-40f}) {
          float[] y = softmax(kernel, twice(value, n));
          float expected = (float) (1.0 / n);
          for (int i = 0; i < n; i += Math.max(1, n / 50)) {
            assertThat(y[i]).isCloseTo(expected, within(2 * Math.ulp(expected)));
          }
        }
      }
      for (float peak : new float[] {200, 333.3f, 901.7f, 150.01f}) {
        float[] x = new float[1000];
        x[999] = peak;
        float[] y = softmax(kernel, x);
        assertThat(y[999]).isEqualTo(1);
        y[999] = 0;
        assertThat(y).containsOnly(0);
      }
    }
  }

  // Golden check 7.
  @Test
  void logarithmsAreDifferences() {
    for (int bits : WIDTHS) {
      for (float offset : new float[] {0, 1000, -300_000}) {
        float[] x = uniform(777, 8, 2);
        for (int i = 0; i < x.length; i++) {
          x[i] = Math.round(x[i] * 16) / 16f + offset;
        }
        SoftmaxKernel kernel = kernel(Algorithm.TWO_PASS, bits);
        float[] log = new float[x.length];
        kernel.logRows(x, log, 1, x.length, x.length, x.length);
        float[] y = softmax(kernel, x);
        for (int i = 1; i < x.length; i++) {
          assertThat(log[i] - log[0]).isCloseTo(x[i] - x[0], within(4e-6f));
          assertThat(Math.exp(log[i]) / y[i]).isCloseTo(1, within(1e-6));
        }
        assertThat(Math.exp(kernel.logSumExp(x) - x[0]) * y[0]).isCloseTo(1, within(1e-6));
      }
    }
  }

  @Test
  void backwardIsTheDerivative() {
    int n = 37;
    double temperature = 0.7;
    SoftmaxKernel kernel = new SoftmaxKernel(Algorithm.TWO_PASS).temperature(temperature);
    SplittableRandom random = new SplittableRandom(6);
    double[] x = random.doubles(n, -3, 3).toArray();
    double[] w = random.doubles(n, -1, 1).toArray();
    for (boolean log : new boolean[] {false, true}) {
      double[] y = new double[n];
      double[] dx = new double[n];
      forward(kernel, log, x, y);
      if (log) {
        kernel.logBackward(y, w, dx, 1, n);
      } else {
        kernel.backward(y, w, dx, 1, n);
      }
      float[] dxFloat = new float[n];
      if (log) {
        kernel.logBackward(floats(y), floats(w), dxFloat, 1, n);
      } else {
        kernel.backward(floats(y), floats(w), dxFloat, 1, n);
      }
      for (int i = 0; i < n; i++) {
        double h = 1e-6;
        double[] up = x.clone();
        double[] down = x.clone();
        up[i] += h;
        down[i] -= h;
        double slope =
            (dot(w, forward(kernel, log, up, new double[n]))
                    - dot(w, forward(kernel, log, down, new double[n])))
                / (2 * h);
        assertThat(dx[i]).isCloseTo(slope, within(1e-6));
        assertThat(dxFloat[i]).isCloseTo((float) dx[i], within(1e-6f));
      }
    }
    float[] y = softmax(1, 2, 3);
    float[] dx = new float[3];
    Softmax.backward(y, floats(1, 0, 0), dx);
    assertThat(dx[0]).isCloseTo(y[0] * (1 - y[0]), within(1e-7f));
    float[] log = new float[3];
    Softmax.logSoftmax(floats(1, 2, 3), log);
    Softmax.logBackward(log, floats(1, 0, 0), log);
    assertThat(log[0]).isCloseTo(1 - y[0], within(1e-6f));
  }

  private static double[] forward(SoftmaxKernel kernel, boolean log, double[] x, double[] y) {
    if (log) {
      kernel.logRows(x, y, 1, x.length, x.length, x.length);
    } else {
      kernel.rows(x, y, 1, x.length, x.length, x.length);
    }
    return y;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  // Golden check 8.
  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void everyKindOfMemoryGivesTheSameBits(Algorithm algorithm) {
    SoftmaxKernel kernel = new SoftmaxKernel(algorithm);
    int lanes = FloatVector.SPECIES_PREFERRED.length();
    for (int n = 1; n <= 4 * lanes + 3; n++) {
      float[] x = uniform(n, 50, n);
      float[] expected = softmax(kernel, x);
      float[] inPlace = x.clone();
      kernel.rows(inPlace, inPlace, 1, n, n, n);
      assertThat(inPlace).isEqualTo(expected);

      float[] strided = new float[3 * (n + 5)];
      float[] out = new float[3 * (n + 2)];
      for (int r = 0; r < 3; r++) {
        System.arraycopy(x, 0, strided, r * (n + 5), n);
      }
      kernel.rows(strided, out, 3, n, n + 5, n + 2);
      for (int r = 0; r < 3; r++) {
        assertThat(Arrays.copyOfRange(out, r * (n + 2), r * (n + 2) + n)).isEqualTo(expected);
      }

      try (Arena arena = Arena.ofConfined()) {
        MemorySegment odd = arena.allocate(4L * n + 3, 64).asSlice(3, 4L * n);
        MemorySegment heap = MemorySegment.ofArray(x);
        odd.copyFrom(heap);
        MemorySegment result = arena.allocate(4L * n, 4);
        kernel.rows(odd, result, 1, n, n, n);
        assertThat(MemorySegment.ofArray(expected).mismatch(result)).isEqualTo(-1);
        kernel.rows(odd, odd, 1, n, n, n);
        assertThat(odd.mismatch(result)).isEqualTo(-1);
        MemorySegment slice = MemorySegment.ofArray(new float[n + 1]).asSlice(4);
        kernel.rows(heap, slice, 1, n, n, n);
        assertThat(slice.mismatch(result)).isEqualTo(-1);
        slice.fill((byte) 0);
        kernel.rows(heap.asReadOnly(), slice, 1, n, n, n);
        assertThat(slice.mismatch(result)).isEqualTo(-1);
      }
    }
  }

  @Test
  void everyWidthAgreesWithThePlainTwin() {
    for (int n : new int[] {1, 15, 64, 130, 5000}) {
      float[] x = uniform(n, 90, n);
      double[] xd = doubles(x);
      double[] exact = reference(xd);
      for (int bits : new int[] {0, 64, 128, 256, 512}) {
        for (int a = 0; a < 3; a++) {
          SoftmaxKernel kernel = kernel(Algorithm.values()[a], bits);
          double[] y = new double[n];
          kernel.rows(xd, y, 1, n, n, n);
          double worst = 0;
          for (int i = 0; i < n; i++) {
            worst = Math.max(worst, Math.abs(y[i] / exact[i] - 1));
          }
          // x - max is rounded: up to 180 2^-53.
          assertThat(worst).isLessThan(4e-14);
          assertThat(kernel.logSumExp(xd))
              .isCloseTo(kernel(Algorithm.TWO_PASS, 0).logSumExp(xd), within(1e-13));
        }
        float[] two = softmax(kernel(Algorithm.TWO_PASS, bits), x);
        float[] twin = softmax(kernel(Algorithm.TWO_PASS, 0), x);
        double worst = 0;
        float ulps = 0;
        for (int i = 0; i < n; i++) {
          ulps = Math.max(ulps, Math.abs(two[i] - twin[i]) / Math.ulp(twin[i]));
          // The two-pass form has no rounding of x - max.
          worst = Math.max(worst, (Math.abs(two[i] - exact[i]) - 1e-37) / exact[i]);
        }
        assertThat(worst).isLessThan(1e-6);
        assertThat(ulps).isLessThanOrEqualTo(4);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 256, 512})
  void specialValuesAreThoseOfPyTorch(int bits) {
    float inf = Float.POSITIVE_INFINITY;
    for (Algorithm algorithm : Algorithm.values()) {
      SoftmaxKernel kernel = kernel(algorithm, bits);
      for (int n : new int[] {2, 40, 200, 40_000}) {
        for (int at : n < 1000 ? new int[] {0, n / 2, n - 1} : new int[] {35_000}) {
          float[] x = uniform(n, 5, n);
          x[at] = Float.NaN;
          assertThat(softmax(kernel, x)).containsOnly(Float.NaN);
          x[at] = Float.intBitsToFloat(0xFFC00000);
          assertThat(softmax(kernel, x)).containsOnly(Float.NaN);
          x[at] = inf;
          assertThat(softmax(kernel, x)).containsOnly(Float.NaN);
          assertThat(kernel.logSumExp(x)).isEqualTo(Double.POSITIVE_INFINITY);
          for (float low : new float[] {-inf, -3e38f, -1.2e7f, -1e7f, -9e6f, -2e6f, -1e15f}) {
            x[at] = low;
            float[] y = softmax(kernel, x);
            assertThat(y[at]).isZero();
            double total = 0;
            for (float v : y) {
              total += v;
            }
            assertThat(total).isCloseTo(1, within(1e-5));
          }
          x[at] = 3e38f;
          float[] y = softmax(kernel, x);
          assertThat(y[at]).isEqualTo(1);
          assertThat(Float.isNaN(y[(at + 1) % n])).isFalse();
        }
        assertThat(softmax(kernel, twice(-inf, n))).containsOnly(Float.NaN);
        assertThat(kernel.logSumExp(twice(-inf, n))).isEqualTo(Double.NEGATIVE_INFINITY);
        float[] y = softmax(kernel, twice(-3e38f, n));
        assertThat(y[n - 1]).isCloseTo(1f / n, within(1e-7f));
        float[] log = new float[n];
        kernel.logRows(twice(2e6f, n), log, 1, n, n, n);
        assertThat(log[0]).isCloseTo((float) -Math.log(n), within(1e-5f));
      }
    }
    assertThat(softmax(-3e38f, 3e38f, 0)).containsExactly(0, 1, 0);
    assertThat(softmax(Double.MIN_VALUE, -0.0)).containsExactly(0.5, 0.5);
    assertThat(softmax(1e300, -1e300, Double.NEGATIVE_INFINITY)).containsExactly(1, 0, 0);
  }

  @Test
  void temperatureDividesTheInput() {
    float[] x = uniform(1000, 20, 12);
    double[] exact = reference(Arrays.stream(doubles(x)).map(v -> v / 0.7).toArray());
    for (int bits : WIDTHS) {
      for (Algorithm algorithm : Algorithm.values()) {
        SoftmaxKernel kernel = kernel(algorithm, bits).temperature(0.7);
        float[] y = softmax(kernel, x);
        for (int i = 0; i < x.length; i++) {
          // x / 0.7 is rounded to float: relative 1.2e-7 of an exponent of at most 29.
          assertThat(y[i] / exact[i]).isCloseTo(1, within(1e-5));
        }
        assertThat(kernel.logSumExp(x)).isCloseTo(x[0] / 0.7 - Math.log(exact[0]), within(1e-5));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void masksAndLengthsLeaveElementsOut(Algorithm algorithm) {
    int rows = 5;
    int cols = 83;
    float[] x = uniform(rows * cols, 6, 1);
    boolean[] mask = new boolean[rows * cols];
    long[] lengths = {83, 1, 0, 40, 64};
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i / cols != 3 && random.nextBoolean();
      if (!mask[i]) {
        x[i] = i % 2 == 0 ? Float.NaN : Float.POSITIVE_INFINITY;
      }
    }
    for (int bits : WIDTHS) {
      SoftmaxKernel kernel = kernel(algorithm, bits);
      float[] y = new float[x.length];
      kernel.mask(mask).rows(x, y, rows, cols, cols, cols);
      float[] log = new float[x.length];
      kernel.mask(mask).maskedRowIsZero(true).logRows(x, log, rows, cols, cols, cols);
      for (int r = 0; r < rows; r++) {
        double[] kept = new double[cols];
        for (int i = 0; i < cols; i++) {
          kept[i] = mask[r * cols + i] ? x[r * cols + i] : Double.NEGATIVE_INFINITY;
        }
        double[] exact = reference(kept);
        for (int i = 0; i < cols; i++) {
          int at = r * cols + i;
          if (r == 3) {
            assertThat(y[at]).isNaN();
            assertThat(log[at]).isEqualTo(Float.NEGATIVE_INFINITY);
          } else {
            assertThat(y[at]).isCloseTo((float) exact[i], within(1e-6f));
            assertThat(y[at] == 0).isEqualTo(!mask[at]);
            assertThat((float) Math.exp(log[at])).isCloseTo(y[at], within(1e-6f));
          }
        }
      }
      kernel.mask(mask).maskedRowIsZero(true).rows(x, y, rows, cols, cols, cols);
      assertThat(Arrays.copyOfRange(y, 3 * cols, 4 * cols)).containsOnly(0);

      float[] z = uniform(rows * cols, 6, 3);
      kernel.lengths(lengths).maskedRowIsZero(true).rows(z, y, rows, cols, cols, cols);
      for (int r = 0; r < rows; r++) {
        int n = (int) lengths[r];
        if (n > 0) {
          float[] row = Arrays.copyOfRange(z, r * cols, r * cols + n);
          assertThat(Arrays.copyOfRange(y, r * cols, r * cols + n)).isEqualTo(softmax(kernel, row));
        }
        for (int i = n; i < cols; i++) {
          assertThat(y[r * cols + i]).isZero();
        }
      }
      boolean[] shared = Arrays.copyOf(mask, cols);
      kernel.mask(shared).rows(z, y, rows, cols, cols, cols);
      for (int i = 0; i < rows * cols; i++) {
        assertThat(y[i] == 0).isEqualTo(!shared[i % cols]);
      }
    }
  }

  @Test
  void threadsShareARow() {
    float[] x = uniform(100_003, 400, 1);
    float[] expected = softmax(new SoftmaxKernel(Algorithm.TWO_PASS), x);
    for (int threads : new int[] {1, 2, 3, 200}) {
      float[] y = new float[x.length];
      Softmax.parallel(x, y, x.length, threads);
      for (int i = 0; i < x.length; i++) {
        assertThat(y[i]).isCloseTo(expected[i], within(1e-6f * expected[i]));
      }
    }
    x[70_000] = Float.NEGATIVE_INFINITY;
    float[] y = new float[x.length];
    Softmax.parallel(x, y, x.length, 2);
    assertThat(y[70_000]).isZero();
    x[5] = 3e38f;
    Softmax.parallel(x, x, x.length, 2);
    assertThat(x[5]).isEqualTo(1);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment shared = arena.allocate(40_000, 4);
      Softmax.parallel(shared, shared, 10_000, 2);
      assertThat(shared.getAtIndex(ValueLayout.JAVA_FLOAT, 9_999)).isCloseTo(1e-4f, within(1e-10f));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment confined = arena.allocate(40_000, 4);
      assertThatThrownBy(() -> Softmax.parallel(confined, confined, 10_000, 2))
          .isInstanceOf(WrongThreadException.class);
    }
  }

  @Test
  void badInputIsRefused() {
    float[] x = new float[12];
    SoftmaxKernel kernel = new SoftmaxKernel(Algorithm.AUTO);
    refused(() -> Softmax.compute(new float[0], new float[0]), "softmax of an empty row");
    refused(() -> Softmax.logSumExp(new double[0]), "softmax of an empty row");
    refused(() -> Softmax.compute(x, new float[3]), "have 12 and 3");
    refused(() -> Softmax.logSoftmax(x, new float[3]), "have 12 and 3");
    refused(() -> kernel.rows(x, x, 2, 6, -6, 6), "xStride must not be negative, was -6");
    refused(() -> kernel.rows(x, x, 2, 6, 6, 5), "yStride must be at least the 6 columns, was 5");
    refused(() -> kernel.rows(x, x, 3, 6, 6, 6), "that is 18, has 12");
    refused(() -> kernel.rows(x, x, 2, 4, 4, 5), "one array");
    refused(() -> kernel.temperature(0), "temperature must be above 0 and finite, was 0.0");
    refused(() -> kernel.temperature(Double.NaN), "was NaN");
    refused(() -> kernel.mask(new boolean[5]).rows(x, x, 2, 6, 6, 6), "has 5");
    refused(() -> kernel.lengths(new long[] {1, 7}).rows(x, x, 2, 6, 6, 6), "0..6, one is 7");
    refused(() -> kernel.lengths(new long[1]).rows(x, x, 2, 6, 6, 6), "each of the 2 rows, has 1");
    refused(() -> Softmax.backward(x, x, new float[4]), "have 12, 12 and 4");
    refused(() -> Softmax.parallel(x, x, 13, 2), "x must hold 13 numbers of 4 bytes, has 48 bytes");
    refused(() -> Softmax.parallel(x, x, 12, 0), "threads must be at least 1, was 0");
    MemorySegment s = MemorySegment.ofArray(x);
    refused(() -> Softmax.compute(s, s.asReadOnly(), 12), "read-only segment of 48 bytes");
    refused(() -> Softmax.compute(s.asSlice(0, 44), s.asSlice(4, 44), 11), "4 bytes after x");
    refused(() -> Softmax.compute(s, s, 13), "x must hold 13 numbers of 4 bytes, has 48 bytes");
    refused(() -> Softmax.compute(s, s, -1), "must not be negative");
    refused(() -> kernel.rows(s, s, Long.MAX_VALUE, 6, 6, 6), "cannot hold");
    MemorySegment closed;
    try (Arena arena = Arena.ofConfined()) {
      closed = arena.allocate(48);
      refused(() -> Softmax.compute(closed.asSlice(4, 40), closed, 10), "-4 bytes after x");
    }
    assertThatThrownBy(() -> Softmax.compute(closed, closed, 12))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(x).containsOnly(0);
  }

  private static void refused(ThrowingCallable call, String text) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(text);
  }

  /**
   * In a JVM of its own: the JIT's decisions depend on what a JVM did before, and after the many
   * kinds of calls and failures of the other tests here C2 now and then leaves a vector boxed.
   */
  @Test
  void warmedKernelsDoNotAllocate() throws Exception {
    String output =
        outputOfChild(
            System.getProperty("java.class.path"),
            WarmedKernels.class,
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED");
    assertThat(output.lines().filter(l -> !l.contains("Using incubator modules"))).isEmpty();
  }

  /** Calls each kernel until the JIT has compiled it, and prints those that allocate. */
  static final class WarmedKernels {
    private WarmedKernels() {}

    public static void main(String[] args) {
      int n = 512 + 7;
      float[] x = uniform(n, 100, 1);
      float[] y = new float[n];
      double[] xd = doubles(x);
      double[] yd = new double[n];
      boolean[] mask = new boolean[n];
      Arrays.fill(mask, 3, n, true);
      ExtendedSum sum = new ExtendedSum();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment xs = arena.allocate(8L * n, 64);
        MemorySegment ys = arena.allocate(8L * n, 64);
        Runnable[] calls = {
          () -> VectorExp.exp(x, y),
          () -> VectorExp.exp(xd, yd),
          () -> VectorExp.expFloats(xs, ys, n),
          () -> VectorExp.expDoubles(xs, ys, n),
          () -> Softmax.logSumExp(x),
          () -> Softmax.logSumExpDoubles(xs, n),
          () -> Softmax.logSoftmax(xd, yd),
          () -> Softmax.logSoftmax(xs, ys, n),
          () -> Softmax.backward(x, x, y),
          () -> Softmax.logBackward(xd, xd, yd),
          () -> sum.add(x, 0, n)
        };
        for (int i = 0; i < calls.length; i++) {
          report("call " + i, calls[i]);
        }
        for (int a = 0; a < 3; a++) {
          SoftmaxKernel kernel = new SoftmaxKernel(Algorithm.values()[a]);
          report("floats, algorithm " + a, () -> kernel.rows(x, y, 1, n, n, n));
          report("doubles, algorithm " + a, () -> kernel.rowsDoubles(xs, ys, 1, n, n, n));
        }
        SoftmaxKernel masked = new SoftmaxKernel(Algorithm.TWO_PASS).temperature(2).mask(mask);
        report("masked array", () -> masked.rows(x, y, 1, n, n, n));
        report("masked segment", () -> masked.rows(xs, ys, 1, n, n, n));
      }
    }

    private static void report(String name, Runnable call) {
      long bytes = allocated(call);
      if (bytes != 0) {
        System.out.println(name + " allocates " + bytes + " bytes");
      }
    }

    /** The bytes of a call once the JIT has compiled it. */
    private static long allocated(Runnable call) {
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long bytes = Long.MAX_VALUE;
      for (int round = 0; round < 2000 && bytes > 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 20; i++) {
          call.run();
        }
        bytes = Math.min(bytes, threads.getCurrentThreadAllocatedBytes() - before);
        if (round > 100) {
          LockSupport.parkNanos(5_000_000); // leaves the processor to the compiler
        }
      }
      return bytes;
    }
  }

  @Test
  void worksWithoutTheVectorModule() throws Exception {
    String path =
        Path.of(Softmax.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            + System.getProperty("path.separator")
            + Path.of(
                SoftmaxTest.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    float[] twin = softmax(kernel(Algorithm.TWO_PASS, Kernels.SCALAR), 1, 2, 3);
    assertThat(outputOfChild(path, WithoutVectors.class).strip())
        .isEqualTo("false " + twin[0] + " " + twin[1] + " " + twin[2] + " " + Math.E);
  }

  /** What a program prints that runs in a JVM of its own and ends well. */
  private static String outputOfChild(String classPath, Class<?> program, String... flags)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(List.of("-cp", classPath, program.getName()));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(child.waitFor()).as(output).isZero();
    return output;
  }

  /** Runs in a JVM to which jdk.incubator.vector was not added. */
  static final class WithoutVectors {
    private WithoutVectors() {}

    public static void main(String[] args) {
      float[] y = {1, 2, 3};
      new SoftmaxKernel(Algorithm.TWO_PASS).rows(y, y, 1, 3, 3, 3);
      double[] e = {1};
      VectorExp.exp(e, e);
      boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
      System.out.println(vectors + " " + y[0] + " " + y[1] + " " + y[2] + " " + e[0]);
    }
  }
}
