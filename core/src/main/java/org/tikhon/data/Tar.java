package org.tikhon.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Gzipped tar archives (POSIX ustar): headers of 512 bytes with name, size and kind, each followed
 * by the file's bytes, padded to 512.
 */
public final class Tar {
  private static final int BLOCK = 512;

  private Tar() {}

  /**
   * Unpacks the plain files of an archive into a folder, without the folders in their names (so
   * that no name can lead elsewhere).
   *
   * @return the files
   */
  public static List<Path> unpackFlat(Path archive, Path folder) throws IOException {
    if (!Files.exists(archive)) {
      throw new NoSuchFileException(archive.toString());
    }
    List<Path> files = new ArrayList<>();
    try (InputStream file = Files.newInputStream(archive);
        InputStream in = new GZIPInputStream(file, 1 << 16)) {
      for (byte[] header = in.readNBytes(BLOCK);
          header.length == BLOCK && header[0] != 0;
          header = in.readNBytes(BLOCK)) {
        String name = text(header, 0, 100);
        long size = size(archive, name, header);
        byte kind = header[156];
        if (kind == 0 || kind == '0') {
          Path target = folder.resolve(Path.of(name).getFileName().toString());
          AtomicFiles.write(target, temporary -> copy(in, size, temporary));
          files.add(target);
        } else {
          in.skipNBytes(size);
        }
        in.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
      }
    } catch (ZipException e) {
      throw new DataException(archive + ": corrupt gzip: " + e.getMessage(), e);
    } catch (EOFException e) {
      throw new DataException(archive + ": truncated: it ends in the middle of a file", e);
    }
    return files;
  }

  private static long size(Path archive, String name, byte[] header) {
    String octal = text(header, 124, 12).strip();
    try {
      return Long.parseLong(octal, 8);
    } catch (NumberFormatException e) {
      throw new DataException(
          "%s: not a tar archive: the size of \"%s\" is \"%s\"".formatted(archive, name, octal), e);
    }
  }

  private static void copy(InputStream in, long size, Path target) throws IOException {
    try (var out = Files.newOutputStream(target)) {
      byte[] buffer = new byte[1 << 16];
      for (long left = size; left > 0; ) {
        int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
        if (n < 0) {
          throw new EOFException();
        }
        out.write(buffer, 0, n);
        left -= n;
      }
    }
  }

  private static String text(byte[] header, int from, int length) {
    int end = from;
    while (end < from + length && header[end] != 0) {
      end++;
    }
    return new String(header, from, end - from, StandardCharsets.UTF_8);
  }
}
