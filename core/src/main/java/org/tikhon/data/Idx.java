package org.tikhon.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The IDX format of the MNIST family: two zero bytes, a type (only unsigned bytes, 8), the number
 * of dimensions, their sizes as big-endian integers, the elements. Files ending in {@code .gz} are
 * unpacked.
 *
 * @param shape the sizes of the dimensions
 * @param bytes the elements, row-major, unsigned
 */
public record Idx(int[] shape, byte[] bytes) {

  public static Idx read(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (Files.size(path) == 0) {
      throw new DataException(path + ": the file is empty");
    }
    try (InputStream file = Files.newInputStream(path);
        InputStream in =
            path.toString().endsWith(".gz") ? new GZIPInputStream(file, 1 << 16) : file) {
      byte[] magic = in.readNBytes(4);
      if (magic.length < 4 || magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] < 1) {
        throw new DataException(
            path
                + ": an IDX file of bytes begins with 0 0 8 n, this with "
                + Arrays.toString(magic));
      }
      int[] shape = new int[magic[3]];
      long expected = 1;
      for (int i = 0; i < shape.length; i++) {
        byte[] size = in.readNBytes(4);
        if (size.length < 4) {
          throw new DataException(path + ": truncated in the header");
        }
        shape[i] = ByteBuffer.wrap(size).getInt();
        expected *= shape[i];
      }
      if (expected < 0 || expected > Integer.MAX_VALUE - 8) {
        throw new DataException(
            path + ": the header's shape " + Arrays.toString(shape) + " is not plausible");
      }
      byte[] bytes = in.readNBytes((int) expected);
      if (bytes.length < expected) {
        throw new DataException(
            "%s: truncated: shape %s needs %d bytes, there are %d"
                .formatted(path, Arrays.toString(shape), expected, bytes.length));
      }
      if (in.read() >= 0) {
        throw new DataException(
            "%s: shape %s needs %d bytes, there are more"
                .formatted(path, Arrays.toString(shape), expected));
      }
      return new Idx(shape, bytes);
    } catch (ZipException e) {
      throw new DataException(path + ": corrupt gzip: " + e.getMessage(), e);
    } catch (EOFException e) {
      throw new DataException(path + ": truncated gzip: it ends in the middle of the data", e);
    }
  }
}
