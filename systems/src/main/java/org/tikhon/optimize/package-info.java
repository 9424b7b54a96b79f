/**
 * Ways to minimise.
 *
 * <ul>
 *   <li>03 orthogonal gradient, {@link org.tikhon.optimize.PerpGrad}: around any optimiser, when a
 *       network fits its training data perfectly and generalises late or never.
 *   <li>34 greedy block coordinate descent, {@link org.tikhon.optimize.BlockCoordinateDescent}:
 *       large convex problems (least squares, logistic, softmax, sparse quadratics) where a block
 *       of coordinates is cheap, with an L1 penalty, bounds or the structure of a graph.
 *   <li>38 robust sub-gradients, {@link org.tikhon.optimize.SubGm}: a low-rank matrix from linear
 *       measurements, some of them grossly wrong, its rank unknown.
 * </ul>
 */
package org.tikhon.optimize;
