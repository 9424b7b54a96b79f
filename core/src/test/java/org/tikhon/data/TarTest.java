package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarTest {
  @TempDir private Path folder;

  private static void entry(ByteArrayOutputStream out, String name, char kind, byte[] content)
      throws IOException {
    byte[] header = new byte[512];
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(nameBytes, 0, header, 0, nameBytes.length);
    byte[] size = "%011o".formatted(content.length).getBytes(StandardCharsets.UTF_8);
    System.arraycopy(size, 0, header, 124, size.length);
    header[156] = (byte) kind;
    out.write(header);
    out.write(content);
    out.write(new byte[(512 - content.length % 512) % 512]);
  }

  /** An archive with a folder, a file in it, an empty file and one whose name leads elsewhere. */
  static byte[] archive() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    entry(out, "set/", '5', new byte[0]);
    entry(out, "set/a.bin", '0', new byte[600]);
    entry(out, "set/empty", '0', new byte[0]);
    entry(out, "../../b.bin", '0', new byte[] {1, 2, 3});
    out.write(new byte[1024]);
    return DataFiles.gzip(out.toByteArray());
  }

  @Test
  void filesAreUnpackedIntoOneFolder() throws IOException {
    Path archive = Files.write(folder.resolve("x.tar.gz"), archive());
    Path target = folder.resolve("out");
    List<Path> files = Tar.unpackFlat(archive, target);
    assertThat(files)
        .containsExactly(target.resolve("a.bin"), target.resolve("empty"), target.resolve("b.bin"));
    assertThat(target.resolve("a.bin")).hasSize(600);
    assertThat(target.resolve("b.bin")).hasBinaryContent(new byte[] {1, 2, 3});
  }

  @Test
  void badArchivesAreNamed() throws IOException {
    Path missing = folder.resolve("missing.tar.gz");
    assertThatThrownBy(() -> Tar.unpackFlat(missing, folder))
        .isInstanceOf(NoSuchFileException.class);
    byte[] good = archive();
    Path cut = Files.write(folder.resolve("cut.tar.gz"), Arrays.copyOf(good, good.length / 2));
    assertThatThrownBy(() -> Tar.unpackFlat(cut, folder.resolve("out")))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(cut + ": ");
    Path other =
        Files.write(
            folder.resolve("o.tar.gz"),
            DataFiles.gzip("x".repeat(512).getBytes(StandardCharsets.UTF_8)));
    assertThatThrownBy(() -> Tar.unpackFlat(other, folder.resolve("out")))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(other + ": not a tar archive");
  }
}
