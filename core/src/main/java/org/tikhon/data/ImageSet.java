package org.tikhon.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Labelled images in memory.
 *
 * @param channels 1 for grey, 3 for red, green, blue
 * @param pixels {@code [n, channels, height, width]}, unsigned bytes
 * @param labels class numbers
 * @param classes the classes' names
 */
public record ImageSet(
    int channels, int height, int width, byte[] pixels, int[] labels, List<String> classes) {
  private static final List<String> CIFAR10 =
      List.of(
          "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");
  private static final List<String> FASHION =
      List.of(
          "T-shirt",
          "trouser",
          "pullover",
          "dress",
          "coat",
          "sandal",
          "shirt",
          "sneaker",
          "bag",
          "ankle boot");

  public ImageSet {
    if ((long) labels.length * channels * height * width != pixels.length) {
      throw new IllegalArgumentException(
          labels.length + " labels do not fit " + pixels.length + " bytes of pixels");
    }
    for (int label : labels) {
      if (label < 0 || label >= classes.size()) {
        throw new IllegalArgumentException(
            "label " + label + " is outside 0.." + (classes.size() - 1));
      }
    }
  }

  public int size() {
    return labels.length;
  }

  /**
   * Training and test images; the test images are empty where the source does not separate them.
   */
  public record Split(ImageSet train, Optional<ImageSet> test) {}

  /** A folder with IDX files, CIFAR-10 binary batches, or one folder of images per class. */
  public static Split read(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      throw new NoSuchFileException(folder.toString());
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.sorted().toList();
    }
    if (files.stream().anyMatch(f -> f.getFileName().toString().contains("idx3-ubyte"))) {
      return idxFolder(folder, files);
    }
    if (files.stream().anyMatch(f -> f.toString().endsWith(".bin"))) {
      return cifarFolder(folder, files);
    }
    if (files.stream().anyMatch(Files::isDirectory)) {
      return classFolders(folder, files);
    }
    throw new DataException(
        folder
            + ": neither IDX files (*idx3-ubyte*) nor CIFAR batches (*.bin) nor folders of classes were found");
  }

  // ---- IDX

  private static Split idxFolder(Path folder, List<Path> files) throws IOException {
    boolean fashion = folder.getFileName().toString().contains("fashion");
    Optional<ImageSet> train = idxPair(files, "train", fashion);
    Optional<ImageSet> test = idxPair(files, "t10k", fashion);
    if (train.isPresent()) {
      return new Split(train.get(), test);
    }
    return new Split(
        test.orElseThrow(
            () ->
                new DataException(
                    folder + ": no pair of *-images-idx3-ubyte and *-labels-idx1-ubyte files")),
        Optional.empty());
  }

  private static Optional<ImageSet> idxPair(List<Path> files, String prefix, boolean fashion)
      throws IOException {
    Optional<Path> images = named(files, prefix, "idx3-ubyte");
    Optional<Path> labels = named(files, prefix, "idx1-ubyte");
    if (images.isEmpty() || labels.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(idx(images.get(), labels.get(), fashion ? FASHION : null));
  }

  private static Optional<Path> named(List<Path> files, String prefix, String part) {
    return files.stream()
        .filter(f -> f.getFileName().toString().startsWith(prefix) && f.toString().contains(part))
        .findFirst();
  }

  /** Grey images and their labels from two IDX files; class names may be null for 0, 1, 2, .... */
  public static ImageSet idx(Path images, Path labels, List<String> classes) throws IOException {
    Idx x = Idx.read(images);
    Idx y = Idx.read(labels);
    if (x.shape().length != 3) {
      throw new DataException(
          images + ": images have 3 dimensions, these have " + x.shape().length);
    }
    if (y.shape().length != 1 || y.shape()[0] != x.shape()[0]) {
      throw new DataException(
          "%s: %d images need as many labels, the shape is %s"
              .formatted(labels, x.shape()[0], Arrays.toString(y.shape())));
    }
    int[] numbers = new int[y.bytes().length];
    Arrays.setAll(numbers, i -> y.bytes()[i] & 0xff);
    int count = Arrays.stream(numbers).max().orElse(-1) + 1;
    List<String> names =
        classes != null && classes.size() >= count
            ? classes
            : IntStream.range(0, count).mapToObj(Integer::toString).toList();
    return new ImageSet(1, x.shape()[1], x.shape()[2], x.bytes(), numbers, names);
  }

  // ---- CIFAR

  private static Split cifarFolder(Path folder, List<Path> files) throws IOException {
    List<Path> batches = files.stream().filter(f -> f.toString().endsWith(".bin")).toList();
    List<Path> test =
        batches.stream().filter(f -> f.getFileName().toString().contains("test")).toList();
    List<Path> train = batches.stream().filter(f -> !test.contains(f)).toList();
    if (train.isEmpty()) {
      throw new DataException(folder + ": no training batch (*.bin without \"test\" in its name)");
    }
    return new Split(
        cifar10(train), test.isEmpty() ? Optional.empty() : Optional.of(cifar10(test)));
  }

  /** CIFAR-10 binary batches: records of one label byte and 3 x 32 x 32 bytes. */
  public static ImageSet cifar10(List<Path> batches) throws IOException {
    int record = 1 + 3 * 32 * 32;
    List<byte[]> contents = new ArrayList<>();
    int n = 0;
    for (Path batch : batches) {
      byte[] bytes = Files.readAllBytes(batch);
      if (bytes.length == 0 || bytes.length % record != 0) {
        throw new DataException(
            "%s: a CIFAR-10 batch has a multiple of %d bytes, this has %d"
                .formatted(batch, record, bytes.length));
      }
      contents.add(bytes);
      n += bytes.length / record;
    }
    byte[] pixels = new byte[n * (record - 1)];
    int[] labels = new int[n];
    int i = 0;
    for (int b = 0; b < batches.size(); b++) {
      byte[] bytes = contents.get(b);
      for (int at = 0; at < bytes.length; at += record, i++) {
        labels[i] = bytes[at] & 0xff;
        if (labels[i] >= 10) {
          throw new DataException(
              batches.get(b) + ": label " + labels[i] + " at byte " + at + " is outside 0..9");
        }
        System.arraycopy(bytes, at + 1, pixels, i * (record - 1), record - 1);
      }
    }
    return new ImageSet(3, 32, 32, pixels, labels, CIFAR10);
  }

  // ---- Folders of images

  private static Split classFolders(Path folder, List<Path> files) throws IOException {
    Path train = folder.resolve("train");
    Path test = folder.resolve("test");
    if (Files.isDirectory(train) && Files.isDirectory(test)) {
      ImageSet trainSet = images(train, subfolders(train), List.of());
      return new Split(trainSet, Optional.of(images(test, subfolders(test), trainSet.classes)));
    }
    return new Split(
        images(folder, files.stream().filter(Files::isDirectory).toList(), List.of()),
        Optional.empty());
  }

  private static List<Path> subfolders(Path folder) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.filter(Files::isDirectory).sorted().toList();
    }
  }

  private static ImageSet images(Path folder, List<Path> classFolders, List<String> knownClasses)
      throws IOException {
    List<String> names = classFolders.stream().map(f -> f.getFileName().toString()).toList();
    List<String> classes = knownClasses.isEmpty() ? names : knownClasses;
    List<byte[]> pixels = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    int[] size = null;
    for (int k = 0; k < names.size(); k++) {
      int label = classes.indexOf(names.get(k));
      if (label < 0) {
        throw new DataException(
            classFolders.get(k) + ": the class does not occur in training: " + classes);
      }
      List<Path> files;
      try (Stream<Path> list = Files.list(classFolders.get(k))) {
        files = list.filter(ImageFiles::isImage).sorted().toList();
      }
      for (Path file : files) {
        BufferedImage image = ImageFiles.decode(file);
        int[] own = {image.getHeight(), image.getWidth()};
        if (size == null) {
          size = own;
        } else if (!Arrays.equals(size, own)) {
          throw new DataException(
              "%s: the image is %d x %d, the first one is %d x %d; all must have one size"
                  .formatted(file, own[1], own[0], size[1], size[0]));
        }
        pixels.add(ImageFiles.planes(image));
        labels.add(label);
      }
    }
    if (size == null) {
      throw new DataException(folder + ": no image (png, jpg, bmp, gif) was found in " + names);
    }
    byte[] all = new byte[pixels.size() * pixels.getFirst().length];
    for (int i = 0; i < pixels.size(); i++) {
      System.arraycopy(
          pixels.get(i), 0, all, i * pixels.getFirst().length, pixels.getFirst().length);
    }
    int[] numbers = labels.stream().mapToInt(Integer::intValue).toArray();
    return new ImageSet(3, size[0], size[1], all, numbers, classes);
  }
}
