package org.tikhon.transport;

import java.util.Arrays;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A sparse matrix S {@code [N, N]} that says how alike samples are, a few entries a row; directed,
 * the entry of (i, j) need not be that of (j, i). No N x N matrix is ever made.
 *
 * @param index the columns of each row's entries
 * @param value the entries, finite and 0 or more, in the same places
 */
public record SparseSimilarity(int[][] index, float[][] value) {
  private static final int BLOCK = 1024;

  public SparseSimilarity {
    if (index.length != value.length) {
      throw new IllegalArgumentException(
          "index and value must have the same number of rows, have %d and %d"
              .formatted(index.length, value.length));
    }
    for (int i = 0; i < index.length; i++) {
      if (index[i].length != value[i].length) {
        throw new IllegalArgumentException(
            "index[%d] and value[%d] must have the same length, have %d and %d"
                .formatted(i, i, index[i].length, value[i].length));
      }
      for (int e = 0; e < index[i].length; e++) {
        if (index[i][e] < 0 || index[i][e] >= index.length) {
          throw new IllegalArgumentException(
              "index[%d][%d] must be in 0..%d, was %d"
                  .formatted(i, e, index.length - 1, index[i][e]));
        }
        if (!(value[i][e] >= 0) || Float.isInfinite(value[i][e])) {
          throw new IllegalArgumentException(
              "value[%d][%d] must be finite and 0 or more, was %s".formatted(i, e, value[i][e]));
        }
      }
    }
  }

  /**
   * The k largest of {@code exp(-|x_i - x_j|^2 / (2 width^2 d))} in each row, without the diagonal.
   *
   * @param x finite features, {@code [N, d]}, of a network that does not change with training
   * @param k neighbours, at least 1 (20 in the paper); with fewer than k others all of them
   * @param width above 0, 2 in the paper
   */
  public static SparseSimilarity gaussianKnn(Tensor x, int k, double width) {
    if (x.dim() != 2 || x.size(0) < 1 || x.size(1) < 1) {
      throw new IllegalArgumentException(
          "x must be [N, d] with at least one sample, was " + Arrays.toString(x.shape()));
    }
    if (k < 1) {
      throw new IllegalArgumentException("k must be at least 1, was " + k);
    }
    if (!(width > 0) || Double.isInfinite(width)) {
      throw new IllegalArgumentException("width must be positive and finite, was " + width);
    }
    try (Scope scope = Scope.open()) {
      if (!x.detach().allFinite()) {
        throw new IllegalArgumentException("x must be finite, has NaN or infinite values");
      }
      int n = (int) x.size(0);
      int neighbours = Math.min(k, n - 1);
      int[][] index = new int[n][neighbours];
      float[][] value = new float[n][neighbours];
      for (int start = 0; start < n && neighbours > 0; start += BLOCK) {
        fillBlock(x.detach(), start, width, index, value);
      }
      return new SparseSimilarity(index, value);
    }
  }

  private static void fillBlock(Tensor x, int start, double width, int[][] index, float[][] value) {
    int n = index.length;
    int k = index[0].length;
    int end = Math.min(start + BLOCK, n);
    try (Scope scope = Scope.open()) {
      Tensor distance = x.slice(0, start, end).cdist(x, 2);
      Tensor self = Tensor.arange(start, end).unsqueeze(1);
      distance.scatter_(1, self, self.to(x.dtype()).fullLike(Double.POSITIVE_INFINITY));
      Tensor.Indexed nearest = distance.topk(k, 1, false);
      double scale = -0.5 / (width * width * x.size(1));
      float[] similarity = nearest.values().square().mul(scale).exp().flatten().toFloatArray();
      int[] columns = nearest.indices().flatten().toIntArray();
      for (int i = start; i < end; i++) {
        System.arraycopy(columns, (i - start) * k, index[i], 0, k);
        System.arraycopy(similarity, (i - start) * k, value[i], 0, k);
      }
    }
  }

  /** N. */
  public int size() {
    return index.length;
  }

  /** {@code S q} for q {@code [N, K]}. */
  public Tensor times(Tensor q) {
    checkRows(q);
    int columns = (int) q.size(1);
    double[] in = PartialTransport.toDoubles(q);
    double[] out = new double[in.length];
    for (int i = 0; i < index.length; i++) {
      for (int e = 0; e < index[i].length; e++) {
        addRow(out, i, in, index[i][e], columns, value[i][e]);
      }
    }
    return PartialTransport.like(q, out);
  }

  /** {@code (S + S') q} for q {@code [N, K]}. */
  public Tensor timesSymmetric(Tensor q) {
    checkRows(q);
    return PartialTransport.like(q, timesSymmetric(PartialTransport.toDoubles(q), (int) q.size(1)));
  }

  /** The same of a row-major array. */
  double[] timesSymmetric(double[] q, int columns) {
    double[] out = new double[q.length];
    for (int i = 0; i < index.length; i++) {
      for (int e = 0; e < index[i].length; e++) {
        addRow(out, i, q, index[i][e], columns, value[i][e]);
        addRow(out, index[i][e], q, i, columns, value[i][e]);
      }
    }
    return out;
  }

  private static void addRow(double[] out, int to, double[] in, int from, int columns, float s) {
    for (int k = 0; k < columns; k++) {
      out[to * columns + k] += s * in[from * columns + k];
    }
  }

  private void checkRows(Tensor q) {
    if (q.dim() != 2 || q.size(0) != index.length) {
      throw new IllegalArgumentException(
          "q must be [N, K] with N = %d, was %s"
              .formatted(index.length, Arrays.toString(q.shape())));
    }
  }
}
