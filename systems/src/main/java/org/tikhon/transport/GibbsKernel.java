package org.tikhon.transport;

import java.util.Arrays;

/**
 * The kernel of the scaling iteration, in double or single precision, and its two products. Rows
 * are worked on in chunks, each with column sums of its own, that are added in a fixed order.
 */
sealed interface GibbsKernel {
  int CHUNKS = 8;

  /** So many entries are worth several threads. */
  long LARGE = 1 << 17;

  /** The first row of a chunk. */
  default int start(int chunk) {
    return (int) ((long) rows() * chunk / CHUNKS);
  }

  int rows();

  /** Takes over the plan of the dual's last evaluation. */
  void load(EntropicDual dual);

  /** Sets the vector of {@link #product}. */
  void multiplyBy(double[] v);

  /** {@code (K v)_i}. */
  double product(int i);

  /** Adds {@code u K_i} to the chunk's column sums. */
  void addToSums(int chunk, int i, double u);

  /** Puts the sums of all chunks into {@code out} and begins new ones. */
  void takeSums(double[] out);

  /** The dual's own plan. */
  record Doubles(double[][] kernel, double[] v, double[][] sums) implements GibbsKernel {
    Doubles(double[][] kernel, int columns) {
      this(kernel, new double[columns], new double[CHUNKS][columns]);
    }

    @Override
    public int rows() {
      return kernel.length;
    }

    @Override
    public void load(EntropicDual dual) {
      // The dual writes into the same arrays.
    }

    @Override
    public void multiplyBy(double[] vector) {
      System.arraycopy(vector, 0, v, 0, v.length);
    }

    @Override
    public double product(int i) {
      return RowKernels.dot(kernel[i], v);
    }

    @Override
    public void addToSums(int chunk, int i, double u) {
      RowKernels.addScaled(sums[chunk], kernel[i], u);
    }

    @Override
    public void takeSums(double[] out) {
      Arrays.fill(out, 0);
      for (double[] sum : sums) {
        RowKernels.addScaled(out, sum, 1);
        Arrays.fill(sum, 0);
      }
    }
  }

  /** A copy in single precision. */
  record Floats(float[][] kernel, float[] v, float[][] sums) implements GibbsKernel {
    Floats(int rows, int columns) {
      this(new float[rows][columns], new float[columns], new float[CHUNKS][columns]);
    }

    @Override
    public int rows() {
      return kernel.length;
    }

    @Override
    public void load(EntropicDual dual) {
      double[] row = new double[v.length];
      for (int i = 0; i < kernel.length; i++) {
        dual.fillRow(i, row);
        for (int j = 0; j < row.length; j++) {
          kernel[i][j] = (float) row[j];
        }
      }
    }

    @Override
    public void multiplyBy(double[] vector) {
      for (int j = 0; j < v.length; j++) {
        v[j] = (float) vector[j];
      }
    }

    @Override
    public double product(int i) {
      return RowKernels.dot(kernel[i], v);
    }

    @Override
    public void addToSums(int chunk, int i, double u) {
      RowKernels.addScaled(sums[chunk], kernel[i], (float) u);
    }

    @Override
    public void takeSums(double[] out) {
      Arrays.fill(out, 0);
      for (float[] sum : sums) {
        for (int j = 0; j < out.length; j++) {
          out[j] += sum[j];
        }
        Arrays.fill(sum, 0);
      }
    }
  }
}
