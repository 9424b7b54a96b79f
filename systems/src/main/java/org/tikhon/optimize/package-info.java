/**
 * Ways to minimise.
 *
 * <ul>
 *   <li>03 orthogonal gradient, {@link org.tikhon.optimize.PerpGrad}: around any optimiser, when a
 *       network fits its training data perfectly and generalises late or never.
 * </ul>
 */
package org.tikhon.optimize;
