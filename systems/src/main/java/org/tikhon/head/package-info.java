/**
 * Other last layers for classifiers.
 *
 * <ul>
 *   <li>56 Grassmann class representation, {@link org.tikhon.head.GrassmannHead}: a subspace for
 *       each class instead of a vector, when the features are to be used again (retrieval,
 *       few-shot, linear transfer) or a class is not one direction.
 * </ul>
 */
package org.tikhon.head;
