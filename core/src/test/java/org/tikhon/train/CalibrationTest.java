package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CalibrationTest {
  private static final Calibration C =
      Calibration.of(
          new double[] {0.95, 0.95, 0.55, 0.65}, new boolean[] {true, false, true, true});

  @Test
  void expectedCalibrationErrorOfFifteenBins() {
    // Bin 15 holds two of confidence 0.95, half right; bins 9 and 10 hold one right one each.
    double expected = 0.45 * 2 / 4 + 0.45 / 4 + 0.35 / 4;
    assertThat(C.ece(Calibration.BINS)).isCloseTo(expected, within(1e-12));
    // In one bin, mean confidence 0.775 and accuracy 0.75.
    assertThat(C.ece(1)).isCloseTo(0.025, within(1e-12));
  }

  @Test
  void adaptiveBinsHoldEquallyManySamples() {
    // Bins {0.55, 0.65} and {0.95, 0.95}.
    assertThat(C.adaptiveEce(2)).isCloseTo(0.8 / 4 + 0.9 / 4, within(1e-12));
    assertThat(C.adaptiveEce(1)).isCloseTo(0.025, within(1e-12));
  }

  @Test
  void binsAreOpenBelowAndClosedAbove() {
    Calibration edge =
        Calibration.of(new double[] {0.6, 0.61, 0}, new boolean[] {true, false, false});
    Calibration.Bin[] bins = edge.bins(10);
    assertThat(bins[5].count()).isEqualTo(1);
    assertThat(bins[5].accuracy()).isEqualTo(1);
    assertThat(bins[6].count()).isEqualTo(1);
    assertThat(bins[0].count()).isEqualTo(1);
    assertThat(bins[3].count()).isZero();
    assertThat(bins[3].confidence()).isNaN();
  }

  @Test
  void riskAndCoverage() {
    // The fractions of errors among the first 1, 2, 3, 4 are 0, 1/2, 1/3, 1/4.
    double aurc = (1 / 2.0 + 1 / 3.0 + 1 / 4.0) / 4;
    assertThat(C.aurc()).isCloseTo(aurc, within(1e-12));
    assertThat(C.eaurc()).isCloseTo(aurc - 1 / 16.0, within(1e-12));
  }

  @Test
  void confidencesComeFromProbabilities() {
    double[][] p = {{0.05, 0.95}, {0.95, 0.05}, {0.55, 0.45}, {0.35, 0.65}};
    Calibration same = Calibration.of(p, new int[] {1, 1, 0, 1});
    assertThat(same.ece(15)).isCloseTo(C.ece(15), within(1e-12));
  }

  @Test
  void badArgumentsAreRefused() {
    assertThatThrownBy(() -> Calibration.of(new double[1], new boolean[2]))
        .hasMessageContaining("were 1 and 2");
    assertThatThrownBy(() -> C.bins(0)).hasMessage("bins must be at least 1, was 0");
  }
}
