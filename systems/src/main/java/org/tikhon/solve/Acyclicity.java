package org.tikhon.solve;

/**
 * How far a weighted graph is from having no cycle: 0 exactly for a directed acyclic graph,
 * positive for others, and differentiable. W is {@code [d, d]}, W_ij the weight of the edge from i
 * to j; o is the product entry by entry.
 *
 * <ul>
 *   <li>{@link #logDet}: DAGMA's {@code -log det(s I - W o W) + d log s}, for weights for which
 *       {@code s I - W o W} is an M-matrix (Bello, Aragam and Ravikumar 2022);
 *   <li>{@link #expm}: NOTEARS' {@code tr e^(W o W) - d} (Zheng, Aragam, Ravikumar and Xing 2018).
 * </ul>
 */
public sealed interface Acyclicity {
  /**
   * The measure.
   *
   * @throws IllegalArgumentException if W is not square
   */
  double value(double[][] w);

  /** Its gradient, {@code [d, d]}. */
  double[][] gradient(double[][] w);

  /**
   * DAGMA's.
   *
   * @param s positive; the domain grows with it
   */
  static Acyclicity logDet(double s) {
    return new LogDet(s);
  }

  /** NOTEARS'. */
  static Acyclicity expm() {
    return new Expm();
  }

  private static double[][] squares(double[][] w) {
    DagData.checkSquare("w", w);
    double[][] squares = new double[w.length][w.length];
    for (int i = 0; i < w.length; i++) {
      for (int j = 0; j < w.length; j++) {
        squares[i][j] = w[i][j] * w[i][j];
      }
    }
    return squares;
  }

  /** {@code factor W o K'}. */
  private static double[][] timesTransposed(double factor, double[][] w, double[][] k) {
    double[][] product = new double[w.length][w.length];
    for (int i = 0; i < w.length; i++) {
      for (int j = 0; j < w.length; j++) {
        product[i][j] = factor * w[i][j] * k[j][i];
      }
    }
    return product;
  }

  /**
   * {@code -log det(s I - W o W) + d log s}: NaN outside of the domain, where there is no gradient
   * either.
   */
  record LogDet(double s) implements Acyclicity {
    public LogDet {
      DagData.require(s > 0 && Double.isFinite(s), "s", s, "positive");
    }

    @Override
    public double value(double[][] w) {
      return value(s, matrix(w));
    }

    /**
     * @param matrix {@code s I - W o W}, or its transpose
     */
    static double value(double s, double[][] matrix) {
      double logDet = SquareRows.logDetMMatrix(matrix);
      // The measure is never negative; a tiny negative number is rounding.
      return Double.isNaN(logDet) ? logDet : Math.max(0, matrix.length * Math.log(s) - logDet);
    }

    private double[][] matrix(double[][] w) {
      double[][] matrix = squares(w);
      for (int i = 0; i < matrix.length; i++) {
        for (int j = 0; j < matrix.length; j++) {
          matrix[i][j] = (i == j ? s : 0) - matrix[i][j];
        }
      }
      return matrix;
    }

    /**
     * {@code 2 W o (s I - W o W)^-T}.
     *
     * @throws IllegalArgumentException if W is outside of the domain
     */
    @Override
    public double[][] gradient(double[][] w) {
      double[][] inverse = matrix(w);
      if (!SquareRows.invertMMatrix(inverse)) {
        throw new IllegalArgumentException(
            "w is outside of the domain: s I - W o W is not an M-matrix for s = " + s);
      }
      return timesTransposed(2, w, inverse);
    }
  }

  /** {@code tr e^(W o W) - d}. */
  record Expm() implements Acyclicity {
    @Override
    public double value(double[][] w) {
      return SquareRows.trace(SquareRows.expMinusIdentity(squares(w)));
    }

    /** {@code 2 W o (e^(W o W))^T}. */
    @Override
    public double[][] gradient(double[][] w) {
      return valueAndGradient(w).gradient;
    }

    /** Both for the price of one. */
    static ValueAndGradient valueAndGradient(double[][] w) {
      double[][] exponential = SquareRows.expMinusIdentity(squares(w));
      double value = SquareRows.trace(exponential);
      for (int i = 0; i < w.length; i++) {
        exponential[i][i] += 1;
      }
      return new ValueAndGradient(value, timesTransposed(2, w, exponential));
    }
  }

  /** A measure and its gradient. */
  record ValueAndGradient(double value, double[][] gradient) {}
}
