package org.tikhon.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.PointerConsumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorIndex;
import org.bytedeco.pytorch.TensorIndexVector;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * An n-dimensional array on LibTorch, with automatic differentiation.
 *
 * <p>Immutable by convention: operations return new tensors; the few that write in place end in an
 * underscore and exist for optimisers and buffers. Names, broadcasting and semantics are PyTorch's,
 * in camel case. A reduction that keeps its dimensions has the suffix {@code Keep}. Negative
 * dimensions count from the end. A failing operation throws {@link TensorException} with one
 * readable line.
 *
 * <p>Memory: what is created inside a {@link Scope} is freed at its end.
 */
public final class Tensor implements AutoCloseable {
  final org.bytedeco.pytorch.Tensor raw;
  Scope owner;
  private boolean closed;

  private Tensor(org.bytedeco.pytorch.Tensor raw) {
    this.raw = raw;
  }

  // Shared empty optionals; the bindings only read them.
  static final ScalarTypeOptional NO_DTYPE;
  static final LongOptional NO_LONG;
  static final DoubleOptional NO_DOUBLE;
  static final TensorOptional NO_TENSOR;
  static final StringViewOptional NO_STRING;
  static final MemoryFormatOptional NO_FORMAT;
  private static final BoolOptional STABLE;

  static {
    Engine.load();
    NO_DTYPE = new ScalarTypeOptional();
    NO_LONG = new LongOptional();
    NO_DOUBLE = new DoubleOptional();
    NO_TENSOR = new TensorOptional();
    NO_STRING = new StringViewOptional();
    NO_FORMAT = new MemoryFormatOptional();
    STABLE = new BoolOptional(true);
  }

  /** Values with the indices (or counts) that belong to them. */
  public record Indexed(Tensor values, Tensor indices) {}

  // ---- The bridge to the bindings

  static Tensor adopt(org.bytedeco.pytorch.Tensor raw) {
    Tensor tensor = new Tensor(raw);
    Scope scope = Scope.current();
    if (scope != null) {
      tensor.owner = scope;
      scope.add(tensor);
    }
    return tensor;
  }

  /**
   * A reference of its own to a tensor that a native container (tuple, vector) owns and will free.
   */
  static Tensor alias(org.bytedeco.pytorch.Tensor owned) {
    return adopt(new org.bytedeco.pytorch.Tensor(owned));
  }

  static Tensor wrap(Supplier<org.bytedeco.pytorch.Tensor> operation) {
    try {
      return adopt(operation.get());
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  static <T> T call(Supplier<T> operation) {
    try {
      return operation.get();
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  private static <T> T get(Supplier<T> operation) {
    return call(operation);
  }

  private static void run(Supplier<org.bytedeco.pytorch.Tensor> operation) {
    try {
      var _ = operation.get();
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  static Tensor scalar(double value, Function<Scalar, org.bytedeco.pytorch.Tensor> operation) {
    try (Scalar s = scalarOf(value)) {
      return adopt(operation.apply(s));
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  private static void scalarRun(
      double value, Function<Scalar, org.bytedeco.pytorch.Tensor> operation) {
    try (Scalar s = scalarOf(value)) {
      var _ = operation.apply(s);
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  private static Tensor scalars(
      double a, double b, BiFunction<Scalar, Scalar, org.bytedeco.pytorch.Tensor> operation) {
    try (Scalar first = scalarOf(a);
        Scalar second = scalarOf(b)) {
      return adopt(operation.apply(first, second));
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  /** Whole numbers stay integers, so that integer tensors keep their type. */
  static Scalar scalarOf(double value) {
    long whole = (long) value;
    return whole == value && Math.abs(value) < 1L << 53 && !(whole == 0 && 1 / value < 0)
        ? new Scalar(whole)
        : new Scalar(value);
  }

  private static Tensor dimmed(
      long dim, Function<LongOptional, org.bytedeco.pytorch.Tensor> operation) {
    try (LongOptional d = new LongOptional(dim)) {
      return adopt(operation.apply(d));
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  static Indexed pair(Supplier<T_TensorTensor_T> operation) {
    try (T_TensorTensor_T result = operation.get()) {
      return new Indexed(alias(result.get0()), alias(result.get1()));
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  static List<Tensor> list(Supplier<TensorVector> operation) {
    try (TensorVector result = operation.get()) {
      return list(result);
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  static List<Tensor> list(TensorVector vector) {
    List<Tensor> tensors = new ArrayList<>((int) vector.size());
    for (long i = 0; i < vector.size(); i++) {
      tensors.add(alias(vector.get(i)));
    }
    return tensors;
  }

  static TensorVector vector(List<Tensor> tensors) {
    org.bytedeco.pytorch.Tensor[] raws = new org.bytedeco.pytorch.Tensor[tensors.size()];
    Arrays.setAll(raws, i -> tensors.get(i).raw);
    return new TensorVector(raws);
  }

  private static Tensor join(
      List<Tensor> tensors, Function<TensorVector, org.bytedeco.pytorch.Tensor> operation) {
    try (TensorVector v = vector(tensors)) {
      return adopt(operation.apply(v));
    } catch (RuntimeException e) {
      throw TensorException.of(e);
    }
  }

  private static TensorIndexVector indices(Tensor... indices) {
    TensorIndexVector vector = new TensorIndexVector(indices.length);
    for (int i = 0; i < indices.length; i++) {
      try (TensorIndex index = new TensorIndex(indices[i].raw)) {
        vector.put(i, index);
      }
    }
    return vector;
  }

  static TensorOptional optional(Tensor tensor) {
    return tensor == null ? new TensorOptional() : new TensorOptional(tensor.raw);
  }

  private record OptionsKey(Dtype dtype, Device device) {}

  private static final ConcurrentMap<OptionsKey, TensorOptions> OPTIONS = new ConcurrentHashMap<>();

  static TensorOptions options(Dtype dtype, Device device) {
    return OPTIONS.computeIfAbsent(
        new OptionsKey(dtype, device),
        key -> {
          Engine.load();
          return new TensorOptions(dtype.raw)
              .device(new org.bytedeco.pytorch.DeviceOptional(device.raw()));
        });
  }

  private static TensorOptions options(Dtype dtype) {
    return options(dtype, Device.current());
  }

  // ---- Creation (on Device.current())

  private static Tensor fromHost(MemorySegment host, Dtype dtype, long... shape) {
    long elements = host.byteSize() / dtype.bytes();
    long[] sizes = shape.length == 0 && elements != 1 ? new long[] {elements} : shape;
    if (elementsOf(sizes) != elements) {
      throw new IllegalArgumentException(
          "shape " + Arrays.toString(sizes) + " does not hold " + elements + " elements");
    }
    Tensor tensor = wrap(() -> torch.empty(sizes, options(dtype, Device.cpu()), NO_FORMAT));
    MemorySegment.copy(host, 0, tensor.segment(), 0, host.byteSize());
    return Device.current().isCpu() ? tensor : tensor.to(Device.current());
  }

  private static long elementsOf(long... shape) {
    long elements = 1;
    for (long size : shape) {
      elements = Math.multiplyExact(elements, size);
    }
    return elements;
  }

  /**
   * A FLOAT32 tensor with a copy of the values, row-major; without a shape a vector (a scalar for
   * one value).
   */
  public static Tensor of(float[] values, long... shape) {
    return fromHost(MemorySegment.ofArray(values), Dtype.FLOAT32, shape);
  }

  /**
   * A FLOAT64 tensor with a copy of the values, row-major; without a shape a vector (a scalar for
   * one value).
   */
  public static Tensor of(double[] values, long... shape) {
    return fromHost(MemorySegment.ofArray(values), Dtype.FLOAT64, shape);
  }

  /**
   * An INT64 tensor with a copy of the values, row-major; without a shape a vector (a scalar for
   * one value).
   */
  public static Tensor of(long[] values, long... shape) {
    return fromHost(MemorySegment.ofArray(values), Dtype.INT64, shape);
  }

  /**
   * An INT32 tensor with a copy of the values, row-major; without a shape a vector (a scalar for
   * one value).
   */
  public static Tensor of(int[] values, long... shape) {
    return fromHost(MemorySegment.ofArray(values), Dtype.INT32, shape);
  }

  /**
   * A UINT8 tensor with a copy of the values (read as 0 to 255), row-major; without a shape a
   * vector.
   */
  public static Tensor of(byte[] values, long... shape) {
    return fromHost(MemorySegment.ofArray(values), Dtype.UINT8, shape);
  }

  /** A BOOL tensor with a copy of the values, row-major; without a shape a vector. */
  public static Tensor of(boolean[] values, long... shape) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    return fromHost(MemorySegment.ofArray(bytes), Dtype.BOOL, shape);
  }

  /** A FLOAT64 matrix with a copy of the rows, which must have equal lengths. */
  public static Tensor of(double[][] rows) {
    int columns = rows.length == 0 ? 0 : rows[0].length;
    double[] flat = new double[rows.length * columns];
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != columns) {
        throw new IllegalArgumentException(
            "row " + i + " has " + rows[i].length + " elements, row 0 has " + columns);
      }
      System.arraycopy(rows[i], 0, flat, i * columns, columns);
    }
    return of(flat, rows.length, columns);
  }

  /** A tensor with a copy of the bytes of a segment, in native byte order. */
  public static Tensor of(MemorySegment values, Dtype dtype, long... shape) {
    return fromHost(
        values, dtype, shape.length == 0 ? new long[] {values.byteSize() / dtype.bytes()} : shape);
  }

  /** A one-element FLOAT32 tensor without dimensions. */
  public static Tensor scalar(double value) {
    return of(new float[] {(float) value});
  }

  private static final ConcurrentMap<Long, MemorySegment> SHARED = new ConcurrentHashMap<>();

  private static final PointerConsumer RELEASE =
      new PointerConsumer() {
        @Override
        public void call(Pointer pointer) {
          SHARED.remove(pointer.address());
        }
      };

  /**
   * A tensor on the CPU that shares an off-heap segment's memory, without a copy. The segment's
   * arena must live as long as the tensor and its views do; the segment is kept reachable until
   * then.
   */
  public static Tensor sharing(MemorySegment segment, Dtype dtype, long... shape) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("segment must be off-heap");
    }
    if (elementsOf(shape) * dtype.bytes() > segment.byteSize()) {
      throw new IllegalArgumentException(
          "shape "
              + Arrays.toString(shape)
              + " needs more than the segment's "
              + segment.byteSize()
              + " bytes");
    }
    return wrap(
        () -> {
          SHARED.put(segment.address(), segment);
          try (var anyDevice = new org.bytedeco.pytorch.DeviceOptional()) {
            return torch.from_blob(
                new AddressPointer(segment.address()),
                shape,
                RELEASE,
                options(dtype, Device.cpu()),
                anyDevice);
          }
        });
  }

  private static final class AddressPointer extends Pointer {
    AddressPointer(long address) {
      this.address = address;
    }
  }

  /** FLOAT32 zeros. */
  public static Tensor zeros(long... shape) {
    return zeros(Dtype.FLOAT32, shape);
  }

  /** Zeros of a type. */
  public static Tensor zeros(Dtype dtype, long... shape) {
    return wrap(() -> torch.zeros(shape, options(dtype)));
  }

  /** FLOAT32 ones. */
  public static Tensor ones(long... shape) {
    return ones(Dtype.FLOAT32, shape);
  }

  /** Ones of a type. */
  public static Tensor ones(Dtype dtype, long... shape) {
    return wrap(() -> torch.ones(shape, options(dtype)));
  }

  /** A tensor filled with a number. */
  public static Tensor full(double value, Dtype dtype, long... shape) {
    return scalar(value, s -> torch.full(shape, s, options(dtype)));
  }

  /** Uninitialised memory. */
  public static Tensor empty(Dtype dtype, long... shape) {
    return wrap(() -> torch.empty(shape, options(dtype), NO_FORMAT));
  }

  /** INT64 numbers 0, 1, ..., end - 1. */
  public static Tensor arange(long end) {
    return scalar(end, s -> torch.arange(s, options(Dtype.INT64)));
  }

  /** INT64 numbers start, ..., end - 1. */
  public static Tensor arange(long start, long end) {
    return scalars(start, end, (a, b) -> torch.arange(a, b, options(Dtype.INT64)));
  }

  /** {@code steps} evenly spaced numbers from start to end, both included. */
  public static Tensor linspace(double start, double end, long steps, Dtype dtype) {
    return scalars(start, end, (a, b) -> torch.linspace(a, b, steps, options(dtype)));
  }

  /** The identity matrix. */
  public static Tensor eye(long n, Dtype dtype) {
    return wrap(() -> torch.eye(n, options(dtype)));
  }

  /** Zeros of this shape, type and device. */
  public Tensor zerosLike() {
    return wrap(() -> torch.zeros_like(raw));
  }

  /** Ones of this shape, type and device. */
  public Tensor onesLike() {
    return wrap(() -> torch.ones_like(raw));
  }

  /** A number in this shape, type and device. */
  public Tensor fullLike(double value) {
    return scalar(value, s -> torch.full_like(raw, s));
  }

  // ---- Properties

  public long[] shape() {
    return call(
        () -> {
          try (LongArrayRef sizes = raw.sizes()) {
            long[] shape = new long[(int) raw.dim()];
            for (int i = 0; i < shape.length; i++) {
              shape[i] = sizes.get(i);
            }
            return shape;
          }
        });
  }

  /** The size of a dimension; negative ones count from the end. */
  public long size(long dim) {
    return get(() -> raw.size(dim));
  }

  /** The number of dimensions. */
  public long dim() {
    return raw.dim();
  }

  /** The number of elements. */
  public long numel() {
    return raw.numel();
  }

  public Dtype dtype() {
    return Dtype.of(raw.scalar_type());
  }

  public Device device() {
    return call(
        () -> {
          try (org.bytedeco.pytorch.Device device = raw.device()) {
            return Device.of(device);
          }
        });
  }

  /**
   * Whether the elements fill a piece of memory without gaps or repetition, in whatever order of
   * dimensions.
   */
  public boolean isDense() {
    return raw.is_non_overlapping_and_dense();
  }

  /** Whether the elements lie in row-major order without gaps. */
  public boolean isContiguous() {
    return raw.is_contiguous();
  }

  public boolean isClosed() {
    return closed;
  }

  // ---- Conversion

  /** This tensor in another type; this tensor itself where it has it already. */
  public Tensor to(Dtype dtype) {
    return dtype == dtype() ? this : wrap(() -> raw.to(dtype.raw));
  }

  /** This tensor on another device; this tensor itself where it is there already. */
  public Tensor to(Device device) {
    if (device.equals(device())) {
      return this;
    }
    return wrap(() -> raw.to(options(dtype(), device), false, false, NO_FORMAT));
  }

  /** The bits of this tensor read as another type of the same size per element. A view. */
  public Tensor viewAs(Dtype dtype) {
    return wrap(() -> raw.view(dtype.raw));
  }

  /** The only element as a double. */
  public double item() {
    if (numel() != 1) {
      throw new IllegalArgumentException(
          "item() needs one element, the shape is " + Arrays.toString(shape()));
    }
    return get(() -> raw.item_double());
  }

  /** The only element as a long. */
  public long itemLong() {
    return get(() -> raw.item_long());
  }

  private Tensor host(Dtype dtype) {
    return detach().to(Device.cpu()).to(dtype).contiguous();
  }

  /** A copy of the elements, row-major, converted to float. */
  public float[] toFloatArray() {
    try (Scope scope = Scope.open()) {
      return host(Dtype.FLOAT32).segment().toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** A copy of the elements, row-major, converted to double. */
  public double[] toDoubleArray() {
    try (Scope scope = Scope.open()) {
      return host(Dtype.FLOAT64).segment().toArray(ValueLayout.JAVA_DOUBLE);
    }
  }

  /** A copy of the rows of a matrix, converted to double. */
  public double[][] toDoubleRows() {
    if (dim() != 2) {
      throw new IllegalArgumentException(
          "toDoubleRows() needs a matrix, the shape is " + Arrays.toString(shape()));
    }
    double[][] rows = new double[(int) size(0)][(int) size(1)];
    try (Scope scope = Scope.open()) {
      MemorySegment all = host(Dtype.FLOAT64).segment();
      for (int i = 0; i < rows.length; i++) {
        int columns = rows[i].length;
        MemorySegment.copy(all, ValueLayout.JAVA_DOUBLE, 8L * i * columns, rows[i], 0, columns);
      }
    }
    return rows;
  }

  /** A copy of the elements, row-major, converted to long. */
  public long[] toLongArray() {
    try (Scope scope = Scope.open()) {
      return host(Dtype.INT64).segment().toArray(ValueLayout.JAVA_LONG);
    }
  }

  /** A copy of the elements, row-major, converted to int. */
  public int[] toIntArray() {
    try (Scope scope = Scope.open()) {
      return host(Dtype.INT32).segment().toArray(ValueLayout.JAVA_INT);
    }
  }

  /** A copy of the raw bytes, row-major, native byte order. */
  public byte[] toByteArray() {
    try (Scope scope = Scope.open()) {
      return host(dtype()).segment().toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /**
   * The tensor's own memory, without a copy, in native byte order ({@link ByteOrder#nativeOrder}).
   * Valid while the tensor is open.
   *
   * @throws IllegalArgumentException if the tensor is not contiguous or not on the CPU
   */
  public MemorySegment segment() {
    if (!isContiguous() || !device().isCpu()) {
      throw new IllegalArgumentException("only a contiguous tensor on the CPU shares its memory");
    }
    long bytes = numel() * dtype().bytes();
    return bytes == 0
        ? MemorySegment.NULL
        : MemorySegment.ofAddress(raw.data_ptr().address()).reinterpret(bytes);
  }

  // ---- Arithmetic (broadcasts)

  /** This plus {@code other}. */
  public Tensor add(Tensor other) {
    return wrap(() -> raw.add(other.raw));
  }

  /** This plus a number. */
  public Tensor add(double value) {
    return scalar(value, s -> raw.add(s));
  }

  /** This minus {@code other}. */
  public Tensor sub(Tensor other) {
    return wrap(() -> raw.sub(other.raw));
  }

  /** This minus a number. */
  public Tensor sub(double value) {
    return scalar(value, s -> raw.sub(s));
  }

  /** This times {@code other}. */
  public Tensor mul(Tensor other) {
    return wrap(() -> raw.mul(other.raw));
  }

  /** This times a number. */
  public Tensor mul(double value) {
    return scalar(value, s -> raw.mul(s));
  }

  /** This divided by {@code other}. */
  public Tensor div(Tensor other) {
    return wrap(() -> raw.div(other.raw));
  }

  /** This divided by a number. */
  public Tensor div(double value) {
    return scalar(value, s -> raw.div(s));
  }

  /** This plus {@code alpha * other}, in one pass. */
  public Tensor addScaled(Tensor other, double alpha) {
    return scalar(alpha, s -> raw.add(other.raw, s));
  }

  /** A number minus this. */
  public Tensor rsub(double value) {
    return scalar(value, s -> torch.rsub(raw, s));
  }

  /** A number divided by this. */
  public Tensor rdiv(double value) {
    return reciprocal().mul(value);
  }

  /** The floor of the quotient. */
  public Tensor floorDivide(Tensor other) {
    return wrap(() -> raw.floor_divide(other.raw));
  }

  /** The floor of the quotient. */
  public Tensor floorDivide(double value) {
    return scalar(value, s -> raw.floor_divide(s));
  }

  /** The remainder with the divisor's sign. */
  public Tensor remainder(Tensor other) {
    return wrap(() -> raw.remainder(other.raw));
  }

  /** The remainder with the divisor's sign. */
  public Tensor remainder(double value) {
    return scalar(value, s -> raw.remainder(s));
  }

  /** The remainder with this tensor's sign. */
  public Tensor fmod(double value) {
    return scalar(value, s -> raw.fmod(s));
  }

  /** Power with a number as exponent. */
  public Tensor pow(double exponent) {
    return scalar(exponent, s -> raw.pow(s));
  }

  /** Element-wise power. */
  public Tensor pow(Tensor exponent) {
    return wrap(() -> raw.pow(exponent.raw));
  }

  /** This plus {@code value * a * b}. */
  public Tensor addcmul(Tensor a, Tensor b, double value) {
    return scalar(value, s -> raw.addcmul(a.raw, b.raw, s));
  }

  /** This plus {@code value * a / b}. */
  public Tensor addcdiv(Tensor a, Tensor b, double value) {
    return scalar(value, s -> raw.addcdiv(a.raw, b.raw, s));
  }

  /** This plus {@code weight * (end - this)}. */
  public Tensor lerp(Tensor end, double weight) {
    return scalar(weight, s -> raw.lerp(end.raw, s));
  }

  /** This plus {@code weight * (end - this)}. */
  public Tensor lerp(Tensor end, Tensor weight) {
    return wrap(() -> raw.lerp(end.raw, weight.raw));
  }

  // ---- Element-wise functions

  /** Minus this. */
  public Tensor neg() {
    return wrap(() -> raw.neg());
  }

  /** Absolute value; the modulus of complex numbers. */
  public Tensor abs() {
    return wrap(() -> raw.abs());
  }

  /** -1, 0 or 1. */
  public Tensor sign() {
    return wrap(() -> raw.sign());
  }

  /** Square. */
  public Tensor square() {
    return wrap(() -> raw.square());
  }

  /** Square root. */
  public Tensor sqrt() {
    return wrap(() -> raw.sqrt());
  }

  /** One over the square root. */
  public Tensor rsqrt() {
    return wrap(() -> raw.rsqrt());
  }

  /** One over this. */
  public Tensor reciprocal() {
    return wrap(() -> raw.reciprocal());
  }

  /** Exponential. */
  public Tensor exp() {
    return wrap(() -> raw.exp());
  }

  /** Two to the power of this. */
  public Tensor exp2() {
    return wrap(() -> raw.exp2());
  }

  /** {@code exp(x) - 1}, accurate near 0. */
  public Tensor expm1() {
    return wrap(() -> raw.expm1());
  }

  /** Natural logarithm. */
  public Tensor log() {
    return wrap(() -> raw.log());
  }

  /** Logarithm to base 2. */
  public Tensor log2() {
    return wrap(() -> raw.log2());
  }

  /** Logarithm to base 10. */
  public Tensor log10() {
    return wrap(() -> raw.log10());
  }

  /** {@code log(1 + x)}, accurate near 0. */
  public Tensor log1p() {
    return wrap(() -> raw.log1p());
  }

  /** Sine. */
  public Tensor sin() {
    return wrap(() -> raw.sin());
  }

  /** Cosine. */
  public Tensor cos() {
    return wrap(() -> raw.cos());
  }

  /** Tangent. */
  public Tensor tan() {
    return wrap(() -> raw.tan());
  }

  /** Inverse sine. */
  public Tensor asin() {
    return wrap(() -> raw.asin());
  }

  /** Inverse cosine. */
  public Tensor acos() {
    return wrap(() -> raw.acos());
  }

  /** Inverse tangent. */
  public Tensor atan() {
    return wrap(() -> raw.atan());
  }

  /** Hyperbolic sine. */
  public Tensor sinh() {
    return wrap(() -> raw.sinh());
  }

  /** Hyperbolic cosine. */
  public Tensor cosh() {
    return wrap(() -> raw.cosh());
  }

  /** Hyperbolic tangent. */
  public Tensor tanh() {
    return wrap(() -> raw.tanh());
  }

  /** Inverse hyperbolic tangent. */
  public Tensor atanh() {
    return wrap(() -> raw.atanh());
  }

  /** {@code 1 / (1 + exp(-x))}. */
  public Tensor sigmoid() {
    return wrap(() -> raw.sigmoid());
  }

  /** The larger of x and 0. */
  public Tensor relu() {
    return wrap(() -> raw.relu());
  }

  /** Largest integer not above. */
  public Tensor floor() {
    return wrap(() -> raw.floor());
  }

  /** Smallest integer not below. */
  public Tensor ceil() {
    return wrap(() -> raw.ceil());
  }

  /** Nearest integer, ties to even. */
  public Tensor round() {
    return wrap(() -> raw.round());
  }

  /** Integer part. */
  public Tensor trunc() {
    return wrap(() -> raw.trunc());
  }

  /** Fractional part. */
  public Tensor frac() {
    return wrap(() -> raw.frac());
  }

  /** Where this is NaN, as booleans. */
  public Tensor isNan() {
    return wrap(() -> raw.isnan());
  }

  /**
   * Whether all numbers are finite. One NaN or infinity makes the sum one; only where the sum is
   * none, which large numbers cause too, each number is looked at.
   */
  public boolean allFinite() {
    return Double.isFinite(sum().item()) || isFinite().logicalNot().sum().item() == 0;
  }

  /** Where this is finite, as booleans. */
  public Tensor isFinite() {
    return wrap(() -> raw.isfinite());
  }

  /** Where this is infinite, as booleans. */
  public Tensor isInf() {
    return wrap(() -> raw.isinf());
  }

  /** Logical negation, as booleans. */
  public Tensor logicalNot() {
    return wrap(() -> raw.logical_not());
  }

  /** The angle of the point {@code (x, this)}. */
  public Tensor atan2(Tensor x) {
    return wrap(() -> raw.atan2(x.raw));
  }

  /** {@code sqrt(this^2 + other^2)}. */
  public Tensor hypot(Tensor other) {
    return wrap(() -> raw.hypot(other.raw));
  }

  /** {@code log(exp(this) + exp(other))} without overflow. */
  public Tensor logaddexp(Tensor other) {
    return wrap(() -> raw.logaddexp(other.raw));
  }

  /** This magnitude with another's sign. */
  public Tensor copysign(Tensor sign) {
    return wrap(() -> raw.copysign(sign.raw));
  }

  /** Limits to {@code [min, max]}; no gradient flows outside. */
  public Tensor clamp(double min, double max) {
    return call(
        () -> {
          try (Scalar low = scalarOf(min);
              Scalar high = scalarOf(max);
              ScalarOptional a = new ScalarOptional(low);
              ScalarOptional b = new ScalarOptional(high)) {
            return adopt(raw.clamp(a, b));
          }
        });
  }

  /** Limits from below. */
  public Tensor clampMin(double min) {
    return scalar(min, s -> raw.clamp_min(s));
  }

  /** Limits from above. */
  public Tensor clampMax(double max) {
    return scalar(max, s -> raw.clamp_max(s));
  }

  /** The larger element. */
  public Tensor maximum(Tensor other) {
    return wrap(() -> raw.maximum(other.raw));
  }

  /** The smaller element. */
  public Tensor minimum(Tensor other) {
    return wrap(() -> raw.minimum(other.raw));
  }

  // ---- Comparisons (booleans) and logic

  /** Where this is equal. */
  public Tensor eq(Tensor other) {
    return wrap(() -> raw.eq(other.raw));
  }

  /** Where this is equal. */
  public Tensor eq(double value) {
    return scalar(value, s -> raw.eq(s));
  }

  /** Where this is different. */
  public Tensor ne(Tensor other) {
    return wrap(() -> raw.ne(other.raw));
  }

  /** Where this is different. */
  public Tensor ne(double value) {
    return scalar(value, s -> raw.ne(s));
  }

  /** Where this is less. */
  public Tensor lt(Tensor other) {
    return wrap(() -> raw.lt(other.raw));
  }

  /** Where this is less. */
  public Tensor lt(double value) {
    return scalar(value, s -> raw.lt(s));
  }

  /** Where this is less or equal. */
  public Tensor le(Tensor other) {
    return wrap(() -> raw.le(other.raw));
  }

  /** Where this is less or equal. */
  public Tensor le(double value) {
    return scalar(value, s -> raw.le(s));
  }

  /** Where this is greater. */
  public Tensor gt(Tensor other) {
    return wrap(() -> raw.gt(other.raw));
  }

  /** Where this is greater. */
  public Tensor gt(double value) {
    return scalar(value, s -> raw.gt(s));
  }

  /** Where this is greater or equal. */
  public Tensor ge(Tensor other) {
    return wrap(() -> raw.ge(other.raw));
  }

  /** Where this is greater or equal. */
  public Tensor ge(double value) {
    return scalar(value, s -> raw.ge(s));
  }

  /** Element-wise logical and. */
  public Tensor logicalAnd(Tensor other) {
    return wrap(() -> raw.logical_and(other.raw));
  }

  /** Element-wise logical or. */
  public Tensor logicalOr(Tensor other) {
    return wrap(() -> raw.logical_or(other.raw));
  }

  /** Element-wise logical xor. */
  public Tensor logicalXor(Tensor other) {
    return wrap(() -> raw.logical_xor(other.raw));
  }

  /** Element-wise bitwise and. */
  public Tensor bitwiseAnd(Tensor other) {
    return wrap(() -> raw.bitwise_and(other.raw));
  }

  /** Element-wise bitwise or. */
  public Tensor bitwiseOr(Tensor other) {
    return wrap(() -> raw.bitwise_or(other.raw));
  }

  /** Element-wise bitwise xor. */
  public Tensor bitwiseXor(Tensor other) {
    return wrap(() -> raw.bitwise_xor(other.raw));
  }

  /** Whether every element is true. */
  public boolean all() {
    return get(() -> raw.all().item_bool());
  }

  /** Whether an element is true. */
  public boolean any() {
    return get(() -> raw.any().item_bool());
  }

  /** Whether an element along a dimension is true. */
  public Tensor any(long dim) {
    return wrap(() -> raw.any(dim));
  }

  /** Whether every element along a dimension is true. */
  public Tensor all(long dim) {
    return wrap(() -> raw.all(dim));
  }

  /** Whether {@code |this - other| <= atol + rtol * |other|} everywhere. */
  public boolean allClose(Tensor other, double rtol, double atol) {
    return get(() -> raw.allclose(other.raw, rtol, atol, false));
  }

  // ---- Reductions

  /** Sum of all elements. */
  public Tensor sum() {
    return wrap(() -> raw.sum());
  }

  /** Sum along dimensions. */
  public Tensor sum(long... dims) {
    return wrap(() -> raw.sum(dims, false, NO_DTYPE));
  }

  /** Sum along dimensions, which stay with size 1. */
  public Tensor sumKeep(long... dims) {
    return wrap(() -> raw.sum(dims, true, NO_DTYPE));
  }

  /** Mean of all elements. */
  public Tensor mean() {
    return wrap(() -> raw.mean());
  }

  /** Mean along dimensions. */
  public Tensor mean(long... dims) {
    return wrap(() -> raw.mean(dims, false, NO_DTYPE));
  }

  /** Mean along dimensions, which stay with size 1. */
  public Tensor meanKeep(long... dims) {
    return wrap(() -> raw.mean(dims, true, NO_DTYPE));
  }

  /** Product of all elements. */
  public Tensor prod() {
    return wrap(() -> raw.prod());
  }

  /** Product along a dimension. */
  public Tensor prod(long dim) {
    return wrap(() -> raw.prod(dim));
  }

  /** Variance of all elements, divided by n - 1 if unbiased. */
  public Tensor var(boolean unbiased) {
    return wrap(() -> raw.var(unbiased));
  }

  /** Variance along dimensions. */
  public Tensor var(boolean unbiased, long... dims) {
    return wrap(() -> raw.var(dims, unbiased, false));
  }

  /** Variance along dimensions, which stay with size 1. */
  public Tensor varKeep(boolean unbiased, long... dims) {
    return wrap(() -> raw.var(dims, unbiased, true));
  }

  /** Standard deviation of all elements, with n - 1 if unbiased. */
  public Tensor std(boolean unbiased) {
    return wrap(() -> raw.std(unbiased));
  }

  /** Standard deviation along dimensions. */
  public Tensor std(boolean unbiased, long... dims) {
    return wrap(() -> raw.std(dims, unbiased, false));
  }

  /** Standard deviation along dimensions, which stay with size 1. */
  public Tensor stdKeep(boolean unbiased, long... dims) {
    return wrap(() -> raw.std(dims, unbiased, true));
  }

  /** Largest element. */
  public Tensor max() {
    return wrap(() -> raw.max());
  }

  /** Smallest element. */
  public Tensor min() {
    return wrap(() -> raw.min());
  }

  /** Largest elements along a dimension and their indices. */
  public Indexed max(long dim) {
    return pair(() -> torch.max(raw, dim, false));
  }

  /** Smallest elements along a dimension and their indices. */
  public Indexed min(long dim) {
    return pair(() -> torch.min(raw, dim, false));
  }

  /** Largest elements along dimensions; ties share the gradient. */
  public Tensor amax(long... dims) {
    return wrap(() -> raw.amax(dims, false));
  }

  /** Largest elements along dimensions, which stay with size 1. */
  public Tensor amaxKeep(long... dims) {
    return wrap(() -> raw.amax(dims, true));
  }

  /** Smallest elements along dimensions. */
  public Tensor amin(long... dims) {
    return wrap(() -> raw.amin(dims, false));
  }

  /** Smallest elements along dimensions, which stay with size 1. */
  public Tensor aminKeep(long... dims) {
    return wrap(() -> raw.amin(dims, true));
  }

  /** Index of the largest element along a dimension. */
  public Tensor argmax(long dim) {
    return dimmed(dim, d -> raw.argmax(d, false));
  }

  /** Index of the smallest element along a dimension. */
  public Tensor argmin(long dim) {
    return dimmed(dim, d -> raw.argmin(d, false));
  }

  /** {@code log(sum(exp(x)))} along dimensions, without overflow. */
  public Tensor logsumexp(long... dims) {
    return wrap(() -> raw.logsumexp(dims, false));
  }

  /** {@code log(sum(exp(x)))} along dimensions, which stay with size 1. */
  public Tensor logsumexpKeep(long... dims) {
    return wrap(() -> raw.logsumexp(dims, true));
  }

  /** Euclidean norm of all elements. */
  public Tensor norm() {
    return wrap(() -> torch.linalg_vector_norm(raw));
  }

  /** The p-norm along dimensions; p may be infinite. */
  public Tensor norm(double p, long... dims) {
    return scalar(p, s -> torch.linalg_vector_norm(raw, s, dims, false, NO_DTYPE));
  }

  /** The p-norm along dimensions, which stay with size 1. */
  public Tensor normKeep(double p, long... dims) {
    return scalar(p, s -> torch.linalg_vector_norm(raw, s, dims, true, NO_DTYPE));
  }

  /** Median of all elements, the lower of two. */
  public Tensor median() {
    return wrap(() -> raw.median());
  }

  /** Medians along a dimension and their indices. */
  public Indexed median(long dim) {
    return pair(() -> torch.median(raw, dim, false));
  }

  /** Quantile of all elements, linear between neighbours. */
  public Tensor quantile(double q) {
    return wrap(() -> raw.quantile(q));
  }

  /** Quantile along a dimension, linear between neighbours. */
  public Tensor quantile(double q, long dim) {
    return dimmed(dim, d -> raw.quantile(q, d, false, "linear"));
  }

  /** How many elements are not zero. */
  public long countNonzero() {
    return get(() -> raw.count_nonzero().item_long());
  }

  // ---- Cumulative operations

  /** Running sum. */
  public Tensor cumsum(long dim) {
    return wrap(() -> raw.cumsum(dim));
  }

  /** Running product. */
  public Tensor cumprod(long dim) {
    return wrap(() -> raw.cumprod(dim));
  }

  /** Running {@code log(sum(exp(x)))}. */
  public Tensor logcumsumexp(long dim) {
    return wrap(() -> raw.logcumsumexp(dim));
  }

  /** Running maximum and its indices. */
  public Indexed cummax(long dim) {
    return pair(() -> torch.cummax(raw, dim));
  }

  /** Running minimum and its indices. */
  public Indexed cummin(long dim) {
    return pair(() -> torch.cummin(raw, dim));
  }

  /** Differences of neighbours along a dimension. */
  public Tensor diff(long dim) {
    return wrap(() -> raw.diff(1, dim, NO_TENSOR, NO_TENSOR));
  }

  // ---- Sorting and searching

  /** Sorted values and their indices; stable. */
  public Indexed sort(long dim, boolean descending) {
    return pair(() -> torch.sort(raw, STABLE, dim, descending));
  }

  /** Indices that sort along a dimension; stable. */
  public Tensor argsort(long dim, boolean descending) {
    return sort(dim, descending).indices();
  }

  /** The k largest (or smallest) elements along a dimension, sorted, and their indices. */
  public Indexed topk(long k, long dim, boolean largest) {
    return pair(() -> torch.topk(raw, k, dim, largest, true));
  }

  /** The k-th smallest elements (k from 1) along a dimension and their indices. */
  public Indexed kthValue(long k, long dim) {
    return pair(() -> torch.kthvalue(raw, k, dim, false));
  }

  /** The different elements, sorted. */
  public Tensor unique() {
    return uniqueWithCounts().values();
  }

  /** The different elements, sorted, and how often each occurs. */
  public Indexed uniqueWithCounts() {
    return call(
        () -> {
          try (var flat = raw.flatten();
              var sorted = torch.sort(flat);
              var result = torch.unique_consecutive(sorted.get0(), false, true, NO_LONG)) {
            return new Indexed(alias(result.get0()), alias(result.get2()));
          }
        });
  }

  /**
   * Where each value would be inserted into this sorted tensor; after equal ones if {@code right}.
   */
  public Tensor searchsorted(Tensor values, boolean right) {
    return wrap(() -> torch.searchsorted(raw, values.raw, false, right, NO_STRING, NO_TENSOR));
  }

  /** Indices of the elements that are not zero, {@code [n, dim]}. */
  public Tensor nonzero() {
    return wrap(() -> raw.nonzero());
  }

  /** How often each of 0, 1, 2, ... occurs. */
  public Tensor bincount(long minLength) {
    return wrap(() -> raw.bincount(NO_TENSOR, minLength));
  }

  /** The sum of the weights of each of 0, 1, 2, .... */
  public Tensor bincount(Tensor weights, long minLength) {
    return call(
        () -> {
          try (TensorOptional w = optional(weights)) {
            return adopt(raw.bincount(w, minLength));
          }
        });
  }

  /** Counts in equal bins of {@code [min, max]}. */
  public Tensor histc(long bins, double min, double max) {
    return scalars(min, max, (a, b) -> raw.histc(bins, a, b));
  }

  // ---- Indexing

  /** The slice at an index; the dimension goes. A view. */
  public Tensor select(long dim, long index) {
    return wrap(() -> raw.select(dim, index));
  }

  /** The slice at an index of the first dimension. A view. */
  public Tensor get(long index) {
    return select(0, index);
  }

  /** Elements {@code start} to {@code end} (exclusive) along a dimension. A view. */
  public Tensor slice(long dim, long start, long end) {
    return slice(dim, start, end, 1);
  }

  /** Every {@code step}-th element along a dimension. A view. */
  public Tensor slice(long dim, long start, long end, long step) {
    return call(
        () -> {
          try (LongOptional first = new LongOptional(start);
              LongOptional last = new LongOptional(end)) {
            return adopt(raw.slice(dim, first, last, step));
          }
        });
  }

  /** {@code length} elements from {@code start} along a dimension. A view. */
  public Tensor narrow(long dim, long start, long length) {
    return wrap(() -> raw.narrow(dim, start, length));
  }

  /** The slices at indices along a dimension. */
  public Tensor indexSelect(long dim, Tensor index) {
    return wrap(() -> raw.index_select(dim, index.raw));
  }

  /** One element per index along a dimension. */
  public Tensor gather(long dim, Tensor index) {
    return wrap(() -> raw.gather(dim, index.raw));
  }

  /** As {@link #gather}, with broadcasting. */
  public Tensor takeAlongDim(Tensor index, long dim) {
    return dimmed(dim, d -> raw.take_along_dim(index.raw, d));
  }

  /** A copy with elements written at indices along a dimension. */
  public Tensor scatter(long dim, Tensor index, Tensor source) {
    return wrap(() -> raw.scatter(dim, index.raw, source.raw));
  }

  /** A copy with a number written at indices along a dimension. */
  public Tensor scatter(long dim, Tensor index, double value) {
    return scalar(value, s -> raw.scatter(dim, index.raw, s));
  }

  /** A copy with elements added at indices along a dimension. */
  public Tensor scatterAdd(long dim, Tensor index, Tensor source) {
    return wrap(() -> raw.scatter_add(dim, index.raw, source.raw));
  }

  /** A copy with elements reduced at indices: {@code "sum", "prod", "mean", "amax", "amin"}. */
  public Tensor scatterReduce(long dim, Tensor index, Tensor source, String reduce) {
    return wrap(() -> raw.scatter_reduce(dim, index.raw, source.raw, reduce));
  }

  /** A copy with slices added at indices along a dimension. */
  public Tensor indexAdd(long dim, Tensor index, Tensor source) {
    return wrap(() -> raw.index_add(dim, index.raw, source.raw));
  }

  /** A copy with slices written at indices along a dimension. */
  public Tensor indexCopy(long dim, Tensor index, Tensor source) {
    return wrap(() -> raw.index_copy(dim, index.raw, source.raw));
  }

  /** Advanced indexing of the leading dimensions by index tensors, or one boolean mask. */
  public Tensor index(Tensor... indices) {
    return call(
        () -> {
          try (TensorIndexVector vector = indices(indices)) {
            return adopt(raw.index(vector));
          }
        });
  }

  /** The elements where the mask is true, flat. */
  public Tensor maskedSelect(Tensor mask) {
    return wrap(() -> raw.masked_select(mask.raw));
  }

  /** A copy with a number where the mask is true. */
  public Tensor maskedFill(Tensor mask, double value) {
    return scalar(value, s -> raw.masked_fill(mask.raw, s));
  }

  /** A copy with the source's elements, in order, where the mask is true. */
  public Tensor maskedScatter(Tensor mask, Tensor source) {
    return wrap(() -> raw.masked_scatter(mask.raw, source.raw));
  }

  /** {@code a} where the condition holds, otherwise {@code b}. */
  public static Tensor where(Tensor condition, Tensor a, Tensor b) {
    return wrap(() -> torch.where(condition.raw, a.raw, b.raw));
  }

  /** {@code a} where the condition holds, otherwise a number. */
  public static Tensor where(Tensor condition, Tensor a, double b) {
    return scalar(b, s -> torch.where(condition.raw, a.raw, s));
  }

  /** A number where the condition holds, otherwise {@code b}. */
  public static Tensor where(Tensor condition, double a, Tensor b) {
    return scalar(a, s -> torch.where(condition.raw, s, b.raw));
  }

  // ---- Shape

  /** The same elements in another shape; one size may be -1. */
  public Tensor reshape(long... shape) {
    return wrap(() -> raw.reshape(shape));
  }

  /** A view in another shape; fails where a copy would be needed. */
  public Tensor view(long... shape) {
    return wrap(() -> raw.view(shape));
  }

  /** All elements in one dimension. */
  public Tensor flatten() {
    return wrap(() -> raw.flatten());
  }

  /** Joins the dimensions {@code start} to {@code end} (inclusive). */
  public Tensor flatten(long start, long end) {
    return wrap(() -> raw.flatten(start, end));
  }

  /** Drops a dimension of size 1. */
  public Tensor squeeze(long dim) {
    return wrap(() -> raw.squeeze(dim));
  }

  /** Drops every dimension of size 1. */
  public Tensor squeeze() {
    return wrap(() -> raw.squeeze());
  }

  /** Inserts a dimension of size 1. */
  public Tensor unsqueeze(long dim) {
    return wrap(() -> raw.unsqueeze(dim));
  }

  /** Transpose of a matrix. A view. */
  public Tensor t() {
    return wrap(() -> raw.t());
  }

  /** Swaps two dimensions. A view. */
  public Tensor transpose(long a, long b) {
    return wrap(() -> raw.transpose(a, b));
  }

  /** Swaps the last two dimensions. A view. */
  public Tensor mT() {
    return transpose(-2, -1);
  }

  /** Reorders the dimensions. A view. */
  public Tensor permute(long... dims) {
    return wrap(() -> raw.permute(dims));
  }

  /** Moves a dimension. A view. */
  public Tensor movedim(long source, long destination) {
    return wrap(() -> raw.movedim(source, destination));
  }

  /** Repeats dimensions of size 1 without copying; -1 keeps a size. */
  public Tensor expand(long... shape) {
    return wrap(() -> raw.expand(shape));
  }

  /** Expands to another tensor's shape. */
  public Tensor expandAs(Tensor other) {
    return wrap(() -> raw.expand_as(other.raw));
  }

  /** Tiles. */
  public Tensor repeat(long... times) {
    return wrap(() -> raw.repeat(times));
  }

  /** Repeats each slice. */
  public Tensor repeatInterleave(long times, long dim) {
    return dimmed(dim, d -> raw.repeat_interleave(times, d, NO_LONG));
  }

  /** Repeats each slice its own number of times. */
  public Tensor repeatInterleave(Tensor times, long dim) {
    return dimmed(dim, d -> raw.repeat_interleave(times.raw, d, NO_LONG));
  }

  /** Shifts along a dimension, around the end. */
  public Tensor roll(long shift, long dim) {
    return wrap(() -> raw.roll(new long[] {shift}, dim));
  }

  /** Reverses dimensions. */
  public Tensor flip(long... dims) {
    return wrap(() -> raw.flip(dims));
  }

  /** The same elements in row-major order; this tensor itself where they are already. */
  public Tensor contiguous() {
    return wrap(() -> raw.contiguous());
  }

  /** The diagonal of the last two dimensions. A view. */
  public Tensor diagonal() {
    return wrap(() -> raw.diagonal(0, -2, -1));
  }

  /** The diagonal of a matrix, or the matrix with this diagonal. */
  public Tensor diag() {
    return wrap(() -> raw.diag());
  }

  /** Matrices with these diagonals. */
  public Tensor diagEmbed() {
    return wrap(() -> raw.diag_embed());
  }

  /** The lower triangle, from a diagonal down. */
  public Tensor tril(long diagonal) {
    return wrap(() -> raw.tril(diagonal));
  }

  /** The upper triangle, from a diagonal up. */
  public Tensor triu(long diagonal) {
    return wrap(() -> raw.triu(diagonal));
  }

  /** Windows along a dimension, in a new last dimension. A view. */
  public Tensor unfold(long dim, long size, long step) {
    return wrap(() -> raw.unfold(dim, size, step));
  }

  /** A view with the given strides, in elements. */
  public Tensor asStrided(long[] shape, long[] strides) {
    return wrap(() -> raw.as_strided(shape, strides));
  }

  /** The slices along a dimension. Views. */
  public List<Tensor> unbind(long dim) {
    return list(() -> torch.unbind(raw, dim));
  }

  /** Pieces of a size along a dimension; the last may be smaller. Views. */
  public List<Tensor> split(long size, long dim) {
    return list(() -> torch.split(raw, size, dim));
  }

  /** Pieces of the given sizes along a dimension. Views. */
  public List<Tensor> split(long[] sizes, long dim) {
    return list(() -> torch.split_with_sizes(raw, sizes, dim));
  }

  /** A number of pieces along a dimension. Views. */
  public List<Tensor> chunk(long chunks, long dim) {
    return list(() -> torch.chunk(raw, chunks, dim));
  }

  /** Joins along a dimension. */
  public static Tensor cat(List<Tensor> tensors, long dim) {
    return join(tensors, v -> torch.cat(v, dim));
  }

  /** Joins along a new dimension. */
  public static Tensor stack(List<Tensor> tensors, long dim) {
    return join(tensors, v -> torch.stack(v, dim));
  }

  /** A block-diagonal matrix. */
  public static Tensor blockDiag(List<Tensor> tensors) {
    return join(tensors, torch::block_diag);
  }

  /** Coordinate grids, one tensor per axis (matrix indexing). */
  public static List<Tensor> meshgrid(List<Tensor> axes) {
    return list(
        () -> {
          try (TensorVector v = vector(axes)) {
            return torch.meshgrid(v, "ij");
          }
        });
  }

  // ---- Products

  /** Matrix product; broadcasts leading dimensions; vectors as in PyTorch. */
  public Tensor matmul(Tensor other) {
    return wrap(() -> raw.matmul(other.raw));
  }

  /** Product of two matrices. */
  public Tensor mm(Tensor other) {
    return wrap(() -> raw.mm(other.raw));
  }

  /** Product of a matrix and a vector. */
  public Tensor mv(Tensor vector) {
    return wrap(() -> raw.mv(vector.raw));
  }

  /** Batched matrix product, {@code [b, n, m] x [b, m, p]}. */
  public Tensor bmm(Tensor other) {
    return wrap(() -> raw.bmm(other.raw));
  }

  /** Inner product of two vectors. */
  public Tensor dot(Tensor other) {
    return wrap(() -> raw.dot(other.raw));
  }

  /** Outer product of two vectors. */
  public Tensor outer(Tensor other) {
    return wrap(() -> raw.outer(other.raw));
  }

  /** Kronecker product. */
  public Tensor kron(Tensor other) {
    return wrap(() -> raw.kron(other.raw));
  }

  /** Cross product along a dimension of size 3. */
  public Tensor cross(Tensor other, long dim) {
    return dimmed(dim, d -> raw.cross(other.raw, d));
  }

  /** This plus the product of two matrices. */
  public Tensor addmm(Tensor a, Tensor b) {
    return wrap(() -> raw.addmm(a.raw, b.raw));
  }

  /** Sum of products over pairs of dimensions. */
  public Tensor tensordot(Tensor other, long[] dims, long[] otherDims) {
    return wrap(() -> torch.tensordot(raw, other.raw, dims, otherDims));
  }

  /** Einstein summation. */
  public static Tensor einsum(String equation, Tensor... operands) {
    return join(List.of(operands), v -> torch.einsum(equation, v));
  }

  /** Pairwise p-distances of rows, {@code [n, d], [m, d] -> [n, m]}. */
  public Tensor cdist(Tensor other, double p) {
    return wrap(() -> torch.cdist(raw, other.raw, p, NO_LONG));
  }

  /** Sum of the diagonal. */
  public Tensor trace() {
    return wrap(() -> raw.trace());
  }

  // ---- Softmax

  /** {@code exp(x) / sum(exp(x))} along a dimension. */
  public Tensor softmax(long dim) {
    return wrap(() -> raw.softmax(dim));
  }

  /** {@code x - log(sum(exp(x)))} along a dimension. */
  public Tensor logSoftmax(long dim) {
    return wrap(() -> raw.log_softmax(dim));
  }

  // ---- Complex numbers

  /** Complex numbers from their parts. */
  public static Tensor complex(Tensor real, Tensor imaginary) {
    return stack(List.of(real, imaginary), -1).viewAsComplex();
  }

  /** Complex numbers from modulus and angle in radians. */
  public static Tensor polar(Tensor modulus, Tensor angle) {
    return wrap(() -> torch.polar(modulus.raw, angle.raw));
  }

  /** Real part. A view. */
  public Tensor real() {
    return wrap(() -> torch.real(raw));
  }

  /** Imaginary part. A view. */
  public Tensor imag() {
    return wrap(() -> torch.imag(raw));
  }

  /** Angle in radians. */
  public Tensor angle() {
    return wrap(() -> raw.angle());
  }

  /** Complex conjugate. */
  public Tensor conj() {
    return wrap(() -> raw.conj());
  }

  /** A view with real and imaginary part in a new last dimension of size 2. */
  public Tensor viewAsReal() {
    return wrap(() -> torch.view_as_real(raw));
  }

  /** A complex view of a last dimension of size 2. */
  public Tensor viewAsComplex() {
    return wrap(() -> torch.view_as_complex(raw));
  }

  // ---- Derivatives

  /** The same values, cut off from differentiation (stop-gradient). */
  public Tensor detach() {
    return wrap(() -> raw.detach());
  }

  /** A copy, through which gradients flow. */
  public Tensor cloned() {
    return wrap(() -> raw.clone());
  }

  // ---- In-place operations, for optimisers and buffers (never on what a derivative still needs)

  /** Overwrites with another tensor's values, converting type and device. */
  public Tensor copy_(Tensor source) {
    run(() -> raw.copy_(source.raw));
    return this;
  }

  /** Adds. */
  public Tensor add_(Tensor other) {
    run(() -> raw.add_(other.raw));
    return this;
  }

  /** Adds {@code alpha * other}. */
  public Tensor add_(Tensor other, double alpha) {
    scalarRun(alpha, s -> raw.add_(other.raw, s));
    return this;
  }

  /** Adds a number. */
  public Tensor add_(double value) {
    scalarRun(value, s -> raw.add_(s));
    return this;
  }

  /** Subtracts. */
  public Tensor sub_(Tensor other) {
    run(() -> raw.sub_(other.raw));
    return this;
  }

  /** Multiplies. */
  public Tensor mul_(Tensor other) {
    run(() -> raw.mul_(other.raw));
    return this;
  }

  /** Multiplies by a number. */
  public Tensor mul_(double value) {
    scalarRun(value, s -> raw.mul_(s));
    return this;
  }

  /** Divides. */
  public Tensor div_(Tensor other) {
    run(() -> raw.div_(other.raw));
    return this;
  }

  /** Adds {@code value * a * b}. */
  public Tensor addcmul_(Tensor a, Tensor b, double value) {
    scalarRun(value, s -> raw.addcmul_(a.raw, b.raw, s));
    return this;
  }

  /** Adds {@code value * a / b}. */
  public Tensor addcdiv_(Tensor a, Tensor b, double value) {
    scalarRun(value, s -> raw.addcdiv_(a.raw, b.raw, s));
    return this;
  }

  /** Adds the batched matrix product {@code a b}; all three have three dimensions. */
  public Tensor baddbmm_(Tensor a, Tensor b) {
    run(() -> raw.baddbmm_(a.raw, b.raw));
    return this;
  }

  /** Adds {@code weight * (end - this)}. */
  public Tensor lerp_(Tensor end, double weight) {
    scalarRun(weight, s -> raw.lerp_(end.raw, s));
    return this;
  }

  /** Square root. */
  public Tensor sqrt_() {
    run(() -> raw.sqrt_());
    return this;
  }

  /** Sign. */
  public Tensor sign_() {
    run(() -> raw.sign_());
    return this;
  }

  /** Limits from below. */
  public Tensor clampMin_(double min) {
    scalarRun(min, s -> raw.clamp_min_(s));
    return this;
  }

  /** Fills with zeros. */
  public Tensor zero_() {
    run(() -> raw.zero_());
    return this;
  }

  /** Fills with a number. */
  public Tensor fill_(double value) {
    scalarRun(value, s -> raw.fill_(s));
    return this;
  }

  /** Writes slices at indices along a dimension. */
  public Tensor indexCopy_(long dim, Tensor index, Tensor source) {
    run(() -> raw.index_copy_(dim, index.raw, source.raw));
    return this;
  }

  /** Adds slices at indices along a dimension. */
  public Tensor indexAdd_(long dim, Tensor index, Tensor source) {
    run(() -> raw.index_add_(dim, index.raw, source.raw));
    return this;
  }

  /** Writes elements at indices along a dimension. */
  public Tensor scatter_(long dim, Tensor index, Tensor source) {
    run(() -> raw.scatter_(dim, index.raw, source.raw));
    return this;
  }

  /** Writes a number where the mask is true. */
  public Tensor maskedFill_(Tensor mask, double value) {
    scalarRun(value, s -> raw.masked_fill_(mask.raw, s));
    return this;
  }

  /** Writes a source's slices at advanced indices (or one boolean mask), in place. */
  public Tensor indexPut_(Tensor source, Tensor... indices) {
    return call(
        () -> {
          try (TensorIndexVector vector = indices(indices)) {
            raw.index_put_(vector, source.raw);
            return this;
          }
        });
  }

  // ---- Derivatives (see Autograd for everything else)

  public boolean requiresGrad() {
    return raw.requires_grad();
  }

  /** Makes a leaf differentiable, or not. */
  public Tensor setRequiresGrad(boolean value) {
    raw.set_requires_grad(value);
    return this;
  }

  /**
   * Computes the gradients of this scalar and adds them to {@link #grad} of every differentiable
   * leaf.
   */
  public void backward() {
    call(
        () -> {
          raw.backward();
          return null;
        });
  }

  /** The accumulated gradient, or null where there is none. */
  public Tensor grad() {
    org.bytedeco.pytorch.Tensor grad = raw.grad();
    if (!grad.defined()) {
      grad.close();
      return null;
    }
    return adopt(grad);
  }

  /** Forgets the accumulated gradient. */
  public void clearGrad() {
    try (org.bytedeco.pytorch.Tensor grad = raw.mutable_grad()) {
      if (grad.defined()) {
        grad.reset();
      }
    }
  }

  // ---- Object

  /** Takes this tensor out of all scopes: it lives until it is closed or unreachable. */
  public Tensor escape() {
    return Scope.detachFromScope(this);
  }

  /** Releases this reference to the tensor's memory. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      raw.close();
    }
  }

  @Override
  public String toString() {
    if (closed) {
      return "Tensor(closed)";
    }
    String head = "Tensor" + Arrays.toString(shape()) + " " + dtype();
    if (numel() > 16 || dtype().isComplex()) {
      return head;
    }
    return head + " " + Arrays.toString(toDoubleArray());
  }
}
