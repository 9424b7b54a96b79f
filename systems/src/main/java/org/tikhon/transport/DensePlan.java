package org.tikhon.transport;

/**
 * A plan with all its entries in memory.
 *
 * @param matrix {@code [n, m]}
 */
public record DensePlan(double[][] matrix) implements Plan {
  @Override
  public int rows() {
    return matrix.length;
  }

  @Override
  public int columns() {
    return matrix[0].length;
  }

  @Override
  public double[] row(int i) {
    return matrix[i];
  }

  @Override
  public double[][] dense() {
    return matrix;
  }
}
