package org.tikhon.adapt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.data.Safetensors.Entry;
import org.tikhon.data.Safetensors.Source;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A model's weights in one safetensors file or in shards, mapped into memory. */
final class Checkpoint implements AutoCloseable {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = ".index.json";
  private static final String WEIGHT = ".weight";

  private final Path path;

  /** Null for a single file. */
  private final Path index;

  private final Map<String, Safetensors> files = new LinkedHashMap<>();
  private final Map<String, Safetensors> places = new LinkedHashMap<>();

  private Checkpoint(Path path, Path index) {
    this.path = path;
    this.index = index;
  }

  /** Opens a file, an index or a model's folder. */
  static Checkpoint open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString());
    }
    Path file = path;
    if (Files.isDirectory(path)) {
      file = path.resolve(SINGLE);
      if (!Files.exists(file)) {
        file = path.resolve(SINGLE + INDEX);
      }
      if (!Files.exists(file)) {
        throw new DataException(path + ": there is no " + SINGLE + " and no " + SINGLE + INDEX);
      }
    }
    boolean sharded = file.toString().endsWith(INDEX);
    Checkpoint result = new Checkpoint(path, sharded ? file : null);
    try {
      List<String> names = sharded ? shards(file) : List.of(file.getFileName().toString());
      for (String name : names) {
        result.add(name, Safetensors.open(file.resolveSibling(name)));
      }
      if (sharded) {
        result.checkIndex(file);
      }
    } catch (IOException | RuntimeException e) {
      result.close();
      throw e;
    }
    return result;
  }

  private static JsonNode weightMap(Path index) throws IOException {
    return JSON.readTree(Files.readString(index)).path("weight_map");
  }

  private void checkIndex(Path file) throws IOException {
    for (Map.Entry<String, JsonNode> e : weightMap(file).properties()) {
      Safetensors shard = files.get(e.getValue().asString(""));
      if (!shard.names().contains(e.getKey())) {
        throw new DataException(
            "%s: %s lacks the tensor %s".formatted(file, e.getValue().asString(""), e.getKey()));
      }
    }
  }

  private static List<String> shards(Path index) throws IOException {
    try {
      JsonNode map = weightMap(index);
      TreeSet<String> names = new TreeSet<>();
      map.properties().forEach(e -> names.add(e.getValue().asString("")));
      if (names.isEmpty()) {
        throw new DataException(index + ": the index has no object weight_map");
      }
      for (String name : names) {
        // A shard lies beside its index; anything else could overwrite foreign files.
        if (name.isEmpty() || !Path.of(name).getFileName().toString().equals(name)) {
          throw new DataException(index + ": " + name + " is no name of a file beside the index");
        }
      }
      return List.copyOf(names);
    } catch (JacksonException e) {
      throw new DataException(index + ": not a JSON index: " + e.getOriginalMessage(), e);
    }
  }

  private void add(String name, Safetensors file) {
    files.put(name, file);
    file.names().forEach(tensor -> places.put(tensor, file));
  }

  Path path() {
    return path;
  }

  boolean contains(String tensor) {
    return places.containsKey(tensor);
  }

  Entry entry(String tensor) {
    return places.get(tensor).entry(tensor);
  }

  /** Whether a weight is stored in 4 bits. */
  boolean isFourBit(String tensor) {
    return contains(tensor) && Nf4Files.contains(places.get(tensor), tensor);
  }

  /** The shape of a weight, for a 4-bit one of what it stands for. */
  long[] shape(String tensor) {
    return isFourBit(tensor)
        ? Nf4Files.read(places.get(tensor), tensor).shape()
        : entry(tensor).shape();
  }

  /** A copy of a weight, dequantised where it is stored in 4 bits. */
  Tensor tensor(String name) {
    return isFourBit(name)
        ? Nf4Files.read(places.get(name), name).dequantize()
        : entry(name).tensor();
  }

  /** The modules that have a weight. */
  List<String> modules() {
    return places.keySet().stream()
        .filter(n -> n.endsWith(WEIGHT))
        .map(n -> n.substring(0, n.length() - WEIGHT.length()))
        .toList();
  }

  /** The modules whose weight is a matrix. */
  List<String> matrices() {
    return modules().stream().filter(m -> entry(m + WEIGHT).shape().length == 2).toList();
  }

  /** Whether the names are those of GPT-2's or Llama's family. */
  boolean isLanguageModel() {
    return modules().stream()
        .anyMatch(m -> m.endsWith("attn.c_attn") || m.endsWith("self_attn.q_proj"));
  }

  /**
   * Whether layers with GPT-2's names are its Conv1D, {@code [in, out]}: others have taken over the
   * names for linear layers. The first layer's stacked projection has three times as many outputs.
   */
  boolean storesInputsFirst() {
    return modules().stream()
        .filter(m -> m.endsWith("attn.c_attn") || m.endsWith("mlp.c_fc"))
        .map(m -> entry(m + WEIGHT).shape())
        .findFirst()
        .map(shape -> shape.length == 2 && shape[0] < shape[1])
        .orElse(true);
  }

  /**
   * Writes the checkpoint again, with some tensors replaced, in files of the same names and order;
   * small files beside the weights (configuration, tokeniser) are copied.
   *
   * @param out a folder, or for a single file a name that ends in {@code .safetensors}
   * @param replacement the new content for a tensor's name, null to keep it
   */
  void copy(Path out, Function<String, Supplier<Tensor>> replacement) throws IOException {
    boolean toFile = out.toString().endsWith(".safetensors");
    if (toFile && index != null) {
      throw new IllegalArgumentException(
          path + " is sharded, so the output must be a folder, was " + out);
    }
    if (index == null) {
      write(
          files.values().iterator().next(),
          toFile ? out : out.resolve(SINGLE),
          replacement,
          new LinkedHashMap<>());
      if (!toFile) {
        copyCompanions(out);
      }
      return;
    }
    Map<String, String> weightMap = new LinkedHashMap<>();
    long bytes = 0;
    for (Map.Entry<String, Safetensors> file : files.entrySet()) {
      Map<String, Long> written = new LinkedHashMap<>();
      write(file.getValue(), out.resolve(file.getKey()), replacement, written);
      for (Map.Entry<String, Long> tensor : written.entrySet()) {
        weightMap.put(tensor.getKey(), file.getKey());
        bytes += tensor.getValue();
      }
    }
    ObjectNode root = JSON.createObjectNode();
    root.putObject("metadata").put("total_size", bytes);
    ObjectNode map = root.putObject("weight_map");
    weightMap.forEach(map::put);
    AtomicFiles.writeString(
        out.resolve(index.getFileName().toString()), JSON.writeValueAsString(root) + "\n");
    copyCompanions(out);
  }

  private static void write(
      Safetensors file,
      Path target,
      Function<String, Supplier<Tensor>> replacement,
      Map<String, Long> written)
      throws IOException {
    Map<String, Source> sources = new LinkedHashMap<>();
    List<String> dequantised = new ArrayList<>();
    for (String name : file.names()) {
      Entry entry = file.entry(name);
      Supplier<Tensor> content = replacement.apply(name);
      Dtype dtype = entry.dtype();
      long[] shape = entry.shape();
      if (content != null && Nf4Files.contains(file, name)) {
        Nf4Tensor q = Nf4Files.read(file, name);
        dtype = q.dtype();
        shape = q.shape();
        dequantised.add(name + ".");
      }
      sources.put(name, Source.of(dtype, shape, content == null ? entry::tensor : content));
    }
    // The scales of a 4-bit weight go with it.
    sources.keySet().removeIf(name -> dequantised.stream().anyMatch(name::startsWith));
    sources.forEach(
        (name, s) ->
            written.put(name, Arrays.stream(s.shape()).reduce(s.dtype().bytes(), (x, y) -> x * y)));
    Map<String, String> metadata = new LinkedHashMap<>(file.metadata());
    metadata.putIfAbsent("format", "pt");
    Safetensors.stream(target, sources, metadata);
  }

  /** Copies the configuration and the tokeniser, so that the new folder is a model too. */
  private void copyCompanions(Path out) throws IOException {
    if (!Files.isDirectory(path)) {
      return;
    }
    try (var all = Files.newDirectoryStream(path, "*.{json,txt,model,jinja}")) {
      for (Path file : all) {
        String name = file.getFileName().toString();
        if (!name.endsWith(INDEX)
            && !name.equals(AdapterConfig.FILE)
            && Files.isRegularFile(file)) {
          AtomicFiles.writeBytes(out.resolve(name), Files.readAllBytes(file));
        }
      }
    }
  }

  @Override
  public void close() {
    files.values().forEach(Safetensors::close);
  }
}
