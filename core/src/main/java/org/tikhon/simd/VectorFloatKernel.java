package org.tikhon.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels of floats in the Vector API: the template of hidden classes that {@link Kernels}
 * makes.
 *
 * <p>The loops are written out flat on purpose. A vector that is handed to a method which the JIT
 * does not inline is boxed, and the loop becomes ten times slower; the JIT's budget for inlining
 * ends in the middle of a long loop body. Only {@link #load} stands at the top of a body, where the
 * budget is still whole. What does not fill a block of vectors is left to the plain-Java twin,
 * whose arithmetic is the same.
 *
 * <p>The polynomial is evaluated times 8, which is exact, and the power of two is divided by 8
 * again: the smallest power in use is then the smallest normal one, and no product is subnormal.
 * Java cannot flush subnormal numbers to zero, and one costs about a hundred cycles. Exponents are
 * compared before they are subtracted, so that no difference of ints wraps around, however wild the
 * input.
 */
final class VectorFloatKernel implements Kernel {
  private static final Kernels.Variant VARIANT = Kernels.Variant.of(MethodHandles.lookup());
  private static final boolean HEAP = VARIANT.heap();
  private static final boolean MASKED = VARIANT.masked();
  private static final boolean TEMPERED = VARIANT.tempered();
  private static final boolean RECOMPUTE = VARIANT.recompute();
  private static final boolean CLAMPED = VARIANT.clamped();
  private static final VectorSpecies<Float> F = VARIANT.floats();
  private static final int LANES = F.length();
  private static final int BLOCK = 8 * LANES;
  private static final Kernel TAIL = new ScalarFloatKernel();

  private static FloatVector load(float[] array, MemorySegment segment, long from, int i) {
    return HEAP
        ? FloatVector.fromArray(F, array, (int) from + i)
        : FloatVector.fromMemorySegment(F, segment, (from + i) << 2, ByteOrder.nativeOrder());
  }

  @Override
  public void reduce(
      Object x, long from, int n, double scale, boolean[] mask, int maskFrom, Scratch scratch) {
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % BLOCK;
    FloatVector lowest = FloatVector.broadcast(F, FloatExp.CLAMP);
    FloatVector magic = FloatVector.broadcast(F, FloatExp.MAGIC);
    FloatVector log2e = FloatVector.broadcast(F, FloatExp.LOG2_E);
    FloatVector ln2High = FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH);
    FloatVector ln2Low = FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW);
    FloatVector masked = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    FloatVector sum = FloatVector.zero(F);
    FloatVector lost = FloatVector.zero(F);
    // Exponents keep the bias of the magic number, which cancels in differences.
    IntVector top = lowest.fma(log2e, magic).reinterpretAsInts();
    for (int i = 0; i < whole; i += BLOCK) {
      FloatVector x0 = load(xa, xs, from, i);
      FloatVector x1 = load(xa, xs, from, i + LANES);
      FloatVector x2 = load(xa, xs, from, i + 2 * LANES);
      FloatVector x3 = load(xa, xs, from, i + 3 * LANES);
      FloatVector x4 = load(xa, xs, from, i + 4 * LANES);
      FloatVector x5 = load(xa, xs, from, i + 5 * LANES);
      FloatVector x6 = load(xa, xs, from, i + 6 * LANES);
      FloatVector x7 = load(xa, xs, from, i + 7 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(F, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(F, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(F, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(F, mask, maskFrom + i + 3 * LANES));
        x4 = masked.blend(x4, VectorMask.fromArray(F, mask, maskFrom + i + 4 * LANES));
        x5 = masked.blend(x5, VectorMask.fromArray(F, mask, maskFrom + i + 5 * LANES));
        x6 = masked.blend(x6, VectorMask.fromArray(F, mask, maskFrom + i + 6 * LANES));
        x7 = masked.blend(x7, VectorMask.fromArray(F, mask, maskFrom + i + 7 * LANES));
      }
      if (TEMPERED) {
        x0 = x0.mul(factor);
        x1 = x1.mul(factor);
        x2 = x2.mul(factor);
        x3 = x3.mul(factor);
        x4 = x4.mul(factor);
        x5 = x5.mul(factor);
        x6 = x6.mul(factor);
        x7 = x7.mul(factor);
      }
      if (CLAMPED) {
        x0 = x0.blend(lowest, x0.compare(LT, lowest));
        x1 = x1.blend(lowest, x1.compare(LT, lowest));
        x2 = x2.blend(lowest, x2.compare(LT, lowest));
        x3 = x3.blend(lowest, x3.compare(LT, lowest));
        x4 = x4.blend(lowest, x4.compare(LT, lowest));
        x5 = x5.blend(lowest, x5.compare(LT, lowest));
        x6 = x6.blend(lowest, x6.compare(LT, lowest));
        x7 = x7.blend(lowest, x7.compare(LT, lowest));
      }
      FloatVector v0 = x0.fma(log2e, magic);
      FloatVector v1 = x1.fma(log2e, magic);
      FloatVector v2 = x2.fma(log2e, magic);
      FloatVector v3 = x3.fma(log2e, magic);
      FloatVector v4 = x4.fma(log2e, magic);
      FloatVector v5 = x5.fma(log2e, magic);
      FloatVector v6 = x6.fma(log2e, magic);
      FloatVector v7 = x7.fma(log2e, magic);
      FloatVector r0 = v0.sub(magic);
      FloatVector r1 = v1.sub(magic);
      FloatVector r2 = v2.sub(magic);
      FloatVector r3 = v3.sub(magic);
      FloatVector r4 = v4.sub(magic);
      FloatVector r5 = v5.sub(magic);
      FloatVector r6 = v6.sub(magic);
      FloatVector r7 = v7.sub(magic);
      FloatVector t0 = r0.fma(ln2High, x0);
      FloatVector t1 = r1.fma(ln2High, x1);
      FloatVector t2 = r2.fma(ln2High, x2);
      FloatVector t3 = r3.fma(ln2High, x3);
      FloatVector t4 = r4.fma(ln2High, x4);
      FloatVector t5 = r5.fma(ln2High, x5);
      FloatVector t6 = r6.fma(ln2High, x6);
      FloatVector t7 = r7.fma(ln2High, x7);
      t0 = r0.fma(ln2Low, t0);
      t1 = r1.fma(ln2Low, t1);
      t2 = r2.fma(ln2Low, t2);
      t3 = r3.fma(ln2Low, t3);
      t4 = r4.fma(ln2Low, t4);
      t5 = r5.fma(ln2Low, t5);
      t6 = r6.fma(ln2Low, t6);
      t7 = r7.fma(ln2Low, t7);
      FloatVector m0 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m1 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m2 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m3 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m4 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m5 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m6 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m7 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector c4 = FloatVector.broadcast(F, 8 * FloatExp.C4);
      m0 = m0.fma(t0, c4);
      m1 = m1.fma(t1, c4);
      m2 = m2.fma(t2, c4);
      m3 = m3.fma(t3, c4);
      m4 = m4.fma(t4, c4);
      m5 = m5.fma(t5, c4);
      m6 = m6.fma(t6, c4);
      m7 = m7.fma(t7, c4);
      FloatVector c3 = FloatVector.broadcast(F, 8 * FloatExp.C3);
      m0 = m0.fma(t0, c3);
      m1 = m1.fma(t1, c3);
      m2 = m2.fma(t2, c3);
      m3 = m3.fma(t3, c3);
      m4 = m4.fma(t4, c3);
      m5 = m5.fma(t5, c3);
      m6 = m6.fma(t6, c3);
      m7 = m7.fma(t7, c3);
      FloatVector c2 = FloatVector.broadcast(F, 8 * FloatExp.C2);
      m0 = m0.fma(t0, c2);
      m1 = m1.fma(t1, c2);
      m2 = m2.fma(t2, c2);
      m3 = m3.fma(t3, c2);
      m4 = m4.fma(t4, c2);
      m5 = m5.fma(t5, c2);
      m6 = m6.fma(t6, c2);
      m7 = m7.fma(t7, c2);
      FloatVector c1 = FloatVector.broadcast(F, 8 * FloatExp.C1);
      m0 = m0.fma(t0, c1);
      m1 = m1.fma(t1, c1);
      m2 = m2.fma(t2, c1);
      m3 = m3.fma(t3, c1);
      m4 = m4.fma(t4, c1);
      m5 = m5.fma(t5, c1);
      m6 = m6.fma(t6, c1);
      m7 = m7.fma(t7, c1);
      FloatVector c0 = FloatVector.broadcast(F, 8 * FloatExp.C0);
      m0 = m0.fma(t0, c0);
      m1 = m1.fma(t1, c0);
      m2 = m2.fma(t2, c0);
      m3 = m3.fma(t3, c0);
      m4 = m4.fma(t4, c0);
      m5 = m5.fma(t5, c0);
      m6 = m6.fma(t6, c0);
      m7 = m7.fma(t7, c0);
      IntVector n0 = v0.reinterpretAsInts();
      IntVector n1 = v1.reinterpretAsInts();
      IntVector n2 = v2.reinterpretAsInts();
      IntVector n3 = v3.reinterpretAsInts();
      IntVector n4 = v4.reinterpretAsInts();
      IntVector n5 = v5.reinterpretAsInts();
      IntVector n6 = v6.reinterpretAsInts();
      IntVector n7 = v7.reinterpretAsInts();
      IntVector above = n0.max(n1).max(n2.max(n3)).max(n4.max(n5).max(n6.max(n7))).max(top);
      IntVector bias = above.sub(124);
      FloatVector f0 = n0.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f1 = n1.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f2 = n2.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f3 = n3.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f4 = n4.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f5 = n5.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f6 = n6.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f7 = n7.max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector block0 = m1.fma(f1, m0.mul(f0)).add(m3.fma(f3, m2.mul(f2)));
      FloatVector block1 = m5.fma(f5, m4.mul(f4)).add(m7.fma(f7, m6.mul(f6)));
      FloatVector block = block0.add(block1);
      FloatVector shrink = top.sub(above).add(127).max(0).lanewise(LSHL, 23).reinterpretAsFloats();
      top = above;
      sum = sum.mul(shrink);
      lost = lost.mul(shrink);
      // Compensated (Kahan), so that millions of terms do not lose digits.
      FloatVector term = block.sub(lost);
      FloatVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    if (whole > 0) {
      int highest = top.reduceLanes(MAX);
      sum = sum.mul(top.sub(highest - 127).max(0).lanewise(LSHL, 23).reinterpretAsFloats());
      sum.intoArray(scratch.floats, 0);
      double total = 0;
      for (int lane = 0; lane < LANES; lane++) {
        total += scratch.floats[lane];
      }
      scratch.sum.add(total, highest - FloatExp.MAGIC_BITS);
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
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = F.loopBound(n);
    FloatVector lowest = FloatVector.broadcast(F, FloatExp.CLAMP);
    FloatVector magic = FloatVector.broadcast(F, FloatExp.MAGIC);
    FloatVector log2e = FloatVector.broadcast(F, FloatExp.LOG2_E);
    FloatVector ln2High = FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH);
    FloatVector ln2Low = FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW);
    FloatVector masked = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    FloatVector shift = FloatVector.broadcast(F, (float) max);
    FloatVector high = FloatVector.broadcast(F, reciprocal.floatHigh());
    FloatVector low = FloatVector.broadcast(F, reciprocal.floatLow());
    int bias = FloatExp.MAGIC_BITS + (int) reciprocal.exponent() - 124;
    for (int i = 0; i < whole; i += LANES) {
      FloatVector in = load(xa, xs, xFrom, i);
      if (MASKED) {
        in = masked.blend(in, VectorMask.fromArray(F, mask, maskFrom + i));
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
      FloatVector v = in.fma(log2e, magic);
      FloatVector r = v.sub(magic);
      FloatVector t = r.fma(ln2High, in);
      t = r.fma(ln2Low, t);
      FloatVector m = FloatVector.broadcast(F, 8 * FloatExp.C5);
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C4));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C3));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C2));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C1));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C0));
      FloatVector power =
          v.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector out = m.fma(high, m.mul(low)).mul(power);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 2, ByteOrder.nativeOrder());
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
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % (4 * LANES);
    FloatVector masked = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    // Each accumulator has its own broadcast: a shared one makes the JIT box them.
    FloatVector max0 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector max1 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector max2 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector max3 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += 4 * LANES) {
      FloatVector x0 = load(xa, xs, from, i);
      FloatVector x1 = load(xa, xs, from, i + LANES);
      FloatVector x2 = load(xa, xs, from, i + 2 * LANES);
      FloatVector x3 = load(xa, xs, from, i + 3 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(F, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(F, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(F, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(F, mask, maskFrom + i + 3 * LANES));
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
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = n - n % BLOCK;
    FloatVector lowest = FloatVector.broadcast(F, FloatExp.CLAMP);
    FloatVector magic = FloatVector.broadcast(F, FloatExp.MAGIC);
    FloatVector log2e = FloatVector.broadcast(F, FloatExp.LOG2_E);
    FloatVector ln2High = FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH);
    FloatVector ln2Low = FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW);
    FloatVector masked = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    FloatVector shift = FloatVector.broadcast(F, (float) max);
    int bias = FloatExp.MAGIC_BITS - 124;
    FloatVector sum = FloatVector.zero(F);
    FloatVector lost = FloatVector.zero(F);
    for (int i = 0; i < whole; i += BLOCK) {
      FloatVector x0 = load(xa, xs, xFrom, i);
      FloatVector x1 = load(xa, xs, xFrom, i + LANES);
      FloatVector x2 = load(xa, xs, xFrom, i + 2 * LANES);
      FloatVector x3 = load(xa, xs, xFrom, i + 3 * LANES);
      FloatVector x4 = load(xa, xs, xFrom, i + 4 * LANES);
      FloatVector x5 = load(xa, xs, xFrom, i + 5 * LANES);
      FloatVector x6 = load(xa, xs, xFrom, i + 6 * LANES);
      FloatVector x7 = load(xa, xs, xFrom, i + 7 * LANES);
      if (MASKED) {
        x0 = masked.blend(x0, VectorMask.fromArray(F, mask, maskFrom + i));
        x1 = masked.blend(x1, VectorMask.fromArray(F, mask, maskFrom + i + LANES));
        x2 = masked.blend(x2, VectorMask.fromArray(F, mask, maskFrom + i + 2 * LANES));
        x3 = masked.blend(x3, VectorMask.fromArray(F, mask, maskFrom + i + 3 * LANES));
        x4 = masked.blend(x4, VectorMask.fromArray(F, mask, maskFrom + i + 4 * LANES));
        x5 = masked.blend(x5, VectorMask.fromArray(F, mask, maskFrom + i + 5 * LANES));
        x6 = masked.blend(x6, VectorMask.fromArray(F, mask, maskFrom + i + 6 * LANES));
        x7 = masked.blend(x7, VectorMask.fromArray(F, mask, maskFrom + i + 7 * LANES));
      }
      x0 = x0.sub(shift);
      x1 = x1.sub(shift);
      x2 = x2.sub(shift);
      x3 = x3.sub(shift);
      x4 = x4.sub(shift);
      x5 = x5.sub(shift);
      x6 = x6.sub(shift);
      x7 = x7.sub(shift);
      if (TEMPERED) {
        x0 = x0.mul(factor);
        x1 = x1.mul(factor);
        x2 = x2.mul(factor);
        x3 = x3.mul(factor);
        x4 = x4.mul(factor);
        x5 = x5.mul(factor);
        x6 = x6.mul(factor);
        x7 = x7.mul(factor);
      }
      if (CLAMPED) {
        x0 = x0.blend(lowest, x0.compare(LT, lowest));
        x1 = x1.blend(lowest, x1.compare(LT, lowest));
        x2 = x2.blend(lowest, x2.compare(LT, lowest));
        x3 = x3.blend(lowest, x3.compare(LT, lowest));
        x4 = x4.blend(lowest, x4.compare(LT, lowest));
        x5 = x5.blend(lowest, x5.compare(LT, lowest));
        x6 = x6.blend(lowest, x6.compare(LT, lowest));
        x7 = x7.blend(lowest, x7.compare(LT, lowest));
      }
      FloatVector v0 = x0.fma(log2e, magic);
      FloatVector v1 = x1.fma(log2e, magic);
      FloatVector v2 = x2.fma(log2e, magic);
      FloatVector v3 = x3.fma(log2e, magic);
      FloatVector v4 = x4.fma(log2e, magic);
      FloatVector v5 = x5.fma(log2e, magic);
      FloatVector v6 = x6.fma(log2e, magic);
      FloatVector v7 = x7.fma(log2e, magic);
      FloatVector r0 = v0.sub(magic);
      FloatVector r1 = v1.sub(magic);
      FloatVector r2 = v2.sub(magic);
      FloatVector r3 = v3.sub(magic);
      FloatVector r4 = v4.sub(magic);
      FloatVector r5 = v5.sub(magic);
      FloatVector r6 = v6.sub(magic);
      FloatVector r7 = v7.sub(magic);
      FloatVector t0 = r0.fma(ln2High, x0);
      FloatVector t1 = r1.fma(ln2High, x1);
      FloatVector t2 = r2.fma(ln2High, x2);
      FloatVector t3 = r3.fma(ln2High, x3);
      FloatVector t4 = r4.fma(ln2High, x4);
      FloatVector t5 = r5.fma(ln2High, x5);
      FloatVector t6 = r6.fma(ln2High, x6);
      FloatVector t7 = r7.fma(ln2High, x7);
      t0 = r0.fma(ln2Low, t0);
      t1 = r1.fma(ln2Low, t1);
      t2 = r2.fma(ln2Low, t2);
      t3 = r3.fma(ln2Low, t3);
      t4 = r4.fma(ln2Low, t4);
      t5 = r5.fma(ln2Low, t5);
      t6 = r6.fma(ln2Low, t6);
      t7 = r7.fma(ln2Low, t7);
      FloatVector m0 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m1 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m2 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m3 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m4 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m5 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m6 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector m7 = FloatVector.broadcast(F, 8 * FloatExp.C5);
      FloatVector c4 = FloatVector.broadcast(F, 8 * FloatExp.C4);
      m0 = m0.fma(t0, c4);
      m1 = m1.fma(t1, c4);
      m2 = m2.fma(t2, c4);
      m3 = m3.fma(t3, c4);
      m4 = m4.fma(t4, c4);
      m5 = m5.fma(t5, c4);
      m6 = m6.fma(t6, c4);
      m7 = m7.fma(t7, c4);
      FloatVector c3 = FloatVector.broadcast(F, 8 * FloatExp.C3);
      m0 = m0.fma(t0, c3);
      m1 = m1.fma(t1, c3);
      m2 = m2.fma(t2, c3);
      m3 = m3.fma(t3, c3);
      m4 = m4.fma(t4, c3);
      m5 = m5.fma(t5, c3);
      m6 = m6.fma(t6, c3);
      m7 = m7.fma(t7, c3);
      FloatVector c2 = FloatVector.broadcast(F, 8 * FloatExp.C2);
      m0 = m0.fma(t0, c2);
      m1 = m1.fma(t1, c2);
      m2 = m2.fma(t2, c2);
      m3 = m3.fma(t3, c2);
      m4 = m4.fma(t4, c2);
      m5 = m5.fma(t5, c2);
      m6 = m6.fma(t6, c2);
      m7 = m7.fma(t7, c2);
      FloatVector c1 = FloatVector.broadcast(F, 8 * FloatExp.C1);
      m0 = m0.fma(t0, c1);
      m1 = m1.fma(t1, c1);
      m2 = m2.fma(t2, c1);
      m3 = m3.fma(t3, c1);
      m4 = m4.fma(t4, c1);
      m5 = m5.fma(t5, c1);
      m6 = m6.fma(t6, c1);
      m7 = m7.fma(t7, c1);
      FloatVector c0 = FloatVector.broadcast(F, 8 * FloatExp.C0);
      m0 = m0.fma(t0, c0);
      m1 = m1.fma(t1, c0);
      m2 = m2.fma(t2, c0);
      m3 = m3.fma(t3, c0);
      m4 = m4.fma(t4, c0);
      m5 = m5.fma(t5, c0);
      m6 = m6.fma(t6, c0);
      m7 = m7.fma(t7, c0);
      FloatVector f0 =
          v0.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f1 =
          v1.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f2 =
          v2.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f3 =
          v3.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f4 =
          v4.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f5 =
          v5.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f6 =
          v6.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector f7 =
          v7.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      m0 = m0.mul(f0);
      m1 = m1.mul(f1);
      m2 = m2.mul(f2);
      m3 = m3.mul(f3);
      m4 = m4.mul(f4);
      m5 = m5.mul(f5);
      m6 = m6.mul(f6);
      m7 = m7.mul(f7);
      if (!RECOMPUTE) {
        if (HEAP) {
          m0.intoArray(ya, (int) yFrom + i);
          m1.intoArray(ya, (int) yFrom + i + LANES);
          m2.intoArray(ya, (int) yFrom + i + 2 * LANES);
          m3.intoArray(ya, (int) yFrom + i + 3 * LANES);
          m4.intoArray(ya, (int) yFrom + i + 4 * LANES);
          m5.intoArray(ya, (int) yFrom + i + 5 * LANES);
          m6.intoArray(ya, (int) yFrom + i + 6 * LANES);
          m7.intoArray(ya, (int) yFrom + i + 7 * LANES);
        } else {
          m0.intoMemorySegment(ys, (yFrom + i) << 2, ByteOrder.nativeOrder());
          m1.intoMemorySegment(ys, (yFrom + i + LANES) << 2, ByteOrder.nativeOrder());
          m2.intoMemorySegment(ys, (yFrom + i + 2L * LANES) << 2, ByteOrder.nativeOrder());
          m3.intoMemorySegment(ys, (yFrom + i + 3L * LANES) << 2, ByteOrder.nativeOrder());
          m4.intoMemorySegment(ys, (yFrom + i + 4L * LANES) << 2, ByteOrder.nativeOrder());
          m5.intoMemorySegment(ys, (yFrom + i + 5L * LANES) << 2, ByteOrder.nativeOrder());
          m6.intoMemorySegment(ys, (yFrom + i + 6L * LANES) << 2, ByteOrder.nativeOrder());
          m7.intoMemorySegment(ys, (yFrom + i + 7L * LANES) << 2, ByteOrder.nativeOrder());
        }
      }
      FloatVector block = m0.add(m1).add(m2.add(m3)).add(m4.add(m5).add(m6.add(m7)));
      FloatVector term = block.sub(lost);
      FloatVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.floats, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.floats[lane];
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
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = F.loopBound(n);
    FloatVector scale = FloatVector.broadcast(F, (float) factor);
    FloatVector smallest = FloatVector.broadcast(F, (float) (FloatExp.SMALLEST / factor));
    for (int i = 0; i < whole; i += LANES) {
      FloatVector in = load(ya, ys, from, i);
      FloatVector out = in.blend(0, in.compare(LT, smallest)).mul(scale);
      if (HEAP) {
        out.intoArray(ya, (int) from + i);
      } else {
        out.intoMemorySegment(ys, (from + i) << 2, ByteOrder.nativeOrder());
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
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = F.loopBound(n);
    FloatVector masked = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    FloatVector shift = FloatVector.broadcast(F, (float) max);
    FloatVector high = FloatVector.broadcast(F, (float) log);
    FloatVector low = FloatVector.broadcast(F, (float) (log - (float) log));
    for (int i = 0; i < whole; i += LANES) {
      FloatVector in = load(xa, xs, xFrom, i);
      if (MASKED) {
        in = masked.blend(in, VectorMask.fromArray(F, mask, maskFrom + i));
      }
      FloatVector out = in.sub(shift).mul(factor).sub(high).sub(low);
      if (HEAP) {
        out.intoArray(ya, (int) yFrom + i);
      } else {
        out.intoMemorySegment(ys, (yFrom + i) << 2, ByteOrder.nativeOrder());
      }
    }
    TAIL.subtract(
        x, xFrom + whole, y, yFrom + whole, n - whole, max, scale, mask, maskFrom + whole, log);
  }

  @Override
  public double dot(Object x, long xFrom, Object y, long yFrom, int n, Scratch scratch) {
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    int whole = n - n % (2 * LANES);
    FloatVector sum = FloatVector.zero(F);
    FloatVector lost = FloatVector.zero(F);
    for (int i = 0; i < whole; i += 2 * LANES) {
      FloatVector x0 = load(xa, xs, xFrom, i);
      FloatVector x1 = load(xa, xs, xFrom, i + LANES);
      FloatVector y0 = load(ya, ys, yFrom, i);
      FloatVector y1 = load(ya, ys, yFrom, i + LANES);
      FloatVector term = x1.fma(y1, x0.mul(y0)).sub(lost);
      FloatVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.floats, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.floats[lane];
    }
    return total + TAIL.dot(x, xFrom + whole, y, yFrom + whole, n - whole, scratch);
  }

  @Override
  public double sum(Object x, long from, int n, Scratch scratch) {
    float[] xa = HEAP ? (float[]) x : null;
    MemorySegment xs = HEAP ? null : (MemorySegment) x;
    int whole = n - n % (2 * LANES);
    FloatVector sum = FloatVector.zero(F);
    FloatVector lost = FloatVector.zero(F);
    for (int i = 0; i < whole; i += 2 * LANES) {
      FloatVector x0 = load(xa, xs, from, i);
      FloatVector x1 = load(xa, xs, from, i + LANES);
      FloatVector term = x0.add(x1).sub(lost);
      FloatVector next = sum.add(term);
      lost = next.sub(sum).sub(term);
      sum = next;
    }
    sum.intoArray(scratch.floats, 0);
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
      total += scratch.floats[lane];
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
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    float[] dya = HEAP ? (float[]) dy : null;
    MemorySegment dys = HEAP ? null : (MemorySegment) dy;
    float[] dxa = HEAP ? (float[]) dx : null;
    MemorySegment dxs = HEAP ? null : (MemorySegment) dx;
    int whole = F.loopBound(n);
    FloatVector mean = FloatVector.broadcast(F, (float) dot);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = load(ya, ys, yFrom, i);
      FloatVector g = load(dya, dys, dyFrom, i);
      FloatVector out = p.mul(g.sub(mean)).mul(factor);
      if (HEAP) {
        out.intoArray(dxa, (int) dxFrom + i);
      } else {
        out.intoMemorySegment(dxs, (dxFrom + i) << 2, ByteOrder.nativeOrder());
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
    float[] ya = HEAP ? (float[]) y : null;
    MemorySegment ys = HEAP ? null : (MemorySegment) y;
    float[] dya = HEAP ? (float[]) dy : null;
    MemorySegment dys = HEAP ? null : (MemorySegment) dy;
    float[] dxa = HEAP ? (float[]) dx : null;
    MemorySegment dxs = HEAP ? null : (MemorySegment) dx;
    int whole = F.loopBound(n);
    FloatVector lowest = FloatVector.broadcast(F, FloatExp.CLAMP);
    FloatVector magic = FloatVector.broadcast(F, FloatExp.MAGIC);
    FloatVector log2e = FloatVector.broadcast(F, FloatExp.LOG2_E);
    FloatVector ln2High = FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH);
    FloatVector ln2Low = FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW);
    FloatVector total = FloatVector.broadcast(F, (float) sum);
    FloatVector factor = FloatVector.broadcast(F, (float) scale);
    int bias = FloatExp.MAGIC_BITS - 124;
    for (int i = 0; i < whole; i += LANES) {
      FloatVector in = load(ya, ys, yFrom, i);
      FloatVector g = load(dya, dys, dyFrom, i);
      in = in.blend(lowest, in.compare(LT, lowest));
      FloatVector v = in.fma(log2e, magic);
      FloatVector r = v.sub(magic);
      FloatVector t = r.fma(ln2High, in);
      t = r.fma(ln2Low, t);
      FloatVector m = FloatVector.broadcast(F, 8 * FloatExp.C5);
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C4));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C3));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C2));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C1));
      m = m.fma(t, FloatVector.broadcast(F, 8 * FloatExp.C0));
      FloatVector power =
          v.reinterpretAsInts().max(bias).sub(bias).lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector out = g.sub(m.mul(power).mul(total)).mul(factor);
      if (HEAP) {
        out.intoArray(dxa, (int) dxFrom + i);
      } else {
        out.intoMemorySegment(dxs, (dxFrom + i) << 2, ByteOrder.nativeOrder());
      }
    }
    TAIL.logBackward(
        y, yFrom + whole, dy, dyFrom + whole, dx, dxFrom + whole, n - whole, sum, scale);
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
      FloatVector r = v.sub(magic);
      FloatVector t = r.fma(FloatVector.broadcast(F, FloatExp.MINUS_LN2_HIGH), in);
      t = r.fma(FloatVector.broadcast(F, FloatExp.MINUS_LN2_LOW), t);
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
