/**
 * Kernels at memory speed in plain Java: {@link org.tikhon.simd.Softmax} (and {@link
 * org.tikhon.simd.SoftmaxKernel} for rows, masks, temperature and a chosen algorithm), {@link
 * org.tikhon.simd.ExtendedSum} for log-sum-exp in pieces, {@link org.tikhon.simd.VectorExp} for the
 * exponential of whole arrays, {@link org.tikhon.simd.Hadamard} for the fast Walsh-Hadamard
 * transform.
 *
 * <p>The kernels are written in the JDK Vector API, once per number type, and specialised per
 * vector width and kind of memory when they are first used. Where the module {@code
 * jdk.incubator.vector} is not added to the JVM, twins in plain Java take their place.
 */
package org.tikhon.simd;
