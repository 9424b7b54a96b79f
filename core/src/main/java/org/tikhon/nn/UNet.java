package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Functional.Interpolation;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A U-Net (Ronneberger et al. 2015) for segmentation, {@code [b, in, h, w] -> [b, out, h, w]}:
 * stages of two 3x3 convolutions with batch normalisation and ReLU, 2x2 max-pooling on the way
 * down, nearest up-sampling and concatenation with the stage of the same size on the way up, a 1x1
 * convolution as the head. Features are those of the last stage, {@code [b, channels of the first
 * stage, h, w]}. Images of any size: where it is no multiple of what the pooling needs, edges are
 * repeated and cut off again.
 */
public final class UNet extends Backbone {
  private final List<Sequential> down = new ArrayList<>();
  private final List<Sequential> up = new ArrayList<>();
  private final long featureSize;

  /**
   * A network.
   *
   * @param channels of the stages from the finest to the coarsest, at least one
   * @param out the number of classes
   */
  public UNet(long in, List<Integer> channels, long out, Rng rng) {
    if (channels.isEmpty()) {
      throw new IllegalArgumentException("channels must have at least one entry, is empty");
    }
    long size = in;
    for (int i = 0; i < channels.size(); i++) {
      down.add(child("down" + i, stage(size, channels.get(i), rng)));
      size = channels.get(i);
    }
    for (int i = channels.size() - 2; i >= 0; i--) {
      up.add(child("up" + i, stage(size + channels.get(i), channels.get(i), rng)));
      size = channels.get(i);
    }
    featureSize = size;
    head(new Conv2d(size, out, 1, rng));
  }

  private static Sequential stage(long in, long out, Rng rng) {
    return new Sequential(
        new Conv2d(in, out, 3, rng),
        new BatchNorm(out),
        Lambda.relu(),
        new Conv2d(out, out, 3, rng),
        new BatchNorm(out),
        Lambda.relu());
  }

  @Override
  public Tensor body(Tensor x) {
    long h = x.size(2);
    long w = x.size(3);
    long multiple = 1L << (down.size() - 1);
    long bottom = Math.floorMod(-h, multiple);
    long right = Math.floorMod(-w, multiple);
    Tensor y = bottom + right == 0 ? x : Functional.padReplicate(x, 0, right, 0, bottom);
    List<Tensor> skips = new ArrayList<>();
    for (int i = 0; i < down.size(); i++) {
      y = down.get(i).forward(i == 0 ? y : Functional.maxPool2d(y, 2, 2, 0));
      skips.add(y);
    }
    for (int i = 0; i < up.size(); i++) {
      Tensor skip = skips.get(down.size() - 2 - i);
      Tensor larger =
          Functional.interpolate(y, skip.size(2), skip.size(3), Interpolation.NEAREST, false);
      y = up.get(i).forward(Tensor.cat(List.of(skip, larger), 1));
    }
    return bottom + right == 0 ? y : y.slice(2, 0, h).slice(3, 0, w);
  }

  @Override
  public long featureSize() {
    return featureSize;
  }
}
