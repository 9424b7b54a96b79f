package org.tikhon.transport;

/** Cost matrices. */
public final class Costs {
  private Costs() {}

  private interface Ground {
    double cost(double[] x, double[] y);
  }

  /**
   * {@code C_ij = sum_k (X_ik - Y_jk)^2}.
   *
   * @param x {@code [n, d]}, a point a row
   * @param y {@code [m, d]}
   * @return {@code [n, m]}
   */
  public static double[][] squaredEuclidean(double[][] x, double[][] y) {
    return pairwise(x, y, Costs::squaredDistance);
  }

  /** {@code C_ij = |X_i - Y_j|_2}, with shapes as in {@link #squaredEuclidean}. */
  public static double[][] euclidean(double[][] x, double[][] y) {
    return pairwise(x, y, (a, b) -> Math.sqrt(squaredDistance(a, b)));
  }

  /**
   * {@code C_ij = 1 - <X_i, Y_j> / (|X_i| |Y_j|)}, in [0, 2], with shapes as in {@link
   * #squaredEuclidean}. A point at the origin has no direction and is refused, so is one whose norm
   * overflows.
   */
  public static double[][] cosine(double[][] x, double[][] y) {
    return pairwise(unit("x", x), unit("y", y), (a, b) -> Math.clamp(1 - dot(a, b), 0, 2));
  }

  /**
   * The cost between the pixels of an image, {@code [h w, h w]}, pixels row by row.
   *
   * @param p 1 for {@code |dv| + |dh|}, 2 for {@code dv^2 + dh^2}, with vertical and horizontal
   *     distance in pixels
   */
  public static double[][] grid(int h, int w, int p) {
    if (h < 1 || w < 1 || (long) h * w > 40_000) {
      throw new IllegalArgumentException(
          "h and w must be at least 1 and h w at most 40000, were %d and %d".formatted(h, w));
    }
    if (p != 1 && p != 2) {
      throw new IllegalArgumentException("p must be 1 or 2, was " + p);
    }
    int n = h * w;
    double[][] cost = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double dv = Math.abs(i / w - j / w);
        double dh = Math.abs(i % w - j % w);
        cost[i][j] = p == 1 ? dv + dh : dv * dv + dh * dh;
      }
    }
    return cost;
  }

  private static double squaredDistance(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      double d = a[k] - b[k];
      sum += d * d;
    }
    return sum;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += a[k] * b[k];
    }
    return sum;
  }

  private static double[][] unit(String name, double[][] points) {
    double[][] result = new double[points.length][];
    for (int i = 0; i < points.length; i++) {
      double norm = Math.sqrt(dot(points[i], points[i]));
      if (!(norm > 0) || Double.isInfinite(norm)) {
        throw new IllegalArgumentException(
            "%s[%d] must have a positive finite norm, has %s".formatted(name, i, norm));
      }
      result[i] = new double[points[i].length];
      for (int k = 0; k < points[i].length; k++) {
        result[i][k] = points[i][k] / norm;
      }
    }
    return result;
  }

  private static double[][] pairwise(double[][] x, double[][] y, Ground ground) {
    if (x.length == 0 || y.length == 0) {
      throw new IllegalArgumentException(
          "x and y must have at least one point, have %d and %d".formatted(x.length, y.length));
    }
    int d = x[0].length;
    checkDimension("x", x, d);
    checkDimension("y", y, d);
    double[][] cost = new double[x.length][y.length];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < y.length; j++) {
        cost[i][j] = ground.cost(x[i], y[j]);
      }
    }
    return cost;
  }

  private static void checkDimension(String name, double[][] points, int d) {
    for (int i = 0; i < points.length; i++) {
      if (points[i].length != d) {
        throw new IllegalArgumentException(
            "all points must have as many coordinates as x[0], %d; %s[%d] has %d"
                .formatted(d, name, i, points[i].length));
      }
    }
  }
}
