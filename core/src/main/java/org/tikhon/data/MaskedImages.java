package org.tikhon.data;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Images with a class for every pixel, in memory.
 *
 * @param channels 1 for grey, 3 for red, green, blue
 * @param pixels {@code [n, channels, height, width]}
 * @param masks class numbers {@code [n, height, width]}; {@link #IGNORED} where a pixel has none
 * @param classes the classes' names; class 0 is the background
 * @param names the images' names
 */
public record MaskedImages(
    int channels,
    int height,
    int width,
    float[] pixels,
    byte[] masks,
    List<String> classes,
    List<String> names) {
  /** What a mask holds where a pixel counts for nothing: 255. */
  public static final int IGNORED = 255;

  private static final int MAX_CLASSES = 64;
  private static final String IMAGES = "images";
  private static final String MASKS = "masks";

  public MaskedImages {
    int area = height * width;
    if (names.size() * area != masks.length || masks.length * channels != pixels.length) {
      throw new IllegalArgumentException(
          "%d images of %d x %d need %d mask bytes and %d pixels, have %d and %d"
              .formatted(
                  names.size(),
                  width,
                  height,
                  names.size() * area,
                  names.size() * area * channels,
                  masks.length,
                  pixels.length));
    }
  }

  /** The images at places, in that order. */
  public MaskedImages select(int[] places) {
    int area = height * width;
    float[] chosenPixels = new float[places.length * channels * area];
    byte[] chosenMasks = new byte[places.length * area];
    List<String> chosenNames = new ArrayList<>();
    for (int i = 0; i < places.length; i++) {
      System.arraycopy(
          pixels, places[i] * channels * area, chosenPixels, i * channels * area, channels * area);
      System.arraycopy(masks, places[i] * area, chosenMasks, i * area, area);
      chosenNames.add(names.get(places[i]));
    }
    return new MaskedImages(
        channels, height, width, chosenPixels, chosenMasks, classes, chosenNames);
  }

  public int size() {
    return names.size();
  }

  /**
   * Training and test images; the test images are empty where the source does not separate them.
   */
  public record Split(MaskedImages train, Optional<MaskedImages> test) {}

  /** Whether a folder holds images and masks, directly or in {@code train}. */
  public static boolean isMaskFolder(Path folder) {
    return isPair(folder) || isPair(folder.resolve("train"));
  }

  private static boolean isPair(Path folder) {
    return Files.isDirectory(folder.resolve(IMAGES)) && Files.isDirectory(folder.resolve(MASKS));
  }

  /**
   * Reads {@code images/} and {@code masks/}, or those in {@code train/} and {@code test/}. Files
   * with one name but for the ending belong together. A mask is a PNG whose palette indices or grey
   * values are class numbers, 255 for pixels to ignore. Class names, if any, are the lines of
   * {@code classes.txt}.
   */
  public static Split read(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    List<String> names = classNames(folder);
    if (isPair(folder)) {
      return new Split(pair(folder, names, 0), Optional.empty());
    }
    MaskedImages train = pair(folder.resolve("train"), names, 0);
    Path test = folder.resolve("test");
    return new Split(
        train,
        isPair(test)
            ? Optional.of(pair(test, train.classes, train.classes.size()))
            : Optional.empty());
  }

  private static List<String> classNames(Path folder) throws IOException {
    Path file = folder.resolve("classes.txt");
    if (!Files.exists(file)) {
      return List.of();
    }
    return Files.readAllLines(file, StandardCharsets.UTF_8).stream()
        .map(String::strip)
        .filter(l -> !l.isEmpty())
        .toList();
  }

  /** Files by their names without the ending. */
  private static Map<String, Path> byStem(Path folder) throws IOException {
    Map<String, Path> result = new TreeMap<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path file : list.filter(ImageFiles::isImage).toList()) {
        String name = file.getFileName().toString();
        Path other = result.put(name.substring(0, name.lastIndexOf('.')), file);
        if (other != null) {
          throw new DataException(
              "%s: %s has the same name but for the ending".formatted(file, other.getFileName()));
        }
      }
    }
    return result;
  }

  private static MaskedImages pair(Path folder, List<String> classNames, int knownClasses)
      throws IOException {
    Map<String, Path> images = byStem(folder.resolve(IMAGES));
    Map<String, Path> masks = byStem(folder.resolve(MASKS));
    if (images.isEmpty()) {
      throw new DataException(folder.resolve(IMAGES) + ": there is no image in it");
    }
    int[] size = null;
    List<byte[]> planes = new ArrayList<>();
    List<byte[]> classes = new ArrayList<>();
    int largest = 0;
    for (var entry : images.entrySet()) {
      Path mask = masks.get(entry.getKey());
      if (mask == null) {
        throw new DataException(
            "%s: there is no mask %s.png in %s"
                .formatted(entry.getValue(), entry.getKey(), folder.resolve(MASKS)));
      }
      BufferedImage image = ImageFiles.decode(entry.getValue());
      int[] own = {image.getHeight(), image.getWidth()};
      size = size == null ? own : size;
      checkSize(entry.getValue(), own, size);
      planes.add(ImageFiles.planes(image));
      byte[] classMask = mask(mask, own);
      largest = Math.max(largest, largestClass(classMask));
      classes.add(classMask);
    }
    checkClasses(folder, largest, knownClasses);
    List<String> all = names(folder, classNames, knownClasses > 0 ? knownClasses : largest + 1);
    int area = size[0] * size[1];
    boolean grey = planes.stream().allMatch(p -> isGrey(p, area));
    int channels = grey ? 1 : 3;
    float[] pixels = new float[planes.size() * channels * area];
    byte[] flat = new byte[planes.size() * area];
    for (int i = 0; i < planes.size(); i++) {
      for (int p = 0; p < channels * area; p++) {
        pixels[i * channels * area + p] = (planes.get(i)[p] & 0xff) / 255f;
      }
      System.arraycopy(classes.get(i), 0, flat, i * area, area);
    }
    return new MaskedImages(
        channels, size[0], size[1], pixels, flat, all, List.copyOf(images.keySet()));
  }

  private static void checkSize(Path file, int[] own, int[] size) {
    if (own[0] != size[0] || own[1] != size[1]) {
      throw new DataException(
          "%s: the image is %d x %d, the first one is %d x %d; all must have one size"
              .formatted(file, own[1], own[0], size[1], size[0]));
    }
  }

  private static byte[] mask(Path file, int[] size) throws IOException {
    BufferedImage mask = ImageFiles.decode(file);
    if (mask.getHeight() != size[0] || mask.getWidth() != size[1]) {
      throw new DataException(
          "%s: the mask is %d x %d, its image is %d x %d"
              .formatted(file, mask.getWidth(), mask.getHeight(), size[1], size[0]));
    }
    boolean oneByte =
        mask.getRaster().getNumBands() == 1
            && mask.getRaster().getDataBuffer().getDataType() == DataBuffer.TYPE_BYTE;
    if (!oneByte) {
      throw new DataException(
          file
              + ": a mask must have one byte a pixel, a palette index or a grey value (its class)");
    }
    int[] samples =
        mask.getRaster().getSamples(0, 0, mask.getWidth(), mask.getHeight(), 0, (int[]) null);
    byte[] bytes = new byte[samples.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) samples[i];
    }
    return bytes;
  }

  private static int largestClass(byte[] mask) {
    int largest = 0;
    for (byte b : mask) {
      int k = b & 0xff;
      largest = k != IGNORED ? Math.max(largest, k) : largest;
    }
    return largest;
  }

  private static void checkClasses(Path folder, int largest, int known) {
    Path masks = folder.resolve(MASKS);
    if (known > 0 && largest >= known) {
      throw new DataException(
          "%s: class %d does not occur in the training masks, which have 0..%d"
              .formatted(masks, largest, known - 1));
    }
    if (known == 0 && largest == 0) {
      throw new DataException(
          masks
              + ": only class 0 occurs; values are class numbers 0, 1, 2, ..., and 255 means ignore");
    }
    if (largest >= MAX_CLASSES) {
      throw new DataException(
          "%s: class %d occurs, at most %d classes are supported; values are class numbers 0, 1, 2, ..., and 255 means ignore"
              .formatted(masks, largest, MAX_CLASSES));
    }
  }

  private static List<String> names(Path folder, List<String> given, int classes) {
    if (given.isEmpty()) {
      return IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    }
    if (given.size() < classes) {
      throw new DataException(
          "%s: classes.txt names %d classes, the masks have %d"
              .formatted(folder, given.size(), classes));
    }
    return given;
  }

  private static boolean isGrey(byte[] planes, int area) {
    for (int p = 0; p < area; p++) {
      if (planes[p] != planes[area + p] || planes[p] != planes[2 * area + p]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Reads the images of a folder (or of its {@code images/}) without masks, in the order of their
   * names, all of one size.
   *
   * @param channels 1 or 3
   */
  public static MaskedImages imagesOnly(Path folder, int channels) throws IOException {
    Path images = Files.isDirectory(folder.resolve(IMAGES)) ? folder.resolve(IMAGES) : folder;
    Map<String, Path> files = byStem(images);
    if (files.isEmpty()) {
      throw new DataException(images + ": there is no image (png, jpg, bmp, gif) in it");
    }
    int[] size = null;
    List<float[]> all = new ArrayList<>();
    for (Path file : files.values()) {
      BufferedImage image = ImageFiles.decode(file);
      int[] own = {image.getHeight(), image.getWidth()};
      size = size == null ? own : size;
      checkSize(file, own, size);
      byte[] planes = ImageFiles.planes(image);
      float[] pixels = new float[channels * own[0] * own[1]];
      for (int p = 0; p < pixels.length; p++) {
        pixels[p] = (planes[p] & 0xff) / 255f;
      }
      all.add(pixels);
    }
    int each = channels * size[0] * size[1];
    float[] flat = new float[all.size() * each];
    for (int i = 0; i < all.size(); i++) {
      System.arraycopy(all.get(i), 0, flat, i * each, each);
    }
    return new MaskedImages(
        channels,
        size[0],
        size[1],
        flat,
        new byte[all.size() * size[0] * size[1]],
        List.of(),
        List.copyOf(files.keySet()));
  }
}
