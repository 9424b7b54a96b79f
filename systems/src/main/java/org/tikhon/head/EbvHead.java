package org.tikhon.head;

import java.util.Arrays;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Tensor;

/**
 * A classifier without parameters: classes are the fixed vectors w_j of an {@link
 * EquiangularBasis}, and the logits of an embedding v are
 *
 * <pre>logit_j = &lt;w_j, v / |v|&gt; / tau.</pre>
 *
 * Cross-entropy on them minimises the angle between v and its class's vector relative to the
 * others; the prediction is the nearest vector on the sphere. The network's last linear layer gives
 * d numbers, however many classes there are. The vectors are a buffer {@code vectors [N, d]}:
 * saved, not trained.
 *
 * <p>Embeddings are {@code [b, d]}, or {@code [b, d, ...]} for dense prediction, where every pixel
 * has its vector.
 */
public final class EbvHead extends Module {
  /** The paper's temperature. */
  public static final double DEFAULT_TEMPERATURE = 0.07;

  /** What {@link #predict(Tensor, double)} says of an input that is far from every class. */
  public static final long REJECTED = -1;

  private static final double EPSILON = 1e-12;

  private final Parameter vectors;
  private final double temperature;

  /**
   * A head for as many classes as the basis has vectors.
   *
   * @param temperature tau, above 0
   */
  public EbvHead(EquiangularBasis basis, double temperature) {
    if (!(temperature > 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature must be above 0, was " + temperature);
    }
    this.vectors = buffer("vectors", basis.vectors().cloned());
    this.temperature = temperature;
  }

  public EbvHead(EquiangularBasis basis) {
    this(basis, DEFAULT_TEMPERATURE);
  }

  /** The logits, for training: what is not finite stays so, and shows in the loss. */
  @Override
  public Tensor forward(Tensor embedding) {
    return cosines(embedding).div(temperature);
  }

  /**
   * The logits {@code [b, N]} (or {@code [b, N, ...]}).
   *
   * @throws IllegalArgumentException if an embedding is not finite
   */
  public Tensor logits(Tensor embedding) {
    checkFinite(embedding);
    return forward(embedding);
  }

  private Tensor cosines(Tensor embedding) {
    Tensor w = vectors.value();
    if (embedding.dim() < 2 || embedding.size(1) != w.size(1)) {
      throw new IllegalArgumentException(
          "embeddings must have the shape [b, %d, ...], was %s"
              .formatted(w.size(1), Arrays.toString(embedding.shape())));
    }
    Tensor unit = Functional.normalize(embedding, 2, 1, EPSILON);
    return embedding.dim() == 2
        ? Functional.linear(unit, w, null)
        : Functional.linear(unit.movedim(1, -1), w, null).movedim(-1, 1);
  }

  private static void checkFinite(Tensor embedding) {
    if (!embedding.detach().allFinite()) {
      throw new IllegalArgumentException("the embeddings are not all finite");
    }
  }

  /** The nearest vectors' numbers, {@code [b]} (or {@code [b, ...]}). */
  public Tensor predict(Tensor embedding) {
    checkFinite(embedding);
    return cosines(embedding).argmax(1);
  }

  /** As {@link #predict(Tensor)}, with {@link #REJECTED} where no vector is within an angle. */
  public Tensor predict(Tensor embedding, double maxDistance) {
    Tensor nearest = predict(embedding);
    Tensor distance = angularDistance(embedding).min(1).values();
    return Tensor.where(distance.gt(maxDistance), nearest.fullLike(REJECTED), nearest);
  }

  /** The angles to all vectors in radians, {@code [b, N]} (or {@code [b, N, ...]}). */
  public Tensor angularDistance(Tensor embedding) {
    checkFinite(embedding);
    return cosines(embedding).clamp(-1, 1).acos();
  }
}
