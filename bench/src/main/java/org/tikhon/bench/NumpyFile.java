package org.tikhon.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Matrices for peers, in NumPy's format. */
final class NumpyFile {
  private NumpyFile() {}

  /** Writes a matrix to a temporary file. */
  static Path write(double[][] matrix) throws IOException {
    int columns = matrix[0].length;
    String shape =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }"
            .formatted(matrix.length, columns);
    int length = Math.ceilDiv(10 + shape.length() + 1, 64) * 64 - 10;
    ByteBuffer head = ByteBuffer.allocate(10 + length).order(ByteOrder.LITTLE_ENDIAN);
    head.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
    head.put((byte) 0).putShort((short) length);
    head.put(
        (shape + " ".repeat(length - shape.length() - 1) + "\n")
            .getBytes(StandardCharsets.US_ASCII));
    Path file = Files.createTempFile("cost", ".npy");
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(head.array());
      ByteBuffer row = ByteBuffer.allocate(8 * columns).order(ByteOrder.LITTLE_ENDIAN);
      for (double[] values : matrix) {
        row.clear();
        row.asDoubleBuffer().put(values);
        out.write(row.array());
      }
    }
    return file;
  }
}
