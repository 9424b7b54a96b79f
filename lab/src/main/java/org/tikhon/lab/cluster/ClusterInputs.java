package org.tikhon.lab.cluster;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tikhon.data.DataException;
import org.tikhon.data.ImageSet;
import org.tikhon.data.Table;
import org.tikhon.data.TableEncoder;
import org.tikhon.lab.compare.ProblemLoader;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * How rows of a table or images become numbers; saved with a model.
 *
 * @param encoder of a table's columns, null for images
 * @param imageShape channels, height, width; null for a table
 * @param pixelMean and {@code pixelDeviation} of each channel, of pixels in [0, 1]
 */
public record ClusterInputs(
    TableEncoder encoder,
    List<Integer> imageShape,
    List<Double> pixelMean,
    List<Double> pixelDeviation) {
  private static final double LEAST_DEVIATION = 1e-6;

  /** Learns from a table without its column of labels, -1 for none. */
  static ClusterInputs of(Table table, int labelColumn, boolean impute) {
    return new ClusterInputs(TableEncoder.fit(table, labelColumn, impute), null, null, null);
  }

  static ClusterInputs of(ImageSet images) {
    Tensor pixels = ProblemLoader.dataset(images).inputs();
    return new ClusterInputs(
        null,
        List.of(images.channels(), images.height(), images.width()),
        list(pixels.mean(0, 2, 3)),
        list(pixels.std(false, 0, 2, 3).clampMin(LEAST_DEVIATION)));
  }

  private static List<Double> list(Tensor t) {
    return Arrays.stream(t.toDoubleArray()).boxed().toList();
  }

  boolean isTable() {
    return encoder != null;
  }

  /** How many numbers a sample has. */
  int width() {
    return isTable()
        ? encoder.numeric().size()
            + encoder.cardinalities().stream().mapToInt(Integer::intValue).sum()
        : imageShape.stream().reduce(1, (a, b) -> a * b);
  }

  /** Standardised numbers, then a 1 in the place of each word, {@code [n, width]}. */
  Tensor encode(Table table) {
    int numeric = encoder.numeric().size();
    Tensor codes = Tensor.of(encoder.encode(table), table.rows(), encoder.width());
    List<Integer> cardinalities = encoder.cardinalities();
    List<Tensor> words =
        IntStream.range(0, cardinalities.size())
            .mapToObj(
                c ->
                    Functional.oneHot(
                            codes.select(1, numeric + c).to(Dtype.INT64), cardinalities.get(c))
                        .to(codes.dtype()))
            .toList();
    Tensor numbers = codes.slice(1, 0, numeric);
    return Tensor.cat(
        IntStream.rangeClosed(0, words.size())
            .mapToObj(c -> c == 0 ? numbers : words.get(c - 1))
            .toList(),
        1);
  }

  /** Standardised pixels, {@code [n, channels, height, width]}. */
  Tensor encode(ImageSet images) {
    List<Integer> shape = List.of(images.channels(), images.height(), images.width());
    if (!shape.equals(imageShape)) {
      throw new DataException(
          "images must have %s channels, height and width like those of the model, have %s"
              .formatted(imageShape, shape));
    }
    return ProblemLoader.normalized(
            ProblemLoader.dataset(images), vector(pixelMean), vector(pixelDeviation))
        .inputs();
  }

  private static Tensor vector(List<Double> values) {
    float[] array = new float[values.size()];
    IntStream.range(0, array.length).forEach(i -> array[i] = values.get(i).floatValue());
    return Tensor.of(array, array.length);
  }
}
