package org.tikhon.solve;

import java.util.Arrays;

/**
 * A sparse square matrix in compressed rows: row i holds {@code values[k]} in the columns {@code
 * columns[k]}, ascending, for k from {@code rowStarts[i]} to {@code rowStarts[i + 1] - 1}.
 *
 * <p>As an {@link SpdOperator} it knows the null space of a Laplacian: components whose rows all
 * sum to 0, and rows without entries. Any other singular matrix must be grounded by its user.
 */
public final class CsrMatrix implements SpdOperator {
  /** A row whose sum is this small beside the sum of its moduli sums to 0. */
  private static final double ZERO_SUM = 1e-12;

  private final int[] rowStarts;
  private final int[] columns;
  private final double[] values;
  private final NullSpace nullSpace;

  /** Takes the arrays, which must not change afterwards. */
  public CsrMatrix(int[] rowStarts, int[] columns, double[] values) {
    checkLayout(rowStarts, columns, values);
    this.rowStarts = rowStarts;
    this.columns = columns;
    this.values = values;
    this.nullSpace = findNullSpace();
  }

  private static void checkLayout(int[] rowStarts, int[] columns, double[] values) {
    int n = rowStarts.length - 1;
    if (n < 1 || rowStarts[0] != 0 || columns.length != rowStarts[n]) {
      throw new IllegalArgumentException(
          "rowStarts must go from 0 to the number of columns' entries, %d, for at least one row"
              .formatted(columns.length));
    }
    if (values.length != columns.length) {
      throw new IllegalArgumentException(
          "values must have an entry for each of the %d columns, has %d"
              .formatted(columns.length, values.length));
    }
    for (int i = 0; i < n; i++) {
      if (rowStarts[i + 1] < rowStarts[i]) {
        throw new IllegalArgumentException("rowStarts must ascend, falls after row " + i);
      }
    }
    for (int i = 0; i < n; i++) {
      for (int k = rowStarts[i]; k < rowStarts[i + 1]; k++) {
        if (columns[k] < 0 || columns[k] >= n) {
          throw new IllegalArgumentException(
              "A must be square: row %d of %d has an entry in column %d"
                  .formatted(i, n, columns[k]));
        }
        if (k > rowStarts[i] && columns[k] <= columns[k - 1]) {
          throw new IllegalArgumentException(
              "columns must ascend within a row, in row %d column %d follows %d"
                  .formatted(i, columns[k], columns[k - 1]));
        }
        if (!Double.isFinite(values[k])) {
          throw new IllegalArgumentException(
              "A must be finite, row %d column %d is %s".formatted(i, columns[k], values[k]));
        }
      }
    }
  }

  /** The entries of a dense square matrix that are not 0. */
  public static CsrMatrix of(double[][] dense) {
    int n = dense.length;
    int count = 0;
    for (double[] row : dense) {
      if (row.length != n) {
        throw new IllegalArgumentException(
            "A must be square, has %d rows and a row of %d numbers".formatted(n, row.length));
      }
      for (double v : row) {
        count += v != 0 ? 1 : 0;
      }
    }
    int[] rowStarts = new int[n + 1];
    int[] columns = new int[count];
    double[] values = new double[count];
    int k = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        if (dense[i][j] != 0) {
          columns[k] = j;
          values[k++] = dense[i][j];
        }
      }
      rowStarts[i + 1] = k;
    }
    return new CsrMatrix(rowStarts, columns, values);
  }

  private NullSpace findNullSpace() {
    NullSpace.Builder builder = new NullSpace.Builder(size());
    for (int i = 0; i < size(); i++) {
      double sum = 0;
      double moduli = 0;
      for (int k = rowStarts[i]; k < rowStarts[i + 1]; k++) {
        builder.join(i, columns[k]);
        sum += values[k];
        moduli += Math.abs(values[k]);
      }
      if (Math.abs(sum) > ZERO_SUM * moduli) {
        builder.fix(i);
      }
    }
    return builder.nullSpace();
  }

  @Override
  public int size() {
    return rowStarts.length - 1;
  }

  @Override
  public void apply(double[] x, double[] y) {
    for (int i = 0; i < y.length; i++) {
      double sum = 0;
      for (int k = rowStarts[i]; k < rowStarts[i + 1]; k++) {
        sum += values[k] * x[columns[k]];
      }
      y[i] = sum;
    }
  }

  @Override
  public void project(double[] v) {
    nullSpace.project(v);
  }

  /** The entry of a row and column, 0 where none is stored. */
  public double get(int row, int column) {
    int k = Arrays.binarySearch(columns, rowStarts[row], rowStarts[row + 1], column);
    return k < 0 ? 0 : values[k];
  }

  /** The diagonal, {@code [n]}. */
  public double[] diagonal() {
    double[] diagonal = new double[size()];
    Arrays.setAll(diagonal, i -> get(i, i));
    return diagonal;
  }

  boolean isEmptyRow(int row) {
    return rowStarts[row] == rowStarts[row + 1];
  }

  int[] rowStarts() {
    return rowStarts;
  }

  int[] columns() {
    return columns;
  }

  double[] values() {
    return values;
  }
}
