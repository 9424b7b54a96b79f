package org.tikhon.solve;

/**
 * What a {@link LinearSolver} found.
 *
 * @param x the solution, {@code [n]}; without the part in the null space of A, which is free
 * @param iterations the search directions that were taken
 * @param residuals {@code |b - A x_i|} for i = 0, 1, ..., iterations
 * @param energyDecrease {@code |x_(i-1) - x*|_A^2 - |x_i - x*|_A^2 = (r'p)^2 / (p'Ap)} for i = 1,
 *     ..., iterations; never negative
 * @param converged whether the last residual, computed anew from x, is within the tolerance
 * @param breakdown whether the solver gave up because three directions in a row were useless
 * @param replaced how many directions were useless and replaced by the residual
 * @param nullSpacePart the norm of what was taken out of b because it lies in the null space of A,
 *     divided by the norm of b
 * @param seconds the time that the solver took
 */
public record SolveResult(
    double[] x,
    int iterations,
    double[] residuals,
    double[] energyDecrease,
    boolean converged,
    boolean breakdown,
    int replaced,
    double nullSpacePart,
    double seconds) {

  /** The last residual divided by the first, 0 if there was nothing to solve. */
  public double relativeResidual() {
    return residuals[0] == 0 ? 0 : residuals[residuals.length - 1] / residuals[0];
  }
}
