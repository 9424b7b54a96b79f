package org.tikhon.train;

import java.util.Comparator;
import java.util.stream.DoubleStream;
import org.tikhon.nn.Backbone;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * How good a network is, and how good its features are for something else.
 *
 * @param accuracy of the network on test data of its own task, in [0, 1]
 * @param intraClassVariability of its normalised features of the data that it was trained on, where
 *     features of a class collapse first, see {@link Embeddings#intraClassVariability}
 * @param linearProbe the test accuracy of a {@link LinearProbe} on its normalised features with the
 *     labels of another task, in [0, 1]
 */
public record FeatureReport(double accuracy, double intraClassVariability, double linearProbe) {
  /**
   * The other task, with its labels.
   *
   * @param train what the probe is fitted to
   * @param heldOut what chooses the ridge
   * @param test what the probe is measured on
   */
  public record Transfer(Dataset train, Dataset heldOut, Dataset test, int classes) {}

  /**
   * Measures a network in evaluation mode.
   *
   * @param trained what the network was trained on
   * @param test of the network's own task
   * @param ridges the penalties to choose from, at least one
   */
  public static FeatureReport of(
      Backbone network, Dataset trained, Dataset test, Transfer transfer, double... ridges) {
    if (ridges.length == 0) {
      throw new IllegalArgumentException("ridges must hold at least one value, is empty");
    }
    network.eval();
    try (Scope scope = Scope.open()) {
      Tensor raw = Embeddings.of(network::features, test.inputs());
      Tensor predicted = network.head().forward(raw).detach().argmax(1);
      double accuracy = predicted.eq(test.targets()).sum().item() / test.size();
      double variability =
          Embeddings.intraClassVariability(
              Embeddings.of(network::features, trained.inputs()), trained.targets());
      Tensor train = unitFeatures(network, transfer.train);
      Tensor heldOut = unitFeatures(network, transfer.heldOut);
      LinearProbe best =
          DoubleStream.of(ridges)
              .mapToObj(r -> LinearProbe.fit(train, transfer.train.targets(), transfer.classes, r))
              .max(Comparator.comparingDouble(p -> p.accuracy(heldOut, transfer.heldOut.targets())))
              .orElseThrow();
      double probe = best.accuracy(unitFeatures(network, transfer.test), transfer.test.targets());
      return new FeatureReport(accuracy, variability, probe);
    }
  }

  private static Tensor unitFeatures(Backbone network, Dataset data) {
    return Functional.normalize(Embeddings.of(network::features, data.inputs()), 1);
  }
}
