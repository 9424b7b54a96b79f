package org.tikhon.train;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * How far the probabilities of pixels can be taken at their word. Empty where there is no pixel to
 * measure.
 *
 * @param ece expected calibration error of the predicted class, equal bins {@code (low, high]}
 * @param classwiseEce the mean over the classes of the binned {@code |frequency - mean
 *     probability|}
 * @param adaptiveEce as ece, with as many pixels in each bin
 * @param nll the mean negative log-probability of the label
 * @param dice of each class, over all pixels; NaN where a class occurs in neither mask
 * @param pixels how many were measured
 */
public record SegmentationCalibration(
    OptionalDouble ece,
    OptionalDouble classwiseEce,
    OptionalDouble adaptiveEce,
    OptionalDouble nll,
    double[] dice,
    long pixels) {

  /**
   * Measures predictions.
   *
   * @param logits {@code [b, classes, ...]}
   * @param labels INT64 {@code [b, ...]}; negative ones are ignored
   * @param bins at least 1; 15 is usual
   * @param foregroundOnly whether pixels with label 0 are left out (of all but Dice)
   */
  public static SegmentationCalibration of(
      Tensor logits, Tensor labels, int bins, boolean foregroundOnly) {
    if (bins < 1) {
      throw new IllegalArgumentException("bins must be at least 1, was " + bins);
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      int classes = Math.toIntExact(logits.size(1));
      PixelCounts counts = new PixelCounts(classes);
      counts.add(logits.argmax(1), labels);
      Tensor flatLabels = labels.reshape(-1);
      Tensor measured = flatLabels.ge(foregroundOnly ? 1 : 0).nonzero().reshape(-1);
      long n = measured.size(0);
      if (n == 0) {
        return new SegmentationCalibration(
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            counts.dice(),
            0);
      }
      Tensor rows = logits.detach().to(Dtype.FLOAT64).movedim(1, -1).reshape(-1, classes);
      Tensor logP = rows.indexSelect(0, measured).logSoftmax(1);
      Tensor y = flatLabels.indexSelect(0, measured);
      Tensor p = logP.exp();
      Tensor.Indexed top = p.max(1);
      Calibration calibration =
          Calibration.of(top.values().toDoubleArray(), booleans(top.indices().eq(y)));
      double classwise = 0;
      for (int k = 0; k < classes; k++) {
        Calibration one =
            Calibration.of(p.select(1, k).contiguous().toDoubleArray(), booleans(y.eq(k)));
        classwise += one.ece(bins) / classes;
      }
      double nll = logP.gather(1, y.unsqueeze(1)).mean().neg().item();
      return new SegmentationCalibration(
          OptionalDouble.of(calibration.ece(bins)),
          OptionalDouble.of(classwise),
          OptionalDouble.of(calibration.adaptiveEce(bins)),
          OptionalDouble.of(nll),
          counts.dice(),
          n);
    }
  }

  private static boolean[] booleans(Tensor mask) {
    long[] values = mask.to(Dtype.INT64).toLongArray();
    boolean[] result = new boolean[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = values[i] != 0;
    }
    return result;
  }

  /** The means over images, weighted by the pixels that were measured; Dice is averaged plainly. */
  public static SegmentationCalibration mean(List<SegmentationCalibration> images) {
    if (images.isEmpty()) {
      throw new IllegalArgumentException("images must hold at least one entry, is empty");
    }
    long pixels = images.stream().mapToLong(SegmentationCalibration::pixels).sum();
    double[] dice = new double[images.getFirst().dice.length];
    for (int k = 0; k < dice.length; k++) {
      int c = k;
      dice[k] =
          images.stream()
              .mapToDouble(i -> i.dice[c])
              .filter(Double::isFinite)
              .average()
              .orElse(Double.NaN);
    }
    return new SegmentationCalibration(
        weighted(images, SegmentationCalibration::ece),
        weighted(images, SegmentationCalibration::classwiseEce),
        weighted(images, SegmentationCalibration::adaptiveEce),
        weighted(images, SegmentationCalibration::nll),
        dice,
        pixels);
  }

  private static OptionalDouble weighted(
      List<SegmentationCalibration> images,
      Function<SegmentationCalibration, OptionalDouble> value) {
    double sum = 0;
    double weight = 0;
    for (SegmentationCalibration image : images) {
      OptionalDouble v = value.apply(image);
      if (v.isPresent()) {
        sum += image.pixels * v.getAsDouble();
        weight += image.pixels;
      }
    }
    return weight == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / weight);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SegmentationCalibration c
        && ece.equals(c.ece)
        && classwiseEce.equals(c.classwiseEce)
        && adaptiveEce.equals(c.adaptiveEce)
        && nll.equals(c.nll)
        && Arrays.equals(dice, c.dice)
        && pixels == c.pixels;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dice) + Long.hashCode(pixels);
  }
}
