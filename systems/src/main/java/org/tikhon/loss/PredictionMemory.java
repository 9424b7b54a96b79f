package org.tikhon.loss;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;

/**
 * One row of probabilities per training sample, the network's last prediction for it: the {@link
 * SelfTeacher} of PS-KD's official code.
 *
 * <p>Rows belong to samples, not to places in a batch. A sample that an epoch leaves out keeps its
 * older row; one that was never written reads as its one-hot label. The memory is {@code samples x
 * classes} numbers: 20 MB for 50,000 x 100 in FLOAT32. FLOAT16 halves that; a row then sums to 1
 * within 1e-3 only.
 */
public final class PredictionMemory implements SelfTeacher {
  private static final String ROWS = "predictions";
  private static final double SUM_TOLERANCE = 1e-3;

  private final long samples;
  private final int classes;
  // A written row sums to 1; zeros mark one that was never written.
  private final Tensor rows;

  /** A memory in FLOAT32. */
  public PredictionMemory(long samples, int classes) {
    this(samples, classes, Dtype.FLOAT32);
  }

  /**
   * @param samples the size of the training set, n
   * @param classes at least 2
   * @param dtype how the {@code n x classes} numbers are stored: FLOAT16, FLOAT32 or FLOAT64
   */
  public PredictionMemory(long samples, int classes, Dtype dtype) {
    if (samples < 1) {
      throw new IllegalArgumentException("samples must be at least 1, was " + samples);
    }
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    if (dtype != Dtype.FLOAT16 && dtype != Dtype.FLOAT32 && dtype != Dtype.FLOAT64) {
      throw new IllegalArgumentException("dtype must be FLOAT16, FLOAT32 or FLOAT64, was " + dtype);
    }
    this.samples = samples;
    this.classes = classes;
    this.rows = Tensor.zeros(dtype, samples, classes).escape();
  }

  /**
   * The stored rows of samples, the one-hot label where none was written.
   *
   * @param index INT64 {@code [b]}, numbers of samples
   * @param labels INT64 {@code [b]} in 0, ..., classes - 1
   * @return {@code [b, classes]} in FLOAT64 if the memory is, otherwise in FLOAT32
   * @throws IllegalArgumentException if an index or a label is outside
   */
  public Tensor read(Tensor index, Tensor labels) {
    checkIndex(index);
    LossInput.checkLabels(labels, index.size(0), classes);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor stored = rows.indexSelect(0, index).to(computed());
      Tensor missing = stored.sumKeep(1).eq(0).to(computed());
      return scope.keep(stored.scatterAdd(1, labels.unsqueeze(1), missing));
    }
  }

  /**
   * Overwrites the rows of samples. Where an index appears twice its last row is kept. Workers that
   * train in parallel must gather their indices and rows before they call this.
   *
   * @param index INT64 {@code [b]}, numbers of samples
   * @param probabilities {@code [b, classes]}, rows that sum to 1
   * @throws IllegalArgumentException if an index is outside, or a row has NaN, a negative number or
   *     a sum that is not within 1e-3 of 1; nothing is changed
   */
  public void write(Tensor index, Tensor probabilities) {
    long[] places = checkIndex(index);
    if (!Arrays.equals(probabilities.shape(), new long[] {places.length, classes})) {
      throw new IllegalArgumentException(
          "probabilities must have shape [%d, %d], have %s"
              .formatted(places.length, classes, Arrays.toString(probabilities.shape())));
    }
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor p = probabilities.detach().to(computed());
      checkRows(places, p);
      long[] last = lastOccurrences(places);
      if (last.length == places.length) {
        rows.indexCopy_(0, index, p.to(rows.dtype()));
      } else {
        // Writing one row twice has no order.
        Tensor kept = Tensor.of(last, last.length);
        rows.indexCopy_(0, index.indexSelect(0, kept), p.indexSelect(0, kept).to(rows.dtype()));
      }
    }
  }

  private static void checkRows(long[] places, Tensor p) {
    double[] sums = p.sum(1).toDoubleArray();
    double[] smallest = p.amin(1).toDoubleArray();
    for (int k = 0; k < places.length; k++) {
      if (Double.isNaN(sums[k])) {
        throw new IllegalArgumentException(
            "refusing to store NaN predictions at index " + places[k]);
      }
      if (smallest[k] < 0 || !(Math.abs(sums[k] - 1) <= SUM_TOLERANCE)) {
        throw new IllegalArgumentException(
            "the predictions at index %d must be probabilities that sum to 1 within %s, they sum to %s and the smallest is %s"
                .formatted(places[k], SUM_TOLERANCE, sums[k], smallest[k]));
      }
    }
  }

  private Dtype computed() {
    return rows.dtype() == Dtype.FLOAT64 ? Dtype.FLOAT64 : Dtype.FLOAT32;
  }

  /** The places in the batch of each sample's last row. */
  private static long[] lastOccurrences(long[] places) {
    Map<Long, Integer> last = new LinkedHashMap<>();
    for (int k = 0; k < places.length; k++) {
      last.put(places[k], k);
    }
    return last.values().stream().mapToLong(k -> k).toArray();
  }

  private long[] checkIndex(Tensor index) {
    long[] places = index.toLongArray();
    if (places.length == 0) {
      throw new IllegalArgumentException("the batch must have at least one sample, it has none");
    }
    for (long i : places) {
      checkIndex(i);
    }
    return places;
  }

  private void checkIndex(long i) {
    if (i < 0 || i >= samples) {
      throw new IllegalArgumentException("index " + i + " outside 0.." + (samples - 1));
    }
  }

  /** Whether a prediction of the sample was stored. */
  public boolean seen(long i) {
    checkIndex(i);
    try (Scope scope = Scope.open()) {
      return rows.get(i).any();
    }
  }

  @Override
  public Tensor past(Batch batch) {
    return read(batch.indices(), batch.targets());
  }

  @Override
  public void observe(Batch batch, Tensor probabilities) {
    write(batch.indices(), probabilities);
  }

  @Override
  public void epochEnd() {}

  @Override
  public Map<String, Tensor> state() {
    return Map.of(ROWS, rows);
  }

  @Override
  public void load(Map<String, Tensor> state) {
    Tensor saved = state.get(ROWS);
    if (saved == null || !Arrays.equals(saved.shape(), rows.shape())) {
      throw new IllegalArgumentException(
          "the state must hold %s of shape %s, has %s"
              .formatted(
                  ROWS,
                  Arrays.toString(rows.shape()),
                  saved == null ? "none" : Arrays.toString(saved.shape())));
    }
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      rows.copy_(saved);
    }
  }

  public int classes() {
    return classes;
  }
}
