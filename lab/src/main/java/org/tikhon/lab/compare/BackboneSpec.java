package org.tikhon.lab.compare;

import java.util.List;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.ResNet;
import org.tikhon.nn.SmallCnn;
import org.tikhon.nn.TabularMlp;
import org.tikhon.nn.UNet;
import org.tikhon.nn.Vit;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Rng;
import org.tikhon.train.Setup.Optimization;

/**
 * Which network to build: a plain record that is saved with a model.
 *
 * @param name mlp, cnn, resnet20, resnet18, vit, tabular, or unet
 * @param inputShape the shape of one input, without the batch
 * @param cardinalities of the categorical columns, for tabular
 */
public record BackboneSpec(
    String name, List<Integer> inputShape, List<Integer> cardinalities, int outputs) {
  static final List<String> IMAGE_NAMES = List.of("mlp", "cnn", "resnet20", "resnet18", "vit");
  static final String TABULAR = "tabular";
  static final String UNET = "unet";
  private static final List<Integer> HIDDEN = List.of(256, 256);

  /** A network with fresh weights. */
  public Backbone build(Rng rng) {
    int channels = inputShape.getFirst();
    return switch (name) {
      case "mlp" -> new Mlp(inputShape.stream().reduce(1, (a, b) -> a * b), HIDDEN, outputs, rng);
      case "cnn" -> new SmallCnn(channels, 32, outputs, rng);
      case "resnet20" -> ResNet.resnet20(channels, outputs, rng);
      case "resnet18" -> ResNet.resnet18(channels, outputs, rng);
      case "vit" -> vit(channels, rng);
      case TABULAR ->
          new TabularMlp(channels - cardinalities.size(), cardinalities, HIDDEN, outputs, 0, rng);
      case UNET -> new UNet(channels, List.of(16, 32, 64), outputs, rng);
      default ->
          throw new IllegalArgumentException(
              "model must be one of " + IMAGE_NAMES + ", was " + name);
    };
  }

  private Backbone vit(int channels, Rng rng) {
    int size = inputShape.get(1);
    if (inputShape.get(2) != size || size % 4 != 0) {
      throw new IllegalArgumentException(
          "model vit needs square images whose size is a multiple of 4, these are %d x %d"
              .formatted(inputShape.get(2), size));
    }
    return new Vit(channels, size, 4, 64, 4, 4, 0, outputs, rng);
  }

  /**
   * How the network is trained when nothing else is said: AdamW for tables and transformers, SGD
   * with momentum and a cosine for the others. The same for every method.
   */
  public Optimization optimization(int epochs) {
    Schedule cosine = Schedule.cosine(epochs, 0);
    return switch (name) {
      case TABULAR -> Optimization.adamW(1e-3, 1e-2).withSchedule(cosine);
      case UNET -> Optimization.adamW(3e-3, 1e-2).withSchedule(cosine);
      case "vit" -> Optimization.adamW(1e-3, 1e-2).withSchedule(cosine.warmup(1));
      case "mlp" -> Optimization.sgd(0.02, 0.9, 5e-4).withSchedule(cosine);
      default -> Optimization.sgd(0.05, 0.9, 5e-4).withNesterov().withSchedule(cosine);
    };
  }

  /** The number of epochs when nothing else is said. */
  public int epochs() {
    return switch (name) {
      case "mlp", UNET -> 30;
      case TABULAR -> 15;
      default -> 12;
    };
  }
}
