package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFileTest {
  @TempDir private Path folder;

  @Test
  void textAndLinesAreRead() throws IOException {
    Path path = DataFiles.text(folder.resolve("a.txt"), "\uFEFFerste Zeile: äöü\r\nzweite\n");
    assertThat(TextFile.lines(path)).containsExactly("erste Zeile: äöü", "zweite");
    Path packed = folder.resolve("a.txt.gz");
    Files.write(packed, DataFiles.gzip("one\ntwo".getBytes(StandardCharsets.UTF_8)));
    assertThat(TextFile.read(packed)).isEqualTo("one\ntwo");
  }

  @Test
  void badFilesAreNamed() throws IOException {
    Path missing = folder.resolve("missing.txt");
    assertThatThrownBy(() -> TextFile.read(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
    Path empty = DataFiles.text(folder.resolve("empty.txt"), "");
    assertThatThrownBy(() -> TextFile.read(empty))
        .isInstanceOf(DataException.class)
        .hasMessage(empty + ": the file is empty");
    Path latin = folder.resolve("latin.txt");
    Files.write(
        latin, "fine\nstill fine\ncaf\u00e9 au lait\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> TextFile.read(latin))
        .isInstanceOf(DataException.class)
        .hasMessage(latin + ": line 3, byte 19 of the file is not UTF-8");
    Path plain = DataFiles.text(folder.resolve("plain.gz"), "not packed");
    assertThatThrownBy(() -> TextFile.read(plain))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(plain + ": corrupt gzip");
    Path cut = folder.resolve("cut.gz");
    byte[] packed = DataFiles.gzip("a longer text that is cut".getBytes(StandardCharsets.UTF_8));
    Files.write(cut, Arrays.copyOf(packed, packed.length - 12));
    assertThatThrownBy(() -> TextFile.read(cut))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(cut + ": truncated gzip");
  }

  @Test
  void aRealTextIsRead() throws IOException {
    assertThat(TextFile.lines(DataFiles.real("text/tinyshakespeare.txt")))
        .hasSize(40_000)
        .startsWith("First Citizen:");
  }
}
