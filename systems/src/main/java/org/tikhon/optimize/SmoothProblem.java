package org.tikhon.optimize;

/**
 * A convex function f of n numbers whose blocks of coordinates are cheap, together with the point x
 * at which it is: what {@link BlockCoordinateDescent} minimises. It keeps products such as A x up
 * to date; nothing is computed from scratch after a step.
 *
 * <p>A block is an array of different coordinates. H is a matrix with {@code f(x + d) <= f(x) +
 * <grad f(x), d> + d' H d / 2} for all x and d.
 */
public interface SmoothProblem {
  /** n. */
  int dim();

  /** x_i. */
  double at(int i);

  /** A copy of x, {@code [n]}. */
  double[] point();

  /** f(x). */
  double value();

  /** The gradient at x, {@code [n]}. */
  void gradient(double[] out);

  /** The gradient at x in a block, as long as it. */
  double[] blockGradient(int[] block);

  /** H in a block, square. */
  double[][] blockBound(int[] block);

  /** The second derivatives at x in a block, square. */
  double[][] blockHessian(int[] block);

  /** L_i = H_ii, 0 or more. */
  double coordinateBound(int i);

  /** {@code sum_j |H_ij|}. */
  double boundRowSum(int i);

  /** {@code out = H v}. */
  void boundProduct(double[] v, double[] out);

  /** {@code f(x + d) - f(x)} for a d that is {@code delta} in the block and 0 elsewhere. */
  double change(int[] block, double[] delta);

  /** Sets x in a block, exactly to the numbers given. */
  void move(int[] block, double[] to);

  /** {@code x += d} for a d that is {@code delta} in the block and 0 elsewhere. */
  default void apply(int[] block, double[] delta) {
    double[] to = new double[block.length];
    for (int i = 0; i < to.length; i++) {
      to[i] = at(block[i]) + delta[i];
    }
    move(block, to);
  }
}
