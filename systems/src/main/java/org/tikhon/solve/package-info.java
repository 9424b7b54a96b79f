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
 * </ul>
 */
package org.tikhon.solve;
