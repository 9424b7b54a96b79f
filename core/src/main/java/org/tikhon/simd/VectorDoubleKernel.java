package org.tikhon.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** The kernels of doubles in the Vector API; see {@link VectorFloatKernel}. */
final class VectorDoubleKernel implements Kernel {
  private static final Kernels.Variant VARIANT = Kernels.Variant.of(MethodHandles.lookup());
  private static final boolean HEAP = VARIANT.heap();
  private static final boolean MASKED = VARIANT.masked();
  private static final boolean TEMPERED = VARIANT.tempered();
  private static final boolean RECOMPUTE = VARIANT.recompute();
  private static final boolean CLAMPED = VARIANT.clamped();
  private static final VectorSpecies<Double> D = VARIANT.doubles();
  private static final int LANES = D.length();
  private static final int BLOCK = 4 * LANES;
  private static final Kernel TAIL = new ScalarDoubleKernel();

  private static DoubleVector load(double[] array, MemorySegment segment, long from, int i) {
    return HEAP
        ? DoubleVector.fromArray(D, array, (int) from + i)
        : DoubleVector.fromMemorySegment(D, segment, (from + i) << 3, ByteOrder.nativeOrder());
  }

  @Override
  public void reduce(
      Object x, long from, int n, double scale, boolean[] mask, int maskFrom, Scratch scratch) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % BLOCK;
    DoubleVector lowest = DoubleVector.broadcast(D, DoubleExp.CLAMP);
    DoubleVector magic = DoubleVector.broadcast(D, DoubleExp.MAGIC);
    DoubleVector log2e = DoubleVector.broadcast(D, DoubleExp.LOG2_E);
    DoubleVector ln2High = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH);
    DoubleVector ln2Low = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW);
    DoubleVector masked = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    DoubleVector sum = DoubleVector.zero(D);
    DoubleVector lost = DoubleVector.zero(D);
    // Exponents keep the bias of the magic number, which cancels in differences.
    LongVector top = lowest.fma(log2e, magic).reinterpretAsLongs();
    for (int i = 0; i < whole; i += BLOCK) {
      DoubleVector x0 = load(xa, xs, from, i);
      DoubleVector x1 = load(xa, xs, from, i + LANES);
      DoubleVector x2 = load(xa, xs, from, i + 2 * LANES);
      DoubleVector x3 = load(xa, xs, from, i + 3 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(D, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(D, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(D, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(D, mask, maskFrom + i + 3 * LANES));
      }
      if (TEMPERED) {
        x0 = x0.mul(factor);
        x1 = x1.mul(factor);
        x2 = x2.mul(factor);
        x3 = x3.mul(factor);
      }
      if (CLAMPED) {
        x0 = x0.blend(lowest, x0.compare(LT, lowest));
        x1 = x1.blend(lowest, x1.compare(LT, lowest));
        x2 = x2.blend(lowest, x2.compare(LT, lowest));
        x3 = x3.blend(lowest, x3.compare(LT, lowest));
      }
      DoubleVector v0 = x0.fma(log2e, magic);
      DoubleVector v1 = x1.fma(log2e, magic);
      DoubleVector v2 = x2.fma(log2e, magic);
      DoubleVector v3 = x3.fma(log2e, magic);
      DoubleVector r0 = v0.sub(magic);
      DoubleVector r1 = v1.sub(magic);
      DoubleVector r2 = v2.sub(magic);
      DoubleVector r3 = v3.sub(magic);
      DoubleVector t0 = r0.fma(ln2High, x0);
      DoubleVector t1 = r1.fma(ln2High, x1);
      DoubleVector t2 = r2.fma(ln2High, x2);
      DoubleVector t3 = r3.fma(ln2High, x3);
      t0 = r0.fma(ln2Low, t0);
      t1 = r1.fma(ln2Low, t1);
      t2 = r2.fma(ln2Low, t2);
      t3 = r3.fma(ln2Low, t3);
      DoubleVector m0 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m1 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m2 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m3 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector c10 = DoubleVector.broadcast(D, 8 * DoubleExp.C10);
      m0 = m0.fma(t0, c10);
      m1 = m1.fma(t1, c10);
      m2 = m2.fma(t2, c10);
      m3 = m3.fma(t3, c10);
      DoubleVector c9 = DoubleVector.broadcast(D, 8 * DoubleExp.C9);
      m0 = m0.fma(t0, c9);
      m1 = m1.fma(t1, c9);
      m2 = m2.fma(t2, c9);
      m3 = m3.fma(t3, c9);
      DoubleVector c8 = DoubleVector.broadcast(D, 8 * DoubleExp.C8);
      m0 = m0.fma(t0, c8);
      m1 = m1.fma(t1, c8);
      m2 = m2.fma(t2, c8);
      m3 = m3.fma(t3, c8);
      DoubleVector c7 = DoubleVector.broadcast(D, 8 * DoubleExp.C7);
      m0 = m0.fma(t0, c7);
      m1 = m1.fma(t1, c7);
      m2 = m2.fma(t2, c7);
      m3 = m3.fma(t3, c7);
      DoubleVector c6 = DoubleVector.broadcast(D, 8 * DoubleExp.C6);
      m0 = m0.fma(t0, c6);
      m1 = m1.fma(t1, c6);
      m2 = m2.fma(t2, c6);
      m3 = m3.fma(t3, c6);
      DoubleVector c5 = DoubleVector.broadcast(D, 8 * DoubleExp.C5);
      m0 = m0.fma(t0, c5);
      m1 = m1.fma(t1, c5);
      m2 = m2.fma(t2, c5);
      m3 = m3.fma(t3, c5);
      DoubleVector c4 = DoubleVector.broadcast(D, 8 * DoubleExp.C4);
      m0 = m0.fma(t0, c4);
      m1 = m1.fma(t1, c4);
      m2 = m2.fma(t2, c4);
      m3 = m3.fma(t3, c4);
      DoubleVector c3 = DoubleVector.broadcast(D, 8 * DoubleExp.C3);
      m0 = m0.fma(t0, c3);
      m1 = m1.fma(t1, c3);
      m2 = m2.fma(t2, c3);
      m3 = m3.fma(t3, c3);
      DoubleVector c2 = DoubleVector.broadcast(D, 8 * DoubleExp.C2);
      m0 = m0.fma(t0, c2);
      m1 = m1.fma(t1, c2);
      m2 = m2.fma(t2, c2);
      m3 = m3.fma(t3, c2);
      DoubleVector c1 = DoubleVector.broadcast(D, 8 * DoubleExp.C1);
      m0 = m0.fma(t0, c1);
      m1 = m1.fma(t1, c1);
      m2 = m2.fma(t2, c1);
      m3 = m3.fma(t3, c1);
      DoubleVector c0 = DoubleVector.broadcast(D, 8 * DoubleExp.C0);
      m0 = m0.fma(t0, c0);
      m1 = m1.fma(t1, c0);
      m2 = m2.fma(t2, c0);
      m3 = m3.fma(t3, c0);
      LongVector n0 = v0.reinterpretAsLongs();
      LongVector n1 = v1.reinterpretAsLongs();
      LongVector n2 = v2.reinterpretAsLongs();
      LongVector n3 = v3.reinterpretAsLongs();
      LongVector above = n0.max(n1).max(n2.max(n3)).max(top);
      LongVector bias = above.sub(1020);
      DoubleVector f0 = n0.max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f1 = n1.max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f2 = n2.max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f3 = n3.max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector block = m1.fma(f1, m0.mul(f0)).add(m3.fma(f3, m2.mul(f2)));
      DoubleVector shrink =
          top.sub(above).add(1023).max(0).lanewise(LSHL, 52).reinterpretAsDoubles();
      top = above;
      sum = sum.mul(shrink);
      lost = lost.mul(shrink);
      // Compensated (Kahan), so that millions of terms do not lose digits.
      DoubleVector term = block.sub(lost);
      DoubleVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    if (whole > 0) {
      long highest = top.reduceLanes(MAX);
      sum = sum.mul(top.sub(highest - 1023).max(0).lanewise(LSHL, 52).reinterpretAsDoubles());
      sum.intoArray(scratch.doubles, 0);
      double total = 0;
      for (int lane = 0; lane < LANES; lane++) {
        total += scratch.doubles[lane];
      }
      scratch.sum.add(total, highest - DoubleExp.MAGIC_BITS);
    }
    TAIL.reduce(x, from + whole, n - whole, scale, mask, maskFrom + whole, scratch);
  }

  @Override
  public void write(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Reciprocal reciprocal) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = D.loopBound(n);
    DoubleVector lowest = DoubleVector.broadcast(D, DoubleExp.CLAMP);
    DoubleVector magic = DoubleVector.broadcast(D, DoubleExp.MAGIC);
    DoubleVector log2e = DoubleVector.broadcast(D, DoubleExp.LOG2_E);
    DoubleVector ln2High = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH);
    DoubleVector ln2Low = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW);
    DoubleVector masked = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    DoubleVector shift = DoubleVector.broadcast(D, max);
    DoubleVector high = DoubleVector.broadcast(D, reciprocal.high());
    DoubleVector low = DoubleVector.broadcast(D, reciprocal.low());
    long bias = DoubleExp.MAGIC_BITS + reciprocal.exponent() - 1020;
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(xa, xs, xFrom, i);
      if (MASKED) {
        in = masked.blend(in, VectorMask.fromArray(D, mask, maskFrom + i));
      }
      if (RECOMPUTE) {
        in = in.sub(shift);
      }
      if (TEMPERED) {
        in = in.mul(factor);
      }
      if (CLAMPED) {
        in = in.blend(lowest, in.compare(LT, lowest));
      }
      DoubleVector v = in.fma(log2e, magic);
      DoubleVector r = v.sub(magic);
      DoubleVector t = r.fma(ln2High, in);
      t = r.fma(ln2Low, t);
      DoubleVector m = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C10));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C9));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C8));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C7));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C6));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C5));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C4));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C3));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C2));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C1));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C0));
      DoubleVector power =
          v.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector out = m.fma(high, m.mul(low)).mul(power);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.write(
        x,
        xFrom + whole,
        y,
        yFrom + whole,
        n - whole,
        max,
        scale,
        mask,
        maskFrom + whole,
        reciprocal);
  }

  @Override
  public double max(Object x, long from, int n, boolean[] mask, int maskFrom) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % (4 * LANES);
    DoubleVector masked = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    // Each accumulator has its own broadcast: a shared one makes the JIT box them.
    DoubleVector max0 = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector max1 = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector max2 = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector max3 = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += 4 * LANES) {
      DoubleVector x0 = load(xa, xs, from, i);
      DoubleVector x1 = load(xa, xs, from, i + LANES);
      DoubleVector x2 = load(xa, xs, from, i + 2 * LANES);
      DoubleVector x3 = load(xa, xs, from, i + 3 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(D, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(D, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(D, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(D, mask, maskFrom + i + 3 * LANES));
      }
      // Not Vector.max, whose rules for NaN and -0 take six instructions. NaN shows in the sum.
      max0 = max0.blend(x0, x0.compare(GT, max0));
      max1 = max1.blend(x1, x1.compare(GT, max1));
      max2 = max2.blend(x2, x2.compare(GT, max2));
      max3 = max3.blend(x3, x3.compare(GT, max3));
    }
    max0 = max0.blend(max1, max1.compare(GT, max0));
    max2 = max2.blend(max3, max3.compare(GT, max2));
    max0 = max0.blend(max2, max2.compare(GT, max0));
    return Math.max(
        max0.reduceLanes(MAX), TAIL.max(x, from + whole, n - whole, mask, maskFrom + whole));
  }

  @Override
  public double sumExp(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      Scratch scratch) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = n - n % BLOCK;
    DoubleVector lowest = DoubleVector.broadcast(D, DoubleExp.CLAMP);
    DoubleVector magic = DoubleVector.broadcast(D, DoubleExp.MAGIC);
    DoubleVector log2e = DoubleVector.broadcast(D, DoubleExp.LOG2_E);
    DoubleVector ln2High = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH);
    DoubleVector ln2Low = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW);
    DoubleVector masked = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    DoubleVector shift = DoubleVector.broadcast(D, max);
    long bias = DoubleExp.MAGIC_BITS - 1020;
    DoubleVector sum = DoubleVector.zero(D);
    DoubleVector lost = DoubleVector.zero(D);
    for (int i = 0; i < whole; i += BLOCK) {
      DoubleVector x0 = load(xa, xs, xFrom, i);
      DoubleVector x1 = load(xa, xs, xFrom, i + LANES);
      DoubleVector x2 = load(xa, xs, xFrom, i + 2 * LANES);
      DoubleVector x3 = load(xa, xs, xFrom, i + 3 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(D, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(D, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(D, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(D, mask, maskFrom + i + 3 * LANES));
      }
      x0 = x0.sub(shift);
      x1 = x1.sub(shift);
      x2 = x2.sub(shift);
      x3 = x3.sub(shift);
      if (TEMPERED) {
        x0 = x0.mul(factor);
        x1 = x1.mul(factor);
        x2 = x2.mul(factor);
        x3 = x3.mul(factor);
      }
      if (CLAMPED) {
        x0 = x0.blend(lowest, x0.compare(LT, lowest));
        x1 = x1.blend(lowest, x1.compare(LT, lowest));
        x2 = x2.blend(lowest, x2.compare(LT, lowest));
        x3 = x3.blend(lowest, x3.compare(LT, lowest));
      }
      DoubleVector v0 = x0.fma(log2e, magic);
      DoubleVector v1 = x1.fma(log2e, magic);
      DoubleVector v2 = x2.fma(log2e, magic);
      DoubleVector v3 = x3.fma(log2e, magic);
      DoubleVector r0 = v0.sub(magic);
      DoubleVector r1 = v1.sub(magic);
      DoubleVector r2 = v2.sub(magic);
      DoubleVector r3 = v3.sub(magic);
      DoubleVector t0 = r0.fma(ln2High, x0);
      DoubleVector t1 = r1.fma(ln2High, x1);
      DoubleVector t2 = r2.fma(ln2High, x2);
      DoubleVector t3 = r3.fma(ln2High, x3);
      t0 = r0.fma(ln2Low, t0);
      t1 = r1.fma(ln2Low, t1);
      t2 = r2.fma(ln2Low, t2);
      t3 = r3.fma(ln2Low, t3);
      DoubleVector m0 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m1 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m2 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector m3 = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      DoubleVector c10 = DoubleVector.broadcast(D, 8 * DoubleExp.C10);
      m0 = m0.fma(t0, c10);
      m1 = m1.fma(t1, c10);
      m2 = m2.fma(t2, c10);
      m3 = m3.fma(t3, c10);
      DoubleVector c9 = DoubleVector.broadcast(D, 8 * DoubleExp.C9);
      m0 = m0.fma(t0, c9);
      m1 = m1.fma(t1, c9);
      m2 = m2.fma(t2, c9);
      m3 = m3.fma(t3, c9);
      DoubleVector c8 = DoubleVector.broadcast(D, 8 * DoubleExp.C8);
      m0 = m0.fma(t0, c8);
      m1 = m1.fma(t1, c8);
      m2 = m2.fma(t2, c8);
      m3 = m3.fma(t3, c8);
      DoubleVector c7 = DoubleVector.broadcast(D, 8 * DoubleExp.C7);
      m0 = m0.fma(t0, c7);
      m1 = m1.fma(t1, c7);
      m2 = m2.fma(t2, c7);
      m3 = m3.fma(t3, c7);
      DoubleVector c6 = DoubleVector.broadcast(D, 8 * DoubleExp.C6);
      m0 = m0.fma(t0, c6);
      m1 = m1.fma(t1, c6);
      m2 = m2.fma(t2, c6);
      m3 = m3.fma(t3, c6);
      DoubleVector c5 = DoubleVector.broadcast(D, 8 * DoubleExp.C5);
      m0 = m0.fma(t0, c5);
      m1 = m1.fma(t1, c5);
      m2 = m2.fma(t2, c5);
      m3 = m3.fma(t3, c5);
      DoubleVector c4 = DoubleVector.broadcast(D, 8 * DoubleExp.C4);
      m0 = m0.fma(t0, c4);
      m1 = m1.fma(t1, c4);
      m2 = m2.fma(t2, c4);
      m3 = m3.fma(t3, c4);
      DoubleVector c3 = DoubleVector.broadcast(D, 8 * DoubleExp.C3);
      m0 = m0.fma(t0, c3);
      m1 = m1.fma(t1, c3);
      m2 = m2.fma(t2, c3);
      m3 = m3.fma(t3, c3);
      DoubleVector c2 = DoubleVector.broadcast(D, 8 * DoubleExp.C2);
      m0 = m0.fma(t0, c2);
      m1 = m1.fma(t1, c2);
      m2 = m2.fma(t2, c2);
      m3 = m3.fma(t3, c2);
      DoubleVector c1 = DoubleVector.broadcast(D, 8 * DoubleExp.C1);
      m0 = m0.fma(t0, c1);
      m1 = m1.fma(t1, c1);
      m2 = m2.fma(t2, c1);
      m3 = m3.fma(t3, c1);
      DoubleVector c0 = DoubleVector.broadcast(D, 8 * DoubleExp.C0);
      m0 = m0.fma(t0, c0);
      m1 = m1.fma(t1, c0);
      m2 = m2.fma(t2, c0);
      m3 = m3.fma(t3, c0);
      DoubleVector f0 =
          v0.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f1 =
          v1.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f2 =
          v2.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector f3 =
          v3.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      m0 = m0.mul(f0);
      m1 = m1.mul(f1);
      m2 = m2.mul(f2);
      m3 = m3.mul(f3);
      if (!RECOMPUTE) {
        if (HEAP) {
          m0.intoArray(ya, (int) yFrom + i);
          m1.intoArray(ya, (int) yFrom + i + LANES);
          m2.intoArray(ya, (int) yFrom + i + 2 * LANES);
          m3.intoArray(ya, (int) yFrom + i + 3 * LANES);
        } else {
          m0.intoMemorySegment(ys, (yFrom + i) << 3, ByteOrder.nativeOrder());
          m1.intoMemorySegment(ys, (yFrom + i + LANES) << 3, ByteOrder.nativeOrder());
          m2.intoMemorySegment(ys, (yFrom + i + 2L * LANES) << 3, ByteOrder.nativeOrder());
          m3.intoMemorySegment(ys, (yFrom + i + 3L * LANES) << 3, ByteOrder.nativeOrder());
        }
      }
      DoubleVector block = m0.add(m1).add(m2.add(m3));
      DoubleVector term = block.sub(lost);
      DoubleVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.doubles, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.doubles[lane];
    }
    return total
        + TAIL.sumExp(
            x,
            xFrom + whole,
            y,
            yFrom + whole,
            n - whole,
            max,
            scale,
            mask,
            maskFrom + whole,
            scratch);
  }

  @Override
  public void multiply(Object y, long from, int n, double factor) {
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = D.loopBound(n);
    DoubleVector scale = DoubleVector.broadcast(D, factor);
    DoubleVector smallest = DoubleVector.broadcast(D, (DoubleExp.SMALLEST / factor));
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(ya, ys, from, i);
      DoubleVector out = in.blend(0, in.compare(LT, smallest)).mul(scale);
      if (HEAP) {
        out.intoArray(ya, (int) from + i);
      } else {
        out.intoMemorySegment(ys, (from + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.multiply(y, from + whole, n - whole, factor);
  }

  @Override
  public void subtract(
      Object x,
      long xFrom,
      Object y,
      long yFrom,
      int n,
      double max,
      double scale,
      boolean[] mask,
      int maskFrom,
      double log) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = D.loopBound(n);
    DoubleVector masked = DoubleVector.broadcast(D, Double.NEGATIVE_INFINITY);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    DoubleVector shift = DoubleVector.broadcast(D, max);
    DoubleVector high = DoubleVector.broadcast(D, log);
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(xa, xs, xFrom, i);
      if (MASKED) {
        in = masked.blend(in, VectorMask.fromArray(D, mask, maskFrom + i));
      }
      DoubleVector out = in.sub(shift).mul(factor).sub(high);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.subtract(
        x, xFrom + whole, y, yFrom + whole, n - whole, max, scale, mask, maskFrom + whole, log);
  }

  @Override
  public double dot(Object x, long xFrom, Object y, long yFrom, int n, Scratch scratch) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = n - n % (2 * LANES);
    DoubleVector sum = DoubleVector.zero(D);
    DoubleVector lost = DoubleVector.zero(D);
    for (int i = 0; i < whole; i += 2 * LANES) {
      DoubleVector x0 = load(xa, xs, xFrom, i);
      DoubleVector x1 = load(xa, xs, xFrom, i + LANES);
      DoubleVector y0 = load(ya, ys, yFrom, i);
      DoubleVector y1 = load(ya, ys, yFrom, i + LANES);
      DoubleVector term = x1.fma(y1, x0.mul(y0)).sub(lost);
      DoubleVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.doubles, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.doubles[lane];
    }
    return total + TAIL.dot(x, xFrom + whole, y, yFrom + whole, n - whole, scratch);
  }

  @Override
  public double sum(Object x, long from, int n, Scratch scratch) {
    double[] xa = HEAP ? (double[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % (2 * LANES);
    DoubleVector sum = DoubleVector.zero(D);
    DoubleVector lost = DoubleVector.zero(D);
    for (int i = 0; i < whole; i += 2 * LANES) {
      DoubleVector x0 = load(xa, xs, from, i);
      DoubleVector x1 = load(xa, xs, from, i + LANES);
      DoubleVector term = x0.add(x1).sub(lost);
      DoubleVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.doubles, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.doubles[lane];
    }
    return total + TAIL.sum(x, from + whole, n - whole, scratch);
  }

  @Override
  public void backward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double dot,
      double scale) {
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    double[] dya = HEAP ? (double[]) dy : null;
    MemorySegment dys = HEAP ? null : (MemorySegment) dy;
    double[] dxa = HEAP ? (double[]) dx : null;
    MemorySegment dxs = HEAP ? null : (MemorySegment) dx;
    int whole = D.loopBound(n);
    DoubleVector mean = DoubleVector.broadcast(D, dot);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector p = load(ya, ys, yFrom, i);
      DoubleVector g = load(dya, dys, dyFrom, i);
      DoubleVector out = p.mul(g.sub(mean)).mul(factor);
      if (HEAP) {
        out.intoArray(dxa, (int) dxFrom + i);
      } else {
        out.intoMemorySegment(dxs, (dxFrom + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.backward(y, yFrom + whole, dy, dyFrom + whole, dx, dxFrom + whole, n - whole, dot, scale);
  }

  @Override
  public void logBackward(
      Object y,
      long yFrom,
      Object dy,
      long dyFrom,
      Object dx,
      long dxFrom,
      int n,
      double sum,
      double scale) {
    double[] ya = HEAP ? (double[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    double[] dya = HEAP ? (double[]) dy : null;
    MemorySegment dys = HEAP ? null : (MemorySegment) dy;
    double[] dxa = HEAP ? (double[]) dx : null;
    MemorySegment dxs = HEAP ? null : (MemorySegment) dx;
    int whole = D.loopBound(n);
    DoubleVector lowest = DoubleVector.broadcast(D, DoubleExp.CLAMP);
    DoubleVector magic = DoubleVector.broadcast(D, DoubleExp.MAGIC);
    DoubleVector log2e = DoubleVector.broadcast(D, DoubleExp.LOG2_E);
    DoubleVector ln2High = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH);
    DoubleVector ln2Low = DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW);
    DoubleVector total = DoubleVector.broadcast(D, sum);
    DoubleVector factor = DoubleVector.broadcast(D, scale);
    long bias = DoubleExp.MAGIC_BITS - 1020;
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(ya, ys, yFrom, i);
      DoubleVector g = load(dya, dys, dyFrom, i);
      in = in.blend(lowest, in.compare(LT, lowest));
      DoubleVector v = in.fma(log2e, magic);
      DoubleVector r = v.sub(magic);
      DoubleVector t = r.fma(ln2High, in);
      t = r.fma(ln2Low, t);
      DoubleVector m = DoubleVector.broadcast(D, 8 * DoubleExp.C11);
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C10));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C9));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C8));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C7));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C6));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C5));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C4));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C3));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C2));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C1));
      m = m.fma(t, DoubleVector.broadcast(D, 8 * DoubleExp.C0));
      DoubleVector power =
          v.reinterpretAsLongs().max(bias).sub(bias).lanewise(LSHL, 52).reinterpretAsDoubles();
      DoubleVector out = g.sub(m.mul(power).mul(total)).mul(factor);
      if (HEAP) {
        out.intoArray(dxa, (int) dxFrom + i);
      } else {
        out.intoMemorySegment(dxs, (dxFrom + i) << 3, ByteOrder.nativeOrder());
      }
    }
    TAIL.logBackward(
        y, yFrom + whole, dy, dyFrom + whole, dx, dxFrom + whole, n - whole, sum, scale);
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
    for (int i = 0; i < whole; i += LANES) {
      DoubleVector in = load(xa, xs, xFrom, i);
      in = in.blend(low, in.compare(LT, low));
      in = in.blend(high, in.compare(GT, high));
      DoubleVector v = in.fma(DoubleVector.broadcast(D, DoubleExp.LOG2_E), magic);
      DoubleVector r = v.sub(magic);
      DoubleVector t = r.fma(DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_HIGH), in);
      t = r.fma(DoubleVector.broadcast(D, DoubleExp.MINUS_LN2_LOW), t);
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
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C1));
      m = m.fma(t, DoubleVector.broadcast(D, DoubleExp.C0));
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
