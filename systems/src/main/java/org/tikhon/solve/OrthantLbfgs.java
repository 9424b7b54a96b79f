package org.tikhon.solve;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;

/**
 * Minimises a smooth function plus {@code lambda |x|_1} by limited-memory BFGS within an orthant,
 * after Andrew and Gao, "Scalable Training of L1-Regularized Log-Linear Models", ICML 2007. They
 * also give up each part of a step that goes against the pseudo-gradient; where x is not 0 we keep
 * it, which takes far fewer iterations on badly scaled functions.
 */
final class OrthantLbfgs {
  private static final int MEMORY = 10;
  private static final int MOST_ITERATIONS = 15_000;
  private static final int MOST_HALVINGS = 30;
  private static final double ARMIJO = 1e-4;
  private static final double GRADIENT = 1e-5;

  /** Of the value; 1e7 times the rounding of a double. */
  private static final double RELATIVE = 2.2e-9;

  private OrthantLbfgs() {}

  /** The smooth part. */
  @FunctionalInterface
  interface Smooth {
    /** The value at x; the gradient goes into {@code gradient}. */
    double at(double[] x, double[] gradient);
  }

  private record Pair(double[] s, double[] y, double rho) {}

  /**
   * Minimises.
   *
   * @return how many iterations it took
   * @param x the start, replaced by the end
   */
  static int minimize(Smooth smooth, double lambda, double[] x) {
    int n = x.length;
    Deque<Pair> pairs = new ArrayDeque<>();
    double[] gradient = new double[n];
    double[] nextGradient = new double[n];
    double[] next = new double[n];
    double value = smooth.at(x, gradient) + lambda * norm1(x);
    for (int iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
      double[] pseudo = pseudoGradient(x, gradient, lambda);
      if (Arrays.stream(pseudo).map(Math::abs).max().orElse(0) <= GRADIENT) {
        return iteration;
      }
      double[] direction = direction(pseudo, pairs);
      for (int i = 0; i < n; i++) {
        // What is 0 stays so, or goes where the pseudo-gradient falls.
        if (x[i] == 0 && direction[i] * pseudo[i] >= 0) {
          direction[i] = 0;
        }
      }
      if (!(dot(direction, pseudo) < 0)) {
        pairs.clear();
        Arrays.setAll(direction, i -> -pseudo[i]);
      }
      double length = pairs.isEmpty() ? Math.min(1, 1 / Math.sqrt(dot(pseudo, pseudo))) : 1;
      double nextValue = Double.POSITIVE_INFINITY;
      boolean found = false;
      for (int trial = 0; trial < MOST_HALVINGS && !found; trial++, length /= 2) {
        double promised = 0;
        for (int i = 0; i < n; i++) {
          double orthant = x[i] != 0 ? Math.signum(x[i]) : -Math.signum(pseudo[i]);
          double moved = x[i] + length * direction[i];
          next[i] = moved * orthant > 0 ? moved : 0;
          promised += pseudo[i] * (next[i] - x[i]);
        }
        nextValue = smooth.at(next, nextGradient) + lambda * norm1(next);
        found = nextValue <= value + ARMIJO * promised;
      }
      if (!found) {
        if (pairs.isEmpty()) {
          return iteration;
        }
        pairs.clear();
        continue;
      }
      remember(pairs, x, next, gradient, nextGradient);
      System.arraycopy(next, 0, x, 0, n);
      System.arraycopy(nextGradient, 0, gradient, 0, n);
      double decrease = value - nextValue;
      value = nextValue;
      if (decrease <= RELATIVE * Math.max(1, Math.abs(value))) {
        return iteration + 1;
      }
    }
    return MOST_ITERATIONS;
  }

  /** The subgradient of least size. */
  private static double[] pseudoGradient(double[] x, double[] gradient, double lambda) {
    double[] pseudo = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double g = gradient[i];
      pseudo[i] =
          x[i] != 0
              ? g + lambda * Math.signum(x[i])
              : Math.signum(g) * Math.max(Math.abs(g) - lambda, 0);
    }
    return pseudo;
  }

  private static double[] direction(double[] gradient, Deque<Pair> pairs) {
    double[] q = gradient.clone();
    double[] alpha = new double[pairs.size()];
    int i = pairs.size();
    for (Iterator<Pair> newest = pairs.descendingIterator(); newest.hasNext(); ) {
      Pair pair = newest.next();
      alpha[--i] = pair.rho * dot(pair.s, q);
      addScaled(q, -alpha[i], pair.y);
    }
    if (!pairs.isEmpty()) {
      Pair last = pairs.getLast();
      double scale = 1 / (last.rho * dot(last.y, last.y));
      Arrays.setAll(q, k -> scale * q[k]);
    }
    for (Pair pair : pairs) {
      addScaled(q, alpha[i++] - pair.rho * dot(pair.y, q), pair.s);
    }
    Arrays.setAll(q, k -> -q[k]);
    return q;
  }

  private static void remember(
      Deque<Pair> pairs, double[] x, double[] next, double[] gradient, double[] nextGradient) {
    double[] s = next.clone();
    addScaled(s, -1, x);
    double[] y = nextGradient.clone();
    addScaled(y, -1, gradient);
    double sy = dot(s, y);
    if (sy > 1e-10 * dot(y, y)) {
      pairs.addLast(new Pair(s, y, 1 / sy));
    }
    if (pairs.size() > MEMORY) {
      pairs.removeFirst();
    }
  }

  private static double norm1(double[] x) {
    return Arrays.stream(x).map(Math::abs).sum();
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  private static void addScaled(double[] out, double f, double[] x) {
    for (int i = 0; i < out.length; i++) {
      out[i] += f * x[i];
    }
  }
}
