package org.tikhon.adapt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code adapter_config.json} of the Python library peft, for LoRA.
 *
 * @param r the rank, where rankPattern says nothing else
 * @param alpha the numerator of the scaling, where alphaPattern says nothing else
 * @param rsLora whether the scaling is {@code alpha / sqrt(r)}
 * @param dropout of the pair's input, in training
 * @param fanInFanOut whether the base's weights are stored {@code [in, out]}
 * @param targetModules names or ends of names of the adapted layers
 * @param rankPattern ranks of layers by the end of their name (a regular expression)
 * @param alphaPattern numerators likewise
 * @param init the start: {@code "true"}, {@code "pissa"}, {@code "pissa_niter_4"}, ...; a saved
 *     adapter holds {@code "true"}, for its base is the residual already
 * @param taskType such as {@code "CAUSAL_LM"}, or null
 * @param baseModel where the base is, or null
 */
record AdapterConfig(
    int r,
    double alpha,
    boolean rsLora,
    double dropout,
    boolean fanInFanOut,
    List<String> targetModules,
    Map<String, Integer> rankPattern,
    Map<String, Double> alphaPattern,
    String init,
    String taskType,
    String baseModel) {
  static final String FILE = "adapter_config.json";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** The settings of an adapter whose layers all have the same rank. */
  static AdapterConfig of(
      LoraConfig config, List<String> targetModules, String taskType, String baseModel) {
    return new AdapterConfig(
        config.r(),
        config.alpha(),
        config.rsLora(),
        config.dropout(),
        config.fanInFanOut(),
        targetModules,
        Map.of(),
        Map.of(),
        "true",
        taskType,
        baseModel);
  }

  /** The factor of a layer's product. */
  double scaling(String path, long rank) {
    return LoraConfig.scaling(matching(alphaPattern, path).orElse(alpha), rank, rsLora);
  }

  /** The rank that a layer must have. */
  int rank(String path) {
    return matching(rankPattern, path).orElse(r);
  }

  private static <T> Optional<T> matching(Map<String, T> pattern, String path) {
    return pattern.entrySet().stream()
        .filter(e -> Pattern.matches("(?:.*\\.)?(?:" + e.getKey() + ")", path))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /**
   * The settings after conversion to a plain LoRA: rank 2r and a numerator that keeps the scaling.
   *
   * @throws IllegalArgumentException for rsLoRA with patterns
   */
  AdapterConfig doubled(String newBase) {
    if (rsLora && !(rankPattern.isEmpty() && alphaPattern.isEmpty())) {
      throw new IllegalArgumentException(
          "an adapter with use_rslora and rank_pattern or alpha_pattern cannot be converted: the scaling of its layers is ambiguous");
    }
    double factor = rsLora ? Math.sqrt(2) : 2;
    Map<String, Integer> ranks = new LinkedHashMap<>();
    rankPattern.forEach((k, v) -> ranks.put(k, 2 * v));
    Map<String, Double> alphas = new LinkedHashMap<>();
    alphaPattern.forEach((k, v) -> alphas.put(k, 2 * v));
    return new AdapterConfig(
        2 * r,
        factor * alpha,
        rsLora,
        dropout,
        fanInFanOut,
        targetModules,
        ranks,
        alphas,
        "true",
        taskType,
        newBase);
  }

  static AdapterConfig read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    try {
      return parse(file, JSON.readTree(Files.readString(file)));
    } catch (JacksonException e) {
      throw new DataException(file + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static AdapterConfig parse(Path file, JsonNode root) {
    String type = root.path("peft_type").asString("");
    if (!type.equals("LORA")) {
      throw new DataException(file + ": peft_type must be LORA, is " + root.path("peft_type"));
    }
    if (root.path("use_dora").asBoolean(false)) {
      throw new DataException(file + ": use_dora is not supported");
    }
    int r = root.path("r").asInt(0);
    double alpha = root.path("lora_alpha").asDouble(0);
    if (r < 1 || !(alpha > 0)) {
      throw new DataException(
          "%s: r must be at least 1 and lora_alpha above 0, are %s and %s"
              .formatted(file, root.path("r"), root.path("lora_alpha")));
    }
    List<String> targets = new ArrayList<>();
    JsonNode targetNode = root.path("target_modules");
    if (targetNode.isString()) {
      targets.add(targetNode.asString());
    } else {
      targetNode.forEach(t -> targets.add(t.asString()));
    }
    Map<String, Integer> ranks = new LinkedHashMap<>();
    root.path("rank_pattern")
        .properties()
        .forEach(e -> ranks.put(e.getKey(), e.getValue().asInt()));
    Map<String, Double> alphas = new LinkedHashMap<>();
    root.path("alpha_pattern")
        .properties()
        .forEach(e -> alphas.put(e.getKey(), e.getValue().asDouble()));
    checkPatterns(file, ranks);
    checkPatterns(file, alphas);
    return new AdapterConfig(
        r,
        alpha,
        root.path("use_rslora").asBoolean(false),
        root.path("lora_dropout").asDouble(0),
        root.path("fan_in_fan_out").asBoolean(false),
        targets,
        ranks,
        alphas,
        root.path("init_lora_weights").asString("true"),
        text(root.path("task_type")),
        text(root.path("base_model_name_or_path")));
  }

  private static void checkPatterns(Path file, Map<String, ?> patterns) {
    for (String pattern : patterns.keySet()) {
      try {
        Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        throw new DataException(
            file + ": not a regular expression: " + pattern + ": " + e.getDescription(), e);
      }
    }
  }

  private static String text(JsonNode node) {
    return node.isString() ? node.asString() : null;
  }

  void write(Path folder) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode alphas = root.putObject("alpha_pattern");
    alphaPattern.forEach((k, v) -> number(alphas, k, v));
    root.putNull("auto_mapping");
    root.put("base_model_name_or_path", baseModel);
    root.put("bias", "none");
    root.put("fan_in_fan_out", fanInFanOut);
    root.put("inference_mode", true);
    if (init.equals("true") || init.equals("false")) {
      root.put("init_lora_weights", init.equals("true"));
    } else {
      root.put("init_lora_weights", init);
    }
    root.putNull("layers_pattern");
    root.putNull("layers_to_transform");
    number(root, "lora_alpha", alpha);
    root.put("lora_dropout", dropout);
    root.putNull("modules_to_save");
    root.put("peft_type", "LORA");
    root.put("r", r);
    ObjectNode ranks = root.putObject("rank_pattern");
    rankPattern.forEach(ranks::put);
    root.putNull("revision");
    ArrayNode targets = root.putArray("target_modules");
    targetModules.forEach(targets::add);
    root.put("task_type", taskType);
    root.put("use_rslora", rsLora);
    AtomicFiles.writeString(folder.resolve(FILE), JSON.writeValueAsString(root) + "\n");
  }

  private static void number(ObjectNode node, String name, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      node.put(name, (long) value);
    } else {
      node.put(name, value);
    }
  }
}
