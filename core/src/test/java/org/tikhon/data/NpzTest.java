package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class NpzTest {
  /** {@code np.save} of {@code np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))}. */
  private static final String FORTRAN_BIG_ENDIAN =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPmk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwg"
          + "MyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "IAoAAAAAAAAAAwAAAAEAAAAEAAAAAgAAAAU=";

  /** {@code np.savez_compressed} of a = 2.5 (float32), b = [True, False], c = [[1 + 2i, 3]]. */
  private static final String COMPRESSED =
      "UEsDBBQAAAAIAAAAIQBkjCLDRgAAAIQAAAAFABQAYS5ucHkBABAAhAAAAAAAAABGAAAAAAAAAJvsF+obEMnI"
          + "UMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5Gpo6CrUKFAEuBgYFBwBQ"
          + "SwMEFAAAAAgAAAAhAO4Zu11GAAAAggAAAAUAFABiLm5weQEAEACCAAAAAAAAAEYAAAAAAAAAm+wX6hsQychQ"
          + "xlCtnpJanFykbqWgXpNkqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQALkYGAFBL"
          + "AwQUAAAACAAAACEANAwLkFMAAACQAAAABQAUAGMubnB5AQAQAJAAAAAAAAAAUwAAAAAAAACb7BfqGxDJyFDG"
          + "UK2eklqcXKRupaBuk2yhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOgpGmjoKtQpkAy4GhgZ7"
          + "BgYGByACYgYGAFBLAQIUAxQAAAAIAAAAIQBkjCLDRgAAAIQAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBL"
          + "AQIUAxQAAAAIAAAAIQDuGbtdRgAAAIIAAAAFAAAAAAAAAAAAAACAAX0AAABiLm5weVBLAQIUAxQAAAAIAAAA"
          + "IQA0DAuQUwAAAJAAAAAFAAAAAAAAAAAAAACAAfoAAABjLm5weVBLBQYAAAAAAwADAJkAAACEAQAAAAA=";

  /** {@code np.save} of {@code np.array(["x"])}. */
  private static final String WORDS =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPFUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEs"
          + "KSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "IAp4AAAA";

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

  private Path file(String name, String base64) throws IOException {
    return Files.write(folder.resolve(name), Base64.getDecoder().decode(base64));
  }

  @Test
  void numpysOwnFilesAreRead() throws IOException {
    Tensor a = Npz.readArray(file("a.npy", FORTRAN_BIG_ENDIAN));
    assertThat(a.shape()).containsExactly(2, 3);
    assertThat(a.dtype()).isEqualTo(Dtype.INT32);
    assertThat(a.toIntArray()).containsExactly(0, 1, 2, 3, 4, 5);
    Map<String, Tensor> arrays = Npz.read(file("a.npz", COMPRESSED));
    assertThat(arrays.keySet()).containsExactly("a", "b", "c");
    assertThat(arrays.get("a").dim()).isZero();
    assertThat(arrays.get("a").item()).isEqualTo(2.5);
    assertThat(arrays.get("b").toIntArray()).containsExactly(1, 0);
    assertThat(arrays.get("c").viewAsReal().toDoubleArray()).containsExactly(1, 2, 3, 0);
  }

  @Test
  void everyTypeThatNumpyHasSurvives() throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Dtype dtype : Dtype.values()) {
      if (dtype != Dtype.BFLOAT16) {
        tensors.put(dtype.name(), Tensor.of(new double[] {0, 1, 1, 0, 1, 0}, 2, 3).to(dtype));
      }
    }
    tensors.put("scalar", Tensor.scalar(2));
    tensors.put("vector", Tensor.of(new long[] {1, 2, 3}));
    Path path = folder.resolve("a.npz");
    Npz.write(path, tensors);
    Map<String, Tensor> read = Npz.read(path);
    assertThat(read.keySet()).containsExactlyElementsOf(tensors.keySet());
    tensors.forEach(
        (name, t) -> {
          assertThat(read.get(name).dtype()).isEqualTo(t.dtype());
          assertThat(read.get(name).shape()).containsExactly(t.shape());
          assertThat(read.get(name).toByteArray()).isEqualTo(t.toByteArray());
        });
    Path single = folder.resolve("v.npy");
    Npz.writeArray(single, tensors.get("vector"));
    assertThat(Files.size(single)).isEqualTo(128 + 24);
    assertThat(Npz.readArray(single).toLongArray()).containsExactly(1, 2, 3);
    assertThatThrownBy(() -> Npz.writeArray(single, Tensor.scalar(1).to(Dtype.BFLOAT16)))
        .hasMessageContaining("NumPy has no type for BFLOAT16");
    assertThat(Npz.readArray(single).toLongArray()).containsExactly(1, 2, 3);
  }

  @Test
  void badFilesAreNamed() throws IOException {
    Path missing = folder.resolve("missing.npz");
    assertThatThrownBy(() -> Npz.read(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
    Path empty = Files.write(folder.resolve("empty.npz"), new byte[0]);
    assertThatThrownBy(() -> Npz.read(empty)).hasMessage(empty + ": the file is empty");
    Path text = DataFiles.text(folder.resolve("text.npz"), "hello, this is no archive");
    assertThatThrownBy(() -> Npz.read(text))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(text + ": not a ZIP archive of NumPy arrays");
    assertThatThrownBy(() -> Npz.readArray(text))
        .isInstanceOf(DataException.class)
        .hasMessage(text + ": not a NumPy array (the magic word is missing)");
    Path words = file("words.npy", WORDS);
    assertThatThrownBy(() -> Npz.readArray(words))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(words + ": elements of type U1 are not supported");
    byte[] bytes = Base64.getDecoder().decode(FORTRAN_BIG_ENDIAN);
    Path cut = Files.write(folder.resolve("cut.npy"), Arrays.copyOf(bytes, bytes.length - 5));
    assertThatThrownBy(() -> Npz.readArray(cut))
        .isInstanceOf(DataException.class)
        .hasMessage(cut + ": truncated: shape [2, 3] needs 24 bytes, there are 19");
  }
}
