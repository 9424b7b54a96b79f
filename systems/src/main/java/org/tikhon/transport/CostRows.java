package org.tikhon.transport;

import java.util.Arrays;

/** A cost matrix, read row by row; made by {@link TransportProblem}. */
interface CostRows {
  int rows();

  int columns();

  /**
   * The i-th row.
   *
   * @param buffer {@code [columns]}, may be filled and given back; a row in memory is given itself
   */
  double[] row(int i, double[] buffer);

  /** Whether several threads may ask for rows at once. */
  default boolean isShareable() {
    return false;
  }

  /** The rows of a matrix in memory. */
  record Matrix(double[][] cost, int columns) implements CostRows {
    @Override
    public int rows() {
      return cost.length;
    }

    @Override
    public double[] row(int i, double[] buffer) {
      return cost[i];
    }

    @Override
    public boolean isShareable() {
      return true;
    }
  }

  /** Some rows and columns of another. */
  record Selected(CostRows all, int[] rowPlaces, int[] columnPlaces, double[] full)
      implements CostRows {
    @Override
    public int rows() {
      return rowPlaces.length;
    }

    @Override
    public int columns() {
      return columnPlaces.length;
    }

    @Override
    public double[] row(int i, double[] buffer) {
      double[] row = all.row(rowPlaces[i], full);
      if (columnPlaces.length == row.length) {
        return row;
      }
      for (int j = 0; j < columnPlaces.length; j++) {
        buffer[j] = row[columnPlaces[j]];
      }
      return buffer;
    }
  }

  /**
   * Another with one row and one column more, for what is not moved: free of cost, but the two may
   * not trade with each other.
   */
  record WithVirtual(CostRows real, double[] inner) implements CostRows {
    @Override
    public int rows() {
      return real.rows() + 1;
    }

    @Override
    public int columns() {
      return real.columns() + 1;
    }

    @Override
    public double[] row(int i, double[] buffer) {
      int m = real.columns();
      if (i < real.rows()) {
        System.arraycopy(real.row(i, inner), 0, buffer, 0, m);
        buffer[m] = 0;
      } else {
        Arrays.fill(buffer, 0);
        buffer[m] = Double.POSITIVE_INFINITY;
      }
      return buffer;
    }
  }
}
