/**
 * Solving linear systems, regressions and graphs.
 *
 * <ul>
 *   <li>24 CoLiDE, {@link org.tikhon.solve.CoLiDE}: the directed acyclic graph behind a table, with
 *       the noise levels; one penalty serves all of them. {@link org.tikhon.solve.Dagma}, {@link
 *       org.tikhon.solve.Notears} and {@link org.tikhon.solve.Golem} are what it is compared with.
 * </ul>
 */
package org.tikhon.solve;
