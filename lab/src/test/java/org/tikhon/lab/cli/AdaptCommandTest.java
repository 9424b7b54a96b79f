package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tikhon.adapt.Nf4;
import org.tikhon.adapt.Nf4Files;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class AdaptCommandTest {
  private static final int WIDTH = 24;
  private static final String KEY = "base_model.model.";

  private final Rng rng = new Rng(0);
  private final JsonMapper json = new JsonMapper();
  private Scope scope;

  @TempDir private Path folder;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** The exit code and what was printed. */
  private record Result(int code, String out, String err) {}

  private static Result run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    String[] words = Arrays.stream(arguments).map(Object::toString).toArray(String[]::new);
    return new Result(line.execute(words), out.toString(), err.toString());
  }

  private static void succeeds(Object... arguments) {
    Result result = run(arguments);
    assertThat(result.code).as(result.err).isZero();
  }

  /** One line on standard error, exit code 2. */
  private static void isRefused(String message, Object... arguments) {
    Result result = run(arguments);
    assertThat(result.err.strip().lines().toList()).hasSize(1);
    assertThat(result.err).contains(message);
    assertThat(result.code).isEqualTo(2);
    assertThat(result.out).isEmpty();
  }

  // ---- Small checkpoints in the shapes of real ones

  private Map<String, Tensor> gpt2(Dtype type) {
    Map<String, Tensor> t = new LinkedHashMap<>();
    t.put("transformer.wte.weight", weight(type, 50, WIDTH));
    t.put("transformer.wpe.weight", weight(type, 16, WIDTH));
    for (int i = 0; i < 2; i++) {
      String h = "transformer.h." + i + ".";
      t.put(h + "ln_1.weight", Tensor.ones(WIDTH).to(type));
      t.put(h + "attn.bias", Tensor.ones(1, 1, 16, 16).to(Dtype.BOOL));
      t.put(h + "attn.c_attn.weight", weight(type, WIDTH, 3 * WIDTH));
      t.put(h + "attn.c_attn.bias", weight(type, 3 * WIDTH));
      t.put(h + "attn.c_proj.weight", weight(type, WIDTH, WIDTH));
      t.put(h + "mlp.c_fc.weight", weight(type, WIDTH, 4 * WIDTH));
      t.put(h + "mlp.c_proj.weight", weight(type, 4 * WIDTH, WIDTH));
    }
    return t;
  }

  private Map<String, Tensor> llama(Dtype type) {
    Map<String, Tensor> t = new LinkedHashMap<>();
    t.put("model.embed_tokens.weight", weight(type, 50, WIDTH));
    for (int i = 0; i < 2; i++) {
      String l = "model.layers." + i + ".";
      for (String p : List.of("q_proj", "o_proj")) {
        t.put(l + "self_attn." + p + ".weight", weight(type, WIDTH, WIDTH));
      }
      for (String p : List.of("k_proj", "v_proj")) {
        t.put(l + "self_attn." + p + ".weight", weight(type, WIDTH / 2, WIDTH));
      }
      t.put(l + "mlp.gate_proj.weight", weight(type, 40, WIDTH));
      t.put(l + "mlp.up_proj.weight", weight(type, 40, WIDTH));
      t.put(l + "mlp.down_proj.weight", weight(type, WIDTH, 40));
      t.put(l + "input_layernorm.weight", Tensor.ones(WIDTH).to(type));
    }
    t.put("lm_head.weight", weight(type, 50, WIDTH));
    return t;
  }

  private Tensor weight(Dtype type, long... shape) {
    return rng.normal(shape).mul(0.2).to(type);
  }

  private Path file(String name, Map<String, Tensor> tensors) throws IOException {
    Path path = folder.resolve(name);
    Safetensors.write(path, tensors, Map.of("format", "pt"));
    return path;
  }

  /** A model's folder with two shards, an index and a configuration. */
  private Path sharded(Map<String, Tensor> tensors) throws IOException {
    Path model = folder.resolve("sharded");
    Map<String, Map<String, Tensor>> shards = new LinkedHashMap<>();
    Map<String, String> places = new LinkedHashMap<>();
    int i = 0;
    for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
      String shard = "model-0000%d-of-00002.safetensors".formatted(2 * i++ / tensors.size() + 1);
      shards.computeIfAbsent(shard, s -> new LinkedHashMap<>()).put(e.getKey(), e.getValue());
      places.put(e.getKey(), shard);
    }
    for (Map.Entry<String, Map<String, Tensor>> shard : shards.entrySet()) {
      Safetensors.write(model.resolve(shard.getKey()), shard.getValue(), Map.of("format", "pt"));
    }
    Files.writeString(
        model.resolve("model.safetensors.index.json"),
        json.writeValueAsString(Map.of("metadata", Map.of("total_size", 1), "weight_map", places)));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"llama\"}");
    return model;
  }

  private static double difference(Tensor a, Tensor b) {
    return a.to(Dtype.FLOAT32).sub(b.to(Dtype.FLOAT32)).abs().max().item();
  }

  /** Doubles every B of an adapter: as good as training. */
  private Path trained(Path adapter) throws IOException {
    Path out = folder.resolve("trained");
    Map<String, Tensor> tensors = Safetensors.read(adapter.resolve("adapter_model.safetensors"));
    tensors.replaceAll((n, t) -> n.contains("lora_B") ? t.mul(2) : t);
    Safetensors.write(out.resolve("adapter_model.safetensors"), tensors, Map.of("format", "pt"));
    Files.copy(adapter.resolve("adapter_config.json"), out.resolve("adapter_config.json"));
    return out;
  }

  // ---- The whole way

  @ParameterizedTest
  @EnumSource(
      value = Dtype.class,
      names = {"FLOAT32", "BFLOAT16"})
  void gpt2IsSplitTrainedConvertedAndMerged(Dtype type) throws Exception {
    Map<String, Tensor> original = gpt2(type);
    Path model = file("gpt2.safetensors", original);
    Path out = folder.resolve("pissa");
    Result result = run("adapt", "pissa", model, out, "--rank", 4, "--niter", "exact", "--json");
    assertThat(result.code).as(result.err).isZero();
    JsonNode report = json.readTree(result.out);
    assertThat(report.get("layers").size()).isEqualTo(8);

    Map<String, Tensor> residual = Safetensors.read(out.resolve("base/model.safetensors"));
    assertThat(residual.keySet()).containsExactlyElementsOf(original.keySet());
    Path adapter = out;
    Map<String, Tensor> pairs = Safetensors.read(adapter.resolve("adapter_model.safetensors"));
    assertThat(pairs).hasSize(16);
    String layer = "transformer.h.0.attn.c_attn";
    Tensor a = pairs.get(KEY + layer + ".lora_A.weight");
    Tensor b = pairs.get(KEY + layer + ".lora_B.weight");
    assertThat(a.dtype()).isEqualTo(Dtype.FLOAT32);
    assertThat(a.shape()).containsExactly(4, WIDTH);
    assertThat(b.shape()).containsExactly(3 * WIDTH, 4);
    Tensor w = original.get(layer + ".weight").to(Dtype.FLOAT32);
    // The pair is the principal part of the transposed weight.
    Linalg.Svd svd = Linalg.svd(w.t());
    Tensor principal =
        svd.u().narrow(1, 0, 4).mul(svd.s().narrow(0, 0, 4)).matmul(svd.vh().narrow(0, 0, 4));
    assertThat(difference(b.matmul(a), principal)).isLessThan(1e-5);
    Tensor r = residual.get(layer + ".weight");
    assertThat(r.dtype()).isEqualTo(type);
    assertThat(r.toFloatArray())
        .isEqualTo(w.addScaled(b.matmul(a).t(), -1).to(type).toFloatArray());
    assertThat(residual.get("transformer.wte.weight").toFloatArray())
        .isEqualTo(original.get("transformer.wte.weight").toFloatArray());
    assertThat(residual.get("transformer.h.0.attn.bias").dtype()).isEqualTo(Dtype.BOOL);

    JsonNode config = json.readTree(Files.readString(adapter.resolve("adapter_config.json")));
    assertThat(config.get("fan_in_fan_out").asBoolean()).isTrue();
    assertThat(config.get("r").asInt()).isEqualTo(4);
    assertThat(config.get("lora_alpha").asInt()).isEqualTo(4);
    assertThat(config.get("task_type").asString()).isEqualTo("CAUSAL_LM");
    assertThat(config.get("target_modules").valueStream().map(JsonNode::asString))
        .containsExactly("c_attn", "c_proj", "c_fc");

    // Merged untrained it is the original again, to the rounding of the residual.
    Path merged = folder.resolve("merged.safetensors");
    succeeds("adapt", "merge", out.resolve("base"), adapter, merged);
    Map<String, Tensor> back = Safetensors.read(merged);
    original.forEach(
        (n, t) ->
            assertThat(difference(back.get(n), t))
                .as(n)
                .isLessThanOrEqualTo(type == Dtype.FLOAT32 ? 1e-6 : 0.01));

    // Trained: the converted LoRA on the original is the trained pair on the residual.
    Path trained = trained(adapter);
    Path lora = folder.resolve("lora");
    succeeds("adapt", "to-lora", trained, adapter, lora, "--base", model);
    succeeds("adapt", "merge", out.resolve("base"), trained, folder.resolve("one"));
    succeeds("adapt", "merge", model, lora, folder.resolve("two"));
    Map<String, Tensor> one = Safetensors.read(folder.resolve("one/model.safetensors"));
    Map<String, Tensor> two = Safetensors.read(folder.resolve("two/model.safetensors"));
    one.forEach(
        (n, t) ->
            assertThat(difference(t, two.get(n)))
                .as(n)
                .isLessThanOrEqualTo(type == Dtype.FLOAT32 ? 2e-6 : 0.02));
    JsonNode converted = json.readTree(Files.readString(lora.resolve("adapter_config.json")));
    assertThat(converted.get("r").asInt()).isEqualTo(8);
    assertThat(converted.get("lora_alpha").asInt()).isEqualTo(8);
    assertThat(
            Safetensors.read(lora.resolve("adapter_model.safetensors"))
                .get(KEY + layer + ".lora_B.weight")
                .shape())
        .containsExactly(3 * WIDTH, 8);
  }

  @ParameterizedTest
  @EnumSource(
      value = Dtype.class,
      names = {"FLOAT32", "BFLOAT16"})
  void aShardedLlamaKeepsItsShards(Dtype type) throws Exception {
    Map<String, Tensor> original = llama(type);
    Path model = sharded(original);
    Path out = folder.resolve("pissa");
    succeeds("adapt", "pissa", model, out, "--rank", 3);
    try (Stream<Path> files = Files.list(out.resolve("base"))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "config.json",
              "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors",
              "model.safetensors.index.json");
    }
    Path adapter = out;
    Map<String, Tensor> pairs = Safetensors.read(adapter.resolve("adapter_model.safetensors"));
    assertThat(pairs).hasSize(28);
    assertThat(pairs.get(KEY + "model.layers.1.self_attn.k_proj.lora_A.weight").shape())
        .containsExactly(3, WIDTH);
    assertThat(pairs.get(KEY + "model.layers.1.mlp.down_proj.lora_B.weight").shape())
        .containsExactly(WIDTH, 3);
    JsonNode config = json.readTree(Files.readString(adapter.resolve("adapter_config.json")));
    assertThat(config.get("fan_in_fan_out").asBoolean()).isFalse();
    assertThat(config.get("target_modules").size()).isEqualTo(7);

    Path index = out.resolve("base/model.safetensors.index.json");
    succeeds("adapt", "merge", index, adapter, folder.resolve("merged"));
    try (Safetensors merged = Safetensors.openModel(folder.resolve("merged"))) {
      original.forEach(
          (n, t) ->
              assertThat(difference(merged.tensor(n), t))
                  .as(n)
                  .isLessThanOrEqualTo(type == Dtype.FLOAT32 ? 1e-6 : 0.01));
    }
    isRefused(
        "is sharded, so the output must be a folder",
        "adapt",
        "merge",
        out.resolve("base"),
        adapter,
        folder.resolve("m.safetensors"));
  }

  @Test
  void theSameSeedGivesTheSameFilesAndTargetsCanBeChosen() throws Exception {
    Path model = file("llama.safetensors", llama(Dtype.FLOAT32));
    for (String out : List.of("one", "two")) {
      succeeds(
          "adapt",
          "pissa",
          model,
          folder.resolve(out),
          "--rank",
          2,
          "--niter",
          2,
          "--targets",
          "layers\\.1\\.self_attn\\.(q|v)_proj");
    }
    String file = "adapter_model.safetensors";
    assertThat(Files.readAllBytes(folder.resolve("one").resolve(file)))
        .isEqualTo(Files.readAllBytes(folder.resolve("two").resolve(file)));
    JsonNode config = json.readTree(Files.readString(folder.resolve("one/adapter_config.json")));
    // The ends of these names would adapt layer 0 too.
    assertThat(config.get("target_modules").valueStream().map(JsonNode::asString))
        .containsExactly("model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.v_proj");
  }

  @Test
  void publishedGpt2FilesLackAPrefixWhichAdaptersHave() throws Exception {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    gpt2(Dtype.FLOAT32).forEach((n, t) -> tensors.put(n.replace("transformer.", ""), t));
    Path model = file("gpt2.safetensors", tensors);
    Path out = folder.resolve("pissa");
    succeeds("adapt", "pissa", model, out, "--rank", 2);
    assertThat(Safetensors.read(out.resolve("adapter_model.safetensors")))
        .containsKey(KEY + "transformer.h.1.mlp.c_fc.lora_A.weight");
    succeeds("adapt", "merge", out.resolve("base"), out, folder.resolve("m.safetensors"));
    assertThat(
            difference(
                Safetensors.read(folder.resolve("m.safetensors")).get("h.1.mlp.c_fc.weight"),
                tensors.get("h.1.mlp.c_fc.weight")))
        .isLessThan(1e-6);
  }

  @Test
  void anAdapterOnAFourBitBaseIsMergedInFullPrecision() throws Exception {
    Map<String, Tensor> tensors = llama(Dtype.FLOAT32);
    Path model = file("llama.safetensors", tensors);
    Path out = folder.resolve("pissa");
    String name = "model.layers.0.self_attn.q_proj.weight";
    succeeds(
        "adapt", "pissa", model, out, "--rank", 2, "--targets", "layers\\.0\\.self_attn\\.q_proj");
    Map<String, Tensor> base = Safetensors.read(out.resolve("base/model.safetensors"));
    Tensor residual = base.remove(name);
    base.putAll(Nf4Files.tensors(name, Nf4.quantize(residual)));
    Path fourBit = file("four.safetensors", base);
    Path merged = folder.resolve("merged.safetensors");
    succeeds("adapt", "merge", fourBit, out, merged);
    Map<String, Tensor> back = Safetensors.read(merged);
    assertThat(back.keySet()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
    assertThat(difference(back.get(name), tensors.get(name))).isBetween(1e-4, 0.1);
    isRefused(
        "initialise in f32/f16/bf16, then quantise the residual",
        "adapt",
        "pissa",
        fourBit,
        folder.resolve("again"),
        "--rank",
        2);
    Result result = run("adapt", "to-lora", out, out, folder.resolve("l"), "--base", fourBit);
    assertThat(result.code).isZero();
    assertThat(result.err).contains("the base is 4-bit");
  }

  @Test
  void anAdapterThatPeftWroteIsMergedWithItsPatterns() throws Exception {
    Map<String, Tensor> tensors = llama(Dtype.FLOAT32);
    Path model = file("llama.safetensors", tensors);
    Path adapter = Files.createDirectory(folder.resolve("adapter"));
    // Every field of peft 0.21.
    Files.writeString(
        adapter.resolve("adapter_config.json"),
        """
        {"alora_invocation_tokens": null, "alpha_pattern": {"layers.0.self_attn.q_proj": 12},
         "arrow_config": null, "auto_mapping": null, "base_model_name_or_path": "llama",
         "bias": "none", "corda_config": null, "ensure_weight_tying": false, "eva_config": null,
         "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
         "init_lora_weights": "pissa_niter_4", "layer_replication": null, "layers_pattern": null,
         "layers_to_transform": null, "loftq_config": {}, "lora_alpha": 4, "lora_bias": false,
         "lora_dropout": 0.05, "megatron_config": null, "megatron_core": "megatron.core",
         "modules_to_save": null, "peft_type": "LORA", "peft_version": "0.21.0",
         "qalora_group_size": 16, "r": 2, "rank_pattern": {"q_proj": 3}, "revision": null,
         "target_modules": ".*self_attn\\\\.(q|v)_proj", "target_parameters": null,
         "task_type": "CAUSAL_LM", "trainable_token_indices": null, "use_dora": false,
         "use_qalora": false, "use_rslora": false}
        """);
    Map<String, Tensor> pairs = new LinkedHashMap<>();
    String q = "model.layers.0.self_attn.q_proj";
    String v = "model.layers.0.self_attn.v_proj";
    pairs.put(KEY + q + ".lora_A.weight", rng.normal(3, WIDTH));
    pairs.put(KEY + q + ".lora_B.weight", rng.normal(WIDTH, 3));
    pairs.put(KEY + v + ".lora_A.weight", rng.normal(2, WIDTH));
    pairs.put(KEY + v + ".lora_B.weight", rng.normal(WIDTH / 2, 2));
    Safetensors.write(adapter.resolve("adapter_model.safetensors"), pairs, Map.of("format", "pt"));
    Path out = folder.resolve("m.safetensors");
    Result result = run("adapt", "merge", model, adapter, out);
    assertThat(result.code).as(result.err).isZero();
    assertThat(result.err).contains("init_lora_weights is pissa_niter_4");
    Map<String, Tensor> merged = Safetensors.read(out);
    // Scalings 12 / 3 and 4 / 2.
    for (Map.Entry<String, Double> e : Map.of(q, 4.0, v, 2.0).entrySet()) {
      Tensor product =
          pairs
              .get(KEY + e.getKey() + ".lora_B.weight")
              .matmul(pairs.get(KEY + e.getKey() + ".lora_A.weight"));
      Tensor expected = tensors.get(e.getKey() + ".weight").addScaled(product, e.getValue());
      assertThat(difference(merged.get(e.getKey() + ".weight"), expected)).isLessThan(1e-5);
    }
  }

  // ---- Bad input

  @Test
  void badInputOfPissaIsRefused() throws Exception {
    Path model = file("gpt2.safetensors", gpt2(Dtype.FLOAT32));
    Path out = folder.resolve("out");
    isRefused("none: no such file", "adapt", "pissa", folder.resolve("none"), out, "--rank", 2);
    isRefused(
        "rank 25 exceeds min(72, 24) of layer transformer.h.0.attn.c_attn",
        "adapt",
        "pissa",
        model,
        out,
        "--rank",
        25);
    isRefused("rank must be at least 1, was 0", "adapt", "pissa", model, out, "--rank", 0);
    isRefused(
        "the targets q_proj match no layer; near: c_proj",
        "adapt",
        "pissa",
        model,
        out,
        "--rank",
        2,
        "--targets",
        "q_proj");
    isRefused(
        "--targets is not a regular expression: (",
        "adapt",
        "pissa",
        model,
        out,
        "--rank",
        2,
        "--targets",
        "(");
    for (String niter : List.of("-1", "many")) {
      isRefused("--niter must be", "adapt", "pissa", model, out, "--rank", 2, "--niter", niter);
    }
    isRefused(
        "only matrices can be adapted",
        "adapt",
        "pissa",
        model,
        out,
        "--rank",
        1,
        "--targets",
        "ln_1");
    Map<String, Tensor> integers = gpt2(Dtype.FLOAT32);
    integers.put("transformer.h.0.mlp.c_fc.weight", Tensor.zeros(Dtype.INT8, WIDTH, 4 * WIDTH));
    isRefused(
        "layer transformer.h.0.mlp.c_fc is INT8",
        "adapt",
        "pissa",
        file("i.safetensors", integers),
        out,
        "--rank",
        2);
    Map<String, Tensor> nan = gpt2(Dtype.FLOAT32);
    nan.put(
        "transformer.h.1.mlp.c_fc.weight",
        Tensor.full(Double.NaN, Dtype.FLOAT32, WIDTH, 4 * WIDTH));
    isRefused(
        "layer transformer.h.1.mlp.c_fc: the weight is not finite",
        "adapt",
        "pissa",
        file("n.safetensors", nan),
        out,
        "--rank",
        2);
    assertThat(out).doesNotExist();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(Path::toString)).noneMatch(f -> f.endsWith(".part"));
    }
  }

  @ParameterizedTest
  @CsvSource({"4", "100", "3000"})
  void aTruncatedFileIsRefused(int length) throws Exception {
    Path model = file("gpt2.safetensors", gpt2(Dtype.FLOAT32));
    Path cut = folder.resolve("cut.safetensors");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(model), length));
    isRefused("cut.safetensors", "adapt", "pissa", cut, folder.resolve("out"), "--rank", 2);
    Path corrupt = folder.resolve("corrupt.safetensors");
    byte[] bytes = Files.readAllBytes(model);
    bytes[20] = 0;
    bytes[21] = '{';
    Files.write(corrupt, bytes);
    isRefused("not JSON", "adapt", "pissa", corrupt, folder.resolve("out"), "--rank", 2);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void nothingIsWrittenOverWithoutForce() throws Exception {
    Path model = file("gpt2.safetensors", gpt2(Dtype.FLOAT32));
    Path out = Files.createDirectory(folder.resolve("out"));
    Path mine = Files.writeString(out.resolve("notes"), "mine");
    Files.writeString(out.resolve("model.safetensors"), "old");
    isRefused("is not empty; add --force", "adapt", "pissa", model, out, "--rank", 2);
    assertThat(out.resolve("model.safetensors")).hasContent("old");
    succeeds("adapt", "pissa", model, out, "--rank", 2, "--force");
    assertThat(mine).hasContent("mine");
    assertThat(out.resolve("model.safetensors")).hasContent("old");
    assertThat(Safetensors.read(out.resolve("base/model.safetensors"))).isNotEmpty();

    Path adapter = out;
    Path merged = Files.writeString(folder.resolve("merged.safetensors"), "old");
    isRefused(
        "exists already; add --force", "adapt", "merge", out.resolve("base"), adapter, merged);
    assertThat(merged).hasContent("old");
    succeeds("adapt", "merge", out.resolve("base"), adapter, merged, "--force");
    isRefused("holds the trained adapter", "adapt", "to-lora", adapter, adapter, out);
    isRefused(
        "is not empty; add --force", "adapt", "to-lora", adapter, adapter, out.resolve("base"));
    Path base = out.resolve("base");
    isRefused("holds the base", "adapt", "merge", base, adapter, base, "--force");
    isRefused("holds the adapter", "adapt", "merge", base, adapter, out, "--force");
    isRefused("holds the model itself", "adapt", "pissa", model, folder, "--rank", 2, "--force");
    isRefused("exists and is not a folder", "adapt", "pissa", model, mine, "--rank", 2, "--force");
  }

  @Test
  void badInputOfMergeAndToLoraIsRefused() throws Exception {
    Path gpt2 = file("gpt2.safetensors", gpt2(Dtype.FLOAT32));
    Path out = folder.resolve("out");
    Path pissa = folder.resolve("pissa");
    succeeds("adapt", "pissa", gpt2, pissa, "--rank", 2);
    Path adapter = pissa;

    Path llama = file("llama.safetensors", llama(Dtype.FLOAT32));
    isRefused(
        "the base has no layer transformer.h.0.attn.c_attn", "adapt", "merge", llama, adapter, out);
    Map<String, Tensor> other = gpt2(Dtype.FLOAT32);
    other.put("transformer.h.0.attn.c_attn.weight", rng.normal(WIDTH, 3 * WIDTH + 3));
    isRefused(
        "has the shape [24, 75], the adapter's pair is for [out, in] = [72, 24]",
        "adapt",
        "merge",
        file("o.safetensors", other),
        adapter,
        out);
    isRefused("none: no such file", "adapt", "merge", folder.resolve("none"), adapter, out);

    Path broken = Files.createDirectory(folder.resolve("broken"));
    isRefused("adapter_config.json: no such file", "adapt", "merge", gpt2, broken, out);
    Path config = broken.resolve("adapter_config.json");
    Files.writeString(config, "{");
    isRefused("not JSON", "adapt", "merge", gpt2, broken, out);
    Files.writeString(config, "{\"peft_type\": \"IA3\"}");
    isRefused("peft_type must be LORA", "adapt", "merge", gpt2, broken, out);
    Files.writeString(config, "{\"peft_type\": \"LORA\", \"r\": 0, \"lora_alpha\": 1}");
    isRefused("r must be at least 1", "adapt", "merge", gpt2, broken, out);
    Files.writeString(
        config, "{\"peft_type\": \"LORA\", \"r\": 1, \"lora_alpha\": 1, \"use_dora\": true}");
    isRefused("use_dora is not supported", "adapt", "merge", gpt2, broken, out);
    Files.writeString(config, "{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 1}");
    isRefused("adapter_model.safetensors: no such file", "adapt", "merge", gpt2, broken, out);
    Files.copy(
        adapter.resolve("adapter_model.safetensors"), broken.resolve("adapter_model.safetensors"));
    isRefused("has rank 2, the configuration says 3", "adapt", "merge", gpt2, broken, out);
    Files.writeString(config, "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 1}");
    isRefused("different scalings", "adapt", "to-lora", broken, adapter, out);
    Files.writeString(
        config,
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 2, \"use_rslora\": true, \"alpha_pattern\": {\"c_fc\": 3}}");
    isRefused("use_rslora and rank_pattern", "adapt", "to-lora", broken, adapter, out);
    Safetensors.write(
        broken.resolve("adapter_model.safetensors"),
        Map.of(KEY + "lm_head.weight", rng.normal(2, 2)),
        Map.of());
    isRefused("is no pair of a LoRA", "adapt", "merge", gpt2, broken, out);

    Path rank3 = folder.resolve("rank3");
    succeeds("adapt", "pissa", gpt2, rank3, "--rank", 3);
    isRefused("different scalings", "adapt", "to-lora", adapter, rank3, out);
    isRefused(
        "adapter_config.json: no such file", "adapt", "to-lora", adapter, folder.resolve("x"), out);
    isRefused("the base has no layer", "adapt", "to-lora", adapter, adapter, out, "--base", llama);
    assertThat(out).doesNotExist();
  }

  @Test
  void anIndexThatDoesNotFitItsShardsIsRefused() throws Exception {
    Path model = sharded(llama(Dtype.FLOAT32));
    Path index = model.resolve("model.safetensors.index.json");
    Path out = folder.resolve("out");
    String text = Files.readString(index);
    Files.writeString(index, text.replace("lm_head.weight", "lm_head2.weight"));
    isRefused("lacks the tensor lm_head2.weight", "adapt", "pissa", model, out, "--rank", 2);
    Files.writeString(index, "{\"weight_map\": {\"a\": \"../other.safetensors\"}}");
    isRefused("is no name of a file beside the index", "adapt", "pissa", model, out, "--rank", 2);
    Files.writeString(index, "{}");
    isRefused("no object weight_map", "adapt", "pissa", model, out, "--rank", 2);
    Files.writeString(index, text);
    Files.delete(model.resolve("model-00002-of-00002.safetensors"));
    isRefused(
        "model-00002-of-00002.safetensors: no such file",
        "adapt",
        "pissa",
        model,
        out,
        "--rank",
        2);
    isRefused(
        "there is no model.safetensors",
        "adapt",
        "pissa",
        Files.createDirectory(folder.resolve("empty")),
        out,
        "--rank",
        2);
  }

  @Test
  void helpHasAnExample() {
    for (String command : List.of("pissa", "merge", "to-lora")) {
      Result result = run("adapt", command, "--help");
      assertThat(result.code).isZero();
      assertThat(result.out).contains("Example").contains("tikhon adapt " + command);
    }
    assertThat(run("adapt").code).isEqualTo(2);
  }
}
