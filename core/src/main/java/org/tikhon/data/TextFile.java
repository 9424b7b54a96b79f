package org.tikhon.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Plain text in UTF-8; files ending in {@code .gz} are unpacked. */
public final class TextFile {
  private TextFile() {}

  /** The whole text. */
  public static String read(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    byte[] bytes;
    try (InputStream file = Files.newInputStream(path);
        InputStream in = path.toString().endsWith(".gz") ? new GZIPInputStream(file) : file) {
      bytes = in.readAllBytes();
    } catch (ZipException e) {
      throw new DataException(path + ": corrupt gzip: " + e.getMessage(), e);
    } catch (EOFException e) {
      throw new DataException(path + ": truncated gzip: it ends in the middle of the data", e);
    }
    if (bytes.length == 0) {
      throw new DataException(path + ": the file is empty");
    }
    return decode(path, bytes);
  }

  private static String decode(Path path, byte[] bytes) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      long line = 1;
      for (int i = 0; i < in.position(); i++) {
        line += bytes[i] == '\n' ? 1 : 0;
      }
      throw new DataException(
          "%s: line %d, byte %d of the file is not UTF-8".formatted(path, line, in.position()));
    }
    String text = out.flip().toString();
    return text.startsWith("\uFEFF") ? text.substring(1) : text;
  }

  /** The lines, without their ends. */
  public static List<String> lines(Path path) throws IOException {
    return read(path).lines().toList();
  }
}
