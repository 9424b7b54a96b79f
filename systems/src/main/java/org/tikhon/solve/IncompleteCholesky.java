package org.tikhon.solve;

/**
 * The incomplete Cholesky factorisation without fill, IC(0): {@code L L'} agrees with A where A has
 * entries, and L has entries nowhere else. Solving costs about as much as a product with A.
 *
 * <p>For an M-matrix, such as Poisson's, it always exists. Otherwise a pivot may fail; then the
 * diagonal of A is enlarged by 0.1 %, 0.2 %, 0.4 %, ... until none does (Manteuffel 1980), see
 * {@link #shift}. Rows without entries give 0.
 */
public final class IncompleteCholesky implements Preconditioner {
  private static final double FIRST_SHIFT = 1e-3;

  /** A pivot below this part of the diagonal has failed. */
  private static final double SMALLEST_PIVOT = 1e-10;

  /** L by rows, the diagonal last; an empty row has none. */
  private final int[] rowStarts;

  private final int[] columns;
  private final double[] values;
  private double shift;

  private IncompleteCholesky(CsrMatrix a) {
    int n = a.size();
    rowStarts = new int[n + 1];
    int count = 0;
    for (int i = 0; i < n; i++) {
      for (int k = a.rowStarts()[i]; k < a.rowStarts()[i + 1] && a.columns()[k] <= i; k++) {
        count++;
      }
      rowStarts[i + 1] = count;
    }
    columns = new int[count];
    values = new double[count];
    for (int i = 0; i < n; i++) {
      System.arraycopy(
          a.columns(), a.rowStarts()[i], columns, rowStarts[i], rowStarts[i + 1] - rowStarts[i]);
    }
  }

  /** Factorises A, which must have a positive diagonal but for empty rows. */
  public static IncompleteCholesky zeroFill(CsrMatrix a) {
    for (int i = 0; i < a.size(); i++) {
      if (!(a.get(i, i) > 0) && !a.isEmptyRow(i)) {
        throw new IllegalArgumentException(
            "A must have a positive diagonal, in row " + i + " it is " + a.get(i, i));
      }
    }
    IncompleteCholesky factor = new IncompleteCholesky(a);
    while (!factor.factorise(a)) {
      factor.shift = factor.shift == 0 ? FIRST_SHIFT : 2 * factor.shift;
    }
    return factor;
  }

  /** The part of the diagonal that had to be added for the factorisation to exist; 0 if none. */
  public double shift() {
    return shift;
  }

  private boolean factorise(CsrMatrix a) {
    for (int i = 0; i < rowStarts.length - 1; i++) {
      int start = rowStarts[i];
      int end = rowStarts[i + 1];
      System.arraycopy(a.values(), a.rowStarts()[i], values, start, end - start);
      for (int k = start; k < end - 1; k++) {
        int j = columns[k];
        values[k] = (values[k] - overlap(i, j, j)) / values[rowStarts[j + 1] - 1];
      }
      if (end > start) {
        double diagonal = values[end - 1] * (1 + shift);
        double pivot = diagonal - overlap(i, i, i);
        if (!(pivot > SMALLEST_PIVOT * diagonal)) {
          return false;
        }
        values[end - 1] = Math.sqrt(pivot);
      }
    }
    return true;
  }

  /** {@code sum over k < before of L_ik L_jk}. */
  private double overlap(int i, int j, int before) {
    double sum = 0;
    int p = rowStarts[i];
    int q = rowStarts[j];
    while (p < rowStarts[i + 1] && q < rowStarts[j + 1]) {
      int difference = columns[p] - columns[q];
      if (difference == 0) {
        if (columns[p] >= before) {
          break;
        }
        sum += values[p] * values[q];
      }
      p += difference <= 0 ? 1 : 0;
      q += difference >= 0 ? 1 : 0;
    }
    return sum;
  }

  /** {@code L_ij}, 0 where there is none. */
  double get(int i, int j) {
    for (int k = rowStarts[i]; k < rowStarts[i + 1]; k++) {
      if (columns[k] == j) {
        return values[k];
      }
    }
    return 0;
  }

  /** {@code z = L'^-1 L^-1 r}. */
  @Override
  public void apply(double[] r, double[] z) {
    forward(r, z);
    backward(z);
  }

  private void forward(double[] r, double[] z) {
    for (int i = 0; i < z.length; i++) {
      int diagonal = rowStarts[i + 1] - 1;
      double sum = r[i];
      for (int k = rowStarts[i]; k < diagonal; k++) {
        sum -= values[k] * z[columns[k]];
      }
      z[i] = diagonal < rowStarts[i] ? 0 : sum / values[diagonal];
    }
  }

  private void backward(double[] z) {
    for (int i = z.length - 1; i >= 0; i--) {
      int diagonal = rowStarts[i + 1] - 1;
      if (diagonal < rowStarts[i]) {
        continue;
      }
      double zi = z[i] / values[diagonal];
      z[i] = zi;
      for (int k = rowStarts[i]; k < diagonal; k++) {
        z[columns[k]] -= values[k] * zi;
      }
    }
  }
}
