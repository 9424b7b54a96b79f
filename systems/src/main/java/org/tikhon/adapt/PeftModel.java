package org.tikhon.adapt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Conv2d;
import org.tikhon.nn.Embedding;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * A network whose chosen layers have low-rank pairs; only the pairs are trained.
 *
 * <pre>{@code
 * PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(8));
 * model.save(initial);                                  // before training, for the conversion
 * Optimizer optimizer = Adam.adamW(model.parameters(), 2e-5, 0);
 * ...                                                   // train network.forward(x) as usual
 * model.saveAsLora(folder, initial);                    // a plain LoRA on the original weights
 * }</pre>
 *
 * <p>Layers with a parameter {@code weight} that is a matrix, a kernel of a two-dimensional
 * convolution or an embedding's table can be adapted, and the stacked {@code in_proj_weight} of an
 * attention layer, under the name {@code in_proj}.
 */
public final class PeftModel {
  private static final System.Logger LOG = System.getLogger(PeftModel.class.getName());

  private final Module base;
  private final LoraConfig config;
  private final Map<String, Target> targets;
  private final Map<String, LoraWeight> layers;

  /** What was trained before, to be trained again without the adapter. */
  private final List<Tensor> frozen;

  /** A layer that can be adapted. */
  private record Target(Module layer, String parameter, LoraWeight.Layout layout) {}

  private PeftModel(
      Module base,
      LoraConfig config,
      Map<String, Target> targets,
      Map<String, LoraWeight> layers,
      List<Tensor> frozen) {
    this.base = base;
    this.config = config;
    this.targets = targets;
    this.layers = layers;
    this.frozen = frozen;
  }

  /** Adapts the layers of a network with seed 0 for random starts. */
  public static PeftModel wrap(Module base, LoraConfig config) {
    return wrap(base, config, new Rng(0));
  }

  /**
   * Adapts layers of a network in place: everything is frozen, the chosen layers' weights get a
   * pair. PiSSA turns them into residuals; the network's function stays the same.
   *
   * @throws IllegalArgumentException if a target matches nothing, a rank does not fit or a layer is
   *     adapted already; the network is then unchanged
   */
  public static PeftModel wrap(Module base, LoraConfig config, Rng rng) {
    warnAboutDropout(config);
    return attach(
        base,
        config,
        (path, target) ->
            LoraWeight.attach(target.layer, target.parameter, path, target.layout, config, rng));
  }

  /**
   * Adapts linear layers whose weights are kept in 4 bits: QPiSSA, LoftQ or QLoRA, with scaling 1.
   */
  public static PeftModel wrapQuantized(
      Module base, LoraConfig config, QPissa.Settings settings, Rng rng) {
    if (config.scaling() != 1) {
      throw new IllegalArgumentException(
          "alpha must give the scaling 1 on a 4-bit base, it gives " + config.scaling());
    }
    warnAboutDropout(config);
    return attach(
        base,
        config,
        (path, target) -> {
          if (target.layout != LoraWeight.Layout.LINEAR) {
            throw new IllegalArgumentException(
                "only linear layers can have a 4-bit base, " + path + " is none");
          }
          return LoraWeight.attachQuantized(
              target.layer, target.parameter, path, config, settings, rng);
        });
  }

  private interface Attach {
    LoraWeight apply(String path, Target target);
  }

  private static PeftModel attach(Module base, LoraConfig config, Attach attach) {
    Map<String, Target> all = targets(base, config.fanInFanOut());
    Map<String, Target> chosen = choose(all, config.targetModules());
    chosen.forEach((path, t) -> checkUnadapted(path, t, config.r()));
    List<Tensor> frozen = base.parameters();
    base.freeze();
    Map<String, LoraWeight> layers = new LinkedHashMap<>();
    chosen.forEach((path, t) -> layers.put(path, attach.apply(path, t)));
    // Weights that 4-bit ones have replaced must not be kept alive.
    frozen.removeIf(p -> !base.stateDict().containsValue(p));
    return new PeftModel(base, config, all, layers, frozen);
  }

  /** Everything that could fail is checked before the first layer is changed. */
  private static void checkUnadapted(String path, Target t, long r) {
    Module.Parameter parameter = t.layer.parameter(t.parameter);
    if (!parameter.isParametrized()) {
      LoraWeight.checkRank(t.layout, parameter.original(), r, path);
    } else {
      throw new IllegalArgumentException(
          "layer %s is adapted already; convert its adapter with saveAsLora and load it on the original weights"
              .formatted(path));
    }
  }

  static void warnAboutDropout(LoraConfig config) {
    if (config.init().isPissa() && config.dropout() > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          "dropout {0} with PiSSA deletes principal directions; 0 is recommended",
          config.dropout());
    }
  }

  private static Map<String, Target> targets(Module base, boolean fanInFanOut) {
    Map<String, Target> result = new LinkedHashMap<>();
    base.namedModules()
        .forEach(
            (path, module) -> {
              for (String name : List.of("weight", "in_proj_weight")) {
                if (!module.parameterNames().contains(name)) {
                  continue;
                }
                String part = name.equals("weight") ? "" : "in_proj";
                String full = path.isEmpty() || part.isEmpty() ? path + part : path + "." + part;
                layout(module, name, fanInFanOut)
                    .ifPresent(layout -> result.put(full, new Target(module, name, layout)));
              }
            });
    return result;
  }

  private static Optional<LoraWeight.Layout> layout(
      Module module, String name, boolean fanInFanOut) {
    long dims =
        module.parameter(name).isParametrized()
            ? module.parameter(name).value().dim()
            : module.parameter(name).original().dim();
    return Optional.ofNullable(
        switch (module) {
          case Embedding e -> LoraWeight.Layout.EMBEDDING;
          case Conv2d c -> LoraWeight.Layout.CONVOLUTION;
          default ->
              dims != 2
                  ? null
                  : fanInFanOut ? LoraWeight.Layout.TRANSPOSED : LoraWeight.Layout.LINEAR;
        });
  }

  /** Without targets: every matrix and kernel, but no embedding. */
  private static Map<String, Target> choose(Map<String, Target> all, List<String> wanted) {
    Map<String, Target> chosen = new LinkedHashMap<>();
    all.forEach(
        (path, t) -> {
          boolean match =
              wanted.isEmpty()
                  ? t.layout != LoraWeight.Layout.EMBEDDING
                  : wanted.stream().anyMatch(w -> path.equals(w) || path.endsWith("." + w));
          if (match) {
            chosen.put(path, t);
          }
        });
    for (String w : wanted) {
      if (chosen.keySet().stream().noneMatch(p -> p.equals(w) || p.endsWith("." + w))) {
        throw new IllegalArgumentException(
            "target module %s matches no layer; near: %s"
                .formatted(w, String.join(", ", LayerNames.nearest(w, all.keySet()))));
      }
    }
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException("the network has no layer that can be adapted");
    }
    return chosen;
  }

  /** The network, with its pairs. */
  public Module model() {
    return base;
  }

  public Tensor forward(Tensor x) {
    return base.forward(x);
  }

  /** The adapted layers by path. */
  public Map<String, LoraWeight> layers() {
    return Collections.unmodifiableMap(layers);
  }

  /** What is trained: A and B of each layer. */
  public List<Tensor> parameters() {
    List<Tensor> all = new ArrayList<>();
    layers.values().forEach(l -> all.addAll(List.of(l.a(), l.b())));
    return all;
  }

  public void merge() {
    layers.values().forEach(LoraWeight::merge);
  }

  public void unmerge() {
    layers.values().forEach(LoraWeight::unmerge);
  }

  /** Adds the pairs to the weights and gives the plain network, trainable as it was. */
  public Module mergeAndUnload() {
    layers.forEach(
        (path, lora) -> {
          Target t = targets.get(path);
          t.layer.unparametrize(t.parameter);
        });
    frozen.forEach(p -> p.setRequiresGrad(true));
    return base;
  }

  // ---- Files

  /**
   * Writes {@code adapter_model.safetensors} and {@code adapter_config.json} into a folder, as peft
   * reads them. A PiSSA adapter belongs to the residual weights, see {@link #baseState}.
   */
  public void save(Path folder) throws IOException {
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      layers.forEach(
          (path, lora) -> {
            boolean embedding = lora.layout() == LoraWeight.Layout.EMBEDDING;
            Tensor a = lora.a().detach();
            Tensor b = lora.b().detach();
            if (lora.layout() == LoraWeight.Layout.CONVOLUTION) {
              long[] w = lora.weightShape();
              a = a.reshape(a.size(0), w[1], w[2], w[3]);
              b = b.reshape(b.size(0), b.size(1), 1, 1);
            }
            tensors.put(AdapterFile.key(path, embedding, "A"), a);
            tensors.put(AdapterFile.key(path, embedding, "B"), b);
          });
      Safetensors.write(folder.resolve(AdapterFile.FILE), tensors, AdapterFile.METADATA);
    }
    AdapterConfig.of(
            config,
            AdapterFile.targetNames(List.copyOf(layers.keySet()), List.copyOf(targets.keySet())),
            null,
            null)
        .write(folder);
  }

  /**
   * The weights below the pairs by the names that the network had before it was adapted: for PiSSA
   * the residual, 4-bit layers as bitsandbytes stores them. Written as safetensors, a normal
   * checkpoint.
   */
  public Map<String, Tensor> baseState() {
    Map<String, LoraWeight> byPrefix = new LinkedHashMap<>();
    base.namedModules()
        .forEach(
            (path, module) -> {
              if (module instanceof LoraWeight lora) {
                byPrefix.put(path + ".", lora);
              }
            });
    Map<String, Tensor> state = new LinkedHashMap<>();
    base.stateDict()
        .forEach(
            (name, tensor) -> {
              for (Map.Entry<String, LoraWeight> e : byPrefix.entrySet()) {
                if (name.startsWith(e.getKey())) {
                  String plain = e.getKey().replaceFirst("parametrizations\\.([^.]+)\\.$", "$1");
                  if (!name.equals(e.getKey() + "original")) {
                    return;
                  }
                  if (e.getValue().quantized() == null) {
                    state.put(plain, tensor);
                  } else {
                    state.putAll(Nf4Files.tensors(plain, e.getValue().quantized()));
                  }
                  return;
                }
              }
              state.put(name, tensor);
            });
    return state;
  }

  /**
   * Puts a saved adapter on a network. For an adapter that PiSSA started the network must hold the
   * residual weights.
   *
   * @throws org.tikhon.data.DataException if a file is not what it must be
   * @throws IllegalArgumentException if the network lacks a layer or it has other sizes
   */
  public static PeftModel load(Module base, Path folder) throws IOException {
    try (AdapterFile file = AdapterFile.open(folder);
        Scope scope = Scope.open()) {
      AdapterConfig c = file.config();
      Map<String, Target> all = targets(base, c.fanInFanOut());
      for (String path : file.layers().keySet()) {
        if (!all.containsKey(path)) {
          throw new IllegalArgumentException(
              "the network has no layer %s; near: %s"
                  .formatted(path, String.join(", ", LayerNames.nearest(path, all.keySet()))));
        }
      }
      List<Tensor> frozen = base.parameters();
      base.freeze();
      Rng rng = new Rng(0);
      Map<String, LoraWeight> layers = new LinkedHashMap<>();
      for (AdapterFile.Layer layer : file.layers().values()) {
        Target t = all.get(layer.path());
        layers.put(
            layer.path(),
            LoraWeight.attach(
                t.layer,
                t.parameter,
                layer.path(),
                t.layout,
                c.scaling(layer.path(), layer.rank()),
                c.dropout(),
                layer.a().tensor(),
                layer.b().tensor(),
                rng));
      }
      LoraConfig config =
          new LoraConfig(
              c.r(),
              c.alpha(),
              c.rsLora(),
              c.dropout(),
              c.targetModules(),
              LoraInit.KAIMING,
              c.fanInFanOut());
      return new PeftModel(base, config, all, layers, frozen);
    }
  }

  /**
   * Writes what was trained as a plain LoRA of rank 2r for the original weights: {@code s (B A - B0
   * A0) = s [B | -B0] [A ; A0]}.
   *
   * @param folder where to
   * @param initialAdapter the folder of {@link #save} right after {@link #wrap}
   * @return the folder
   */
  public Path saveAsLora(Path folder, Path initialAdapter) throws IOException {
    if (layers.values().stream().anyMatch(l -> l.quantized() != null)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the base is 4-bit: the converted LoRA is not equivalent on the quantised original weights, only on those in full precision less the quantisation error");
    }
    Path trained = Files.createTempDirectory("adapter");
    try {
      save(trained);
      try (AdapterFile now = AdapterFile.open(trained);
          AdapterFile first = AdapterFile.open(initialAdapter)) {
        AdapterFile.convert(now, first, folder, null);
      }
    } finally {
      deleteAll(trained);
    }
    return folder;
  }

  private static void deleteAll(Path folder) throws IOException {
    for (String name : List.of(AdapterFile.FILE, AdapterConfig.FILE)) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.deleteIfExists(folder);
  }
}
