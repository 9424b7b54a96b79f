/**
 * Kernels at memory speed in plain Java: {@link org.tikhon.simd.VectorExp} is the exponential of
 * whole arrays.
 *
 * <p>The kernels are written in the JDK Vector API, once per number type, and specialised per
 * vector width and kind of memory when they are first used. Where the module {@code
 * jdk.incubator.vector} is not added to the JVM, twins in plain Java take their place.
 */
package org.tikhon.simd;
