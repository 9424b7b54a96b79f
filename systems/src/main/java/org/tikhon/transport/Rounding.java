package org.tikhon.transport;

import java.util.Arrays;

/** Makes the marginals of a nearly right plan exact. */
public final class Rounding {
  private Rounding() {}

  /**
   * The plan with exact marginals near {@code plan} (Altschuler, Weed and Rigollet 2017): rows are
   * scaled down to r, then columns down to c, and what is missing is added as a matrix of rank one,
   *
   * <pre>
   * F = diag(min(1, r / P 1)) P,  G = F diag(min(1, c / F' 1)),
   * result = G + (r - G 1) (c - G' 1)' / |r - G 1|_1.
   * </pre>
   *
   * The cost changes by at most {@code 2 |C|_inf} times the L1 marginal error of {@code plan}.
   *
   * @param plan {@code [n, m]}, not negative; not changed
   * @param r {@code [n]}, not negative
   * @param c {@code [m]}, not negative, of the mass of r
   */
  public static double[][] toMarginals(double[][] plan, double[] r, double[] c) {
    int n = r.length;
    int m = c.length;
    if (plan.length != n || Arrays.stream(plan).anyMatch(row -> row.length != m)) {
      throw new IllegalArgumentException(
          "plan must have shape [%d, %d], the lengths of r and c".formatted(n, m));
    }
    double[][] result = new double[n][];
    for (int i = 0; i < n; i++) {
      double sum = Arrays.stream(plan[i]).sum();
      double factor = sum > r[i] ? r[i] / sum : 1;
      result[i] = Arrays.stream(plan[i]).map(p -> p * factor).toArray();
    }
    double[] columnSums = columnSums(result, m);
    for (int j = 0; j < m; j++) {
      if (columnSums[j] > c[j]) {
        double factor = c[j] / columnSums[j];
        for (double[] row : result) {
          row[j] *= factor;
        }
      }
    }
    double[] rowRest = new double[n];
    for (int i = 0; i < n; i++) {
      rowRest[i] = Math.max(0, r[i] - Arrays.stream(result[i]).sum());
    }
    double[] scaledSums = columnSums(result, m);
    double[] columnRest = new double[m];
    for (int j = 0; j < m; j++) {
      columnRest[j] = Math.max(0, c[j] - scaledSums[j]);
    }
    double rest = Arrays.stream(rowRest).sum();
    if (rest > 0) {
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < m; j++) {
          result[i][j] += rowRest[i] * columnRest[j] / rest;
        }
      }
    }
    return result;
  }

  private static double[] columnSums(double[][] plan, int m) {
    double[] sums = new double[m];
    for (double[] row : plan) {
      for (int j = 0; j < m; j++) {
        sums[j] += row[j];
      }
    }
    return sums;
  }
}
