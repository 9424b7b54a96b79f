package org.tikhon.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels of floats in the Vector API: the template of hidden classes that {@link Kernels}
 * makes.
 *
 * <p>The loops are written out flat on purpose. A vector that is handed to a method which the JIT
 * does not inline is boxed, and the loop becomes ten times slower.
 */
final class VectorFloatKernel implements Kernel {
  private static final Kernels.Variant VARIANT = Kernels.Variant.of(MethodHandles.lookup());
  private static final boolean HEAP = VARIANT.heap();
  private static final VectorSpecies<Float> F = VARIANT.floats();
  private static final int LANES = F.length();
  private static final Kernel TAIL = new ScalarFloatKernel();

  private static FloatVector load(float[] array, MemorySegment segment, long from, int i) {
    return HEAP
        ? FloatVector.fromArray(F, array, (int) from + i)
        : FloatVector.fromMemorySegment(F, segment, (from + i) << 2, ByteOrder.nativeOrder());
  }

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = F.loopBound(n);
    FloatVector low = FloatVector.broadcast(F, FloatExp.LOWEST);
    FloatVector high = FloatVector.broadcast(F, FloatExp.HIGHEST);
    FloatVector magic = FloatVector.broadcast(F, FloatExp.MAGIC);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector in = load(xa, xs, xFrom, i);
      in = in.blend(low, in.compare(LT, low));
      in = in.blend(high, in.compare(GT, high));
      FloatVector v = in.fma(FloatVector.broadcast(F, FloatExp.LOG2_E), magic);
      FloatVector nf = v.sub(magic);
      FloatVector t = nf.fma(FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH), in);
      t = nf.fma(FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW), t);
      FloatVector m = FloatVector.broadcast(F, FloatExp.C5);
      m = m.fma(t, FloatVector.broadcast(F, FloatExp.C4));
      m = m.fma(t, FloatVector.broadcast(F, FloatExp.C3));
      m = m.fma(t, FloatVector.broadcast(F, FloatExp.C2));
      m = m.fma(t, FloatVector.broadcast(F, FloatExp.C1));
      m = m.fma(t, FloatVector.broadcast(F, FloatExp.C0));
      // exp(x) = m 2^(n/2) 2^(n - n/2), where neither factor over- or underflows.
      IntVector e = v.reinterpretAsInts().sub(FloatExp.MAGIC_BITS);
      IntVector half = e.lanewise(ASHR, 1);
      FloatVector first = half.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector second = e.sub(half).add(127).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector out = m.mul(first).mul(second);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 2, ByteOrder.nativeOrder());
      }
    }
    TAIL.exp(x, xFrom + whole, y, yFrom + whole, n - whole);
  }
}
