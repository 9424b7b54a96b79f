package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.tensor.Dtype;

class AtomicFilesTest {
  @TempDir private Path folder;

  private List<Path> content() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void aFileIsReplacedAsAWhole() throws IOException {
    Path file = folder.resolve("sub/a.txt");
    AtomicFiles.writeString(file, "old");
    AtomicFiles.writeBytes(file, new byte[] {'n', 'e', 'w'});
    assertThat(file).hasContent("new");
  }

  @Test
  void aWriterThatFailsLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = DataFiles.text(folder.resolve("a.txt"), "old");
    assertThatThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    temporary -> {
                      Files.writeString(temporary, "half of the n");
                      throw new IOException("the disk is full");
                    }))
        .hasMessage("cannot write " + file + ": the disk is full");
    assertThat(file).hasContent("old");
    assertThat(content()).containsExactly(file);
  }

  @Test
  void aTensorThatFailsWhileItsFileIsWrittenLeavesTheOldFile() throws IOException {
    Path file = DataFiles.text(folder.resolve("a.safetensors"), "old");
    Map<String, Safetensors.Source> sources = new LinkedHashMap<>();
    sources.put(
        "w",
        Safetensors.Source.of(
            Dtype.FLOAT32,
            new long[] {2},
            () -> {
              throw new IllegalStateException("computing w failed");
            }));
    assertThatThrownBy(() -> Safetensors.stream(file, sources, Map.of()))
        .hasMessage("computing w failed");
    assertThat(file).hasContent("old");
    assertThat(content()).containsExactly(file);
  }
}
