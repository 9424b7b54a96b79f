package org.tikhon.data;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;

/** Files that tests write, and real ones that some machines have. */
final class DataFiles {
  private DataFiles() {}

  /** A real data file; the test is skipped where it is missing. */
  static Path real(String name) {
    Optional<Path> path = DataHome.find(name);
    assumeTrue(path.isPresent(), () -> name + " is not on this machine");
    return path.get();
  }

  static Path text(Path path, String content) throws IOException {
    return Files.writeString(path, content);
  }

  static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(content);
    }
    return out.toByteArray();
  }

  /** The bytes of an IDX file. */
  static byte[] idx(byte[] elements, int... shape) {
    ByteBuffer out = ByteBuffer.allocate(4 + 4 * shape.length + elements.length);
    out.put(new byte[] {0, 0, 8, (byte) shape.length});
    for (int size : shape) {
      out.putInt(size);
    }
    return out.put(elements).array();
  }
}
