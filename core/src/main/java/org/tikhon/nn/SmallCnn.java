package org.tikhon.nn;

import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Three blocks of 3x3 convolution, batch normalisation and ReLU with 2x2 max-pooling after the
 * first two, then the mean over the pixels: {@code [batch, channels, h, w] -> [batch, out]}.
 */
public final class SmallCnn extends Backbone {
  private final Sequential body;
  private final long featureSize;

  public SmallCnn(long channels, long width, long out, Rng rng) {
    featureSize = 4 * width;
    body =
        child(
            "body",
            new Sequential(
                new Conv2d(channels, width, 3, rng),
                new BatchNorm(width),
                Lambda.relu(),
                Lambda.maxPool2d(2),
                new Conv2d(width, 2 * width, 3, rng),
                new BatchNorm(2 * width),
                Lambda.relu(),
                Lambda.maxPool2d(2),
                new Conv2d(2 * width, 4 * width, 3, rng),
                new BatchNorm(4 * width),
                Lambda.relu(),
                Lambda.globalAvgPool2d()));
    head(new Linear(featureSize, out, rng));
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
