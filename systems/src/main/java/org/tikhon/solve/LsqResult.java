package org.tikhon.solve;

import java.util.Locale;
import org.tikhon.tensor.Tensor;

/**
 * The solution of a least squares problem with what is known of its error.
 *
 * @param x the coefficients, {@code [d]}, or {@code [d, k]} for k right sides; of minimum norm
 *     where the rank is below d
 * @param rows m, the rows of the sketch
 * @param rank of the sketched matrix; below d the coefficients are not determined, and the bounds
 *     infinite
 * @param residualEstimate of {@code |A x* - b|}: {@code |S A x - S b| sqrt(m / (m - d))}; the
 *     largest of k
 * @param linfBound of {@code max |x - x*|}, see {@link SketchedLeastSquares}; 0 for an exact
 *     solution
 * @param coordinateBounds the same for each coefficient by itself, in the shape of x: {@code |A^+|}
 *     is replaced with the norm of its row
 * @param sketchConditionNumber of S A with columns of length 1
 * @param exactFallback whether the sketch would have had as many rows as A, so that A itself was
 *     solved
 * @param iterations of {@link SketchedLeastSquares#refine}, otherwise 0
 * @param converged whether the refinement reached its tolerance; true without one
 * @param delta the probability with which a bound may fail
 * @param sketchName what was used, such as {@code "srht"}
 * @param factor what refinement works with
 */
public record LsqResult(
    Tensor x,
    int rows,
    int rank,
    double residualEstimate,
    double linfBound,
    Tensor coordinateBounds,
    double sketchConditionNumber,
    boolean exactFallback,
    int iterations,
    boolean converged,
    double delta,
    String sketchName,
    Factor factor) {

  /**
   * The triangular factor of the sketch: {@code S A diag(1 / scale) = Q R}.
   *
   * @param r {@code [d, d]}
   * @param scale the lengths of the columns of S A, {@code [d]}
   */
  public record Factor(Tensor r, Tensor scale) {}

  /** In words what the bounds promise, with the size of the sketch that was used. */
  public String guarantee() {
    if (exactFallback) {
      return "exact: a sketch would have had no fewer rows than the data";
    }
    if (rank < x.size(0)) {
      return "none: the sketch of %d rows has rank %d of %d".formatted(rows, rank, x.size(0));
    }
    return String.format(
        Locale.ROOT,
        "with probability %s every coefficient is within its bound of the exact one;"
            + " sketch %s with %d rows, bounds %s",
        1 - delta,
        sketchName,
        rows,
        sketchName.equals("gaussian")
            ? "from the normal limit"
            : "empirical for " + sketchName + " (from the normal limit of a Gaussian sketch)");
  }
}
