package org.tikhon.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The safetensors format: a length (8 bytes, little-endian), a JSON header with type, shape and
 * offsets of each tensor, then the tensors' bytes. A file is mapped into memory; a tensor is copied
 * when it is read. A model that is sharded over several files is opened through its {@code
 * model.safetensors.index.json}.
 */
public final class Safetensors implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long LARGEST_HEADER = 100_000_000;

  private final Arena arena = Arena.ofShared();
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** A tensor in a file: its type, shape and bytes, which are valid while the file is open. */
  public record Entry(Dtype dtype, long[] shape, MemorySegment bytes) {
    /** A copy as a tensor. */
    public Tensor tensor() {
      return shape.length == 0
          ? Tensor.of(bytes, dtype, 1).reshape()
          : Tensor.of(bytes, dtype, shape);
    }
  }

  private Safetensors() {}

  /** Opens a file, or all files of a sharded model through its index ({@code *.index.json}). */
  public static Safetensors open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    Safetensors result = new Safetensors();
    try {
      if (path.toString().endsWith(".index.json")) {
        for (String shard : shards(path)) {
          result.map(path.resolveSibling(shard));
        }
      } else {
        result.map(path);
      }
    } catch (IOException | RuntimeException e) {
      result.close();
      throw e;
    }
    return result;
  }

  private static Set<String> shards(Path index) throws IOException {
    try {
      JsonNode map = JSON.readTree(Files.readString(index)).get("weight_map");
      if (map == null || !map.isObject()) {
        throw new DataException(index + ": the index has no object weight_map");
      }
      Map<String, String> files = new TreeMap<>();
      map.properties().forEach(e -> files.put(e.getValue().asString(), ""));
      return files.keySet();
    } catch (JacksonException e) {
      throw new DataException(index + ": not a JSON index: " + e.getOriginalMessage(), e);
    }
  }

  private void map(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < 8) {
        throw new DataException(
            path + ": a safetensors file has at least 8 bytes, this has " + size);
      }
      MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      long headerSize =
          file.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
      if (headerSize < 2 || headerSize > Math.min(LARGEST_HEADER, size - 8)) {
        throw new DataException(
            "%s: the header's length %d does not fit the file's %d bytes (truncated, or not safetensors)"
                .formatted(path, headerSize, size));
      }
      byte[] header = file.asSlice(8, headerSize).toArray(ValueLayout.JAVA_BYTE);
      parse(path, new String(header, StandardCharsets.UTF_8), file.asSlice(8 + headerSize));
    }
  }

  private void parse(Path path, String header, MemorySegment data) {
    JsonNode root;
    try {
      root = JSON.readTree(header);
    } catch (JacksonException e) {
      throw new DataException(path + ": the header is not JSON: " + e.getOriginalMessage(), e);
    }
    if (!root.isObject()) {
      throw new DataException(path + ": the header is not a JSON object");
    }
    for (Map.Entry<String, JsonNode> e : root.properties()) {
      try {
        if (e.getKey().equals("__metadata__")) {
          e.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asString()));
        } else {
          entries.put(e.getKey(), entry(path, e.getKey(), e.getValue(), data));
        }
      } catch (JacksonException bad) {
        throw new DataException(
            path + ": header entry " + e.getKey() + ": " + bad.getOriginalMessage(), bad);
      }
    }
  }

  private static Entry entry(Path path, String name, JsonNode node, MemorySegment data) {
    JsonNode offsets = node.path("data_offsets");
    JsonNode sizes = node.path("shape");
    if (!node.path("dtype").isString() || !sizes.isArray() || offsets.size() != 2) {
      throw new DataException(path + ": tensor " + name + " lacks dtype, shape or data_offsets");
    }
    Dtype dtype;
    try {
      dtype = Dtype.ofSafetensors(node.get("dtype").asString());
    } catch (IllegalArgumentException e) {
      throw new DataException(path + ": tensor " + name + ": " + e.getMessage(), e);
    }
    long[] shape = new long[sizes.size()];
    long bytes = dtype.bytes();
    for (int i = 0; i < shape.length; i++) {
      shape[i] = sizes.get(i).asLong();
      if (shape[i] < 0) {
        throw new DataException(
            path + ": tensor " + name + " has a negative size: " + Arrays.toString(shape));
      }
      bytes *= shape[i];
    }
    long from = offsets.get(0).asLong();
    long to = offsets.get(1).asLong();
    if (from < 0 || to < from || to > data.byteSize() || to - from != bytes) {
      throw new DataException(
          "%s: tensor %s of shape %s needs %d bytes, its offsets are %d to %d of %d (truncated file?)"
              .formatted(path, name, Arrays.toString(shape), bytes, from, to, data.byteSize()));
    }
    return new Entry(dtype, shape, data.asSlice(from, bytes));
  }

  /** The names of the tensors, in the files' order. */
  public Set<String> names() {
    return entries.keySet();
  }

  public Map<String, String> metadata() {
    return metadata;
  }

  /** The tensor of a name, in place. */
  public Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new DataException("no tensor is called " + name);
    }
    return entry;
  }

  /** A copy of the tensor of a name. */
  public Tensor tensor(String name) {
    return entry(name).tensor();
  }

  /** Copies of all tensors. */
  public Map<String, Tensor> tensors() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    names().forEach(n -> all.put(n, tensor(n)));
    return all;
  }

  /** Copies of all tensors of a file. */
  public static Map<String, Tensor> read(Path path) throws IOException {
    try (Safetensors file = open(path)) {
      return file.tensors();
    }
  }

  @Override
  public void close() {
    arena.close();
  }

  /**
   * Where a tensor of a file comes from when it is written: known type and shape, the content only
   * when its turn comes.
   */
  public interface Source {
    Dtype dtype();

    long[] shape();

    /** The content; only called once, closed after it is written. */
    Tensor tensor();

    static Source of(Tensor tensor) {
      return of(tensor.dtype(), tensor.shape(), () -> tensor);
    }

    static Source of(Dtype dtype, long[] shape, Supplier<Tensor> content) {
      return new Source() {
        @Override
        public Dtype dtype() {
          return dtype;
        }

        @Override
        public long[] shape() {
          return shape;
        }

        @Override
        public Tensor tensor() {
          return content.get();
        }
      };
    }
  }

  /** Writes tensors atomically, in the map's order. */
  public static void write(Path path, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    Map<String, Source> sources = new LinkedHashMap<>();
    tensors.forEach((name, t) -> sources.put(name, Source.of(t)));
    stream(path, sources, metadata);
  }

  /** Writes tensors one after the other, atomically; only one is in memory at a time. */
  public static void stream(Path path, Map<String, Source> sources, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(sources, metadata);
    AtomicFiles.write(
        path,
        temporary -> {
          try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
            ByteBuffer length =
                ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).flip();
            writeFully(channel, length);
            writeFully(channel, ByteBuffer.wrap(header));
            for (Map.Entry<String, Source> e : sources.entrySet()) {
              try (Scope scope = Scope.open()) {
                writeTensor(channel, e.getKey(), e.getValue());
              }
            }
          }
        });
  }

  private static byte[] header(Map<String, Source> sources, Map<String, String> metadata) {
    ObjectNode root = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode m = root.putObject("__metadata__");
      metadata.forEach(m::put);
    }
    long offset = 0;
    for (Map.Entry<String, Source> e : sources.entrySet()) {
      ObjectNode node = root.putObject(e.getKey());
      node.put("dtype", e.getValue().dtype().safetensorsName());
      ArrayNode shape = node.putArray("shape");
      long bytes = e.getValue().dtype().bytes();
      for (long size : e.getValue().shape()) {
        shape.add(size);
        bytes *= size;
      }
      node.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    // Padded with spaces so that the tensors begin at a multiple of eight.
    StringBuilder text = new StringBuilder(JSON.writeValueAsString(root));
    while (text.toString().getBytes(StandardCharsets.UTF_8).length % 8 != 0) {
      text.append(' ');
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void writeTensor(FileChannel channel, String name, Source source)
      throws IOException {
    Tensor tensor = source.tensor();
    if (tensor.dtype() != source.dtype() || !Arrays.equals(tensor.shape(), source.shape())) {
      throw new IllegalStateException(
          "tensor " + name + " changed its type or shape while it was written");
    }
    MemorySegment bytes = tensor.detach().to(Device.cpu()).contiguous().segment();
    long position = 0;
    while (position < bytes.byteSize()) {
      long chunk = Math.min(1 << 28, bytes.byteSize() - position);
      writeFully(channel, bytes.asSlice(position, chunk).asByteBuffer());
      position += chunk;
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  /** The files of a model folder: {@code model.safetensors}, or its shards through the index. */
  public static Safetensors openModel(Path folder) throws IOException {
    List<Path> tried = new ArrayList<>();
    for (String name : List.of("model.safetensors", "model.safetensors.index.json")) {
      Path path = folder.resolve(name);
      if (Files.exists(path)) {
        return open(path);
      }
      tried.add(path);
    }
    throw new NoSuchFileException(tried.getFirst().toString());
  }
}
