package org.tikhon.adapt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Conv2d;
import org.tikhon.nn.Embedding;
import org.tikhon.nn.Gpt;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.nn.Sequential;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PeftModelTest {
  private final Rng rng = new Rng(0);
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

  private static Module mlp(long seed) {
    Rng r = new Rng(seed);
    return new Sequential(
        new Linear(20, 16, r),
        Lambda.relu(),
        new Linear(16, 12, r),
        Lambda.relu(),
        new Linear(12, 3, r));
  }

  private static Map<String, Tensor> copyOf(Map<String, Tensor> state) {
    Map<String, Tensor> copy = new LinkedHashMap<>();
    state.forEach((n, t) -> copy.put(n, t.detach().cloned()));
    return copy;
  }

  private static double difference(Tensor a, Tensor b) {
    return a.detach().sub(b.detach()).abs().max().item();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 16})
  void wrappingLeavesTheFunctionAsItWas(int niter) {
    Module network = mlp(1);
    Tensor x = rng.normal(8, 20);
    Tensor before = network.forward(x);
    LoraInit init = niter < 0 ? LoraInit.PISSA : LoraInit.pissaNiter(niter);
    PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(3).withInit(init));
    assertThat(difference(model.forward(x), before)).isLessThanOrEqualTo(1e-6);
    assertThat(model.layers()).containsOnlyKeys("0", "2", "4");
    assertThat(network.namedParameters().keySet())
        .allMatch(n -> n.endsWith("lora_A") || n.endsWith("lora_B"))
        .hasSize(6);
    assertThat(model.parameters()).hasSize(6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"KAIMING", "GAUSSIAN"})
  void loraStartsAtTheBase(String kind) {
    Module network = mlp(1);
    Tensor x = rng.normal(8, 20);
    float[] before = network.forward(x).toFloatArray();
    PeftModel model =
        PeftModel.wrap(
            network, LoraConfig.lora(3).withInit(new LoraInit(LoraInit.Kind.valueOf(kind), 0)));
    assertThat(network.forward(x).toFloatArray()).isEqualTo(before);
    assertThat(model.layers().get("0").a().abs().max().item()).isPositive();
  }

  @Test
  void trainingChangesOnlyThePairsAndMergingAgrees() {
    Module network = mlp(1);
    PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(3));
    Map<String, Tensor> frozen = copyOf(network.stateDict());
    Tensor x = rng.normal(32, 20);
    Tensor y = rng.integers(0, 3, 32);
    Adam adam = Adam.adamW(model.parameters(), 1e-2, 0);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 30; step++) {
      adam.zeroGrad();
      Tensor loss = Functional.crossEntropy(model.forward(x), y);
      loss.backward();
      adam.step();
      first = step == 0 ? loss.item() : first;
      last = loss.item();
    }
    assertThat(last).isLessThan(0.7 * first);
    network
        .stateDict()
        .forEach(
            (n, t) -> {
              if (!n.contains("lora_")) {
                assertThat(t.toFloatArray()).as(n).isEqualTo(frozen.get(n).toFloatArray());
              }
            });

    Tensor unmerged = network.forward(x);
    model.merge();
    model.merge();
    assertThat(model.layers().get("0").isMerged()).isTrue();
    assertThat(difference(network.forward(x), unmerged)).isLessThanOrEqualTo(1e-5);
    model.unmerge();
    model.unmerge();
    assertThat(difference(network.forward(x), unmerged)).isLessThanOrEqualTo(1e-5);
    Tensor merged = model.layers().get("0").mergedWeight();
    Module plain = model.mergeAndUnload();
    assertThat(plain.namedParameters()).containsKeys("0.weight", "0.bias");
    assertThat(difference(plain.stateDict().get("0.weight"), merged)).isLessThan(1e-6);
    assertThat(difference(plain.forward(x), unmerged)).isLessThanOrEqualTo(1e-5);
  }

  @Test
  void aSavedAdapterAndItsResidualGiveTheSameModel() throws Exception {
    Module network = mlp(1);
    PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(3, "0", "4"));
    model.save(folder);
    Path base = folder.resolve("base.safetensors");
    Safetensors.write(base, model.baseState(), Map.of());

    Module other = mlp(2);
    other.loadStateDict(Safetensors.read(base));
    PeftModel loaded = PeftModel.load(other, folder);
    Tensor x = rng.normal(8, 20);
    assertThat(difference(loaded.forward(x), model.forward(x))).isLessThanOrEqualTo(1e-6);
    assertThat(loaded.layers()).containsOnlyKeys("0", "4");
  }

  @Test
  void theFilesAreThoseOfPeft() throws Exception {
    Module network = new Gpt(11, 8, 16, 2, 2, 0, rng);
    PeftModel.wrap(network, LoraConfig.pissa(4, "attn.out_proj", "mlp.0")).save(folder);
    try (Safetensors file = Safetensors.open(folder.resolve("adapter_model.safetensors"))) {
      assertThat(file.names())
          .containsExactlyInAnyOrder(
              "base_model.model.h.0.attn.out_proj.lora_A.weight",
              "base_model.model.h.0.attn.out_proj.lora_B.weight",
              "base_model.model.h.0.mlp.0.lora_A.weight",
              "base_model.model.h.0.mlp.0.lora_B.weight",
              "base_model.model.h.1.attn.out_proj.lora_A.weight",
              "base_model.model.h.1.attn.out_proj.lora_B.weight",
              "base_model.model.h.1.mlp.0.lora_A.weight",
              "base_model.model.h.1.mlp.0.lora_B.weight");
      assertThat(file.entry("base_model.model.h.0.mlp.0.lora_A.weight").shape())
          .containsExactly(4, 16);
      assertThat(file.entry("base_model.model.h.0.mlp.0.lora_B.weight").shape())
          .containsExactly(64, 4);
      assertThat(file.metadata()).containsEntry("format", "pt");
    }
    JsonNode config =
        new JsonMapper().readTree(Files.readString(folder.resolve("adapter_config.json")));
    assertThat(config.get("peft_type").asString()).isEqualTo("LORA");
    assertThat(config.get("r").asInt()).isEqualTo(4);
    assertThat(config.get("lora_alpha").asInt()).isEqualTo(4);
    assertThat(config.get("init_lora_weights").asBoolean()).isTrue();
    assertThat(config.get("bias").asString()).isEqualTo("none");
    for (String field :
        List.of(
            "lora_dropout",
            "target_modules",
            "task_type",
            "fan_in_fan_out",
            "use_rslora",
            "rank_pattern",
            "alpha_pattern",
            "base_model_name_or_path")) {
      assertThat(config.has(field)).as(field).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aTrainedAdapterBecomesAPlainLoraOnTheOriginal(boolean rsLora) throws Exception {
    Module network =
        new Sequential(new Linear(20, 16, rng), Lambda.tanh(), new Linear(16, 12, rng));
    Map<String, Tensor> original = copyOf(network.stateDict());
    LoraConfig config = new LoraConfig(8, 8, rsLora, 0, List.of(), LoraInit.PISSA, false);
    PeftModel model = PeftModel.wrap(network, config);
    Path initial = folder.resolve("initial");
    model.save(initial);
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      model.layers().values().forEach(l -> l.b().mul_(2));
    }
    Path converted = model.saveAsLora(folder.resolve("lora"), initial);

    Module plain = new Sequential(new Linear(20, 16, rng), Lambda.tanh(), new Linear(16, 12, rng));
    plain.loadStateDict(original);
    PeftModel lora = PeftModel.load(plain, converted);
    Tensor x = rng.normal(8, 20);
    assertThat(difference(lora.forward(x), model.forward(x))).isLessThanOrEqualTo(1e-6);
    LoraWeight layer = lora.layers().get("0");
    assertThat(layer.a().shape()).containsExactly(16, 20);
    assertThat(layer.scaling()).isCloseTo(config.scaling(), offset(1e-12));
    assertThat(lora.baseState().get("0.weight").toFloatArray())
        .isEqualTo(original.get("0.weight").toFloatArray());
    JsonNode json =
        new JsonMapper().readTree(Files.readString(converted.resolve("adapter_config.json")));
    assertThat(json.get("r").asInt()).isEqualTo(16);
    assertThat(json.get("lora_alpha").asDouble())
        .isCloseTo(rsLora ? 8 * Math.sqrt(2) : 16, offset(1e-12));
    assertThat(json.get("init_lora_weights").asBoolean()).isTrue();
  }

  @Test
  void convolutionsAndEmbeddingsAndTransposedWeightsAreAdapted() throws Exception {
    Module convolution = new Sequential(new Conv2d(3, 8, 3, rng));
    Tensor image = rng.normal(2, 3, 6, 6);
    Tensor before = convolution.forward(image);
    PeftModel model = PeftModel.wrap(convolution, LoraConfig.pissa(4));
    assertThat(difference(model.forward(image), before)).isLessThanOrEqualTo(1e-6);
    assertThat(model.layers().get("0").a().shape()).containsExactly(4, 27);
    model.save(folder.resolve("c"));
    try (Safetensors file = Safetensors.open(folder.resolve("c/adapter_model.safetensors"))) {
      assertThat(file.entry("base_model.model.0.lora_A.weight").shape())
          .containsExactly(4, 3, 3, 3);
      assertThat(file.entry("base_model.model.0.lora_B.weight").shape())
          .containsExactly(8, 4, 1, 1);
    }
    Module again = new Sequential(new Conv2d(3, 8, 3, rng));
    again.loadStateDict(model.baseState());
    assertThat(difference(PeftModel.load(again, folder.resolve("c")).forward(image), before))
        .isLessThanOrEqualTo(1e-6);
    model.merge();
    assertThat(difference(model.forward(image), before)).isLessThanOrEqualTo(1e-5);

    Module table = new Sequential(new Embedding(11, 6, rng));
    Tensor index = Tensor.of(new long[] {0, 3, 10});
    Tensor rows = table.forward(index);
    PeftModel embedding = PeftModel.wrap(table, LoraConfig.pissa(2, "0"));
    assertThat(difference(table.forward(index), rows)).isLessThanOrEqualTo(1e-6);
    assertThat(embedding.layers().get("0").a().shape()).containsExactly(2, 11);
    assertThat(embedding.layers().get("0").b().shape()).containsExactly(6, 2);
    embedding.save(folder.resolve("e"));
    try (Safetensors file = Safetensors.open(folder.resolve("e/adapter_model.safetensors"))) {
      assertThat(file.names())
          .containsExactly(
              "base_model.model.0.lora_embedding_A", "base_model.model.0.lora_embedding_B");
    }

    Module transposed = new Sequential(new Linear(6, 9, false, rng));
    Tensor w = transposed.stateDict().get("0.weight").detach().cloned();
    PeftModel fan =
        PeftModel.wrap(transposed, new LoraConfig(2, 2, false, 0, List.of(), LoraInit.PISSA, true));
    assertThat(fan.layers().get("0").a().shape()).containsExactly(2, 9);
    assertThat(difference(fan.layers().get("0").mergedWeight(), w)).isLessThanOrEqualTo(1e-6);
    Tensor x = rng.normal(3, 6);
    assertThat(difference(fan.forward(x), Functional.linear(x, w, null))).isLessThan(1e-5);
  }

  @Test
  void anAttentionsStackedProjectionIsAdapted() {
    Module network = new Gpt(11, 8, 16, 1, 2, 0, rng);
    Tensor x = Tensor.of(new long[] {1, 2, 3}, 1, 3);
    Tensor before = network.forward(x);
    PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(4));
    assertThat(model.layers())
        .containsOnlyKeys("h.0.attn.in_proj", "h.0.attn.out_proj", "h.0.mlp.0", "h.0.mlp.2");
    assertThat(difference(model.forward(x), before)).isLessThanOrEqualTo(2e-6);
  }

  @Test
  void aFourBitModelTrainsAndItsBaseIsStoredInFourBits() throws Exception {
    Module network = new Gpt(11, 8, 32, 1, 2, 0, rng);
    Tensor x = rng.integers(0, 11, 4, 8);
    Tensor before = network.forward(x);
    PeftModel model =
        PeftModel.wrapQuantized(network, LoraConfig.pissa(4), QPissa.Settings.qpissa(1), rng);
    assertThat(difference(model.forward(x), before)).isBetween(1e-4, 0.5);
    model.forward(x).square().mean().backward();
    model.parameters().forEach(p -> assertThat(p.grad()).isNotNull());
    Map<String, Tensor> state = model.baseState();
    assertThat(state.get("h.0.mlp.0.weight").dtype()).isEqualTo(Dtype.UINT8);
    assertThat(state)
        .containsKeys("h.0.attn.in_proj_weight.absmax", "h.0.mlp.0.bias", "wte.weight");
    Path file = folder.resolve("m.safetensors");
    Safetensors.write(file, state, Map.of());
    try (Safetensors read = Safetensors.open(file)) {
      Nf4Tensor q = Nf4Files.read(read, "h.0.mlp.0.weight");
      assertThat(q.dequantize().toFloatArray())
          .isEqualTo(model.layers().get("h.0.mlp.0").quantized().dequantize().toFloatArray());
    }
    Tensor y = model.forward(x);
    assertThat(difference(model.mergeAndUnload().forward(x), y)).isLessThan(1e-5);
  }

  @Test
  void dropoutActsOnThePairInTrainingOnly() {
    Module network = new Sequential(new Linear(20, 16, rng));
    Tensor x = rng.normal(8, 20);
    Tensor before = network.forward(x);
    PeftModel model =
        PeftModel.wrap(network, new LoraConfig(4, 4, false, .5, List.of(), LoraInit.PISSA, false));
    assertThat(difference(model.forward(x), before)).isGreaterThan(0.01);
    network.eval();
    assertThat(difference(model.forward(x), before)).isLessThan(1e-6);
  }

  @Test
  void badUseIsRefusedAndNothingIsChanged() throws Exception {
    Module network = mlp(1);
    assertThatThrownBy(() -> PeftModel.wrap(network, LoraConfig.pissa(3, "q_proj", "0")))
        .hasMessageStartingWith("target module q_proj matches no layer; near: ");
    assertThatThrownBy(() -> PeftModel.wrap(network, LoraConfig.pissa(13)))
        .hasMessage("rank 13 exceeds min(12, 16) of layer 2");
    assertThat(network.namedParameters()).hasSize(6);
    Module integers = new Sequential(new Linear(4, 4, rng));
    ((Linear) integers.children().get("0"))
        .parametrize(
            "weight",
            new org.tikhon.nn.Parametrization() {
              @Override
              public Tensor forward(Tensor original) {
                return original;
              }
            });
    assertThatThrownBy(() -> PeftModel.wrap(integers, LoraConfig.pissa(2)))
        .hasMessageContaining("is adapted already");

    PeftModel model = PeftModel.wrap(network, LoraConfig.pissa(3));
    assertThatThrownBy(() -> PeftModel.wrap(network, LoraConfig.pissa(3)))
        .hasMessageContaining("layer 0 is adapted already")
        .hasMessageContaining("saveAsLora");
    assertThatThrownBy(() -> model.saveAsLora(folder.resolve("l"), folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
    PeftModel.wrap(mlp(1), LoraConfig.pissa(2)).save(folder.resolve("two"));
    assertThatThrownBy(() -> model.saveAsLora(folder.resolve("l"), folder.resolve("two")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("different scalings");
    assertThat(folder.resolve("l")).doesNotExist();
    assertThatThrownBy(
            () -> PeftModel.load(new Sequential(new Linear(20, 16, rng)), folder.resolve("two")))
        .hasMessageContaining("the network has no layer 2");
    Rng r = new Rng(0);
    assertThatThrownBy(
            () ->
                PeftModel.load(
                    new Sequential(
                        new Linear(21, 16, r),
                        Lambda.relu(),
                        new Linear(16, 12, r),
                        Lambda.relu(),
                        new Linear(12, 3, r)),
                    folder.resolve("two")))
        .hasMessageContaining("the adapter of layer 0 has A [2, 20] and B [16, 2]");
    assertThatThrownBy(
            () ->
                PeftModel.wrapQuantized(
                    mlp(1),
                    new LoraConfig(2, 4, false, 0, List.of(), LoraInit.PISSA, false),
                    QPissa.Settings.qlora(),
                    rng))
        .hasMessageContaining("scaling 1");
  }
}
