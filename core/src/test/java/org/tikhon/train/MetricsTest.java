package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class MetricsTest {
  private static final double[][] P = {
    {0.7, 0.2, 0.1}, {0.1, 0.8, 0.1}, {0.3, 0.3, 0.4}, {0.2, 0.5, 0.3}
  };
  private static final int[] LABELS = {0, 1, 0, 2};

  private static double[][] twoClasses(double... ofOne) {
    double[][] rows = new double[ofOne.length][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = new double[] {1 - ofOne[i], ofOne[i]};
    }
    return rows;
  }

  @Test
  void accuracyAndTopK() {
    assertThat(Metrics.argmax(P)).containsExactly(0, 1, 2, 1);
    assertThat(Metrics.accuracy(P, LABELS)).isEqualTo(0.5);
    assertThat(Metrics.topK(P, LABELS, 2)).isEqualTo(1);
    // Of equal probabilities the first class counts as the more probable one.
    double[][] tie = {{0.5, 0.5}};
    assertThat(Metrics.topK(tie, new int[] {0}, 1)).isEqualTo(1);
    assertThat(Metrics.topK(tie, new int[] {1}, 1)).isZero();
  }

  @Test
  void negativeLogLikelihood() {
    double expected = -(Math.log(0.7) + Math.log(0.8) + 2 * Math.log(0.3)) / 4;
    assertThat(Metrics.nll(P, LABELS)).isCloseTo(expected, within(1e-12));
    assertThat(Metrics.nll(twoClasses(0), new int[] {1})).isCloseTo(-Math.log(1e-12), within(1e-9));
  }

  @Test
  void brierScore() {
    // Row by row 0.14, 0.06, 0.74, 0.78.
    assertThat(Metrics.brier(P, LABELS)).isCloseTo(0.43, within(1e-12));
  }

  @Test
  void confusionAndMacroF1() {
    assertThat(Metrics.confusion(P, LABELS))
        .isDeepEqualTo(new int[][] {{1, 0, 1}, {0, 1, 0}, {0, 1, 0}});
    // 2/3 for class 0 (one hit of two, no false alarm), 2/3 for class 1, 0 for class 2.
    assertThat(Metrics.macroF1(P, LABELS)).isCloseTo(4.0 / 9, within(1e-12));
  }

  @Test
  void areaUnderTheRocCurve() {
    // Of the four pairs of a negative and a positive, three are in order.
    assertThat(Metrics.auroc(twoClasses(0.1, 0.4, 0.35, 0.8), new int[] {0, 0, 1, 1}))
        .isCloseTo(0.75, within(1e-12));
    assertThat(Metrics.auroc(twoClasses(0.5, 0.5), new int[] {0, 1})).isEqualTo(0.5);
    assertThat(Metrics.auroc(twoClasses(0.5, 0.6), new int[] {1, 1})).isNaN();
    // One against the rest: 1, 1 and 2/3.
    assertThat(Metrics.auroc(P, LABELS)).isCloseTo(8.0 / 9, within(1e-12));
  }

  @Test
  void regression() {
    double[] predicted = {2.5, 0, 2, 8};
    double[] target = {3, -0.5, 2, 7};
    assertThat(Metrics.rmse(predicted, target)).isCloseTo(Math.sqrt(0.375), within(1e-12));
    assertThat(Metrics.mae(predicted, target)).isCloseTo(0.5, within(1e-12));
    // 1 - 1.5 / 29.1875, the squares around the mean 2.875.
    assertThat(Metrics.r2(predicted, target)).isCloseTo(1 - 1.5 / 29.1875, within(1e-12));
    assertThat(Metrics.r2(new double[] {1, 2}, new double[] {3, 3})).isNaN();
  }

  @Test
  void lengthsMustAgree() {
    assertThatThrownBy(() -> Metrics.accuracy(P, new int[] {0}))
        .hasMessage("there must be as many labels as predictions and at least one, were 1 and 4");
    assertThatThrownBy(() -> Metrics.rmse(new double[0], new double[0]))
        .hasMessageContaining("were 0 and 0");
  }

  @Test
  void evaluationsHoldAllMetricsOfTheirTask() {
    Evaluation classes = Evaluation.classification(P, LABELS);
    assertThat(classes.metrics().keySet())
        .containsExactly("accuracy", "nll", "ece", "auroc", "macroF1", "brier");
    assertThat(classes.metric("brier")).isCloseTo(0.43, within(1e-12));
    Evaluation numbers = Evaluation.regression(new double[] {1, 2}, new double[] {1, 4});
    assertThat(numbers.metric("mae")).isEqualTo(1);
    assertThatThrownBy(() -> numbers.metric("brier"))
        .hasMessage("no metric is called brier, there are [rmse, mae, r2]");
  }
}
