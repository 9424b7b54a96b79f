package org.tikhon.head;

import java.util.Arrays;
import org.tikhon.Paper;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Normalised softmax: embeddings and class vectors on one sphere, so that a class which the network
 * was not trained on is one more unit vector ({@link NovelClassifier}).
 *
 * <pre>z = s u / |u|,   logit_j = &lt;W_j, z&gt; = s cos(theta_j),   |W_j| = 1, no bias</pre>
 *
 * trained with cross-entropy, in one pass over samples instead of pairs or triplets. With {@link
 * Normalisation#PROJECT}, {@link #project} puts every W_j back on the sphere after each optimiser
 * step, as the author's code does; with {@link Normalisation#IN_FORWARD} W is free and is
 * normalised when it is used. Source: the paper and its author's code; the bound on s is that of
 * NormFace.
 */
@Paper(
    number = 27,
    title = "Hyperspherical embedding for novel class classification",
    authors = "Rafael S. Pereira, Alexis Joly, Patrick Valduriez, Fabio Porto",
    year = 2021,
    url = "https://arxiv.org/abs/2102.03243")
public final class NormalizedSoftmaxHead extends Module {
  /** The paper's usual scale. */
  public static final double DEFAULT_SCALE = 10;

  private static final double EPSILON = 1e-12;

  /** How class vectors are kept on the sphere. */
  public enum Normalisation {
    /** By {@link NormalizedSoftmaxHead#project} after every optimiser step. */
    PROJECT,
    /** When they are used. */
    IN_FORWARD
  }

  private final Parameter weight;
  private final double scale;
  private final Normalisation mode;

  /**
   * A head with random class vectors on the sphere.
   *
   * @param dimension of the embeddings, at least 2
   * @param classes at least 1
   * @param scale s, above 0; see {@link #minimalScale}
   */
  public NormalizedSoftmaxHead(
      int dimension, int classes, double scale, Normalisation mode, Rng rng) {
    this(scale, mode, checkedNormal(dimension, classes, rng));
  }

  /** A head with given class vectors {@code [classes, dimension]}, which are normalised. */
  NormalizedSoftmaxHead(double scale, Normalisation mode, Tensor vectors) {
    checkScale(scale);
    this.scale = scale;
    this.mode = mode;
    weight = parameter("weight", Functional.normalize(vectors, 1));
  }

  private static Tensor checkedNormal(int dimension, int classes, Rng rng) {
    if (dimension < 2) {
      throw new IllegalArgumentException("dimension must be at least 2, was " + dimension);
    }
    if (classes < 1) {
      throw new IllegalArgumentException("classes must be at least 1, was " + classes);
    }
    return rng.normal(classes, dimension);
  }

  static void checkScale(double scale) {
    if (!(scale > 0) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("scale must be above 0, was " + scale);
    }
  }

  /** Points on the sphere of radius s; a zero embedding stays zero. */
  public Tensor embed(Tensor u) {
    return Functional.normalize(u, 2, 1, EPSILON).mul(scale);
  }

  /** The logits {@code [b, classes]} of embeddings {@code [b, dimension]}. */
  @Override
  public Tensor forward(Tensor u) {
    Tensor w = weight.value();
    if (u.dim() != 2 || u.size(1) != w.size(1)) {
      throw new IllegalArgumentException(
          "embeddings must have the shape [b, %d], was %s"
              .formatted(w.size(1), Arrays.toString(u.shape())));
    }
    Tensor unit = mode == Normalisation.PROJECT ? w : Functional.normalize(w, 1);
    return Functional.linear(embed(u), unit, null);
  }

  /**
   * Puts the class vectors back on the sphere; does nothing with {@link Normalisation#IN_FORWARD}.
   */
  public void project() {
    if (mode == Normalisation.PROJECT) {
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        weight.original().copy_(Functional.normalize(weight.original(), 1));
      }
    }
  }

  /** The unit class vectors, {@code [classes, dimension]}. */
  public Tensor classVectors() {
    return Functional.normalize(weight.value().detach(), 1);
  }

  public double scale() {
    return scale;
  }

  /**
   * The scale that a probability of the right class needs: {@code s >= (C - 1) / C ln((C - 1) p /
   * (1 - p))}. With a smaller one the loss has a floor; a much larger one leaves embeddings far
   * from their class vector.
   *
   * @param probability in (0, 1)
   */
  public static double minimalScale(int classes, double probability) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    if (!(probability > 0 && probability < 1)) {
      throw new IllegalArgumentException("probability must be in (0, 1), was " + probability);
    }
    double c = classes - 1.0;
    return c / classes * Math.log(c * probability / (1 - probability));
  }

  /**
   * The largest probability that a scale permits, {@code 1 / (1 + (C - 1) exp(-s C / (C - 1)))}.
   */
  public static double largestProbability(int classes, double scale) {
    if (classes < 2) {
      throw new IllegalArgumentException("classes must be at least 2, was " + classes);
    }
    checkScale(scale);
    double c = classes - 1.0;
    return 1 / (1 + c * Math.exp(-scale * classes / c));
  }
}
