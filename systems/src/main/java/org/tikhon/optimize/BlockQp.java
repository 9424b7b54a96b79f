package org.tikhon.optimize;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Minimises {@code <g, u - x> + (u - x)' H (u - x) / 2 + sum_i r(u_i)} over a small block, exactly:
 * sweeps of coordinate descent find which coordinates are at kinks, and Newton's step on the
 * others, cut at the first kink on its way, ends it.
 */
final class BlockQp {
  private static final int MOST_SWEEPS = 1000;
  private static final int MOST_SWEEPS_ALONE = 50;
  private static final double RELATIVE_TOLERANCE = 1e-13;

  /** Of the terms of a gradient. */
  private static final double ROUNDING = 1e-14;

  private final double[][] h;
  private final Regularizer r;
  private final double[] u;

  /** The gradient of the quadratic at u. */
  private final double[] gradient;

  private BlockQp(double[][] h, double[] g, double[] x, Regularizer r) {
    this.h = h;
    this.r = r;
    u = x.clone();
    gradient = g.clone();
  }

  static double[] minimize(double[][] h, double[] g, double[] x, Regularizer r) {
    return new BlockQp(h, g, x, r).run();
  }

  private double[] run() {
    double scale = IntStream.range(0, u.length).mapToDouble(this::violation).max().orElse(0);
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
      if (!sweep() && sweep % MOST_SWEEPS_ALONE > 0) {
        // The face still changes, and sweeps are cheaper than factors.
        continue;
      }
      newtonOnFace();
      double left = IntStream.range(0, u.length).mapToDouble(this::violation).max().orElse(0);
      double terms =
          IntStream.range(0, u.length)
              .mapToDouble(i -> Math.abs(gradient[i]) + Math.abs(h[i][i] * u[i]))
              .max()
              .orElse(0);
      if (left <= Math.max(RELATIVE_TOLERANCE * scale, ROUNDING * terms)) {
        break;
      }
    }
    return u;
  }

  private double violation(int i) {
    return Math.abs(r.steepest(u[i], gradient[i]));
  }

  /** Gives whether no coordinate came to a kink or left one. */
  private boolean sweep() {
    boolean sameFace = true;
    for (int i = 0; i < u.length; i++) {
      double bound = Math.max(h[i][i], Double.MIN_NORMAL);
      boolean before = r.kink(u[i]);
      move(i, r.prox(u[i] - gradient[i] / bound, 1 / bound));
      sameFace &= before == r.kink(u[i]);
    }
    return sameFace;
  }

  private void move(int i, double to) {
    double delta = to - u[i];
    if (delta != 0) {
      u[i] = to;
      double[] row = h[i];
      for (int j = 0; j < u.length; j++) {
        gradient[j] += row[j] * delta;
      }
    }
  }

  /** Goes to the minimum over the coordinates that are not at kinks, kink by kink. */
  private void newtonOnFace() {
    while (true) {
      int[] free = IntStream.range(0, u.length).filter(i -> !r.kink(u[i])).toArray();
      if (free.length == 0) {
        return;
      }
      double[][] face =
          Arrays.stream(free).mapToObj(i -> Vectors.gather(h[i], free)).toArray(double[][]::new);
      double[] slope = Arrays.stream(free).mapToDouble(i -> -gradient[i] - r.slope(u[i])).toArray();
      double[] d = SymmetricFactor.of(face).solve(slope);
      double length = 1;
      int first = -1;
      for (int k = 0; k < free.length; k++) {
        double from = u[free[k]];
        double to = r.towards(from, from + d[k]);
        double reach = (to - from) / d[k];
        if (to != from + d[k] && reach < length) {
          length = reach;
          first = k;
        }
      }
      for (int k = 0; k < free.length; k++) {
        double from = u[free[k]];
        double to = from + length * d[k];
        move(free[k], k == first ? r.towards(from, from + d[k]) : r.towards(from, to));
      }
      if (first < 0) {
        return;
      }
    }
  }
}
