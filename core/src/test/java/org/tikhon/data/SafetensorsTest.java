package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SafetensorsTest {
  @TempDir private Path folder;
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private Path raw(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    return Files.write(folder.resolve("raw.safetensors"), bytes.array());
  }

  @Test
  void everyTypeAndShapeSurvives() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Dtype dtype : Dtype.values()) {
      tensors.put("t." + dtype, Tensor.of(new double[] {0, 1, 1, 0, 1, 0}, 2, 3).to(dtype));
    }
    tensors.put("scalar", Tensor.scalar(2.5));
    tensors.put("empty", Tensor.zeros(0, 3));
    tensors.put("transposed", Tensor.of(new double[][] {{1, 2}, {3, 4}}).t());
    Path path = folder.resolve("a.safetensors");
    Safetensors.write(path, tensors, Map.of("note", "ä \"quoted\""));
    try (Safetensors file = Safetensors.open(path)) {
      assertThat(file.names()).containsExactlyElementsOf(tensors.keySet());
      assertThat(file.metadata()).containsEntry("note", "ä \"quoted\"");
      tensors.forEach(
          (name, t) -> {
            Tensor read = file.tensor(name);
            assertThat(read.dtype()).isEqualTo(t.dtype());
            assertThat(read.shape()).containsExactly(t.shape());
            assertThat(read.toByteArray()).isEqualTo(t.toByteArray());
          });
      assertThatThrownBy(() -> file.tensor("other"))
          .isInstanceOf(DataException.class)
          .hasMessage("no tensor is called other");
    }
  }

  @Test
  void shardsAreReadThroughTheIndex() throws IOException {
    Safetensors.write(folder.resolve("a-1.safetensors"), Map.of("x", Tensor.scalar(1)), Map.of());
    Safetensors.write(folder.resolve("a-2.safetensors"), Map.of("y", Tensor.scalar(2)), Map.of());
    DataFiles.text(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"x\": \"a-1.safetensors\", \"y\": \"a-2.safetensors\"}}");
    try (Safetensors model = Safetensors.openModel(folder)) {
      assertThat(model.names()).containsExactly("x", "y");
      assertThat(model.tensor("y").item()).isEqualTo(2);
    }
    Path bad = DataFiles.text(folder.resolve("b.index.json"), "{\"files\": 1}");
    assertThatThrownBy(() -> Safetensors.open(bad))
        .isInstanceOf(DataException.class)
        .hasMessage(bad + ": the index has no object weight_map");
  }

  @Test
  void missingEmptyAndShortFilesAreNamed() throws IOException {
    Path missing = folder.resolve("missing.safetensors");
    assertThatThrownBy(() -> Safetensors.open(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
    Path empty = Files.write(folder.resolve("empty.safetensors"), new byte[0]);
    assertThatThrownBy(() -> Safetensors.open(empty))
        .isInstanceOf(DataException.class)
        .hasMessage(empty + ": a safetensors file has at least 8 bytes, this has 0");
  }

  @Test
  void aCorruptHeaderIsRefused() throws IOException {
    Path path = raw("{\"x\": ", 0);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(path + ": the header is not JSON");
    byte[] bytes = Files.readAllBytes(path);
    Arrays.fill(bytes, 0, 8, (byte) 0x7f);
    Files.write(path, bytes);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(path + ": the header's length");
    raw("[1, 2]", 0);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessage(path + ": the header is not a JSON object");
  }

  @Test
  void anEntryThatIsIncompleteOrOfUnknownTypeIsNamed() throws IOException {
    Path path = raw("{\"x\": {\"dtype\": \"F32\", \"shape\": [1]}}", 4);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessage(path + ": tensor x lacks dtype, shape or data_offsets");
    raw("{\"x\": {\"dtype\": \"Q7\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 4);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tensor x: no tensor type is called Q7");
  }

  @Test
  void offsetsThatDoNotFitAreRefused() throws IOException {
    Path path = raw("{\"x\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", 4);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessage(
            path
                + ": tensor x of shape [2] needs 8 bytes, its offsets are 0 to 8 of 4 (truncated file?)");
    raw("{\"x\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4);
    assertThatThrownBy(() -> Safetensors.open(path)).hasMessageContaining("needs 8 bytes");
    raw("{\"x\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [4, 0]}}", 4);
    assertThatThrownBy(() -> Safetensors.open(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("tensor x");
  }
}
