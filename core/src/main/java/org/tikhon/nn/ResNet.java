package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Residual networks with basic blocks for small images: a 3x3 stem without pooling, then stages
 * that halve the size.
 */
public final class ResNet extends Backbone {
  private final Sequential body;
  private final long featureSize;

  private ResNet(long channels, List<Integer> blocks, long width, long out, Rng rng) {
    List<Module> layers = new ArrayList<>();
    layers.add(new Conv2d(channels, width, 3, Conv.DEFAULT.padding(1), false, rng));
    layers.add(new BatchNorm(width));
    layers.add(Lambda.relu());
    long size = width;
    for (int stage = 0; stage < blocks.size(); stage++) {
      long next = width << stage;
      for (int i = 0; i < blocks.get(stage); i++) {
        layers.add(new ResidualBlock(size, next, stage > 0 && i == 0 ? 2 : 1, rng));
        size = next;
      }
    }
    layers.add(Lambda.globalAvgPool2d());
    body = child("body", new Sequential(layers));
    featureSize = size;
    head(new Linear(size, out, rng));
  }

  /** ResNet-20 for CIFAR: three stages of three blocks, 16 to 64 channels, 0.27 M parameters. */
  public static ResNet resnet20(long channels, long out, Rng rng) {
    return new ResNet(channels, List.of(3, 3, 3), 16, out, rng);
  }

  /** ResNet-18 for small images: four stages of two blocks, 64 to 512 channels, 11 M parameters. */
  public static ResNet resnet18(long channels, long out, Rng rng) {
    return new ResNet(channels, List.of(2, 2, 2, 2), 64, out, rng);
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
