package org.tikhon.simd;

/** What one thread needs beside the operands; kept per thread, so that no call allocates. */
final class Scratch {
  private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

  /** Room for the lanes of the widest vector. */
  final float[] floats = new float[16];

  final double[] doubles = new double[8];
  final ExtendedSum sum = new ExtendedSum();

  /**
   * Whether the last {@link Passes#reduce} or {@link Passes#sumExp} met -∞, so that inputs must be
   * clamped.
   */
  boolean clamped;

  final Reciprocal reciprocal = new Reciprocal();

  static Scratch get() {
    return OF_THREAD.get();
  }
}
