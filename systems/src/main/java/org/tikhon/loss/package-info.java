/**
 * Better objectives for classifiers.
 *
 * <ul>
 *   <li>15 ELR, {@link org.tikhon.loss.ElrLoss}: when a part of the training labels is wrong.
 * </ul>
 */
package org.tikhon.loss;
