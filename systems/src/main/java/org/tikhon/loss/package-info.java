/**
 * Better objectives for classifiers.
 *
 * <ul>
 *   <li>15 ELR, {@link org.tikhon.loss.ElrLoss}: when a part of the training labels is wrong.
 *   <li>04 PS-KD, {@link org.tikhon.loss.PsKdLoss}: when confidences must be trusted (calibration,
 *       ranking by confidence) and there is no second, trained network to distil from.
 * </ul>
 */
package org.tikhon.loss;
