package org.tikhon.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * What a learner predicts for a data set, and how good that is.
 *
 * @param probabilities rows of class probabilities; empty in regression
 * @param values predicted numbers; empty in classification
 * @param calibration confidences and whether they were right, of samples or of pixels; null in
 *     regression
 */
public record Evaluation(
    Map<String, Double> metrics,
    double[][] probabilities,
    double[] values,
    Calibration calibration) {
  private static final long CHUNK = 512;

  /** Predicts in chunks and computes all metrics of the task. */
  public static Evaluation of(Learner learner, Dataset data, Task task) {
    return switch (task) {
      case Task.Classification c ->
          classification(probabilities(learner, data.inputs(), c.classes()), labels(data));
      case Task.Regression r ->
          regression(values(learner, data.inputs()), data.targets().toDoubleArray());
      case Task.Segmentation s -> segmentation(learner, data, s.classes());
    };
  }

  /** Class probabilities of inputs. */
  public static double[][] probabilities(Learner learner, Tensor inputs, int classes) {
    double[] flat = chunks(learner, inputs, true);
    double[][] rows = new double[(int) inputs.size(0)][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(flat, i * classes, (i + 1) * classes);
    }
    return rows;
  }

  /** Predicted numbers of inputs. */
  public static double[] values(Learner learner, Tensor inputs) {
    return chunks(learner, inputs, false);
  }

  private static double[] chunks(Learner learner, Tensor inputs, boolean softmax) {
    List<double[]> parts = new ArrayList<>();
    for (long start = 0; start < inputs.size(0); start += CHUNK) {
      try (Scope scope = Scope.open()) {
        Tensor y = learner.predict(inputs.slice(0, start, Math.min(start + CHUNK, inputs.size(0))));
        parts.add((softmax ? y.softmax(1) : y).toDoubleArray());
      }
    }
    return parts.stream().flatMapToDouble(Arrays::stream).toArray();
  }

  static int[] labels(Dataset data) {
    return data.targets().toIntArray();
  }

  /** Metrics of class probabilities: accuracy, nll, brier, ece, auroc, macroF1. */
  public static Evaluation classification(double[][] probabilities, int[] labels) {
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("accuracy", Metrics.accuracy(probabilities, labels));
    m.put("nll", Metrics.nll(probabilities, labels));
    Calibration calibration = Calibration.of(probabilities, labels);
    m.put("ece", calibration.ece(Calibration.BINS));
    m.put("auroc", Metrics.auroc(probabilities, labels));
    m.put("macroF1", Metrics.macroF1(probabilities, labels));
    m.put("brier", Metrics.brier(probabilities, labels));
    return new Evaluation(m, probabilities, new double[0], calibration);
  }

  /**
   * Metrics of predicted masks: dice (the mean over the foreground classes), miou, and of
   * calibration nll, ece and classwiseEce over all pixels and, with foreground before the name,
   * over those whose label is not background; means over the images, weighted by pixels.
   */
  private static Evaluation segmentation(Learner learner, Dataset data, int classes) {
    PixelCounts counts = new PixelCounts(classes);
    PixelConfidences confidences = new PixelConfidences();
    List<SegmentationCalibration> foreground = new ArrayList<>();
    List<SegmentationCalibration> all = new ArrayList<>();
    for (long i = 0; i < data.size(); i++) {
      try (Scope scope = Scope.open()) {
        Dataset one = data.slice(i, i + 1);
        Tensor logits = learner.predict(one.inputs());
        counts.add(logits.argmax(1), one.targets());
        confidences.add(logits, one.targets());
        foreground.add(SegmentationCalibration.of(logits, one.targets(), Calibration.BINS, true));
        all.add(SegmentationCalibration.of(logits, one.targets(), Calibration.BINS, false));
      }
    }
    SegmentationCalibration inside = SegmentationCalibration.mean(foreground);
    SegmentationCalibration everywhere = SegmentationCalibration.mean(all);
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("dice", counts.meanForegroundDice());
    m.put("miou", counts.meanIou());
    m.put("nll", everywhere.nll().orElse(Double.NaN));
    m.put("foregroundEce", inside.ece().orElse(Double.NaN));
    m.put("ece", everywhere.ece().orElse(Double.NaN));
    m.put("classwiseEce", everywhere.classwiseEce().orElse(Double.NaN));
    m.put("foregroundNll", inside.nll().orElse(Double.NaN));
    m.put("foregroundClasswiseEce", inside.classwiseEce().orElse(Double.NaN));
    return new Evaluation(m, new double[0][], new double[0], confidences.calibration());
  }

  /** Metrics of predicted numbers: rmse, mae, r2. */
  public static Evaluation regression(double[] values, double[] targets) {
    Map<String, Double> m = new LinkedHashMap<>();
    m.put("rmse", Metrics.rmse(values, targets));
    m.put("mae", Metrics.mae(values, targets));
    m.put("r2", Metrics.r2(values, targets));
    return new Evaluation(m, new double[0][], values, null);
  }

  public double metric(String name) {
    Double value = metrics.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "no metric is called " + name + ", there are " + metrics.keySet());
    }
    return value;
  }

  /** Confidences of pixels, image by image. */
  private static final class PixelConfidences {
    private final List<double[]> confidence = new ArrayList<>();
    private final List<double[]> right = new ArrayList<>();

    void add(Tensor logits, Tensor labels) {
      Tensor valid = labels.ge(0).reshape(-1).nonzero().reshape(-1);
      Tensor.Indexed top = logits.softmax(1).max(1);
      Tensor hit = top.indices().eq(labels).to(Dtype.FLOAT64);
      confidence.add(top.values().reshape(-1).indexSelect(0, valid).toDoubleArray());
      right.add(hit.reshape(-1).indexSelect(0, valid).toDoubleArray());
    }

    Calibration calibration() {
      double[] c = confidence.stream().flatMapToDouble(Arrays::stream).toArray();
      double[] r = right.stream().flatMapToDouble(Arrays::stream).toArray();
      boolean[] b = new boolean[r.length];
      for (int i = 0; i < b.length; i++) {
        b[i] = r[i] > 0.5;
      }
      return Calibration.of(c, b);
    }
  }
}
