package org.tikhon.solve;

/** Finds the weighted directed acyclic graph of a linear structural equation model x = W'x + z. */
public interface DagLearner {
  /**
   * Fits a table.
   *
   * @param x {@code [n, d]}, a row for each observation; it is not changed and need not be centred
   * @throws IllegalArgumentException if there are fewer than 2 rows or columns, a number is not
   *     finite, or a column is constant; the message names it (the first column is column 1)
   */
  default DagEstimate fit(double[][] x) {
    DagData data = DagData.ofRows(x);
    return fitCovariance(data.covariance(), data.rows());
  }

  /**
   * Fits a covariance.
   *
   * @param covariance {@code [d, d]}, symmetric; it is not changed
   * @param rows how many rows it was computed from, at least 2
   * @throws IllegalArgumentException if the covariance is not square, symmetric and finite with
   *     positive variances
   */
  DagEstimate fitCovariance(double[][] covariance, long rows);

  /**
   * What {@link #fit} computes first: the covariance {@code [d, d]} of a table, with the number of
   * rows as divisor.
   *
   * @throws IllegalArgumentException as for {@link #fit}
   */
  static double[][] covariance(double[][] x) {
    return DagData.ofRows(x).covariance();
  }
}
