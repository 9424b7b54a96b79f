package org.tikhon.tensor;

import org.bytedeco.pytorch.global.torch.ScalarType;

/** The type of a tensor's elements. */
public enum Dtype {
  FLOAT32(ScalarType.Float, 4, "F32"),
  FLOAT64(ScalarType.Double, 8, "F64"),
  FLOAT16(ScalarType.Half, 2, "F16"),
  BFLOAT16(ScalarType.BFloat16, 2, "BF16"),
  INT64(ScalarType.Long, 8, "I64"),
  INT32(ScalarType.Int, 4, "I32"),
  INT16(ScalarType.Short, 2, "I16"),
  INT8(ScalarType.Char, 1, "I8"),
  UINT8(ScalarType.Byte, 1, "U8"),
  BOOL(ScalarType.Bool, 1, "BOOL"),
  COMPLEX64(ScalarType.ComplexFloat, 8, "C64"),
  COMPLEX128(ScalarType.ComplexDouble, 16, "C128");

  final ScalarType raw;
  private final int bytes;
  private final String safetensorsName;

  Dtype(ScalarType raw, int bytes, String safetensorsName) {
    this.raw = raw;
    this.bytes = bytes;
    this.safetensorsName = safetensorsName;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  /** The name that safetensors files use, such as {@code "F32"}. */
  public String safetensorsName() {
    return safetensorsName;
  }

  /** The type with that name in safetensors files. */
  public static Dtype ofSafetensors(String name) {
    for (Dtype dtype : values()) {
      if (dtype.safetensorsName.equals(name)) {
        return dtype;
      }
    }
    throw new IllegalArgumentException(
        "no tensor type is called " + name + " in safetensors files");
  }

  public boolean isFloatingPoint() {
    return switch (this) {
      case FLOAT16, BFLOAT16, FLOAT32, FLOAT64 -> true;
      default -> false;
    };
  }

  public boolean isComplex() {
    return this == COMPLEX64 || this == COMPLEX128;
  }

  static Dtype of(ScalarType raw) {
    return switch (raw.intern()) {
      case Float -> FLOAT32;
      case Double -> FLOAT64;
      case Half -> FLOAT16;
      case BFloat16 -> BFLOAT16;
      case Long -> INT64;
      case Int -> INT32;
      case Short -> INT16;
      case Char -> INT8;
      case Byte -> UINT8;
      case Bool -> BOOL;
      case ComplexFloat -> COMPLEX64;
      case ComplexDouble -> COMPLEX128;
      default ->
          throw new IllegalArgumentException("tensors of type " + raw + " are not supported");
    };
  }
}
