package org.tikhon.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * NumPy's files: {@code .npy} holds one array (a magic word, a header with type, order and shape,
 * the elements), {@code .npz} is a ZIP archive of them. Source: NumPy Enhancement Proposal 1.
 */
public final class Npz {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([<>|=])(\\w+)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9, ]*)\\)");
  private static final Map<String, Dtype> TYPES =
      Map.ofEntries(
          Map.entry("f4", Dtype.FLOAT32),
          Map.entry("f8", Dtype.FLOAT64),
          Map.entry("f2", Dtype.FLOAT16),
          Map.entry("i8", Dtype.INT64),
          Map.entry("i4", Dtype.INT32),
          Map.entry("i2", Dtype.INT16),
          Map.entry("i1", Dtype.INT8),
          Map.entry("u1", Dtype.UINT8),
          Map.entry("b1", Dtype.BOOL),
          Map.entry("c8", Dtype.COMPLEX64),
          Map.entry("c16", Dtype.COMPLEX128));

  private Npz() {}

  /** The arrays of an {@code .npz} file by name, in the file's order. */
  public static Map<String, Tensor> read(Path path) throws IOException {
    requireFile(path);
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(path.toFile())) {
      for (ZipEntry entry : (Iterable<ZipEntry>) zip.stream().map(e -> (ZipEntry) e)::iterator) {
        if (entry.getName().endsWith(".npy")) {
          String name = entry.getName().substring(0, entry.getName().length() - 4);
          try (InputStream in = zip.getInputStream(entry)) {
            arrays.put(name, array(in, path + ", array " + name));
          }
        }
      }
    } catch (ZipException e) {
      throw new DataException(path + ": not a ZIP archive of NumPy arrays: " + e.getMessage(), e);
    }
    if (arrays.isEmpty()) {
      throw new DataException(path + ": the archive holds no array (*.npy)");
    }
    return arrays;
  }

  /** The array of an {@code .npy} file. */
  public static Tensor readArray(Path path) throws IOException {
    requireFile(path);
    try (InputStream in = Files.newInputStream(path)) {
      return array(in, path.toString());
    }
  }

  private static void requireFile(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    if (Files.size(path) == 0) {
      throw new DataException(path + ": the file is empty");
    }
  }

  private static Tensor array(InputStream in, String place) throws IOException {
    byte[] start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC.length))) {
      throw new DataException(place + ": not a NumPy array (the magic word is missing)");
    }
    byte[] length = in.readNBytes(start[6] == 1 ? 2 : 4);
    byte[] padded = Arrays.copyOf(length, 4);
    int headerSize = ByteBuffer.wrap(padded).order(ByteOrder.LITTLE_ENDIAN).getInt();
    String header = new String(in.readNBytes(Math.max(0, headerSize)), StandardCharsets.UTF_8);
    Matcher descr = DESCR.matcher(header);
    Matcher order = ORDER.matcher(header);
    Matcher sizes = SHAPE.matcher(header);
    if (!descr.find() || !order.find() || !sizes.find()) {
      throw new DataException(
          place + ": the header lacks descr (a plain type), fortran_order or shape: " + header);
    }
    Dtype dtype = TYPES.get(descr.group(2));
    if (dtype == null) {
      throw new DataException(
          "%s: elements of type %s are not supported, only %s"
              .formatted(place, descr.group(2), TYPES.keySet().stream().sorted().toList()));
    }
    long[] shape =
        Arrays.stream(sizes.group(1).split(","))
            .map(String::strip)
            .filter(s -> !s.isEmpty())
            .mapToLong(Long::parseLong)
            .toArray();
    long bytes = dtype.bytes();
    for (long size : shape) {
      bytes = Math.multiplyExact(bytes, size);
    }
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new DataException(place + ": " + bytes + " bytes are more than an array may have");
    }
    byte[] data = in.readNBytes((int) bytes);
    if (data.length < bytes) {
      throw new DataException(
          "%s: truncated: shape %s needs %d bytes, there are %d"
              .formatted(place, Arrays.toString(shape), bytes, data.length));
    }
    if (descr.group(1).equals(">")) {
      reverse(data, dtype.isComplex() ? dtype.bytes() / 2 : dtype.bytes());
    }
    return tensor(data, dtype, shape, order.group(1).equals("True"));
  }

  private static void reverse(byte[] data, int width) {
    for (int at = 0; at < data.length; at += width) {
      for (int i = 0; i < width / 2; i++) {
        byte swap = data[at + i];
        data[at + i] = data[at + width - 1 - i];
        data[at + width - 1 - i] = swap;
      }
    }
  }

  private static Tensor tensor(byte[] data, Dtype dtype, long[] shape, boolean columnMajor) {
    MemorySegment segment = MemorySegment.ofArray(data);
    if (shape.length == 0) {
      return Tensor.of(segment, dtype, 1).reshape();
    }
    if (!columnMajor) {
      return Tensor.of(segment, dtype, shape);
    }
    long[] reversed = new long[shape.length];
    Arrays.setAll(reversed, i -> shape[shape.length - 1 - i]);
    long[] axes = new long[shape.length];
    Arrays.setAll(axes, i -> shape.length - 1 - i);
    return Tensor.of(segment, dtype, reversed).permute(axes).contiguous();
  }

  /** Writes tensors as an {@code .npz} file, atomically, in the map's order. */
  public static void write(Path path, Map<String, Tensor> tensors) throws IOException {
    AtomicFiles.write(
        path,
        temporary -> {
          try (OutputStream file = Files.newOutputStream(temporary);
              ZipOutputStream zip = new ZipOutputStream(file)) {
            for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
              zip.putNextEntry(new ZipEntry(e.getKey() + ".npy"));
              write(zip, e.getValue());
              zip.closeEntry();
            }
          }
        });
  }

  /** Writes a tensor as an {@code .npy} file, atomically. */
  public static void writeArray(Path path, Tensor tensor) throws IOException {
    AtomicFiles.write(
        path,
        temporary -> {
          try (OutputStream file = Files.newOutputStream(temporary)) {
            write(file, tensor);
          }
        });
  }

  private static void write(OutputStream out, Tensor tensor) throws IOException {
    String type =
        TYPES.entrySet().stream()
            .filter(e -> e.getValue() == tensor.dtype())
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "NumPy has no type for "
                            + tensor.dtype()
                            + "; convert the tensor before it is written"));
    List<String> sizes = Arrays.stream(tensor.shape()).mapToObj(Long::toString).toList();
    // A tuple of one number needs its comma.
    String shape = "(" + String.join(", ", sizes) + (sizes.size() == 1 ? ",)" : ")");
    StringBuilder header =
        new StringBuilder(
            "{'descr': '%s%s', 'fortran_order': False, 'shape': %s, }"
                .formatted(tensor.dtype().bytes() == 1 ? "|" : "<", type, shape));
    // Padded so that the elements begin at a multiple of 64 bytes.
    while ((MAGIC.length + 4 + header.length() + 1) % 64 != 0) {
      header.append(' ');
    }
    header.append('\n');
    out.write(MAGIC);
    out.write(new byte[] {1, 0, (byte) header.length(), (byte) (header.length() >> 8)});
    out.write(header.toString().getBytes(StandardCharsets.UTF_8));
    try (Scope scope = Scope.open()) {
      out.write(tensor.toByteArray());
    }
  }
}
