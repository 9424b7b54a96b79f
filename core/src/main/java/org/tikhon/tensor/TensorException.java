package org.tikhon.tensor;

/**
 * An operation on tensors failed: one readable line; LibTorch's own message with its C++ frames is
 * the cause.
 */
public final class TensorException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TensorException(String message, Throwable cause) {
    super(message, cause);
  }

  static TensorException of(RuntimeException failure) {
    String text = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    int frames = text.indexOf("\nException raised from");
    if (frames >= 0) {
      text = text.substring(0, frames);
    }
    return new TensorException(text.strip().replaceAll("\\s*\\n\\s*", " "), failure);
  }
}
