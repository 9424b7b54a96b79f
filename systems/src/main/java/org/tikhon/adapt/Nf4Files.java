package org.tikhon.adapt;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * 4-bit tensors in safetensors files, as bitsandbytes and transformers store them. Beside {@code
 * NAME} (UINT8 {@code [ceil(n / 2), 1]}) there are {@code NAME.absmax}, {@code NAME.quant_map} (the
 * 16 levels), with double quantisation {@code NAME.nested_absmax} and {@code
 * NAME.nested_quant_map}, and {@code NAME.quant_state.bitsandbytes__nf4}: a JSON object as UINT8
 * text.
 */
public final class Nf4Files {
  private static final String STATE = ".quant_state.bitsandbytes__nf4";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Nf4Files() {}

  /** The tensors to write for a 4-bit tensor. */
  public static Map<String, Tensor> tensors(String name, Nf4Tensor q) {
    Map<String, Tensor> result = new LinkedHashMap<>();
    ObjectNode state = JSON.createObjectNode();
    state.put("quant_type", "nf4");
    state.put("blocksize", q.blockSize());
    state.put("dtype", q.dtype().name().toLowerCase(Locale.ROOT));
    ArrayNode shape = state.putArray("shape");
    for (long size : q.shape()) {
      shape.add(size);
    }
    result.put(name, q.packed());
    result.put(name + ".absmax", q.absmax());
    result.put(name + ".quant_map", Tensor.of(Nf4.levels()));
    if (q.nested() != null) {
      state.put("nested_blocksize", q.nested().blockSize());
      state.put("nested_dtype", "float32");
      state.put("nested_offset", q.nested().offset());
      result.put(name + ".nested_absmax", q.nested().absmax());
      result.put(name + ".nested_quant_map", Tensor.of(Nf4.dynamicMapCopy()));
    }
    result.put(
        name + STATE, Tensor.of(JSON.writeValueAsString(state).getBytes(StandardCharsets.UTF_8)));
    return result;
  }

  /** Whether a file holds a 4-bit tensor of that name. */
  public static boolean contains(Safetensors file, String name) {
    return file.names().contains(name + STATE);
  }

  /**
   * Reads a 4-bit tensor.
   *
   * @throws DataException if a part is missing or does not fit
   */
  public static Nf4Tensor read(Safetensors file, String name) {
    try (Scope scope = Scope.open()) {
      JsonNode state = state(file, name);
      if (!state.path("quant_type").asString("").equals("nf4")) {
        throw new DataException(name + ": quant_type must be nf4, is " + state.path("quant_type"));
      }
      JsonNode sizes = state.path("shape");
      long[] shape = new long[sizes.size()];
      for (int i = 0; i < shape.length; i++) {
        shape[i] = sizes.get(i).asLong();
      }
      checkMap(file, name + ".quant_map", Nf4.levels());
      Nf4Tensor.Nested nested = null;
      if (file.names().contains(name + ".nested_absmax")) {
        checkMap(file, name + ".nested_quant_map", Nf4.dynamicMapCopy());
        nested =
            new Nf4Tensor.Nested(
                file.tensor(name + ".nested_absmax").to(Dtype.FLOAT32),
                state.path("nested_blocksize").asInt(Nf4.NESTED_BLOCK_SIZE),
                state.path("nested_offset").asDouble(0));
      }
      Tensor absmax = file.tensor(name + ".absmax");
      Nf4Tensor result =
          new Nf4Tensor(
              file.tensor(name),
              nested == null ? absmax.to(Dtype.FLOAT32) : absmax,
              nested,
              shape,
              dtype(name, state.path("dtype").asString("")),
              state.path("blocksize").asInt(0));
      result.tensors().forEach(scope::keep);
      return result;
    } catch (IllegalArgumentException e) {
      throw new DataException(name + ": " + e.getMessage(), e);
    }
  }

  private static JsonNode state(Safetensors file, String name) {
    String text = new String(file.tensor(name + STATE).toByteArray(), StandardCharsets.UTF_8);
    try {
      return JSON.readTree(text);
    } catch (JacksonException e) {
      throw new DataException(name + STATE + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static Dtype dtype(String name, String text) {
    for (Dtype dtype : Dtype.values()) {
      if (dtype.isFloatingPoint() && dtype.name().equalsIgnoreCase(text)) {
        return dtype;
      }
    }
    throw new DataException(name + ": dtype must be a floating-point type, is " + text);
  }

  private static void checkMap(Safetensors file, String name, float[] expected) {
    float[] map = file.tensor(name).toFloatArray();
    boolean equal = map.length == expected.length;
    for (int i = 0; equal && i < map.length; i++) {
      equal = Math.abs(map[i] - expected[i]) < 1e-5;
    }
    if (!equal) {
      throw new DataException(name + ": a map with other values is not supported");
    }
  }
}
