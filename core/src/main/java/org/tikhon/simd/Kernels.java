package org.tikhon.simd;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.concurrent.atomic.AtomicReferenceArray;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The provider of kernels.
 *
 * <p>The JIT turns Vector API code into vector instructions only where the species is a constant.
 * Each vector kernel is therefore a template: its class file is defined again, as a hidden class,
 * for every {@link Variant} that is used, and reads its species and its flags from the class data
 * into static finals. Branches on the flags cost nothing, and heap and native memory do not share a
 * type profile. Without the module {@code jdk.incubator.vector} the templates are never loaded.
 */
final class Kernels {
  /** The vector width that stands for the plain-Java twins. */
  static final int SCALAR = 0;

  /** The preferred vector width in bits, or {@link #SCALAR} without the module. */
  static final int PREFERRED =
      ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
          ? Widths.preferred()
          : SCALAR;

  private static final int VARIANTS = 5 * 8;
  private static final AtomicReferenceArray<Kernel> FLOATS = new AtomicReferenceArray<>(VARIANTS);
  private static final AtomicReferenceArray<Kernel> DOUBLES = new AtomicReferenceArray<>(VARIANTS);

  private Kernels() {}

  /**
   * What a kernel is specialised for.
   *
   * @param bits the vector width
   * @param heap whether the operands are arrays, otherwise segments
   * @param masked whether some lanes are left out
   * @param tempered whether the input is multiplied by a factor other than 1
   */
  record Variant(int bits, boolean heap, boolean masked, boolean tempered) {
    /** The variant of the template that looks itself up. */
    static Variant of(MethodHandles.Lookup template) {
      try {
        return MethodHandles.classData(template, "_", Variant.class);
      } catch (IllegalAccessException e) {
        throw new IllegalStateException(e);
      }
    }

    VectorSpecies<Float> floats() {
      return VectorSpecies.of(float.class, VectorShape.forBitSize(bits));
    }

    VectorSpecies<Integer> ints() {
      return VectorSpecies.of(int.class, VectorShape.forBitSize(bits));
    }

    VectorSpecies<Double> doubles() {
      return VectorSpecies.of(double.class, VectorShape.forBitSize(bits));
    }

    VectorSpecies<Long> longs() {
      return VectorSpecies.of(long.class, VectorShape.forBitSize(bits));
    }
  }

  /** Loaded only where the vector module is there. */
  private static final class Widths {
    static int preferred() {
      return Math.min(
          FloatVector.SPECIES_PREFERRED.vectorBitSize(),
          DoubleVector.SPECIES_PREFERRED.vectorBitSize());
    }
  }

  /** The kernel of floats. */
  static Kernel floats(int bits, boolean heap, boolean masked, boolean tempered) {
    int index = index(bits, heap, masked, tempered);
    Kernel kernel = FLOATS.get(index);
    return kernel != null
        ? kernel
        : create(
            FLOATS,
            index,
            bits == SCALAR
                ? new ScalarFloatKernel()
                : specialise("VectorFloatKernel", new Variant(bits, heap, masked, tempered)));
  }

  /** The kernel of doubles. */
  static Kernel doubles(int bits, boolean heap, boolean masked, boolean tempered) {
    int index = index(bits, heap, masked, tempered);
    Kernel kernel = DOUBLES.get(index);
    return kernel != null
        ? kernel
        : create(
            DOUBLES,
            index,
            bits == SCALAR
                ? new ScalarDoubleKernel()
                : specialise("VectorDoubleKernel", new Variant(bits, heap, masked, tempered)));
  }

  private static int index(int bits, boolean heap, boolean masked, boolean tempered) {
    int width = bits == SCALAR ? 0 : Integer.numberOfTrailingZeros(bits) - 5;
    return width * 8 + (heap ? 4 : 0) + (masked ? 2 : 0) + (tempered ? 1 : 0);
  }

  private static Kernel create(AtomicReferenceArray<Kernel> table, int index, Kernel made) {
    return table.compareAndSet(index, null, made) ? made : table.get(index);
  }

  private static Kernel specialise(String template, Variant variant) {
    try (InputStream in = Kernels.class.getResourceAsStream(template + ".class")) {
      MethodHandles.Lookup hidden =
          MethodHandles.lookup().defineHiddenClassWithClassData(in.readAllBytes(), variant, true);
      return (Kernel) hidden.lookupClass().getDeclaredConstructor().newInstance();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("cannot specialise " + template + " for " + variant, e);
    }
  }

  /**
   * Whether a segment is a plain array that a heap kernel can take: reached as an array, it does
   * not spoil the JDK's type profiles, which all accesses to segments share.
   */
  static boolean isArray(MemorySegment segment, Class<?> type, int elementBytes) {
    return !segment.isNative()
        && type.isInstance(segment.heapBase().orElse(null))
        && segment.address() % elementBytes == 0;
  }

  /** Refuses operands which overlap and are not the same memory. */
  static void checkOverlap(MemorySegment x, MemorySegment y, long bytes) {
    if (x.isNative() == y.isNative()
        && x.address() != y.address()
        && Math.abs(x.address() - y.address()) < bytes
        && (x.isNative() || x.asOverlappingSlice(y).isPresent())) {
      throw new IllegalArgumentException(
          "x and y must be the same memory or not overlap, but overlap %d bytes apart over %d bytes"
              .formatted(Math.abs(x.address() - y.address()), bytes));
    }
  }

  /** Refuses a segment that does not hold {@code n} numbers. */
  static void checkSize(String name, MemorySegment segment, long n, int elementBytes) {
    if (n < 0 || segment.byteSize() / elementBytes < n) {
      throw new IllegalArgumentException(
          "%s must hold %d numbers of %d bytes, has %d bytes"
              .formatted(name, n, elementBytes, segment.byteSize()));
    }
  }

  /** Refuses an output that cannot be written. */
  static void checkWritable(String name, MemorySegment segment) {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(
          name + " must be writable, is a read-only segment of " + segment.byteSize() + " bytes");
    }
  }
}
