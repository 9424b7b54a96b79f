package org.tikhon.nn;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.tensor.Functional.Conv;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A small vision transformer: patches, learned positions, pre-norm blocks, the mean over the
 * patches.
 */
public final class Vit extends Backbone {
  private final Conv2d patches;
  private final Parameter positions;
  private final Sequential blocks;
  private final LayerNorm norm;
  private final long features;

  /**
   * @param size height and width of the images, divisible by {@code patch}
   */
  public Vit(
      long channels,
      long size,
      long patch,
      long features,
      int depth,
      long heads,
      double dropout,
      long out,
      Rng rng) {
    Check.divides("patch", patch, "size", size);
    this.features = features;
    long count = (size / patch) * (size / patch);
    patches =
        child(
            "patch_embed",
            new Conv2d(channels, features, patch, Conv.DEFAULT.stride(patch), true, rng));
    positions = parameter("pos_embed", Init.truncatedNormal(0.02, rng, 1, count, features));
    List<Module> layers = new ArrayList<>();
    for (int i = 0; i < depth; i++) {
      layers.add(new TransformerLayer(features, heads, dropout, false, rng));
    }
    blocks = child("blocks", new Sequential(layers));
    norm = child("norm", new LayerNorm(features));
    head(new Linear(features, out, rng));
  }

  @Override
  public Tensor body(Tensor x) {
    Tensor tokens = patches.forward(x).flatten(2, 3).transpose(1, 2).add(positions.value());
    return norm.forward(blocks.forward(tokens)).mean(1);
  }

  @Override
  public long featureSize() {
    return features;
  }
}
