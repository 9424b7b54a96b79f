/**
 * Solving linear systems, regressions and graphs.
 *
 * <ul>
 *   <li>60 DCDM, {@link org.tikhon.solve.Dcdm}: sparse symmetric positive definite systems that are
 *       solved again and again, such as the pressure equation {@link org.tikhon.solve.GridPoisson},
 *       with search directions from a trained network. {@link org.tikhon.solve.ConjugateGradient}
 *       with {@link org.tikhon.solve.Multigrid} is the one to choose on a processor's cores where
 *       the equation is Poisson's, with {@link org.tikhon.solve.IncompleteCholesky} where only the
 *       matrix is known.
 * </ul>
 */
package org.tikhon.solve;
