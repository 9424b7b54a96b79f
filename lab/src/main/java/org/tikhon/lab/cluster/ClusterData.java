package org.tikhon.lab.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tikhon.data.DataException;
import org.tikhon.data.ImageSet;
import org.tikhon.data.Table;
import org.tikhon.data.TableTarget;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Samples to cluster.
 *
 * @param title where they are from
 * @param inputs FLOAT32, {@code [n, ...]}
 * @param rows each sample's place in the source, from 1
 * @param labels classes, for scores only; null where there are none
 * @param classes the names of the classes, empty where there are none
 * @param how the inputs were made
 */
public record ClusterData(
    String title,
    Tensor inputs,
    int[] rows,
    int[] labels,
    List<String> classes,
    ClusterInputs how) {

  /**
   * Reads a table, or a folder of images (its training part, with its labels).
   *
   * @param label a table's column that is used for scores only, or null
   * @param impute whether missing numbers become the mean
   * @param how how a model's inputs were made, or null: to be learnt from these data
   */
  public static ClusterData read(Path data, String label, boolean impute, ClusterInputs how)
      throws IOException {
    if (!Files.exists(data)) {
      throw new NoSuchFileException(data.toString());
    }
    try (Scope scope = Scope.open()) {
      ClusterData read =
          Files.isDirectory(data) ? images(data, label, how) : table(data, label, impute, how);
      if (!read.inputs.allFinite()) {
        throw new DataException(data + ": must hold finite numbers, has NaN or infinite ones");
      }
      read.inputs.escape();
      return read;
    }
  }

  private static ClusterData table(Path data, String label, boolean impute, ClusterInputs how)
      throws IOException {
    if (!Table.isTable(data)) {
      throw new DataException(
          data + ": not a table (.csv, .tsv, .parquet, .json) and not a folder of images");
    }
    if (how != null && !how.isTable()) {
      throw new DataException(data + ": the model is of images, this is a table");
    }
    Table table = Table.read(data);
    int column = label == null ? -1 : table.columnIndex(label);
    TableTarget target =
        column < 0 ? null : TableTarget.of(table, column, TableTarget.Kind.CLASSIFICATION);
    ClusterInputs inputs = how == null ? ClusterInputs.of(table, column, impute) : how;
    return new ClusterData(
        data.toString(),
        inputs.encode(table),
        numbers(table.rows()),
        target == null
            ? null
            : Arrays.stream(target.labels(table)).mapToInt(Math::toIntExact).toArray(),
        target == null ? List.of() : target.classes(),
        inputs);
  }

  private static ClusterData images(Path data, String label, ClusterInputs how) throws IOException {
    if (label != null) {
      throw new IllegalArgumentException(
          "--label goes with a table; a folder of images brings its own labels");
    }
    if (how != null && how.isTable()) {
      throw new DataException(data + ": the model is of a table, this is a folder");
    }
    ImageSet images = ImageSet.read(data).train();
    ClusterInputs inputs = how == null ? ClusterInputs.of(images) : how;
    return new ClusterData(
        data.toString(),
        inputs.encode(images),
        numbers(images.size()),
        images.labels(),
        images.classes(),
        inputs);
  }

  private static int[] numbers(int n) {
    return IntStream.rangeClosed(1, n).toArray();
  }

  public int size() {
    return rows.length;
  }

  /** So many samples at random, or all if there are not more. */
  public ClusterData subset(int samples, long seed) {
    if (samples >= size()) {
      return this;
    }
    try (Scope scope = Scope.open()) {
      int[] places = new Rng(seed).permutation(size()).slice(0, 0, samples).toIntArray();
      Arrays.sort(places);
      return select(title + " (%d rows of it)".formatted(samples), places);
    }
  }

  /**
   * Long-tailed data: of the k-th class at most {@code n ratio^(-k / (K - 1))} samples, with n the
   * size of the first class.
   *
   * @param ratio the sizes of the first and the last class, at least 1
   */
  public ClusterData longTailed(double ratio, long seed) {
    int[] left = new int[classes.size()];
    int largest = (int) Arrays.stream(labels).filter(c -> c == 0).count();
    Arrays.setAll(
        left,
        k -> (int) Math.round(largest * Math.pow(ratio, -k / Math.max(1, left.length - 1.0))));
    try (Scope scope = Scope.open()) {
      int[] places =
          Arrays.stream(new Rng(seed).permutation(size()).toIntArray())
              .filter(i -> left[labels[i]]-- > 0)
              .sorted()
              .toArray();
      return select(title + " (long-tailed, 1 : %s)".formatted(ratio), places);
    }
  }

  private ClusterData select(String name, int[] places) {
    long[] index = Arrays.stream(places).asLongStream().toArray();
    return new ClusterData(
        name,
        inputs.indexSelect(0, Tensor.of(index, index.length)).escape(),
        Arrays.stream(places).map(i -> rows[i]).toArray(),
        labels == null ? null : Arrays.stream(places).map(i -> labels[i]).toArray(),
        classes,
        how);
  }
}
