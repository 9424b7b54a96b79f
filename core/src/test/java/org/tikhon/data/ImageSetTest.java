package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageSetTest {
  private static final int RECORD = 1 + 3 * 32 * 32;

  @TempDir private Path folder;

  private Path idxFolder(byte[] images, byte[] labels) throws IOException {
    Files.write(folder.resolve("train-images-idx3-ubyte"), images);
    Files.write(folder.resolve("train-labels-idx1-ubyte"), labels);
    return folder;
  }

  private Path picture(String name, int width, int height, int kind, int rgb) throws IOException {
    Path path = folder.resolve(name);
    Files.createDirectories(path.getParent());
    BufferedImage image = new BufferedImage(width, height, kind);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        if (kind == BufferedImage.TYPE_BYTE_GRAY) {
          image.getRaster().setSample(x, y, 0, rgb & 0xff);
        } else {
          image.setRGB(x, y, rgb);
        }
      }
    }
    assertThat(ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), path.toFile()))
        .isTrue();
    return path;
  }

  private Path colour(String name, int rgb) throws IOException {
    return picture(name, 3, 2, BufferedImage.TYPE_INT_RGB, rgb);
  }

  @Test
  void idxImagesAndLabelsAreRead() throws IOException {
    byte[] pixels = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    ImageSet.Split split =
        ImageSet.read(
            idxFolder(DataFiles.idx(pixels, 2, 2, 3), DataFiles.idx(new byte[] {2, 0}, 2)));
    assertThat(split.test()).isEmpty();
    ImageSet set = split.train();
    assertThat(List.of(set.channels(), set.height(), set.width())).containsExactly(1, 2, 3);
    assertThat(set.labels()).containsExactly(2, 0);
    assertThat(set.pixels()).isEqualTo(pixels);
    assertThat(set.classes()).containsExactly("0", "1", "2");
  }

  @Test
  void idxFilesThatDoNotBelongTogetherAreRefused() throws IOException {
    byte[] images = DataFiles.idx(new byte[12], 2, 2, 3);
    Path path = idxFolder(images, DataFiles.idx(new byte[3], 3));
    assertThatThrownBy(() -> ImageSet.read(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("train-labels-idx1-ubyte: 2 images need as many labels");
    idxFolder(DataFiles.idx(new byte[12], 2, 6), DataFiles.idx(new byte[2], 2));
    assertThatThrownBy(() -> ImageSet.read(path))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("train-images-idx3-ubyte: images have 3 dimensions, these have 2");
  }

  @Test
  void anEmptyOrMissingFolderIsNamed() {
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(folder + ": neither IDX files");
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> ImageSet.read(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
  }

  @Test
  void cifarBatchesAreRead() throws IOException {
    byte[] train = new byte[2 * RECORD];
    train[0] = 3;
    train[1] = 17;
    train[RECORD] = 9;
    Files.write(folder.resolve("data_batch_1.bin"), train);
    Files.write(folder.resolve("test_batch.bin"), new byte[RECORD]);
    ImageSet.Split split = ImageSet.read(folder);
    assertThat(split.train().labels()).containsExactly(3, 9);
    assertThat(split.train().pixels()[0]).isEqualTo((byte) 17);
    assertThat(split.train().classes().get(3)).isEqualTo("cat");
    assertThat(split.test().orElseThrow().size()).isEqualTo(1);
  }

  @Test
  void aTruncatedCifarBatchIsRefused() throws IOException {
    Path batch = Files.write(folder.resolve("data_batch_1.bin"), new byte[RECORD + 5]);
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessage(batch + ": a CIFAR-10 batch has a multiple of 3073 bytes, this has 3078");
    Files.write(batch, new byte[0]);
    assertThatThrownBy(() -> ImageSet.read(folder)).hasMessageContaining("this has 0");
  }

  @Test
  void aCifarLabelOutsideTheClassesIsRefused() throws IOException {
    byte[] bytes = new byte[2 * RECORD];
    bytes[RECORD] = 10;
    Path batch = Files.write(folder.resolve("data_batch_1.bin"), bytes);
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessage(batch + ": label 10 at byte 3073 is outside 0..9");
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "bmp"})
  void aFolderPerClassIsRead(String kind) throws IOException {
    colour("cat/a." + kind, 0x102030);
    colour("dog/b." + kind, 0x405060);
    ImageSet set = ImageSet.read(folder).train();
    assertThat(set.classes()).containsExactly("cat", "dog");
    assertThat(set.labels()).containsExactly(0, 1);
    assertThat(Arrays.copyOfRange(set.pixels(), 0, 18))
        .containsExactly(
            0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x30, 0x30,
            0x30, 0x30, 0x30, 0x30);
  }

  @Test
  void jpegFilesAreReadToWithinTheirLoss() throws IOException {
    colour("cat/a.jpg", 0x808080);
    colour("dog/a.jpeg", 0x202020);
    ImageSet set = ImageSet.read(folder).train();
    assertThat(set.pixels()[0] & 0xff).isBetween(0x7c, 0x84);
    assertThat(set.size()).isEqualTo(2);
  }

  @Test
  void greyFilesKeepTheirStoredValues() throws IOException {
    picture("cat/a.png", 3, 2, BufferedImage.TYPE_BYTE_GRAY, 100);
    picture("dog/a.png", 3, 2, BufferedImage.TYPE_BYTE_GRAY, 7);
    ImageSet set = ImageSet.read(folder).train();
    assertThat(set.pixels()[0]).isEqualTo((byte) 100);
    assertThat(set.pixels()[set.pixels().length - 1]).isEqualTo((byte) 7);
  }

  @Test
  void trainAndTestFoldersAreSeparate() throws IOException {
    colour("train/cat/a.png", 1);
    colour("train/dog/a.png", 2);
    colour("test/dog/b.png", 3);
    ImageSet.Split split = ImageSet.read(folder);
    assertThat(split.train().size()).isEqualTo(2);
    assertThat(split.test().orElseThrow().labels()).containsExactly(1);
    Path bird = colour("test/bird/b.png", 3).getParent();
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(bird + ": the class does not occur in training");
  }

  @Test
  void anImageOfAnotherSizeIsRefused() throws IOException {
    colour("cat/a.png", 1);
    Path odd = picture("cat/b.png", 4, 2, BufferedImage.TYPE_INT_RGB, 1);
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessage(odd + ": the image is 4 x 2, the first one is 3 x 2; all must have one size");
  }

  @Test
  void aFileThatIsNoImageIsRefused() throws IOException {
    colour("cat/a.png", 1);
    Path fake = DataFiles.text(folder.resolve("cat/b.png"), "not a picture");
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(fake + ": not a readable image");
    byte[] png = Files.readAllBytes(folder.resolve("cat/a.png"));
    Files.write(fake, Arrays.copyOf(png, 40));
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(fake + ": not a readable image");
  }

  @Test
  void aFolderWithoutImagesIsRefused() throws IOException {
    Files.createDirectories(folder.resolve("cat"));
    assertThatThrownBy(() -> ImageSet.read(folder))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(folder + ": no image");
  }

  @Test
  void fashionMnistIsRead() throws IOException {
    ImageSet.Split split = ImageSet.read(DataFiles.real("fashion-mnist"));
    assertThat(split.train().size()).isEqualTo(60_000);
    assertThat(split.test().orElseThrow().size()).isEqualTo(10_000);
    assertThat(split.train().classes()).hasSize(10).contains("ankle boot");
    assertThat(split.train().labels()[0]).isEqualTo(9);
    int[] counts = new int[10];
    Arrays.stream(split.train().labels()).forEach(l -> counts[l]++);
    assertThat(counts).containsOnly(6000);
  }

  @Test
  void cifarSampleIsRead() throws IOException {
    ImageSet.Split split = ImageSet.read(DataFiles.real("cifar10"));
    assertThat(split.train().size()).isEqualTo(10_000);
    assertThat(split.test().orElseThrow().size()).isEqualTo(2000);
  }
}
