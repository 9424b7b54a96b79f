package org.tikhon.lab.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.Module;
import org.tikhon.nn.Sequential;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.KMeans;
import org.tikhon.train.Trainer.Augment;
import org.tikhon.transport.ImbalancedClustering;
import org.tikhon.transport.ImbalancedClustering.Epoch;
import org.tikhon.transport.PseudoLabels;
import org.tikhon.transport.Views;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Fitted clusters: a network with a head of prototypes, or k-means' centres. */
public final class ClusterModel {
  /** The method that is not a {@link PseudoLabels}. */
  public static final String K_MEANS = "kmeans";

  private static final int RESTARTS = 10;
  private static final int HIDDEN = 64;
  private static final int FEATURES = 32;
  private static final int SHIFT = 2;
  private static final String CENTERS = "centers";
  private static final String CARD = "clusters.json";
  private static final String TENSORS = "clusters.safetensors";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /**
   * How to fit.
   *
   * @param method {@link #K_MEANS} or a {@link PseudoLabels}' name in lower case
   * @param clusters K
   * @param noise the deviation of the views' noise, in deviations of the inputs
   * @param memory samples that are transported together, 0: a batch
   */
  public record Settings(
      String method,
      int clusters,
      int epochs,
      int batch,
      double learningRate,
      double noise,
      int memory,
      long seed) {}

  /**
   * Samples' clusters.
   *
   * @param confidence the largest probability; of k-means one minus the ratio of the distances to
   *     the nearest and the second centre
   */
  public record Assignment(int[] clusters, double[] confidence) {}

  /** What is saved beside the tensors. */
  private record Card(Settings settings, ClusterInputs inputs) {}

  private final Card card;
  private final ImbalancedClustering network;
  private final Tensor centers;

  private ClusterModel(Card card, ImbalancedClustering network, Tensor centers) {
    this.card = card;
    this.network = network;
    this.centers = centers;
  }

  /** Fits; {@code progress} is told each epoch of a network. */
  public static ClusterModel fit(ClusterData data, Settings settings, Consumer<Epoch> progress) {
    Card card = new Card(settings, data.how());
    try (Scope scope = Scope.open()) {
      if (settings.method.equals(K_MEANS)) {
        Tensor x = data.inputs().flatten(1, -1);
        KMeans kMeans = KMeans.fit(x, settings.clusters, RESTARTS, new Rng(settings.seed));
        return new ClusterModel(card, null, kMeans.centers().escape());
      }
      ImbalancedClustering network = network(card).listener(progress);
      network.fit(views(data, settings.noise), settings.epochs);
      return new ClusterModel(card, network, null);
    }
  }

  private static ImbalancedClustering network(Card card) {
    Settings s = card.settings;
    Module encoder =
        new Sequential(
            Lambda.flatten(),
            new Mlp(card.inputs.width(), List.of(HIDDEN), FEATURES, new Rng(s.seed)));
    PseudoLabels labels = PseudoLabels.valueOf(s.method.toUpperCase(Locale.ROOT));
    return new ImbalancedClustering(encoder, FEATURES, s.clusters, labels, s.seed)
        .batchSize(s.batch)
        .learningRate(s.learningRate)
        .memory(s.memory);
  }

  /** Noise; images are shifted as well, and mirrored where they have colours. */
  private static Views views(ClusterData data, double noise) {
    Views noisy = Views.noisy(data.inputs(), noise);
    if (data.how().isTable()) {
      return noisy;
    }
    boolean colours = data.how().imageShape().getFirst() == 3;
    Augment shift = Augment.shiftAndFlip(SHIFT, colours);
    return new Views(
        noisy.inputs(),
        noisy.features(),
        (batch, rng) -> noisy.augmentation().view(shift.apply(batch, rng), rng));
  }

  public Settings settings() {
    return card.settings;
  }

  public ClusterInputs inputs() {
    return card.inputs;
  }

  /** The clusters of encoded inputs. */
  public Assignment assign(Tensor inputs) {
    try (Scope scope = Scope.open()) {
      if (network == null) {
        return nearest(inputs.flatten(1, -1));
      }
      Tensor.Indexed best = network.probabilities(inputs).max(1);
      return new Assignment(best.indices().toIntArray(), best.values().toDoubleArray());
    }
  }

  private Assignment nearest(Tensor x) {
    int two = Math.min(2, card.settings.clusters);
    Tensor.Indexed nearest = x.cdist(centers, 2).topk(two, 1, false);
    double[] first = nearest.values().select(1, 0).toDoubleArray();
    double[] second = nearest.values().select(1, two - 1).toDoubleArray();
    double[] confidence =
        IntStream.range(0, first.length)
            .mapToDouble(i -> two == 1 ? 1 : second[i] == 0 ? 0 : 1 - first[i] / second[i])
            .toArray();
    return new Assignment(nearest.indices().select(1, 0).toIntArray(), confidence);
  }

  /** Writes the model into a folder that exists. */
  public void save(Path folder) throws IOException {
    AtomicFiles.writeString(folder.resolve(CARD), JSON.writeValueAsString(card) + "\n");
    Safetensors.write(
        folder.resolve(TENSORS),
        network == null ? Map.of(CENTERS, centers) : network.state(),
        Map.of());
  }

  /** Opens what {@link #save} wrote. */
  public static ClusterModel open(Path folder) throws IOException {
    Path file = folder.resolve(CARD);
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    Card card;
    try {
      card = JSON.readValue(Files.readString(file), Card.class);
    } catch (JacksonException e) {
      throw new DataException(
          file + ": not the description of clusters: " + e.getOriginalMessage(), e);
    }
    try (Scope scope = Scope.open()) {
      Map<String, Tensor> tensors = Safetensors.read(folder.resolve(TENSORS));
      if (card.settings.method.equals(K_MEANS)) {
        return new ClusterModel(card, null, tensors.get(CENTERS).escape());
      }
      ImbalancedClustering network = network(card);
      network.load(tensors);
      return new ClusterModel(card, network, null);
    }
  }
}
