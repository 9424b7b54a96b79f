package org.tikhon.transport;

/**
 * The dual potentials of a plan, in units of the cost.
 *
 * @param u of the rows, {@code [n]}
 * @param v of the columns, {@code [m]}; -infinity where a column takes no mass
 */
public record Potentials(double[] u, double[] v) {}
