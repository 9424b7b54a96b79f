/**
 * Surviving noise, attack and shift.
 *
 * <ul>
 *   <li>{@link org.tikhon.robust.Pgd} attacks any model inside a {@link org.tikhon.robust.Ball};
 *       {@link org.tikhon.robust.RobustEvaluation} measures what is left.
 *   <li>51 comp-sum losses, {@link org.tikhon.robust.SmoothAdversarialLoss}: adversarial training
 *       that gives up little clean accuracy; {@link org.tikhon.robust.TradesLoss} and {@link
 *       org.tikhon.robust.PgdTraining} beside it.
 * </ul>
 */
package org.tikhon.robust;
