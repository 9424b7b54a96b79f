package org.tikhon.optimize;

import java.util.Arrays;

/**
 * A sparse matrix, compressed by rows: the entries of row i are {@code start[i], ..., start[i + 1]
 * - 1} of {@code index} (their columns, ascending) and {@code value}. Immutable by convention.
 */
public final class SparseMatrix {
  final int[] start;
  final int[] index;
  final double[] value;
  private final int columns;

  private SparseMatrix(int[] start, int[] index, double[] value, int columns) {
    this.start = start;
    this.index = index;
    this.value = value;
    this.columns = columns;
  }

  /**
   * Keeps the entries of a dense matrix that are not zero.
   *
   * @param dense {@code [rows, columns]}, finite, at least one row
   */
  public static SparseMatrix of(double[][] dense) {
    Check.require(dense.length >= 1, "the number of rows", dense.length, "at least 1");
    int columns = dense[0].length;
    int[] start = new int[dense.length + 1];
    for (int i = 0; i < dense.length; i++) {
      Check.require(
          dense[i].length == columns, "the length of row " + i, dense[i].length, columns + "");
      start[i + 1] = start[i] + (int) Arrays.stream(dense[i]).filter(v -> v != 0).count();
    }
    int[] index = new int[start[dense.length]];
    double[] value = new double[index.length];
    int k = 0;
    for (double[] row : dense) {
      for (int j = 0; j < columns; j++) {
        if (row[j] != 0) {
          index[k] = j;
          value[k++] = row[j];
        }
      }
    }
    return checked(new SparseMatrix(start, index, value, columns));
  }

  /**
   * From entries in any order; those of the same place are added.
   *
   * @param i rows, in {@code [0, rows)}
   * @param j columns, in {@code [0, columns)}, as many
   * @param v values, finite, as many
   */
  public static SparseMatrix of(int rows, int columns, int[] i, int[] j, double[] v) {
    Check.require(rows >= 1 && columns >= 1, "the shape", rows + " x " + columns, "at least 1 x 1");
    Check.require(
        i.length == v.length && j.length == v.length,
        "the lengths of rows, columns and values",
        i.length + ", " + j.length + ", " + v.length,
        "equal");
    for (int k = 0; k < v.length; k++) {
      Check.require(i[k] >= 0 && i[k] < rows, "row", i[k], "in [0, " + rows + ")");
      Check.require(j[k] >= 0 && j[k] < columns, "column", j[k], "in [0, " + columns + ")");
    }
    // A matrix by columns in the order given, transposed, has its rows sorted.
    SparseMatrix byColumn = scattered(columns, rows, j, i, v);
    return checked(byColumn.transposed().merged());
  }

  private static SparseMatrix scattered(int rows, int columns, int[] i, int[] j, double[] v) {
    int[] start = new int[rows + 1];
    for (int row : i) {
      start[row + 1]++;
    }
    for (int row = 0; row < rows; row++) {
      start[row + 1] += start[row];
    }
    int[] next = Arrays.copyOf(start, rows);
    int[] index = new int[v.length];
    double[] value = new double[v.length];
    for (int k = 0; k < v.length; k++) {
      int at = next[i[k]]++;
      index[at] = j[k];
      value[at] = v[k];
    }
    return new SparseMatrix(start, index, value, columns);
  }

  private SparseMatrix merged() {
    int[] newStart = new int[start.length];
    int kept = 0;
    for (int i = 0; i < rows(); i++) {
      for (int k = start[i]; k < start[i + 1]; k++) {
        if (kept > newStart[i] && index[kept - 1] == index[k]) {
          value[kept - 1] += value[k];
        } else {
          index[kept] = index[k];
          value[kept++] = value[k];
        }
      }
      newStart[i + 1] = kept;
    }
    return new SparseMatrix(
        newStart, Arrays.copyOf(index, kept), Arrays.copyOf(value, kept), columns);
  }

  private static SparseMatrix checked(SparseMatrix a) {
    for (double v : a.value) {
      Check.require(Double.isFinite(v), "every entry of a matrix", v, "finite");
    }
    return a;
  }

  /** The number of rows. */
  public int rows() {
    return start.length - 1;
  }

  /** The number of columns. */
  public int columns() {
    return columns;
  }

  /** The number of entries that are stored. */
  public int entries() {
    return index.length;
  }

  /** The entry in a row and a column. */
  public double get(int i, int j) {
    int k = Arrays.binarySearch(index, start[i], start[i + 1], j);
    return k < 0 ? 0 : value[k];
  }

  /** The transpose. */
  public SparseMatrix transposed() {
    int[] rowOf = new int[index.length];
    for (int i = 0; i < rows(); i++) {
      Arrays.fill(rowOf, start[i], start[i + 1], i);
    }
    return scattered(columns, rows(), index, rowOf, value);
  }

  /**
   * {@code out = A v}.
   *
   * @param v as long as a row
   * @param out as long as a column
   */
  public void multiply(double[] v, double[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = rowDot(i, v);
    }
  }

  double rowDot(int i, double[] v) {
    double sum = 0;
    for (int k = start[i]; k < start[i + 1]; k++) {
      sum += value[k] * v[index[k]];
    }
    return sum;
  }

  boolean isSymmetric() {
    if (rows() != columns) {
      return false;
    }
    SparseMatrix t = transposed();
    return Arrays.equals(start, t.start)
        && Arrays.equals(index, t.index)
        && Arrays.equals(value, t.value);
  }
}
