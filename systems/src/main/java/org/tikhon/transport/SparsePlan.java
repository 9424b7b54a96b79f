package org.tikhon.transport;

import java.util.Arrays;

/**
 * A plan with few entries, row by row (CSR): row i has the entries {@code rowStart[i], ...,
 * rowStart[i + 1] - 1}.
 *
 * @param columns the number of columns
 * @param rowStart {@code [n + 1]}
 * @param column the column of each entry
 * @param value the mass of each entry, positive
 */
public record SparsePlan(int columns, int[] rowStart, int[] column, double[] value)
    implements Plan {

  /** The positive entries of a plan that are at least {@code threshold}. */
  public static SparsePlan of(double[][] plan, double threshold) {
    return of(new DensePlan(plan), threshold);
  }

  /** The positive entries of any plan that are at least {@code threshold}, row by row. */
  static SparsePlan of(Plan plan, double threshold) {
    if (!(threshold >= 0)) {
      throw new IllegalArgumentException("threshold must be 0 or more, was " + threshold);
    }
    double least = Math.max(threshold, Double.MIN_VALUE);
    int[] rowStart = new int[plan.rows() + 1];
    int[] column = new int[plan.rows()];
    double[] value = new double[plan.rows()];
    int k = 0;
    for (int i = 0; i < plan.rows(); i++) {
      double[] row = plan.row(i);
      for (int j = 0; j < row.length; j++) {
        if (row[j] >= least) {
          if (k == value.length) {
            int larger = Math.addExact(k, (k >> 1) + 16);
            column = Arrays.copyOf(column, larger);
            value = Arrays.copyOf(value, larger);
          }
          column[k] = j;
          value[k++] = row[j];
        }
      }
      rowStart[i + 1] = k;
    }
    return new SparsePlan(
        plan.columns(), rowStart, Arrays.copyOf(column, k), Arrays.copyOf(value, k));
  }

  /** The q largest entries, without zeros. */
  static SparsePlan largest(double[][] plan, long q) {
    if (q == 0) {
      return of(plan, Double.POSITIVE_INFINITY, 0, 0);
    }
    if (q >= (long) plan.length * plan[0].length) {
      return of(plan, 0);
    }
    double least = Selection.kthLargest(plan, q);
    if (least == 0) {
      return of(plan, 0);
    }
    long larger = count(plan, Math.nextUp(least));
    return of(plan, least, q - larger, q);
  }

  private static long count(double[][] plan, double least) {
    long count = 0;
    for (double[] row : plan) {
      for (double p : row) {
        count += p >= least ? 1 : 0;
      }
    }
    return count;
  }

  /** The {@code size} entries above {@code least} and the first {@code ties} that equal it. */
  private static SparsePlan of(double[][] plan, double least, long ties, long size) {
    int[] rowStart = new int[plan.length + 1];
    int[] column = new int[Math.toIntExact(size)];
    double[] value = new double[column.length];
    long left = ties;
    int k = 0;
    for (int i = 0; i < plan.length; i++) {
      double[] row = plan[i];
      for (int j = 0; j < row.length; j++) {
        if (row[j] >= least && (row[j] > least || left-- > 0)) {
          column[k] = j;
          value[k++] = row[j];
        }
      }
      rowStart[i + 1] = k;
    }
    return new SparsePlan(plan[0].length, rowStart, column, value);
  }

  /** The plan from columns to rows. */
  SparsePlan transposed() {
    int[] start = new int[columns + 1];
    for (int j : column) {
      start[j + 1]++;
    }
    Arrays.parallelPrefix(start, Integer::sum);
    int[] next = start.clone();
    int[] row = new int[value.length];
    double[] mass = new double[value.length];
    for (int i = 0; i < rows(); i++) {
      for (int k = rowStart[i]; k < rowStart[i + 1]; k++) {
        int at = next[column[k]]++;
        row[at] = i;
        mass[at] = value[k];
      }
    }
    return new SparsePlan(rows(), start, row, mass);
  }

  @Override
  public int rows() {
    return rowStart.length - 1;
  }

  /** The number of entries. */
  public int size() {
    return value.length;
  }

  @Override
  public double[] row(int i) {
    double[] row = new double[columns];
    for (int k = rowStart[i]; k < rowStart[i + 1]; k++) {
      row[column[k]] = value[k];
    }
    return row;
  }

  @Override
  public double mass() {
    return Arrays.stream(value).sum();
  }

  /** {@code out += [[0, P], [P', 0]] v} in one pass; vectors have length n + m. */
  void addSymmetric(double[] v, double[] out) {
    int n = rows();
    for (int i = 0; i < n; i++) {
      double vi = v[i];
      double sum = 0;
      for (int k = rowStart[i]; k < rowStart[i + 1]; k++) {
        int j = n + column[k];
        double p = value[k];
        sum += p * v[j];
        out[j] += p * vi;
      }
      out[i] += sum;
    }
  }
}
