package org.tikhon.lab.compare;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.data.ImageSet;
import org.tikhon.data.MaskedImages;
import org.tikhon.data.Safetensors;
import org.tikhon.data.Table;
import org.tikhon.lab.compare.Problem.Inputs;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Evaluation;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/** Applies the model of a finished comparison to new data. */
public final class Predictor {
  private final ModelCard card;
  private final Learner learner;

  private Predictor(ModelCard card, Learner learner) {
    this.card = card;
    this.learner = learner;
  }

  /** Opens the model in a comparison's folder. */
  public static Predictor open(Path folder) throws IOException {
    ModelCard card = ModelCard.read(folder);
    if (card.method() == null) {
      throw new DataException(
          folder + ": the model does not say which method made it; run the comparison again");
    }
    try (Scope scope = Scope.open()) {
      Learner learner = learner(card);
      learner.model().loadStateDict(Safetensors.read(folder.resolve(Comparison.MODEL)));
      return new Predictor(card, learner);
    }
  }

  /** A learner as the one that was trained: a recipe may have changed the network. */
  private static Learner learner(ModelCard card) {
    Recipe recipe =
        Recipe.all().stream()
            .filter(r -> r.name().equals(card.method()))
            .findFirst()
            .orElseThrow(
                () ->
                    new DataException(
                        "the model was trained with the method %s, which is not on the class path"
                            .formatted(card.method())));
    Task task =
        card.classes().isEmpty()
            ? new Task.Regression()
            : card.inputs().kind().equals("segmentation")
                ? new Task.Segmentation(card.classes().size())
                : new Task.Classification(card.classes().size());
    // Prediction uses neither the per-sample state nor the schedule that these sizes are for.
    long samples = 1000;
    Setup setup =
        new Setup(
            task, card.backbone()::build, samples, 1, card.backbone().optimization(1), new Rng(0));
    return recipe.learner(setup, card.setting());
  }

  public ModelCard card() {
    return card;
  }

  /** The loaded network, to predict with. */
  Learner learner() {
    return learner;
  }

  /** The predictions for a table or a folder of images, as the lines of a CSV file. */
  public List<String> predict(Path data) throws IOException {
    try (Scope scope = Scope.open()) {
      Tensor inputs = inputs(data);
      if (card.classes().isEmpty()) {
        double mean = card.inputs().target().mean();
        double deviation = card.inputs().target().deviation();
        return Stream.concat(
                Stream.of("prediction"),
                Arrays.stream(Evaluation.values(learner, inputs))
                    .mapToObj(v -> Double.toString(mean + deviation * v)))
            .toList();
      }
      double[][] probabilities = Evaluation.probabilities(learner, inputs, card.classes().size());
      Stream<String> header =
          Stream.of(
              "prediction,"
                  + String.join(
                      ",", card.classes().stream().map(c -> quoted("p(" + c + ")")).toList()));
      return Stream.concat(header, Arrays.stream(probabilities).map(this::line)).toList();
    }
  }

  /** Whether the model gives a mask for each image instead of a line. */
  public boolean isSegmentation() {
    return card.inputs().kind().equals("segmentation");
  }

  /**
   * Writes a mask for each image of a folder: a grey PNG of the image's name whose values are class
   * numbers.
   *
   * @return how many
   */
  public int predictMasks(Path data, Path out) throws IOException {
    if (!Files.isDirectory(data)) {
      throw new DataException(data + ": the model was trained on folders of images; this is none");
    }
    MaskedImages images = MaskedImages.imagesOnly(data, card.backbone().inputShape().getFirst());
    Files.createDirectories(out);
    try (Scope scope = Scope.open()) {
      Tensor inputs =
          ProblemLoader.normalize(
              ProblemLoader.dataset(images).inputs(),
              vector(card.inputs().pixelMean()),
              vector(card.inputs().pixelDeviation()));
      for (int i = 0; i < images.size(); i++) {
        try (Scope one = Scope.open()) {
          int[] classes = learner.predict(inputs.slice(0, i, i + 1)).argmax(1).toIntArray();
          BufferedImage mask =
              new BufferedImage(images.width(), images.height(), BufferedImage.TYPE_BYTE_GRAY);
          mask.getRaster().setSamples(0, 0, images.width(), images.height(), 0, classes);
          AtomicFiles.write(
              out.resolve(images.names().get(i) + ".png"),
              temporary -> ImageIO.write(mask, "png", temporary.toFile()));
        }
      }
    }
    return images.size();
  }

  private String line(double[] row) {
    int best =
        IntStream.range(0, row.length).reduce((a, b) -> row[b] > row[a] ? b : a).orElseThrow();
    StringBuilder line = new StringBuilder(quoted(card.classes().get(best)));
    for (double p : row) {
      line.append(',').append(String.format(Locale.ROOT, "%.6g", p));
    }
    return line.toString();
  }

  private static String quoted(String text) {
    return text.matches(".*[\",\n].*") ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }

  private Tensor inputs(Path data) throws IOException {
    Inputs spec = card.inputs();
    if (spec.kind().equals("table")) {
      if (!Files.isRegularFile(data)) {
        throw new DataException(data + ": the model was trained on a table; this is not a file");
      }
      Table table = Table.read(data);
      return Tensor.of(spec.encoder().encode(table), table.rows(), spec.encoder().width());
    }
    ImageSet.Split split = ImageSet.read(data);
    ImageSet images = split.test().orElse(split.train());
    List<Integer> shape = List.of(images.channels(), images.height(), images.width());
    if (!shape.equals(card.backbone().inputShape())) {
      throw new DataException(
          "%s: the images have shape %s, the model was trained on %s"
              .formatted(data, shape, card.backbone().inputShape()));
    }
    return ProblemLoader.normalize(
        ProblemLoader.dataset(images).inputs(),
        vector(spec.pixelMean()),
        vector(spec.pixelDeviation()));
  }

  private static Tensor vector(List<Double> values) {
    double[] array = values.stream().mapToDouble(Double::doubleValue).toArray();
    return Tensor.of(array, array.length).to(Dtype.FLOAT32);
  }
}
