package org.tikhon.bench;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/** Copies of our tensors as tensors of the raw bindings, the peer. */
final class Raw {
  private Raw() {}

  /** A FLOAT32 copy with the same shape. */
  static Tensor matrix(org.tikhon.tensor.Tensor tensor) {
    try (FloatPointer values = new FloatPointer(tensor.toFloatArray())) {
      return torch
          .from_blob(values, tensor.shape(), new TensorOptions(torch.ScalarType.Float))
          .clone();
    }
  }

  /** An INT64 copy with the same shape. */
  static Tensor labels(org.tikhon.tensor.Tensor tensor) {
    try (LongPointer values = new LongPointer(tensor.toLongArray())) {
      return torch
          .from_blob(values, tensor.shape(), new TensorOptions(torch.ScalarType.Long))
          .clone();
    }
  }
}
