package org.tikhon.solve;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The state of an iterative solver: x and its residual, what has been done, and the checks that all
 * solvers share. Everything is divided by the largest modulus of b, so that no norm overflows or
 * vanishes and the iterations do not depend on the units of b.
 */
final class LinearIterate {
  /** The residual that is updated along the way is replaced by the true one this often. */
  private static final int REFRESH = 10;

  private static final double SYMMETRY = 1e-8;

  /** Curvature along a direction below this part of the largest seen counts as none. */
  private static final double SINGULAR = 1e-14;

  final SpdOperator a;
  final double[] x;
  final double[] r;
  private final double[] b;
  private final double scale;
  private final double tolerance;
  private final double nullSpacePart;
  private final long start = System.nanoTime();
  private final List<Double> residuals = new ArrayList<>();
  private final List<Double> energyDecrease = new ArrayList<>();
  private double norm;
  private double largestCurvature;

  LinearIterate(SpdOperator a, double[] b, double[] x0, double tolerance) {
    checkVector("b", b, a.size());
    checkVector("x0", x0, a.size());
    checkSymmetry(a);
    this.a = a;
    this.tolerance = tolerance;
    double largest = Arrays.stream(b).map(Math::abs).max().orElse(0);
    this.scale = largest > 0 ? largest : 1;
    this.b = Arrays.stream(b).map(v -> v / scale).toArray();
    this.x = Arrays.stream(x0).map(v -> v / scale).toArray();
    this.r = new double[b.length];
    double[] given = this.b.clone();
    a.project(this.b);
    a.project(x);
    Vectors.addScaled(given, this.b, -1);
    this.nullSpacePart = largest > 0 ? Vectors.norm(given) / normOf(b, scale) : 0;
    refresh();
    residuals.add(norm);
  }

  private static double normOf(double[] v, double scale) {
    return Math.sqrt(Arrays.stream(v).map(e -> e / scale).map(e -> e * e).sum());
  }

  private static void checkVector(String name, double[] v, int size) {
    if (v.length != size) {
      throw new IllegalArgumentException(
          "%s must have a number for each of the %d unknowns, has %d"
              .formatted(name, size, v.length));
    }
    int bad = Vectors.notFinite(v);
    if (bad >= 0) {
      throw new IllegalArgumentException(
          "%s must be finite, entry %d is %s".formatted(name, bad, v[bad]));
    }
  }

  static double checkTolerance(double tolerance) {
    if (!(tolerance > 0) || Double.isInfinite(tolerance)) {
      throw new IllegalArgumentException("tolerance must be positive and finite, was " + tolerance);
    }
    return tolerance;
  }

  static int checkIterations(int iterations) {
    if (iterations < 0) {
      throw new IllegalArgumentException("maxIterations must be 0 or more, was " + iterations);
    }
    return iterations;
  }

  private static void checkSymmetry(SpdOperator a) {
    SplittableRandom random = new SplittableRandom(60);
    double[] u = random.doubles(a.size(), -1, 1).toArray();
    double[] v = random.doubles(a.size(), -1, 1).toArray();
    double[] au = new double[u.length];
    double[] av = new double[v.length];
    a.apply(u, au);
    a.apply(v, av);
    int bad = Vectors.notFinite(au);
    if (bad >= 0) {
      throw new IllegalArgumentException(
          "A must give finite numbers, entry %d of a product is %s".formatted(bad, au[bad]));
    }
    double uav = Vectors.dot(u, av);
    double vau = Vectors.dot(v, au);
    if (Math.abs(uav - vau) > SYMMETRY * Vectors.norm(u) * Vectors.norm(av)) {
      throw new IllegalArgumentException(
          "A must be symmetric, but u'Av = %.10g and v'Au = %.10g for two random vectors"
              .formatted(uav, vau));
    }
  }

  /** {@code |r|} in the solver's units. */
  double norm() {
    return norm;
  }

  int iterations() {
    return energyDecrease.size();
  }

  /** Whether the tolerance is met, by the true residual. */
  boolean converged() {
    if (!withinTolerance()) {
      return false;
    }
    refresh();
    if (iterations() > 0) {
      residuals.set(iterations(), norm);
    }
    return withinTolerance();
  }

  private boolean withinTolerance() {
    return norm <= tolerance * residuals.getFirst();
  }

  private void refresh() {
    a.apply(x, r);
    for (int i = 0; i < r.length; i++) {
      r[i] = b[i] - r[i];
    }
    norm = Vectors.norm(r);
  }

  /**
   * {@code x += alpha p} with the exact step {@code alpha = r'p / p'Ap}.
   *
   * @return alpha
   * @throws IllegalArgumentException if A has no positive curvature along p
   */
  double step(double[] p, double[] ap) {
    double curvature = Vectors.dot(p, ap);
    checkCurvature(curvature, Vectors.dot(p, p));
    double slope = Vectors.dot(r, p);
    double alpha = slope / curvature;
    Vectors.addScaled(x, p, alpha);
    energyDecrease.add(alpha * slope);
    if (iterations() % REFRESH == 0) {
      refresh();
    } else {
      Vectors.addScaled(r, ap, -alpha);
      norm = Vectors.norm(r);
    }
    residuals.add(norm);
    return alpha;
  }

  /** {@code x += d}, before the first step; the tolerance still refers to the residual before. */
  void shift(double[] d) {
    Vectors.addScaled(x, d, 1);
    refresh();
  }

  private void checkCurvature(double curvature, double squaredNorm) {
    double quotient = curvature / squaredNorm;
    if (Double.isNaN(quotient)) {
      throw new IllegalArgumentException(
          "A must give finite numbers, but p'Ap is %s in iteration %d"
              .formatted(curvature, iterations() + 1));
    }
    if (!(quotient > SINGULAR * largestCurvature)) {
      throw new IllegalArgumentException(
          "A must be positive definite, but p'Ap / p'p = %.3g along the direction of iteration %d: %s"
              .formatted(
                  quotient,
                  iterations() + 1,
                  quotient < -SINGULAR * largestCurvature
                      ? "A is indefinite"
                      : "A is singular, and b is not in its range (fix an unknown, or let the"
                          + " operator project onto its range)"));
    }
    largestCurvature = Math.max(largestCurvature, quotient);
  }

  SolveResult result(boolean breakdown, int replaced) {
    boolean converged = converged();
    double[] solution = Arrays.stream(x).map(v -> v * scale).toArray();
    return new SolveResult(
        solution,
        iterations(),
        residuals.stream().mapToDouble(v -> v * scale).toArray(),
        energyDecrease.stream().mapToDouble(v -> v * scale * scale).toArray(),
        converged,
        breakdown && !converged,
        replaced,
        nullSpacePart,
        (System.nanoTime() - start) / 1e9);
  }
}
