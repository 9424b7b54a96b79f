package org.tikhon.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.data.GeneratedShapes;
import org.tikhon.data.MaskedImages;
import org.tikhon.nn.UNet;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SegmentationTest {
  private Scope scope;
  @TempDir private Path folder;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void overlapsOfMasks() {
    PixelCounts counts = new PixelCounts(3);
    counts.add(
        Tensor.of(new long[] {0, 1, 1, 0, 2, 2}, 1, 2, 3),
        Tensor.of(new long[] {0, 1, 0, 1, 1, -100}, 1, 2, 3));
    assertThat(counts.confusion()).isDeepEqualTo(new long[][] {{1, 1, 0}, {1, 1, 1}, {0, 0, 0}});
    assertThat(counts.dice()).containsExactly(new double[] {0.5, 0.4, 0}, within(1e-12));
    assertThat(counts.iou()).containsExactly(new double[] {1 / 3.0, 0.25, 0}, within(1e-12));
    assertThat(counts.meanForegroundDice()).isCloseTo(0.2, within(1e-12));
    PixelCounts absent = new PixelCounts(3);
    absent.add(Tensor.of(new long[] {0, 1}, 2), Tensor.of(new long[] {0, 1}, 2));
    assertThat(absent.dice()[2]).isNaN();
    assertThat(absent.meanIou()).isEqualTo(1);
  }

  @Test
  void calibrationOfPixels() {
    // Two foreground pixels with confidence 0.8, one right; one background pixel.
    double l = Math.log(4);
    Tensor logits = Tensor.of(new double[] {0, 0, 9, l, l, 0}, 1, 2, 1, 3);
    Tensor labels = Tensor.of(new long[] {1, 0, 0}, 1, 1, 3);
    SegmentationCalibration inside = SegmentationCalibration.of(logits, labels, 15, true);
    assertThat(inside.pixels()).isEqualTo(1);
    assertThat(inside.ece().orElseThrow()).isCloseTo(0.2, within(1e-9));
    assertThat(inside.nll().orElseThrow()).isCloseTo(-Math.log(0.8), within(1e-9));
    SegmentationCalibration all = SegmentationCalibration.of(logits, labels, 15, false);
    double confident = 1 / (1 + Math.exp(-9));
    assertThat(all.ece().orElseThrow())
        .isCloseTo((2 * Math.abs(0.8 - 0.5) + 1 - confident) / 3, within(1e-9));
    assertThat(all.classwiseEce().orElseThrow()).isCloseTo(all.ece().orElseThrow(), within(1e-9));
    assertThat(all.adaptiveEce()).isPresent();
    SegmentationCalibration none = SegmentationCalibration.of(logits, labels.zerosLike(), 15, true);
    assertThat(none.ece()).isEmpty();
    SegmentationCalibration mean = SegmentationCalibration.mean(List.of(all, inside, none));
    assertThat(mean.pixels()).isEqualTo(4);
    assertThat(mean.ece().orElseThrow())
        .isCloseTo((3 * all.ece().orElseThrow() + 0.2) / 4, within(1e-9));
  }

  @Test
  void theUNetKeepsTheSize() {
    UNet network = new UNet(3, List.of(4, 8, 16), 5, new Rng(0));
    assertThat(network.forward(new Rng(1).normal(2, 3, 13, 18)).shape())
        .containsExactly(2, 5, 13, 18);
    assertThat(network.features(new Rng(1).normal(2, 3, 8, 8)).shape()).containsExactly(2, 4, 8, 8);
    assertThat(network.featureSize()).isEqualTo(4);
    assertThatThrownBy(() -> new UNet(1, List.of(), 2, new Rng(0)))
        .hasMessageContaining("channels");
  }

  @Test
  void generatedShapesAreRepeatable() {
    MaskedImages a = GeneratedShapes.of(3, 5);
    assertThat(a.pixels()).isEqualTo(GeneratedShapes.of(3, 5).pixels());
    assertThat(a.pixels()).isNotEqualTo(GeneratedShapes.of(3, 6).pixels());
    int[] counts = new int[4];
    for (byte k : a.masks()) {
      counts[k]++;
    }
    assertThat(counts[0]).isGreaterThan(counts[1]);
    assertThat(counts[3]).isPositive();
  }

  @Test
  void temperaturesUndoAScale() {
    Tensor p = new Rng(0).uniform(Dtype.FLOAT64, 20_000).mul(0.98).add(0.01);
    Tensor y = new Rng(1).bernoulli(p).to(Dtype.INT64);
    Tensor logits = Tensor.stack(List.of(p.rsub(1).log(), p.log()), 1);
    assertThat(TemperatureScaling.fit(logits, y).temperature()).isCloseTo(1, within(0.05));
    TemperatureScaling three = TemperatureScaling.fit(logits.mul(3), y);
    assertThat(three.temperature()).isCloseTo(3, within(0.15));
    assertThat(Functional.crossEntropy(three.apply(logits.mul(3)), y).item())
        .isLessThan(Functional.crossEntropy(logits.mul(3), y).item());
    assertThatThrownBy(() -> new TemperatureScaling(0)).hasMessageContaining("temperature");
  }

  private void write(String path, int width, int height, int... values) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < width * height; i++) {
      image.getRaster().setSample(i % width, i / width, 0, values[i % values.length]);
    }
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  @Test
  void readsImagesAndMasks() throws IOException {
    write("images/b.png", 3, 2, 0, 51, 255);
    write("images/a.png", 3, 2, 10);
    write("masks/a.png", 3, 2, 0, 1, 255);
    write("masks/b.png", 3, 2, 2);
    assertThat(MaskedImages.isMaskFolder(folder)).isTrue();
    MaskedImages set = MaskedImages.read(folder).train();
    assertThat(set.names()).containsExactly("a", "b");
    assertThat(set.channels()).isEqualTo(1);
    assertThat(set.classes()).containsExactly("0", "1", "2");
    assertThat(set.masks()).startsWith(0, 1, (byte) 255).endsWith(2, 2, 2);
    assertThat(set.pixels()[7]).isCloseTo(0.2f, within(1e-6f));
    assertThat(MaskedImages.imagesOnly(folder, 1).names()).containsExactly("a", "b");
    Files.writeString(folder.resolve("classes.txt"), "sky\nroad\ncar\n");
    assertThat(MaskedImages.read(folder).train().classes()).containsExactly("sky", "road", "car");
  }

  @Test
  void saysWhatIsWrongWithAMaskFolder() throws IOException {
    write("images/a.png", 3, 2, 10);
    Files.createDirectories(folder.resolve("masks"));
    assertThatThrownBy(() -> MaskedImages.read(folder))
        .hasMessageContaining("there is no mask a.png");
    write("masks/a.png", 2, 2, 1);
    assertThatThrownBy(() -> MaskedImages.read(folder))
        .hasMessageContaining("the mask is 2 x 2, its image is 3 x 2");
    write("masks/a.png", 3, 2, 0, 255);
    assertThatThrownBy(() -> MaskedImages.read(folder)).hasMessageContaining("only class 0 occurs");
    write("masks/a.png", 3, 2, 0, 200);
    assertThatThrownBy(() -> MaskedImages.read(folder)).hasMessageContaining("at most 64 classes");
    ImageIO.write(
        new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB),
        "png",
        folder.resolve("masks/a.png").toFile());
    assertThatThrownBy(() -> MaskedImages.read(folder)).hasMessageContaining("one byte a pixel");
    write("masks/a.png", 3, 2, 1);
    write("images/b.png", 4, 2, 1);
    write("masks/b.png", 4, 2, 1);
    assertThatThrownBy(() -> MaskedImages.read(folder))
        .hasMessageContaining("all must have one size");
  }
}
