package org.tikhon.solve;

import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A space W that is treated exactly, so that conjugate gradients need only care for the rest.
 *
 * @param w its basis as rows, {@code [k, n]}
 * @param aw {@code A} times these
 * @param inverse {@code (W'AW)^-1}, {@code [k, k]}
 */
record Deflation(double[][] w, double[][] aw, double[][] inverse) {
  private static final long SEED = 16;

  /** The k Ritz vectors of k Lanczos steps. */
  static Deflation ritz(SpdOperator a, int k) {
    try (Scope scope = Scope.open()) {
      Lanczos.Ritz ritz = Lanczos.run(a, Math.min(k, a.size()), new Rng(SEED)).ritz();
      int found = ritz.values().length;
      double[][] w = new double[found][];
      double[][] aw = new double[found][a.size()];
      for (int j = 0; j < found; j++) {
        w[j] = ritz.vectors().select(0, j).toDoubleArray();
        a.apply(w[j], aw[j]);
      }
      double[][] e = new double[found][found];
      for (int i = 0; i < found; i++) {
        for (int j = 0; j < found; j++) {
          e[i][j] = Vectors.dot(w[i], aw[j]);
        }
      }
      double[] inverse = Linalg.pinv(Tensor.of(e)).toDoubleArray();
      for (int i = 0; i < found; i++) {
        System.arraycopy(inverse, i * found, e[i], 0, found);
      }
      return new Deflation(w, aw, e);
    }
  }

  /** Minimises the energy over W: afterwards {@code W'r = 0}. */
  void start(LinearIterate state) {
    state.shift(combine(w, state.r));
  }

  /** {@code z -= W (W'AW)^-1 (AW)' z}. */
  void project(double[] z) {
    Vectors.addScaled(z, combine(aw, z), -1);
  }

  /** {@code W (W'AW)^-1 rows v}. */
  private double[] combine(double[][] rows, double[] v) {
    int k = w.length;
    double[] products = new double[k];
    for (int j = 0; j < k; j++) {
      products[j] = Vectors.dot(rows[j], v);
    }
    double[] sum = new double[v.length];
    for (int i = 0; i < k; i++) {
      Vectors.addScaled(sum, w[i], Vectors.dot(inverse[i], products));
    }
    return sum;
  }
}
