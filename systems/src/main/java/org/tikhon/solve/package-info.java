/**
 * Solving linear systems and regressions.
 *
 * <ul>
 *   <li>10 ℓ∞ regression, {@link org.tikhon.solve.SketchedLeastSquares}: tall least squares in one
 *       pass over the data, with a bound for every coefficient; {@link
 *       org.tikhon.solve.Sketch#srht} is the sketch to choose, {@link
 *       org.tikhon.solve.TensorSketch} the one for Kronecker products, {@link
 *       org.tikhon.solve.OceProbe} shows how a sketch treats two given vectors.
 * </ul>
 */
package org.tikhon.solve;
