package org.tikhon.bench;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.tikhon.data.DataHome;
import org.tikhon.data.ImageSet;
import org.tikhon.data.Table;

/**
 * The time to load files: the 60,000 training images of Fashion-MNIST (gzipped IDX), and generated
 * CSV files of 100 MB with numbers only and with numbers and words. Arguments: the folder of
 * Fashion-MNIST (otherwise the one that is found), the repetitions.
 */
public final class Loading {
  private static final long CSV_BYTES = 100_000_000;

  private Loading() {}

  public static void main(String[] args) throws Exception {
    Path images =
        args.length > 0 && !args[0].equals("-")
            ? Path.of(args[0])
            : DataHome.find("fashion-mnist").orElseThrow();
    int repetitions = args.length > 1 ? Integer.parseInt(args[1]) : 5;
    time(
        "60,000 IDX images, gzip",
        repetitions,
        () ->
            ImageSet.idx(
                    images.resolve("train-images-idx3-ubyte.gz"),
                    images.resolve("train-labels-idx1-ubyte.gz"),
                    null)
                .size());
    Path folder = Files.createTempDirectory("tikhon-loading");
    Path numbers = folder.resolve("numbers.csv");
    Path mixed = folder.resolve("mixed.csv");
    try {
      write(numbers, false);
      write(mixed, true);
      time("CSV of 100 MB, numbers", repetitions, () -> Table.read(numbers).rows());
      time("CSV of 100 MB, numbers and words", repetitions, () -> Table.read(mixed).rows());
    } finally {
      Files.deleteIfExists(numbers);
      Files.deleteIfExists(mixed);
      Files.deleteIfExists(folder);
    }
  }

  private static void time(String what, int repetitions, Callable<Integer> load) throws Exception {
    StringBuilder times = new StringBuilder();
    int rows = 0;
    for (int i = 0; i < repetitions; i++) {
      long start = System.nanoTime();
      rows = load.call();
      times.append(" %.2f".formatted((System.nanoTime() - start) * 1e-9));
    }
    System.out.printf("%-34s %,9d rows, seconds:%s%n", what, rows, times);
  }

  /** Twenty columns; with words, every fourth one holds them. */
  private static void write(Path path, boolean words) throws IOException {
    String[] names = {"red", "green", "blue", "dark violet", "sea green", "light grey"};
    SplittableRandom random = new SplittableRandom(1);
    try (BufferedWriter out = Files.newBufferedWriter(path)) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < 20; c++) {
        line.append(c == 0 ? "" : ",").append("column_").append(c);
      }
      long written = 0;
      while (written < CSV_BYTES) {
        out.append(line).append('\n');
        written += line.length() + 1;
        line.setLength(0);
        for (int c = 0; c < 20; c++) {
          line.append(c == 0 ? "" : ",");
          if (words && c % 4 == 3) {
            line.append(names[random.nextInt(names.length)]);
          } else if (c % 4 == 0) {
            line.append(random.nextInt(1000));
          } else {
            line.append(String.format(Locale.ROOT, "%.5f", random.nextGaussian()));
          }
        }
      }
    }
  }
}
