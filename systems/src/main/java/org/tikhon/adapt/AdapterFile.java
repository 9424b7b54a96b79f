package org.tikhon.adapt;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.data.Safetensors.Entry;
import org.tikhon.data.Safetensors.Source;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Tensor;

/**
 * An adapter's folder as peft writes it: {@code adapter_config.json} and {@code
 * adapter_model.safetensors} with the keys {@code base_model.model.PATH.lora_A.weight} {@code [r,
 * in]} and {@code .lora_B.weight} {@code [out, r]} (embeddings: {@code .lora_embedding_A} and
 * {@code _B}). Mapped into memory; tensors are copied when they are asked for.
 */
final class AdapterFile implements AutoCloseable {
  static final String FILE = "adapter_model.safetensors";
  static final String PREFIX = "base_model.model.";
  static final Map<String, String> METADATA = Map.of("format", "pt");
  private static final Pattern KEY =
      Pattern.compile(Pattern.quote(PREFIX) + "(.+)\\.lora_(?:([AB])\\.weight|embedding_([AB]))");

  private final Path folder;
  private final AdapterConfig config;
  private final Safetensors file;
  private final Map<String, Layer> layers;

  /** A layer's pair in the file. */
  record Layer(String path, boolean embedding, Entry a, Entry b) {
    long rank() {
      return a.shape()[0];
    }

    long in() {
      return Arrays.stream(a.shape()).skip(1).reduce(1, (x, y) -> x * y);
    }

    long out() {
      return b.shape()[0];
    }
  }

  private AdapterFile(
      Path folder, AdapterConfig config, Safetensors file, Map<String, Layer> layers) {
    this.folder = folder;
    this.config = config;
    this.file = file;
    this.layers = layers;
  }

  static String key(String path, boolean embedding, String letter) {
    return PREFIX
        + path
        + (embedding ? ".lora_embedding_" + letter : ".lora_" + letter + ".weight");
  }

  static AdapterFile open(Path folder) throws IOException {
    AdapterConfig config = AdapterConfig.read(folder);
    Safetensors file = Safetensors.open(folder.resolve(FILE));
    try {
      return new AdapterFile(folder, config, file, layers(folder, config, file));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static Map<String, Layer> layers(Path folder, AdapterConfig config, Safetensors file) {
    Path path = folder.resolve(FILE);
    Map<String, Entry> as = new LinkedHashMap<>();
    Map<String, Entry> bs = new LinkedHashMap<>();
    Map<String, Boolean> embeddings = new LinkedHashMap<>();
    for (String name : file.names()) {
      Matcher key = KEY.matcher(name);
      if (!key.matches()) {
        throw new DataException(
            path + ": " + name + " is no pair of a LoRA; only lora_A and lora_B are supported");
      }
      boolean embedding = key.group(3) != null;
      String letter = embedding ? key.group(3) : key.group(2);
      embeddings.put(key.group(1), embedding);
      (letter.equals("A") ? as : bs).put(key.group(1), file.entry(name));
    }
    Map<String, Layer> layers = new LinkedHashMap<>();
    embeddings.forEach(
        (layer, embedding) -> {
          if (!as.containsKey(layer) || !bs.containsKey(layer)) {
            throw new DataException(path + ": layer " + layer + " lacks lora_A or lora_B");
          }
          Layer pair = new Layer(layer, embedding, as.get(layer), bs.get(layer));
          check(path, config, pair);
          layers.put(layer, pair);
        });
    if (layers.isEmpty()) {
      throw new DataException(path + ": there is no tensor in it");
    }
    return layers;
  }

  private static void check(Path path, AdapterConfig config, Layer layer) {
    Entry a = layer.a;
    Entry b = layer.b;
    if (a.shape().length < 2
        || b.shape().length < 2
        || a.shape()[0] != b.shape()[1]
        || Arrays.stream(b.shape()).skip(2).anyMatch(s -> s != 1)) {
      throw new DataException(
          "%s: layer %s: A %s and B %s are no pair [r, in], [out, r]"
              .formatted(path, layer.path, Arrays.toString(a.shape()), Arrays.toString(b.shape())));
    }
    if (!a.dtype().isFloatingPoint() || !b.dtype().isFloatingPoint()) {
      throw new DataException(
          "%s: layer %s: A and B must be floating-point, are %s and %s"
              .formatted(path, layer.path, a.dtype(), b.dtype()));
    }
    if (layer.rank() != config.rank(layer.path)) {
      throw new DataException(
          "%s: layer %s has rank %d, the configuration says %d"
              .formatted(path, layer.path, layer.rank(), config.rank(layer.path)));
    }
  }

  AdapterConfig config() {
    return config;
  }

  Map<String, Layer> layers() {
    return layers;
  }

  /** A layer's A or B, as stored. */
  static Tensor tensor(Entry entry) {
    return entry.tensor();
  }

  @Override
  public void close() {
    file.close();
  }

  /**
   * Writes the plain LoRA that does on the original base what this adapter does on the residual:
   * with the untouched pair (A0, B0), {@code s (B A - B0 A0) = s [B | -B0] [A ; A0]}.
   *
   * @param trained the layers' pairs and settings after training
   * @param initial the adapter as PiSSA made it
   */
  static void convert(AdapterFile trained, AdapterFile initial, Path out, String baseModel)
      throws IOException {
    AdapterConfig config = trained.config.doubled(baseModel);
    if (initial.config.rsLora() != trained.config.rsLora()
        || initial.config.alpha() != trained.config.alpha()) {
      throw new DataException(
          "%s and %s have different scalings (lora_alpha, use_rslora)"
              .formatted(trained.folder, initial.folder));
    }
    List<String> missing =
        trained.layers.keySet().stream().filter(l -> !initial.layers.containsKey(l)).toList();
    if (!missing.isEmpty() || initial.layers.size() != trained.layers.size()) {
      throw new DataException(
          "%s and %s adapt different layers%s"
              .formatted(
                  trained.folder,
                  initial.folder,
                  missing.isEmpty() ? "" : ", the second lacks " + missing.getFirst()));
    }
    Map<String, Source> sources = new LinkedHashMap<>();
    for (Layer layer : trained.layers.values()) {
      Layer first = initial.layers.get(layer.path);
      if (!Arrays.equals(layer.a.shape(), first.a.shape())
          || !Arrays.equals(layer.b.shape(), first.b.shape())) {
        throw new DataException(
            "layer %s has rank %d in %s and %d in %s, or other sizes"
                .formatted(layer.path, layer.rank(), trained.folder, first.rank(), initial.folder));
      }
      long[] shapeA = layer.a.shape().clone();
      shapeA[0] *= 2;
      long[] shapeB = layer.b.shape().clone();
      shapeB[1] *= 2;
      Dtype type = layer.a.dtype();
      sources.put(
          key(layer.path, layer.embedding, "A"),
          Source.of(
              type,
              shapeA,
              () -> Tensor.cat(List.of(layer.a.tensor(), first.a.tensor().to(type)), 0)));
      sources.put(
          key(layer.path, layer.embedding, "B"),
          Source.of(
              layer.b.dtype(),
              shapeB,
              () ->
                  Tensor.cat(
                      List.of(layer.b.tensor(), first.b.tensor().to(layer.b.dtype()).neg()), 1)));
    }
    Safetensors.stream(out.resolve(FILE), sources, METADATA);
    config.write(out);
  }

  /** The last parts of names, which peft's target_modules matches, where they say it all. */
  static List<String> targetNames(List<String> chosen, List<String> all) {
    List<String> ends = chosen.stream().map(AdapterFile::end).distinct().toList();
    List<String> meant = new ArrayList<>();
    for (String name : all) {
      if (ends.contains(end(name))) {
        meant.add(name);
      }
    }
    return meant.size() == chosen.size() && end(chosen.getFirst()).matches(".*[A-Za-z].*")
        ? ends
        : List.copyOf(chosen);
  }

  private static String end(String path) {
    return path.substring(path.lastIndexOf('.') + 1);
  }
}
