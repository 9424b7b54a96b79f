/**
 * Better objectives for classifiers.
 *
 * <ul>
 *   <li>15 ELR, {@link org.tikhon.loss.ElrLoss}: when a part of the training labels is wrong.
 *   <li>04 PS-KD, {@link org.tikhon.loss.PsKdLoss}: when confidences must be trusted (calibration,
 *       ranking by confidence) and there is no second, trained network to distil from.
 *   <li>03 StableMax, {@link org.tikhon.loss.StableMax} and {@link
 *       org.tikhon.loss.CollapseMonitor}: when training goes on far beyond 100 % training accuracy
 *       and stops to learn anything.
 *   <li>51 comp-sum losses, {@link org.tikhon.loss.CompSumLoss} and {@link
 *       org.tikhon.loss.HConsistency}: cross-entropy's whole family, when hard samples should weigh
 *       more or less, or a guarantee about the zero-one loss is wanted.
 *   <li>18 Z-loss, {@link org.tikhon.loss.ZLoss} and {@link
 *       org.tikhon.loss.FactoredSphericalLayer}: when there are so many classes that the output
 *       layer dominates the training.
 *   <li>48 NACL, {@link org.tikhon.loss.NaclLoss}: when the pixel probabilities of a segmentation
 *       must be trusted, at borders above all.
 * </ul>
 */
package org.tikhon.loss;
