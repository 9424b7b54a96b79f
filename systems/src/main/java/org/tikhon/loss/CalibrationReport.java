package org.tikhon.loss;

import java.util.Arrays;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Calibration;
import org.tikhon.train.Metrics;

/**
 * The measures that PS-KD's paper reports, of {@link Metrics} and {@link Calibration}: how often
 * the most probable class is right, and how far its probability can be trusted.
 *
 * @param accuracy in [0, 1]
 * @param nll mean negative log-likelihood
 * @param ece expected calibration error in [0, 1], bins {@code (low, high]} of equal width; the
 *     paper prints it x 100
 * @param aurc area under the risk-coverage curve, samples of equal confidence in their order; the
 *     paper prints it x 1000
 * @param eaurc {@code aurc} minus that of a perfect ranking with the same number of errors
 */
public record CalibrationReport(
    double accuracy, double nll, double ece, double aurc, double eaurc) {
  /**
   * Measures predictions.
   *
   * @param probs {@code [n, classes]}
   * @param labels INT64 {@code [n]} in 0, ..., classes - 1
   * @param bins of the calibration error: 10 in the official code, 15 is usual
   */
  public static CalibrationReport of(Tensor probs, Tensor labels, int bins) {
    if (probs.dim() != 2) {
      throw new IllegalArgumentException(
          "probs must have shape [n, classes], has " + Arrays.toString(probs.shape()));
    }
    LossInput.checkLabels(labels, probs.size(0), probs.size(1));
    return of(probs.toDoubleRows(), labels.toIntArray(), bins);
  }

  /** As {@link #of(Tensor, Tensor, int)}, of {@code n} rows of probabilities. */
  public static CalibrationReport of(double[][] probs, int[] labels, int bins) {
    Calibration calibration = Calibration.of(probs, labels);
    return new CalibrationReport(
        Metrics.accuracy(probs, labels),
        Metrics.nll(probs, labels),
        calibration.ece(bins),
        calibration.aurc(),
        calibration.eaurc());
  }
}
