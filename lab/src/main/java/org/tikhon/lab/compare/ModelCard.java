package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What must be known beside the weights to use a model.
 *
 * @param data what it was trained on
 * @param training the method, its setting and the seed, in words
 * @param method the recipe's name
 * @param setting the recipe's hyper-parameters
 * @param validation and {@code test} metrics
 */
public record ModelCard(
    String data,
    String training,
    String method,
    Map<String, Double> setting,
    BackboneSpec backbone,
    Problem.Inputs inputs,
    List<String> classes,
    Map<String, Double> validation,
    Map<String, Double> test) {
  private static final String FILE = "model.json";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  void write(Path folder) throws IOException {
    AtomicFiles.writeString(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
  }

  static ModelCard read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    try {
      return JSON.readValue(Files.readString(file), ModelCard.class);
    } catch (JacksonException e) {
      throw new DataException(
          file + ": not the description of a model: " + e.getOriginalMessage(), e);
    }
  }
}
