package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tikhon.data.DataException;
import org.tikhon.data.ImageSet;
import org.tikhon.data.Safetensors;
import org.tikhon.data.Table;
import org.tikhon.lab.compare.Problem.Inputs;
import org.tikhon.nn.Ensemble;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Evaluation;
import org.tikhon.train.Learner;

/** Applies the model of a finished comparison to new data. */
public final class Predictor {
  private final ModelCard card;
  private final Module network;

  private Predictor(ModelCard card, Module network) {
    this.card = card;
    this.network = network;
  }

  /** Opens the model in a comparison's folder. */
  public static Predictor open(Path folder) throws IOException {
    ModelCard card = ModelCard.read(folder);
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> weights = Safetensors.read(folder.resolve(Comparison.MODEL));
      long networks =
          weights.keySet().stream()
              .filter(n -> n.startsWith("networks."))
              .map(n -> n.split("\\.", -1)[1])
              .distinct()
              .count();
      Rng rng = new Rng(0);
      Module network =
          networks == 0
              ? card.backbone().build(rng)
              : new Ensemble(
                  Stream.generate(() -> card.backbone().build(rng)).limit(networks).toList());
      network.loadStateDict(weights);
      network.eval();
      return new Predictor(card, network);
    }
  }

  public ModelCard card() {
    return card;
  }

  /** The network as something that predicts (and cannot learn). */
  Learner learner() {
    return new Learner() {
      @Override
      public double step(Batch batch, double epoch) {
        throw new IllegalStateException("a loaded model does not learn");
      }

      @Override
      public Tensor predict(Tensor inputs) {
        try (Scope scope = Scope.open();
            Autograd.NoGrad off = Autograd.noGrad()) {
          Tensor y = network.forward(inputs);
          return scope.keep(card.classes().isEmpty() ? y.squeeze(1) : y);
        }
      }

      @Override
      public Module model() {
        return network;
      }

      @Override
      public Map<String, Tensor> state() {
        return network.stateDict();
      }

      @Override
      public void load(Map<String, Tensor> state) {
        network.loadStateDict(state);
      }
    };
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
                Arrays.stream(Evaluation.values(learner(), inputs))
                    .mapToObj(v -> Double.toString(mean + deviation * v)))
            .toList();
      }
      double[][] probabilities = Evaluation.probabilities(learner(), inputs, card.classes().size());
      Stream<String> header =
          Stream.of(
              "prediction,"
                  + String.join(
                      ",", card.classes().stream().map(c -> quoted("p(" + c + ")")).toList()));
      return Stream.concat(header, Arrays.stream(probabilities).map(this::line)).toList();
    }
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
