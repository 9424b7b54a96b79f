package org.tikhon.nn;

import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * Two 3x3 convolutions with batch normalisation around a skip connection (a 1x1 convolution where
 * shapes differ).
 */
public final class ResidualBlock extends Module {
  private final Conv2d conv1;
  private final BatchNorm bn1;
  private final Conv2d conv2;
  private final BatchNorm bn2;
  private final Sequential shortcut;

  public ResidualBlock(long in, long out, long stride, Rng rng) {
    conv1 =
        child("conv1", new Conv2d(in, out, 3, Conv.DEFAULT.padding(1).stride(stride), false, rng));
    bn1 = child("bn1", new BatchNorm(out));
    conv2 = child("conv2", new Conv2d(out, out, 3, Conv.DEFAULT.padding(1), false, rng));
    bn2 = child("bn2", new BatchNorm(out));
    shortcut =
        in == out && stride == 1
            ? null
            : child(
                "downsample",
                new Sequential(
                    new Conv2d(in, out, 1, Conv.DEFAULT.stride(stride), false, rng),
                    new BatchNorm(out)));
  }

  @Override
  public Tensor forward(Tensor x) {
    Tensor y = bn1.forward(conv1.forward(x)).relu();
    y = bn2.forward(conv2.forward(y));
    return y.add(shortcut == null ? x : shortcut.forward(x)).relu();
  }
}
