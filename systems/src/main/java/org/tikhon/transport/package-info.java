/**
 * Moving one distribution onto another.
 *
 * <p>A {@link org.tikhon.transport.TransportProblem} has weights and a cost, as a matrix or as
 * point clouds with a {@link org.tikhon.transport.GroundCost}; its marginals are met, relaxed or
 * met in part. A {@link org.tikhon.transport.TransportSolver} gives a {@link
 * org.tikhon.transport.TransportSolution} with a {@link org.tikhon.transport.Plan}, potentials,
 * errors and a trace:
 *
 * <ul>
 *   <li>08 sparse transport, {@link org.tikhon.transport.SparseOt}: at most k entries per column;
 *       {@link org.tikhon.transport.SparseOtRouter} routes tokens to experts with it, {@link
 *       org.tikhon.transport.SparseProjection} is its projection.
 *   <li>25 Sinkhorn-Newton-Sparse, {@link org.tikhon.transport.SinkhornNewtonSparse}: entropic
 *       transport to machine precision, also with little regularisation. The one to choose, unless
 *       rough marginals (1e-2) will do.
 *   <li>{@link org.tikhon.transport.Sinkhorn}: rough answers, much regularisation, relaxed
 *       marginals, or so many points that no matrix fits.
 *   <li>{@link org.tikhon.transport.ExactTransport}: no regularisation, for some thousand points.
 *   <li>{@link org.tikhon.transport.DenseNewtonSinkhorn}: a reference for small problems.
 * </ul>
 *
 * <p>A plan moves the points it was made for. A map moves new ones as well: 28 {@link
 * org.tikhon.transport.MongeGap} is the penalty that makes any network an optimal map for any cost;
 * {@link org.tikhon.transport.MongeMap} fits one, {@link org.tikhon.transport.MongeMapEstimator}
 * with every part chosen, and a {@link org.tikhon.transport.TransportMap} is what comes out.
 *
 * <p>57 SP2OT, {@link org.tikhon.transport.SemanticTransport}, is for training loops: it makes soft
 * labels of a batch's predictions, for a part of the samples, with clusters of free size and with
 * neighbours in the same cluster. {@link org.tikhon.transport.PartialTransport} does so without
 * neighbours; balanced and unbalanced labels are its limits. {@link
 * org.tikhon.transport.ImbalancedClustering} trains a network with them.
 *
 * <p>{@link org.tikhon.transport.Costs} makes cost matrices, {@link org.tikhon.transport.Rounding}
 * exact marginals.
 */
package org.tikhon.transport;
