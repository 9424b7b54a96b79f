/**
 * Moving one distribution onto another.
 *
 * <ul>
 *   <li>25 Sinkhorn-Newton-Sparse, {@link org.tikhon.transport.SinkhornNewtonSparse}: entropic
 *       transport to machine precision, also with little regularisation. The one to choose, unless
 *       rough marginals (1e-2) will do.
 *   <li>{@link org.tikhon.transport.Sinkhorn}: rough answers, or much regularisation.
 *   <li>{@link org.tikhon.transport.DenseNewtonSinkhorn}: a reference for small problems.
 * </ul>
 *
 * <p>All three solve the same problem and give an {@link org.tikhon.transport.EntropicPlan}; {@link
 * org.tikhon.transport.Costs} makes cost matrices, {@link org.tikhon.transport.Rounding} exact
 * marginals.
 */
package org.tikhon.transport;
