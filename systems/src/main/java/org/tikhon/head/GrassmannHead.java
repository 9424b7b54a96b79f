package org.tikhon.head;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tikhon.Paper;
import org.tikhon.nn.Module;
import org.tikhon.optim.Grassmann;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Tensor;

/**
 * A classifier whose classes are subspaces of feature space instead of single vectors.
 *
 * <p>With the orthonormal basis S_c {@code [d, k]} of class c and the feature x of an input,
 *
 * <pre>logit_c = gamma |S_c^T x / |x||_2,</pre>
 *
 * the length of the projection of the normalised feature onto the class's subspace. Logits lie in
 * [0, gamma]; x and -x have the same. Cross-entropy on them lets features vary inside the subspace,
 * where a softmax head pulls all features of a class into one direction: useful when features are
 * used again. With k = 1 a logit is gamma times the absolute cosine.
 *
 * <p>Bases must stay orthonormal: train {@link #subspaces} with {@link
 * org.tikhon.optim.RiemannianSgd} and everything else with any optimiser, both in one {@link
 * org.tikhon.optim.CompositeOptimizer}. The feature should come without bias after it.
 *
 * <p>Parameters: one {@code subspaces.K} of the shape {@code [classes of that dimension, d, K]} for
 * every dimension K that occurs, classes in their order. Source: the paper and its official code.
 */
@Paper(
    number = 56,
    title =
        "Get the Best of Both Worlds: Improving Accuracy and Transferability by Grassmann Class Representation",
    authors = "Haoqi Wang, Zhizhong Li, Wayne Zhang",
    year = 2023,
    url = "https://arxiv.org/abs/2308.01547")
public final class GrassmannHead extends Module {
  /** The paper's scale of the logits. */
  public static final double DEFAULT_GAMMA = 25;

  /** The paper's dimension of the subspaces. */
  public static final int DEFAULT_DIMENSION = 8;

  private final long features;
  private final double gamma;
  private final List<Part> parts = new ArrayList<>();
  // For each class its place in the concatenation of the parts; null if that is the class number.
  private final Parameter order;
  private final int classes;

  /** The classes of one dimension. */
  private record Part(Parameter bases, int[] classes, int k) {}

  /**
   * A head with random subspaces.
   *
   * @param features d, the size of a feature vector
   * @param dimensions the dimension of each class's subspace, at least 1 and below d
   * @param gamma the scale of the logits, above 0
   */
  public GrassmannHead(long features, int[] dimensions, double gamma, Rng rng) {
    this(features, dimensions, gamma, bases(features, dimensions, rng));
  }

  /** A head with the paper's scale and the same dimension for every class. */
  public GrassmannHead(long features, int classes, int dimension, Rng rng) {
    this(features, same(classes, dimension), DEFAULT_GAMMA, rng);
  }

  private static int[] same(int classes, int dimension) {
    int[] dimensions = new int[classes];
    Arrays.fill(dimensions, dimension);
    return dimensions;
  }

  /** Random bases for every dimension that occurs, in the order of first occurrence. */
  private static Map<Integer, Tensor> bases(long features, int[] dimensions, Rng rng) {
    Map<Integer, Tensor> bases = new LinkedHashMap<>();
    for (int k : dimensions) {
      Grassmann.checkDimension(features, k);
      long count = Arrays.stream(dimensions).filter(other -> other == k).count();
      bases.computeIfAbsent(k, key -> Grassmann.random(count, features, key, rng));
    }
    return bases;
  }

  /** A head with given bases {@code [classes of dimension K, d, K]} for every dimension K. */
  GrassmannHead(long features, int[] dimensions, double gamma, Map<Integer, Tensor> initial) {
    if (dimensions.length == 0) {
      throw new IllegalArgumentException("dimensions must have an entry for every class, is empty");
    }
    if (!(gamma > 0) || Double.isInfinite(gamma)) {
      throw new IllegalArgumentException("gamma must be above 0, was " + gamma);
    }
    this.features = features;
    this.gamma = gamma;
    this.classes = dimensions.length;
    initial.forEach(
        (k, b) -> {
          int[] members = IntStream.range(0, classes).filter(c -> dimensions[c] == k).toArray();
          // With k outside d in memory, [S_1 ... S_C]^T is a view and forward is one product.
          Tensor bases = b.mT().contiguous().mT();
          parts.add(new Part(parameter("subspaces." + k, bases), members, k));
        });
    order = parts.size() == 1 ? null : buffer("order", order(parts, classes));
  }

  private static Tensor order(List<Part> parts, int classes) {
    long[] place = new long[classes];
    int next = 0;
    for (Part part : parts) {
      for (int c : part.classes) {
        place[c] = next++;
      }
    }
    return Tensor.of(place, classes);
  }

  /**
   * The logits of features.
   *
   * @param x {@code [b, d]}; of a zero feature all logits are about 0
   * @return {@code [b, classes]}
   */
  @Override
  public Tensor forward(Tensor x) {
    if (x.dim() != 2 || x.size(1) != features) {
      throw new IllegalArgumentException(
          "features must have the shape [b, %d], was %s"
              .formatted(features, Arrays.toString(x.shape())));
    }
    Tensor unit = Functional.normalize(x, 1);
    List<Tensor> lengths = parts.stream().map(p -> lengths(unit, p)).toList();
    Tensor all =
        order == null ? lengths.getFirst() : Tensor.cat(lengths, 1).indexSelect(1, order.value());
    return all.mul(gamma);
  }

  /** {@code |S_c^T x|} for the classes of a part: one product with all bases beside each other. */
  private Tensor lengths(Tensor unit, Part part) {
    long n = part.classes.length;
    Tensor rows = part.bases.value().mT().reshape(n * part.k, features);
    Tensor t = Functional.linear(unit, rows, null).view(unit.size(0), n, part.k);
    return t.norm(2, 2);
  }

  /** The orthonormal basis of a class's subspace, {@code [d, k]}. */
  public Tensor subspace(int c) {
    if (c < 0 || c >= classes) {
      throw new IllegalArgumentException(
          "class must be in 0..%d, was %d".formatted(classes - 1, c));
    }
    for (Part part : parts) {
      int place = Arrays.binarySearch(part.classes, c);
      if (place >= 0) {
        return part.bases.value().select(0, place);
      }
    }
    throw new AssertionError(c);
  }

  /** The trainable bases, for {@link org.tikhon.optim.RiemannianSgd}. */
  public List<Tensor> subspaces() {
    return parts.stream().map(p -> p.bases.original()).toList();
  }

  public int classes() {
    return classes;
  }

  public double gamma() {
    return gamma;
  }
}
