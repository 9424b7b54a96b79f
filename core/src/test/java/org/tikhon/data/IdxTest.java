package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxTest {
  @TempDir private Path folder;

  private static final byte[] GOOD = DataFiles.idx(new byte[] {1, 2, 3, -1, 5, 6}, 3, 2);

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  @Test
  void plainAndPackedFilesAreRead() throws IOException {
    for (Path path : new Path[] {file("a", GOOD), file("a.gz", DataFiles.gzip(GOOD))}) {
      Idx idx = Idx.read(path);
      assertThat(idx.shape()).containsExactly(3, 2);
      assertThat(idx.bytes()).containsExactly(1, 2, 3, -1, 5, 6);
    }
  }

  @Test
  void aMissingFileIsNamed() {
    Path path = folder.resolve("nothing");
    assertThatThrownBy(() -> Idx.read(path))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(path.toString());
  }

  @Test
  void anEmptyFileIsRefused() throws IOException {
    Path path = file("empty", new byte[0]);
    assertThatThrownBy(() -> Idx.read(path))
        .isInstanceOf(DataException.class)
        .hasMessage(path + ": the file is empty");
    Path packed = file("empty.gz", new byte[0]);
    assertThatThrownBy(() -> Idx.read(packed))
        .isInstanceOf(DataException.class)
        .hasMessage(packed + ": the file is empty");
  }

  @Test
  void anotherFormatIsRefused() throws IOException {
    Path path = file("a", new byte[] {'P', 'N', 'G', 0, 1});
    assertThatThrownBy(() -> Idx.read(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(path.toString())
        .hasMessageContaining("begins with 0 0 8 n");
  }

  @Test
  void aTruncatedFileIsRefused() throws IOException {
    Path path = file("a", Arrays.copyOf(GOOD, GOOD.length - 2));
    assertThatThrownBy(() -> Idx.read(path))
        .isInstanceOf(DataException.class)
        .hasMessage(path + ": truncated: shape [3, 2] needs 6 bytes, there are 4");
    Path header = file("h", Arrays.copyOf(GOOD, 7));
    assertThatThrownBy(() -> Idx.read(header)).hasMessage(header + ": truncated in the header");
  }

  @Test
  void aFileThatIsTooLongIsRefused() throws IOException {
    Path path = file("a", Arrays.copyOf(GOOD, GOOD.length + 1));
    assertThatThrownBy(() -> Idx.read(path))
        .hasMessage(path + ": shape [3, 2] needs 6 bytes, there are more");
  }

  @Test
  void corruptAndTruncatedGzipAreRefused() throws IOException {
    Path plain = file("plain.gz", GOOD);
    assertThatThrownBy(() -> Idx.read(plain))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(plain + ": corrupt gzip");
    byte[] packed = DataFiles.gzip(GOOD);
    byte[] damaged = packed.clone();
    damaged[packed.length - 6] ^= 0x55;
    Path wrong = file("wrong.gz", damaged);
    assertThatThrownBy(() -> Idx.read(wrong))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(wrong + ": corrupt gzip");
    Path cut = file("cut.gz", Arrays.copyOf(packed, packed.length - 12));
    assertThatThrownBy(() -> Idx.read(cut))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(cut + ": truncated gzip");
  }
}
