package org.tikhon.transport;

import org.tikhon.tensor.Tensor;

/**
 * What {@link PartialTransport} found.
 *
 * @param plan N Q, {@code [N, K]}, in the cost's type and on its device: rows are soft labels that
 *     sum to their confidence and must not be normalised
 * @param confidence N Q 1, {@code [N]}, each sample's share of its mass that is moved, in [0, 1]
 * @param potentials u {@code [N]} and v {@code [K + 1]}, the virtual cluster's last: {@code N Q_ik
 *     = N exp((u_i + v_k - C_ik) / epsilon)}
 * @param iterations updates of the column scalings
 * @param error the Euclidean norm of the last change of {@code log b = v / epsilon}
 * @param converged whether {@code error} is at most the tolerance
 */
public record PartialSolution(
    Tensor plan,
    Tensor confidence,
    Potentials potentials,
    int iterations,
    double error,
    boolean converged) {}
