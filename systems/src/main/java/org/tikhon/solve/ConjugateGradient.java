package org.tikhon.solve;

/**
 * The (preconditioned, deflated) method of conjugate gradients for {@code A x = b}.
 *
 * <p>With {@code z_i = M^-1 r_i} and the columns of W deflated,
 *
 * <pre>
 * p_i = z_i - W (W'AW)^-1 (AW)' z_i + (r_i'z_i / r_(i-1)'z_(i-1)) p_(i-1)
 * alpha_i = r_i'p_i / p_i'A p_i,   x_(i+1) = x_i + alpha_i p_i,   r_(i+1) = r_i - alpha_i A p_i.
 * </pre>
 *
 * <p>The residual is computed anew every tenth iteration and before the solver says that it has
 * converged. Defaults: no preconditioner, no deflation, tolerance 1e-4 in {@code |r_i| / |r_0|}, at
 * most 10 000 iterations.
 *
 * <p>Deflation as in Saad, Yeung, Erhel, Guyomarc'h, A deflated version of the conjugate gradient
 * algorithm, 2000.
 */
public final class ConjugateGradient implements LinearSolver {
  private final Preconditioner preconditioner;
  private int deflate;
  private double tolerance = 1e-4;
  private int maxIterations = 10_000;

  /** Without a preconditioner. */
  public ConjugateGradient() {
    this(Preconditioner.identity());
  }

  public ConjugateGradient(Preconditioner preconditioner) {
    this.preconditioner = preconditioner;
  }

  /** Deflates this many Ritz vectors of A, from as many Lanczos steps; 0 for none. */
  public ConjugateGradient deflate(int ritzVectors) {
    if (ritzVectors < 0) {
      throw new IllegalArgumentException("deflate must be 0 or more, was " + ritzVectors);
    }
    this.deflate = ritzVectors;
    return this;
  }

  /** Stops at {@code |r_i| <= tolerance |r_0|}; positive. */
  public ConjugateGradient tolerance(double tolerance) {
    this.tolerance = LinearIterate.checkTolerance(tolerance);
    return this;
  }

  /** Gives up after this many iterations; 0 or more. */
  public ConjugateGradient maxIterations(int iterations) {
    this.maxIterations = LinearIterate.checkIterations(iterations);
    return this;
  }

  @Override
  public SolveResult solve(SpdOperator a, double[] b, double[] x0) {
    LinearIterate state = new LinearIterate(a, b, x0, tolerance);
    Deflation deflation = deflate == 0 ? null : Deflation.ritz(a, deflate);
    if (deflation != null && !state.converged()) {
      deflation.start(state);
    }
    int n = a.size();
    double[] z = new double[n];
    double[] p = new double[n];
    double[] ap = new double[n];
    double before = 0;
    while (!state.converged() && state.iterations() < maxIterations) {
      preconditioner.apply(state.r, z);
      a.project(z);
      double rz = Vectors.dot(state.r, z);
      if (!(rz > 0)) {
        throw new IllegalArgumentException(
            "the preconditioner must be positive definite, but r'M^-1 r = " + rz);
      }
      if (deflation != null) {
        deflation.project(z);
      }
      Vectors.scaleAndAdd(p, z, before == 0 ? 0 : rz / before);
      a.apply(p, ap);
      state.step(p, ap);
      before = rz;
    }
    return state.result(false, 0);
  }
}
