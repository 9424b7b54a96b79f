/**
 * Other last layers for classifiers.
 *
 * <ul>
 *   <li>56 Grassmann class representation, {@link org.tikhon.head.GrassmannHead}: a subspace for
 *       each class instead of a vector, when the features are to be used again (retrieval,
 *       few-shot, linear transfer) or a class is not one direction.
 *   <li>17 equiangular basis vectors, {@link org.tikhon.head.EquiangularBasis} and {@link
 *       org.tikhon.head.EbvHead}: fixed class vectors, when there are very many classes or labels
 *       are added later.
 *   <li>27 hyperspherical embedding, {@link org.tikhon.head.NormalizedSoftmaxHead} and {@link
 *       org.tikhon.head.NovelClassifier}: when classes must be added from a few examples without
 *       training.
 * </ul>
 */
package org.tikhon.head;
