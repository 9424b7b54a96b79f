package org.tikhon.adapt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.data.Safetensors.Entry;
import org.tikhon.data.Safetensors.Source;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * PiSSA on checkpoint files, one layer at a time: the memory for one layer in FLOAT32 beside the
 * mapped files.
 *
 * <p>A base is a safetensors file, the index of a sharded model, or a model's folder. Names are
 * those of transformers. GPT-2's layers {@code attn.c_attn}, {@code attn.c_proj}, {@code mlp.c_fc}
 * and {@code mlp.c_proj} are stored {@code [in, out]} and are transposed before and after; Llama's
 * {@code self_attn.{q,k,v,o}_proj} and {@code mlp.{gate,up,down}_proj} are {@code [out, in]}.
 */
public final class CheckpointAdapter {
  /** The layers that are adapted unless the user says otherwise: GPT-2's and Llama's. */
  public static final String DEFAULT_TARGETS =
      "(attn\\.(c_attn|c_proj)|mlp\\.(c_fc|c_proj)|self_attn\\.[qkvo]_proj|mlp\\.(gate|up|down)_proj)";

  /** Where {@link #pissa} puts the residual base, below its output folder. */
  public static final String RESIDUAL = "base";

  private static final Pattern GPT2 =
      Pattern.compile(
          "(?:transformer\\.)?h\\.\\d+\\.(?:attn\\.(?:c_attn|c_proj)|mlp\\.(?:c_fc|c_proj))");
  private static final String WEIGHT = ".weight";

  private CheckpointAdapter() {}

  /** Hears which of how many layers is being worked on. */
  @FunctionalInterface
  public interface Progress {
    void layer(int done, int total, String name);
  }

  /**
   * What was done.
   *
   * @param layers the layers that have a pair
   * @param parameters elements of all pairs
   * @param warnings what the user should know
   */
  public record Report(List<String> layers, long parameters, List<String> warnings) {
    public Report {
      layers = List.copyOf(layers);
      warnings = List.copyOf(warnings);
    }
  }

  // ---- Decomposition

  /**
   * Splits a checkpoint into the principal pairs, written as a peft adapter into {@code out}, and
   * the residual base, written with the same files and names into {@code out/base}: an adapter
   * beside its base would be loaded with it, and then a second time.
   *
   * @param rank at least 1 and at most the smaller size of every layer
   * @param targets finds its layers in their names (at their end); null for {@link
   *     #DEFAULT_TARGETS}
   * @param init {@link LoraInit#PISSA} or {@link LoraInit#pissaNiter}
   * @param seed of the randomised decomposition
   * @param baseName what the adapter's configuration calls the residual base
   */
  public static Report pissa(
      Path in,
      Path out,
      int rank,
      Pattern targets,
      LoraInit init,
      long seed,
      String baseName,
      Progress progress)
      throws IOException {
    if (rank < 1) {
      throw new IllegalArgumentException("rank must be at least 1, was " + rank);
    }
    if (!init.isPissa()) {
      throw new IllegalArgumentException("init must be a PiSSA start, was " + init.kind());
    }
    try (Checkpoint base = Checkpoint.open(in)) {
      Map<String, Layer> layers = choose(base, targets);
      layers.values().forEach(l -> checkDecomposable(base, l, rank));
      Path residual = out.resolve(RESIDUAL);
      Files.createDirectories(residual);
      writePrincipal(base, layers, out, rank, init.svd(new Rng(seed)), progress);
      LoraConfig config =
          new LoraConfig(
              rank,
              rank,
              false,
              0,
              List.of(),
              init,
              layers.values().stream().allMatch(Layer::transposed));
      AdapterConfig.of(
              config,
              AdapterFile.targetNames(
                  layers.values().stream().map(Layer::adapterPath).toList(),
                  base.matrices().stream().map(CheckpointAdapter::adapterPath).toList()),
              base.isLanguageModel() ? "CAUSAL_LM" : null,
              baseName)
          .write(out);
      try (AdapterFile adapter = AdapterFile.open(out)) {
        base.copy(
            residual,
            name -> {
              Layer layer = layers.get(name);
              return layer == null
                  ? null
                  : () -> combine(base, layer, adapter.layers().get(layer.adapterPath), -1);
            });
        long parameters =
            adapter.layers().values().stream().mapToLong(l -> l.rank() * (l.in() + l.out())).sum();
        return new Report(
            layers.values().stream().map(l -> l.path).toList(), parameters, List.of());
      }
    }
  }

  /**
   * A weight of a checkpoint.
   *
   * @param path its module's name in the file
   * @param adapterPath its module's name in an adapter
   * @param transposed whether it is stored {@code [in, out]}
   */
  private record Layer(String path, String adapterPath, boolean transposed) {
    String weight() {
      return path + WEIGHT;
    }

    Tensor matrix(Tensor stored) {
      return transposed ? stored.t() : stored;
    }
  }

  /** GPT-2's published files lack the prefix that its modules have in the language model. */
  private static String adapterPath(String path) {
    return path.matches("h\\.\\d+\\..*") ? "transformer." + path : path;
  }

  /** Chosen layers by the names of their weights. */
  private static Map<String, Layer> choose(Checkpoint base, Pattern targets) {
    Pattern end =
        Pattern.compile(
            "(?:.*\\.)?(?:" + (targets == null ? DEFAULT_TARGETS : targets.pattern()) + ")");
    Map<String, Layer> chosen = new LinkedHashMap<>();
    for (String path : base.modules()) {
      if (end.matcher(path).matches()) {
        chosen.put(path + WEIGHT, layer(base, path));
      }
    }
    if (chosen.isEmpty()) {
      String asked = targets == null ? "the default --targets" : "the targets " + targets.pattern();
      throw new IllegalArgumentException(
          asked
              + " match no layer; near: "
              + String.join(
                  ", ",
                  LayerNames.nearest(
                      targets == null ? "q_proj" : targets.pattern(), base.matrices())));
    }
    return chosen;
  }

  private static Layer layer(Checkpoint base, String path) {
    return new Layer(
        path, adapterPath(path), GPT2.matcher(path).matches() && base.storesInputsFirst());
  }

  private static void checkDecomposable(Checkpoint base, Layer layer, int rank) {
    Entry entry = base.entry(layer.weight());
    if (base.isFourBit(layer.weight()) || !entry.dtype().isFloatingPoint()) {
      throw new DataException(
          "layer %s is %s; initialise in f32/f16/bf16, then quantise the residual"
              .formatted(layer.path, entry.dtype()));
    }
    if (entry.shape().length != 2) {
      throw new DataException(
          "layer %s has the shape %s; only matrices can be adapted in files, choose other --targets"
              .formatted(layer.path, Arrays.toString(entry.shape())));
    }
    long rows = entry.shape()[layer.transposed ? 1 : 0];
    long columns = entry.shape()[layer.transposed ? 0 : 1];
    Pissa.checkRank(rank, rows, columns, " of layer " + layer.path);
  }

  /** Writes each layer's A and B; the pair is found when A's turn comes and kept for B's. */
  private static void writePrincipal(
      Checkpoint base,
      Map<String, Layer> layers,
      Path folder,
      int rank,
      SvdMethod svd,
      Progress progress)
      throws IOException {
    Map<String, Source> sources = new LinkedHashMap<>();
    Tensor[] pending = new Tensor[1];
    int[] done = {0};
    for (Layer layer : layers.values()) {
      Entry entry = base.entry(layer.weight());
      Dtype type = Pissa.factorType(entry.dtype());
      long out = entry.shape()[layer.transposed ? 1 : 0];
      long in = entry.shape()[layer.transposed ? 0 : 1];
      sources.put(
          AdapterFile.key(layer.adapterPath, false, "A"),
          Source.of(
              type,
              new long[] {rank, in},
              () -> {
                progress.layer(done[0]++, layers.size(), layer.path);
                LoraFactors pair = principal(entry, layer, rank, svd);
                pending[0] = pair.b().escape();
                return pair.a();
              }));
      sources.put(
          AdapterFile.key(layer.adapterPath, false, "B"),
          Source.of(
              type,
              new long[] {out, rank},
              () -> {
                // The copy belongs to the caller's scope, so that no B outlives its turn.
                try (Tensor b = pending[0]) {
                  return b.cloned();
                }
              }));
    }
    Safetensors.stream(folder.resolve(AdapterFile.FILE), sources, AdapterFile.METADATA);
  }

  private static LoraFactors principal(Entry entry, Layer layer, int rank, SvdMethod svd) {
    try {
      return Pissa.principal(layer.matrix(entry.tensor()), rank, 1, svd);
    } catch (IllegalArgumentException e) {
      throw new DataException("layer " + layer.path + ": " + e.getMessage(), e);
    }
  }

  /** The stored weight plus {@code sign s B A}, in its own type and order. */
  private static Tensor combine(
      Checkpoint base, Layer layer, AdapterFile.Layer pair, double scale) {
    try (Scope scope = Scope.open()) {
      Tensor w = base.tensor(layer.weight());
      Dtype type = Pissa.factorType(w.dtype());
      Tensor a = pair.a().tensor().reshape(pair.rank(), -1).to(type);
      Tensor b = pair.b().tensor().reshape(-1, pair.rank()).to(type);
      Pissa.addProduct(layer.matrix(w), a, b, scale);
      return scope.keep(w);
    }
  }

  // ---- Merging

  /**
   * Adds an adapter to its base: {@code W + s B A} in the base's type. A PiSSA adapter belongs to
   * the residual base, a converted one to the original. Layers with a 4-bit weight become
   * full-precision ones.
   *
   * @param out a folder, or for a base of one file the name of a file
   */
  public static Report merge(Path in, Path adapterFolder, Path out, Progress progress)
      throws IOException {
    try (AdapterFile adapter = AdapterFile.open(adapterFolder);
        Checkpoint base = Checkpoint.open(in)) {
      Map<String, AdapterFile.Layer> pairs = new LinkedHashMap<>();
      Map<String, Layer> layers = new LinkedHashMap<>();
      for (AdapterFile.Layer pair : adapter.layers().values()) {
        Layer layer = find(base, adapter, pair, adapterFolder);
        layers.put(layer.weight(), layer);
        pairs.put(layer.weight(), pair);
      }
      List<String> warnings = new ArrayList<>();
      if (adapter.config().init().startsWith("pissa")) {
        warnings.add(
            "the adapter's init_lora_weights is %s: the result is right only if BASE is the residual that belongs to it"
                .formatted(adapter.config().init()));
      }
      int[] done = {0};
      base.copy(
          out,
          name -> {
            AdapterFile.Layer pair = pairs.get(name);
            if (pair == null) {
              return null;
            }
            Layer layer = layers.get(name);
            double scaling = adapter.config().scaling(pair.path(), pair.rank());
            return () -> {
              progress.layer(done[0]++, pairs.size(), layer.path);
              return combine(base, layer, pair, scaling);
            };
          });
      long parameters = pairs.values().stream().mapToLong(l -> l.rank() * (l.in() + l.out())).sum();
      return new Report(layers.values().stream().map(Layer::path).toList(), parameters, warnings);
    }
  }

  private static Layer find(
      Checkpoint base, AdapterFile adapter, AdapterFile.Layer pair, Path folder) {
    List<String> candidates = List.of(pair.path(), pair.path().replaceFirst("^transformer\\.", ""));
    String path =
        candidates.stream()
            .filter(p -> base.contains(p + WEIGHT))
            .findFirst()
            .orElseThrow(
                () ->
                    new DataException(
                        "%s: the base has no layer %s, which %s adapts; near: %s"
                            .formatted(
                                base.path(),
                                pair.path(),
                                folder,
                                String.join(
                                    ", ", LayerNames.nearest(pair.path(), base.modules())))));
    long[] shape = base.shape(path + WEIGHT);
    long[] needed = {pair.out(), pair.in()};
    boolean swapped =
        pair.embedding()
            || (adapter.config().fanInFanOut() && shape.length == 2)
            || layer(base, path).transposed;
    long rest = Arrays.stream(shape).skip(1).reduce(1, (x, y) -> x * y);
    long[] stored = swapped ? new long[] {rest, shape[0]} : new long[] {shape[0], rest};
    if (shape.length < 2 || !Arrays.equals(stored, needed)) {
      throw new DataException(
          "layer %s of %s has the shape %s, the adapter's pair is for [out, in] = %s"
              .formatted(path, base.path(), Arrays.toString(shape), Arrays.toString(needed)));
    }
    if (!base.isFourBit(path + WEIGHT) && !base.entry(path + WEIGHT).dtype().isFloatingPoint()) {
      throw new DataException(
          "layer %s of %s is %s, an adapter needs a floating-point weight"
              .formatted(path, base.path(), base.entry(path + WEIGHT).dtype()));
    }
    return new Layer(path, pair.path(), swapped);
  }

  // ---- Conversion

  /**
   * Converts a trained PiSSA adapter into a plain LoRA of rank 2r for the original base, see {@link
   * PeftModel#saveAsLora}.
   *
   * @param initial the adapter as {@link #pissa} wrote it
   * @param base the original base to check against, or null
   */
  public static Report toLora(Path trained, Path initial, Path out, Path base, String baseName)
      throws IOException {
    List<String> warnings = new ArrayList<>();
    try (AdapterFile now = AdapterFile.open(trained);
        AdapterFile first = AdapterFile.open(initial)) {
      if (base != null) {
        try (Checkpoint original = Checkpoint.open(base)) {
          for (AdapterFile.Layer pair : now.layers().values()) {
            Layer layer = find(original, now, pair, trained);
            if (original.isFourBit(layer.weight()) && warnings.isEmpty()) {
              warnings.add(
                  "the base is 4-bit: the result is not equivalent there, for Quant(W_res) + B A is not Quant(W) + the change");
            }
          }
        }
      }
      AdapterFile.convert(now, first, out, baseName);
      long parameters =
          now.layers().values().stream().mapToLong(l -> 2 * l.rank() * (l.in() + l.out())).sum();
      return new Report(List.copyOf(now.layers().keySet()), parameters, warnings);
    }
  }
}
