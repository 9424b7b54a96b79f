package org.tikhon.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes files so that a reader sees the old content or the new, never a part: to a temporary name,
 * then moved.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** What fills a file. */
  @FunctionalInterface
  public interface Writer {
    void write(Path temporary) throws IOException;
  }

  /**
   * Lets {@code writer} fill a temporary file beside {@code target}, forces it to disk and moves it
   * into place.
   */
  public static void write(Path target, Writer writer) throws IOException {
    Path folder = target.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    Path temporary = Files.createTempFile(folder, "." + target.getFileName(), ".part");
    try {
      writer.write(temporary);
      try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  public static void writeString(Path target, String text) throws IOException {
    write(target, temporary -> Files.writeString(temporary, text));
  }

  public static void writeBytes(Path target, byte[] bytes) throws IOException {
    write(
        target,
        temporary -> {
          try (OutputStream out = Files.newOutputStream(temporary)) {
            out.write(bytes);
          }
        });
  }
}
