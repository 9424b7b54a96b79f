package org.tikhon.head;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;
import org.tikhon.train.Embeddings;

/**
 * A classifier to which classes are added without training: each class is a unit vector, an input
 * belongs to the nearest one. The vector of a new class is the normalised mean of its examples'
 * embeddings z on the sphere of radius s,
 *
 * <pre>m = mean z(x_i),   W_new = m / |m|,</pre>
 *
 * and {@code |m| / s} in [0, 1] says how concentrated the examples are.
 *
 * <p>{@link #joint} starts with the classes that the network was trained on, {@link #disjoint}
 * without any. Objects are immutable: adding a class gives a new one, which shares the network and
 * as a rule the memory of the vectors, so that it costs O(d). The network is used in evaluation
 * mode. Keeping sums makes refinement with further examples O(d) too. Rejection and refinement are
 * ours.
 */
public final class NovelClassifier {
  private static final double EPSILON = 1e-12;

  /** Which vector stands for a class that the network was trained on. */
  public enum KnownClass {
    /** The trained class vector (the author's code). Novel classes' means swallow their samples. */
    WEIGHT,
    /** The normalised mean embedding of the class's training data: competes fairly. */
    CLASS_MEAN
  }

  /**
   * What is known about a class: the sum of its unit embeddings, if it has any, and their number.
   */
  private record Entry(String name, Tensor sum, long count) {}

  /** Rows for prototypes, appended to by the newest classifier that uses it. */
  private static final class Store {
    private Tensor rows;
    private int used;

    Store(long capacity, long dimension) {
      rows = Tensor.zeros(capacity, dimension).escape();
    }
  }

  private final Module backbone;
  private final double scale;
  private final double threshold;
  private final List<Entry> entries;
  private final Store store;

  private NovelClassifier(
      Module backbone, double scale, double threshold, List<Entry> entries, Store store) {
    this.backbone = backbone;
    this.scale = scale;
    this.threshold = threshold;
    this.entries = entries;
    this.store = store;
  }

  /**
   * A classifier that begins with the trained classes, called "0", "1", ....
   *
   * @param backbone from inputs to embeddings {@code [b, d]}
   * @param training the training data with their class numbers; may be null with {@link
   *     KnownClass#WEIGHT}
   */
  public static NovelClassifier joint(
      Module backbone, NormalizedSoftmaxHead head, KnownClass mode, Dataset training) {
    if (mode == KnownClass.CLASS_MEAN && training == null) {
      throw new IllegalArgumentException("training must be given for CLASS_MEAN, was null");
    }
    NovelClassifier classifier = disjoint(backbone, head.scale());
    try (Scope scope = Scope.open()) {
      Tensor vectors = head.classVectors();
      int classes = Math.toIntExact(vectors.size(0));
      if (mode == KnownClass.WEIGHT) {
        for (int c = 0; c < classes; c++) {
          classifier =
              classifier.append(
                  new Entry(Integer.toString(c), vectors.select(0, c).cloned().escape(), 0));
        }
        return classifier;
      }
      Tensor unit = classifier.unitEmbeddings(training.inputs());
      for (int c = 0; c < classes; c++) {
        Tensor places = training.targets().eq(c).nonzero().reshape(-1);
        classifier = classifier.addEmbedded(Integer.toString(c), unit.indexSelect(0, places));
      }
      return classifier;
    }
  }

  /** A classifier without classes on a trained network. */
  public static NovelClassifier disjoint(Module backbone, double scale) {
    NormalizedSoftmaxHead.checkScale(scale);
    return new NovelClassifier(backbone, scale, Double.NEGATIVE_INFINITY, List.of(), null);
  }

  /**
   * This classifier with one more class, at the end.
   *
   * @param examples inputs of the class, at least one
   */
  public NovelClassifier addClass(String name, Tensor examples) {
    checkExamples(name, examples);
    if (entries.stream().anyMatch(e -> e.name.equals(name))) {
      throw new IllegalArgumentException("class '" + name + "' exists already");
    }
    try (Scope scope = Scope.open()) {
      return addEmbedded(name, unitEmbeddings(examples));
    }
  }

  private NovelClassifier addEmbedded(String name, Tensor unit) {
    checkExamples(name, unit);
    return append(new Entry(name, sum(name, unit, null), unit.size(0)));
  }

  private static void checkExamples(String name, Tensor examples) {
    if (examples.size(0) == 0) {
      throw new IllegalArgumentException("class '" + name + "' has no examples");
    }
  }

  /** The sum of unit embeddings, and of those before. */
  private static Tensor sum(String name, Tensor unit, Tensor before) {
    Tensor sum = unit.sum(0);
    Tensor total = before == null ? sum : sum.add(before);
    double length = total.norm().item();
    if (!Double.isFinite(length)) {
      throw new IllegalArgumentException(
          "examples of class '" + name + "' have embeddings that are not finite");
    }
    if (length <= 1e-6) {
      throw new IllegalArgumentException("prototype of class '" + name + "' has zero length");
    }
    return total.escape();
  }

  /**
   * This classifier with further examples of a class, as if all had been given at once. A class
   * that is represented by its trained vector has no examples yet: the further ones replace the
   * vector.
   */
  public NovelClassifier refine(String name, Tensor moreExamples) {
    int place = place(name);
    checkExamples(name, moreExamples);
    try (Scope scope = Scope.open()) {
      Tensor unit = unitEmbeddings(moreExamples);
      Entry old = entries.get(place);
      Entry refined =
          new Entry(
              name, sum(name, unit, old.count == 0 ? null : old.sum), old.count + unit.size(0));
      List<Entry> changed = new ArrayList<>(entries);
      changed.set(place, refined);
      Store copy = grown(entries.size(), refined.sum.size(0));
      copy.rows.select(0, place).copy_(Functional.normalize(refined.sum, 0));
      return new NovelClassifier(backbone, scale, threshold, List.copyOf(changed), copy);
    }
  }

  private NovelClassifier append(Entry entry) {
    int n = entries.size();
    // Only one successor can go on in the same memory; another one begins a copy.
    Store target =
        store != null && store.used == n && n < store.rows.size(0)
            ? store
            : grown(n + 1, entry.sum.size(0));
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      target.rows.select(0, n).copy_(Functional.normalize(entry.sum, 0));
    }
    target.used = n + 1;
    List<Entry> more = new ArrayList<>(entries);
    more.add(entry);
    return new NovelClassifier(backbone, scale, threshold, List.copyOf(more), target);
  }

  /** A copy of the rows with room for at least as many, twice as large when it has to grow. */
  private Store grown(int atLeast, long dimension) {
    Store copy = new Store(Math.max(atLeast, 2L * Math.max(4, entries.size())), dimension);
    if (store != null) {
      int n = entries.size();
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        copy.rows.slice(0, 0, n).copy_(store.rows.slice(0, 0, n));
      }
    }
    copy.used = entries.size();
    return copy;
  }

  /** This classifier, which says UNKNOWN where the nearest class's cosine is below a threshold. */
  public NovelClassifier withThreshold(double cosine) {
    if (!(cosine >= -1 && cosine <= 1)) {
      throw new IllegalArgumentException("threshold must be in [-1, 1], was " + cosine);
    }
    return new NovelClassifier(backbone, scale, cosine, entries, store);
  }

  /** As {@link #withThreshold}, at a quantile of the nearest cosines of inputs of known classes. */
  public NovelClassifier withThresholdAt(double quantile, Tensor inputs) {
    if (!(quantile >= 0 && quantile <= 1)) {
      throw new IllegalArgumentException("quantile must be in [0, 1], was " + quantile);
    }
    double[] cosines = classify(inputs).cosines().clone();
    Arrays.sort(cosines);
    return withThreshold(cosines[(int) Math.round(quantile * (cosines.length - 1))]);
  }

  /**
   * What inputs are.
   *
   * @param indices the nearest classes' places
   * @param names their names
   * @param cosines to their vectors
   * @param probabilities the softmax of s times all cosines, {@code [n, classes]}
   * @param unknown where the cosine is below the threshold
   */
  public record Prediction(
      int[] indices,
      List<String> names,
      double[] cosines,
      Tensor probabilities,
      boolean[] unknown) {}

  /** Classifies inputs. */
  public Prediction classify(Tensor x) {
    try (Scope scope = Scope.open()) {
      Tensor cosines = cosines(x);
      Tensor.Indexed nearest = cosines.max(1);
      int[] indices = nearest.indices().toIntArray();
      double[] largest = nearest.values().toDoubleArray();
      boolean[] unknown = new boolean[indices.length];
      IntStream.range(0, unknown.length).forEach(i -> unknown[i] = largest[i] < threshold);
      return new Prediction(
          indices,
          Arrays.stream(indices).mapToObj(i -> entries.get(i).name).toList(),
          largest,
          scope.keep(cosines.mul(scale).softmax(1)),
          unknown);
    }
  }

  /** The k nearest classes of inputs: cosines and places, {@code [n, k]} each. */
  public Tensor.Indexed nearest(Tensor x, int k) {
    if (k < 1 || k > entries.size()) {
      throw new IllegalArgumentException(
          "k must be in 1..%d (the number of classes), was %d".formatted(entries.size(), k));
    }
    try (Scope scope = Scope.open()) {
      Tensor.Indexed top = cosines(x).topk(k, 1, true);
      return new Tensor.Indexed(scope.keep(top.values()), scope.keep(top.indices()));
    }
  }

  /** The logits {@code s cos} of all classes, {@code [n, classes]}. */
  public Tensor logits(Tensor x) {
    try (Scope scope = Scope.open()) {
      return scope.keep(cosines(x).mul(scale));
    }
  }

  private Tensor cosines(Tensor x) {
    if (entries.isEmpty()) {
      throw new IllegalStateException("there are no classes yet: add one first");
    }
    Tensor prototypes = store.rows.slice(0, 0, entries.size());
    return unitEmbeddings(x).matmul(prototypes.mT());
  }

  private Tensor unitEmbeddings(Tensor x) {
    boolean training = backbone.isTraining();
    backbone.eval();
    try {
      return Embeddings.of(
          part -> Functional.normalize(backbone.forward(part).to(Dtype.FLOAT32), 2, 1, EPSILON), x);
    } finally {
      backbone.train(training);
    }
  }

  private int place(String name) {
    return IntStream.range(0, entries.size())
        .filter(i -> entries.get(i).name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no class '" + name + "', there are " + names()));
  }

  /** The classes' names in their order. */
  public List<String> names() {
    return entries.stream().map(Entry::name).toList();
  }

  /** A class's unit vector, {@code [d]}. */
  public Tensor prototype(String name) {
    return store.rows.select(0, place(name)).cloned();
  }

  /**
   * The length of the mean of a class's unit embeddings: 1 where all are equal, near 0 where they
   * point everywhere. 1 for a class that is represented by its trained vector.
   */
  public double concentration(String name) {
    Entry entry = entries.get(place(name));
    return entry.count == 0 ? 1 : entry.sum.norm().item() / entry.count;
  }
}
