package org.tikhon.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/** The kernels of doubles in the Vector API; see {@link VectorFloatKernel}. */
final class VectorDoubleKernel implements Kernel {
  private static final Kernels.Variant VARIANT = Kernels.Variant.of(MethodHandles.lookup());
  private static final boolean HEAP = VARIANT.heap();
  private static final VectorSpecies<Double> D = VARIANT.doubles();
  private static final int LANES = D.length();
  private static final Kernel TAIL = new ScalarDoubleKernel();

  private static DoubleVector load(double[] array, MemorySegment segment, long from, int i) {
    return HEAP
        ? DoubleVector.fromArray(D, array, (int) from + i)
        : DoubleVector.fromMemorySegment(D, segment, (from + i) << 3, ByteOrder.nativeOrder());
  }

  @Override
  public void exp(Object x, long xFrom, Object y, long yFrom, int n) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = D.loopBound(n);
    DoubleVector low = DoubleVector.broadcast(D, DoubleExp.LOWEST);
    DoubleVector high = DoubleVector.broadcast(D, DoubleExp.HIGHEST);
    DoubleVector magic = DoubleVector.broadcast(D, DoubleExp.MAGIC);
    DoubleVector one = DoubleVector.broadcast(D, 1);
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(xa, xs, xFrom, i);
      in = in.blend(low, in.compare(LT, low));
      in = in.blend(high, in.compare(GT, high));
      DoubleVector v = in.fma(DoubleVector.broadcast(D, DoubleExp.LOG2_E), magic);
      DoubleVector nf = v.sub(magic);
      DoubleVector t = nf.fma(DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH), in);
      t = nf.fma(DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW), t);
      DoubleVector m = DoubleVector.broadcast(D, DoubleExp.C11);
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C10));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C9));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C8));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C7));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C6));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C5));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C4));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C3));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C2));
      m = m.fma(t, one);
      m = m.fma(t, one);
      // exp(x) = m 2^(n/2) 2^(n - n/2), where neither factor over- or underflows.
      LongVector e = v.reinterpretAsLongs().sub(DoubleExp.MAGIC_BITS);
      LongVector half = e.lanewise(ASHR, 1);
      DoubleVector first = half.add(1023).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector second = e.sub(half).add(1023).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector out = m.mul(first).mul(second);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.exp(x, xFrom + whole, y, yFrom + whole, n - whole);
  }
}
