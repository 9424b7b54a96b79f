/**
 * Solving linear systems, regressions and graphs.
 *
 * <ul>
 *   <li>10 ℓ∞ regression, {@link org.tikhon.solve.SketchedLeastSquares}: tall least squares in one
 *       pass over the data, with a bound for every coefficient; {@link
 *       org.tikhon.solve.Sketch#srht} is the sketch to choose, {@link
 *       org.tikhon.solve.TensorSketch} the one for Kronecker products, {@link
 *       org.tikhon.solve.OceProbe} shows how a sketch treats two given vectors.
 *   <li>24 CoLiDE, {@link org.tikhon.solve.CoLiDE}: the directed acyclic graph behind a table, with
 *       the noise levels; one penalty serves all of them. {@link org.tikhon.solve.Dagma}, {@link
 *       org.tikhon.solve.Notears} and {@link org.tikhon.solve.Golem} are what it is compared with.
 *   <li>60 DCDM, {@link org.tikhon.solve.Dcdm}: sparse symmetric positive definite systems that are
 *       solved again and again, such as the pressure equation {@link org.tikhon.solve.GridPoisson},
 *       with search directions from a trained network. {@link org.tikhon.solve.ConjugateGradient}
 *       with {@link org.tikhon.solve.Multigrid} is the one to choose on a processor's cores where
 *       the equation is Poisson's, with {@link org.tikhon.solve.IncompleteCholesky} where only the
 *       matrix is known.
 * </ul>
 */
package org.tikhon.solve;
