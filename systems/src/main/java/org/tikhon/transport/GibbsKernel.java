package org.tikhon.transport;

import java.util.Arrays;

/** The kernel of the scaling iteration, in double or single precision, and its two products. */
sealed interface GibbsKernel {
  /**
   * Takes over the dual's plan at its point.
   *
   * @param normalised whether the rows' potentials are set first so that the largest entry of each
   *     row is 1
   */
  void load(EntropicDual dual, boolean normalised);

  /** Leaves the dual evaluated at its point, which has taken over the scalings u and v. */
  void unload(EntropicDual dual, double[] u, double[] v);

  /** The scalings stay between the exponentials of this and of its negative. */
  double largestLogScaling();

  /** Sets the vector of {@link #product}. */
  void multiplyBy(double[] v);

  /** {@code (K v)_i}. */
  double product(int i);

  /** Adds {@code u K_i} to the chunk's column sums. */
  void addToSums(int chunk, int i, double u);

  /** Puts the sums of all chunks into {@code out} and begins new ones. */
  void takeSums(double[] out);

  /** The dual's own plan. */
  record Doubles(double[][] kernel, double[] v, RowChunks chunks) implements GibbsKernel {
    @Override
    public void load(EntropicDual dual, boolean normalised) {
      // The dual writes into the same arrays.
      dual.evaluate(normalised);
    }

    @Override
    public void unload(EntropicDual dual, double[] u, double[] v) {
      dual.scalePlan(u, v);
    }

    @Override
    public double largestLogScaling() {
      return 50;
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
      RowKernels.addScaled(chunks.columnSums(chunk), kernel[i], u);
    }

    @Override
    public void takeSums(double[] out) {
      chunks.takeColumnSums(out);
    }
  }

  /** A copy in single precision. */
  record Floats(float[][] kernel, float[] v, float[][] sums, RowChunks chunks)
      implements GibbsKernel {
    /** Times the least scaling this is still far from the subnormal numbers, which are slow. */
    private static final double LEAST = 1e-28;

    Floats(int rows, int columns, RowChunks chunks) {
      this(
          new float[rows][columns],
          new float[columns],
          new float[RowChunks.COUNT][columns],
          chunks);
    }

    @Override
    public void load(EntropicDual dual, boolean normalised) {
      chunks.run(
          chunk -> {
            double[] row = new double[v.length];
            for (int i = chunks.start(chunk); i < chunks.start(chunk + 1); i++) {
              dual.fillRow(chunk, i, row, normalised);
              for (int j = 0; j < row.length; j++) {
                kernel[i][j] = row[j] < LEAST ? 0 : (float) row[j];
              }
            }
          });
    }

    @Override
    public void unload(EntropicDual dual, double[] u, double[] v) {
      dual.evaluate();
    }

    @Override
    public double largestLogScaling() {
      return 20;
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
