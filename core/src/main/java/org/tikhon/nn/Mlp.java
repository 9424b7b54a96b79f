package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/** A multi-layer perceptron with ReLU; inputs of any shape are flattened to {@code [batch, in]}. */
public final class Mlp extends Backbone {
  private final Sequential body;
  private final long featureSize;

  /**
   * @param hidden the sizes of the hidden layers, each at least 1
   * @param dropout after each hidden layer, in [0, 1)
   */
  public Mlp(long in, List<Integer> hidden, long out, double dropout, Rng rng) {
    this(in, hidden, out, dropout, false, rng);
  }

  private Mlp(long in, List<Integer> hidden, long out, double dropout, boolean batchNorm, Rng rng) {
    body = child("body", hiddenLayers(in, hidden, dropout, batchNorm, rng));
    featureSize = hidden.isEmpty() ? in : hidden.getLast();
    head(new Linear(featureSize, out, rng));
  }

  /** A perceptron with batch normalisation before each ReLU. */
  public static Mlp batchNormalized(long in, List<Integer> hidden, long out, Rng rng) {
    return new Mlp(in, hidden, out, 0, true, rng);
  }

  /** Linear layers with batch normalisation, ReLU and dropout on flattened inputs. */
  static Sequential hiddenLayers(
      long in, List<Integer> hidden, double dropout, boolean batchNorm, Rng rng) {
    List<Module> layers = new ArrayList<>();
    layers.add(Lambda.flatten());
    long size = in;
    for (int next : hidden) {
      layers.add(new Linear(size, next, rng));
      if (batchNorm) {
        layers.add(new BatchNorm(next));
      }
      layers.add(Lambda.relu());
      if (dropout > 0) {
        layers.add(new Dropout(dropout, rng));
      }
      size = next;
    }
    return new Sequential(layers);
  }

  public Mlp(long in, List<Integer> hidden, long out, Rng rng) {
    this(in, hidden, out, 0, rng);
  }

  @Override
  public Tensor body(Tensor x) {
    return body.forward(x);
  }

  @Override
  public long featureSize() {
    return featureSize;
  }
}
