package org.tikhon.solve;

import java.util.ArrayList;
import java.util.List;

/**
 * Checked data for a {@link DagLearner}.
 *
 * @param covariance {@code [d, d]}, of the centred columns, divided by the number of rows
 * @param warnings what makes the result doubtful, a sentence each
 */
record DagData(double[][] covariance, long rows, List<String> warnings) {
  private static final double SYMMETRY = 1e-9;
  private static final double UNIT = 1e-3;

  static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException(name + " must be " + allowed + ", was " + value);
    }
  }

  static double checkPenalty(String name, double lambda) {
    require(lambda >= 0 && Double.isFinite(lambda), name, lambda, "0 or more");
    return lambda;
  }

  static void checkSquare(String name, double[][] a) {
    for (int i = 0; i < a.length; i++) {
      if (a[i].length != a.length) {
        throw new IllegalArgumentException(
            "%s must be square, has %d rows but row %d has %d entries"
                .formatted(name, a.length, i + 1, a[i].length));
      }
    }
  }

  /** From the rows of a table, which is not changed. */
  static DagData ofRows(double[][] x) {
    require(x.length >= 2, "the number of rows of x", x.length, "at least 2");
    int d = x[0].length;
    checkColumns(d);
    double[] mean = new double[d];
    for (int i = 0; i < x.length; i++) {
      if (x[i].length != d) {
        throw new IllegalArgumentException(
            "row %d of x has %d columns, row 1 has %d".formatted(i + 1, x[i].length, d));
      }
      for (int j = 0; j < d; j++) {
        if (!Double.isFinite(x[i][j])) {
          throw new IllegalArgumentException(
              "row %d, column %d of x must be finite, is %s".formatted(i + 1, j + 1, x[i][j]));
        }
        mean[j] += x[i][j] / x.length;
      }
    }
    int constant = constantColumn(x);
    if (constant >= 0) {
      throw new IllegalArgumentException(zeroVariance(constant));
    }
    double[][] c = new double[d][d];
    double[] centred = new double[d];
    for (double[] row : x) {
      for (int j = 0; j < d; j++) {
        centred[j] = row[j] - mean[j];
      }
      for (int j = 0; j < d; j++) {
        addScaled(c[j], centred[j] / x.length, centred);
      }
    }
    // Rounding differs on the two sides of the diagonal.
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < i; j++) {
        c[i][j] = c[j][i];
      }
    }
    return ofCovariance(c, x.length);
  }

  private static void addScaled(double[] out, double f, double[] x) {
    for (int j = 0; j < out.length; j++) {
      out[j] += f * x[j];
    }
  }

  private static void checkColumns(int d) {
    require(d >= 2, "the number of columns", d, "at least 2");
  }

  /** The number of a column, from 0, whose values are all the same; -1 if there is none. */
  static int constantColumn(double[][] x) {
    for (int j = 0; j < x[0].length; j++) {
      int row = 1;
      while (row < x.length && x[row][j] == x[0][j]) {
        row++;
      }
      if (row == x.length) {
        return j;
      }
    }
    return -1;
  }

  private static String zeroVariance(int j) {
    return "column %d has zero variance".formatted(j + 1);
  }

  /** From a covariance, which is copied. */
  static DagData ofCovariance(double[][] given, long rows) {
    checkSquare("the covariance", given);
    int d = given.length;
    checkColumns(d);
    require(rows >= 2, "the number of rows", rows, "at least 2");
    double[][] c = SquareRows.copy(given);
    for (int i = 0; i < d; i++) {
      if (c[i][i] == 0) {
        throw new IllegalArgumentException(zeroVariance(i));
      }
      if (!(c[i][i] > 0) || Double.isInfinite(c[i][i])) {
        throw new IllegalArgumentException(
            "the variance of column %d must be positive and finite, is %s"
                .formatted(i + 1, c[i][i]));
      }
    }
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < i; j++) {
        double bound = Math.sqrt(c[i][i]) * Math.sqrt(c[j][j]);
        if (!(Math.abs(c[i][j] - c[j][i]) <= SYMMETRY * bound)
            || !(Math.abs(c[i][j]) <= (1 + SYMMETRY) * bound)) {
          throw new IllegalArgumentException(
              "entries %d, %d and %d, %d of the covariance must be equal and at most %s in absolute value, are %s and %s"
                  .formatted(i + 1, j + 1, j + 1, i + 1, bound, c[i][j], c[j][i]));
        }
      }
    }
    return new DagData(c, rows, warnings(c, rows));
  }

  private static List<String> warnings(double[][] c, long rows) {
    List<String> warnings = new ArrayList<>();
    boolean unit = true;
    for (int i = 0; i < c.length; i++) {
      // A variance of 1 may have been made with n or n - 1.
      unit &= Math.abs(c[i][i] - 1) <= UNIT + 1.0 / rows;
    }
    if (unit) {
      warnings.add(
          "all columns have variance 1: in standardised data the directions of edges cannot be told from equal noise variances");
    }
    if (rows < c.length) {
      warnings.add("%d rows for %d columns: the covariance is singular".formatted(rows, c.length));
    }
    return List.copyOf(warnings);
  }
}
