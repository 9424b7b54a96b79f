package org.tikhon.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Measures of embeddings {@code [n, d]} with labels INT64 {@code [n]}: retrieval, clustering,
 * few-shot and novel-class classification, and the spread inside classes. Similarity is the cosine
 * throughout. A linear probe is in {@link LinearProbe}.
 */
public final class Embeddings {
  private static final long BLOCK = 1024;
  private static final long CHUNK = 512;

  private Embeddings() {}

  /**
   * What a network makes of inputs {@code [n, ...]}, computed in chunks and without a gradient; it
   * should be in evaluation mode.
   */
  public static Tensor of(UnaryOperator<Tensor> network, Tensor inputs) {
    List<Tensor> parts = new ArrayList<>();
    for (long start = 0; start < inputs.size(0); start += CHUNK) {
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        long end = Math.min(start + CHUNK, inputs.size(0));
        parts.add(scope.keep(network.apply(inputs.slice(0, start, end))));
      }
    }
    return Tensor.cat(parts, 0);
  }

  private static Tensor unit(Tensor x) {
    return Functional.normalize(x.detach(), 1);
  }

  /**
   * Recall at k: the fraction of samples that have a sample of their own class among their k
   * nearest others. Similarities are computed in blocks of rows, never for all pairs at once.
   *
   * @param k in 1, ..., n - 1
   */
  public static double recallAtK(Tensor embeddings, Tensor labels, int k) {
    LinearProbe.checkRows(embeddings, labels);
    long n = embeddings.size(0);
    if (k < 1 || k > n - 1) {
      throw new IllegalArgumentException("k must be in 1..%d, was %d".formatted(n - 1, k));
    }
    try (Scope scope = Scope.open()) {
      Tensor unit = unit(embeddings);
      double hits = 0;
      for (long start = 0; start < n; start += BLOCK) {
        try (Scope block = Scope.open()) {
          long end = Math.min(start + BLOCK, n);
          Tensor similarity = unit.slice(0, start, end).matmul(unit.mT());
          Tensor self = Tensor.arange(start, end).unsqueeze(1);
          similarity.scatter_(1, self, self.to(similarity.dtype()).fullLike(-2));
          Tensor nearest = similarity.topk(k, 1, true).indices();
          Tensor same =
              labels
                  .indexSelect(0, nearest.reshape(-1))
                  .view(end - start, k)
                  .eq(labels.slice(0, start, end).unsqueeze(1));
          hits += same.to(Dtype.FLOAT64).max(1).values().sum().item();
        }
      }
      return hits / n;
    }
  }

  /**
   * Normalised mutual information of two labelings, with the arithmetic mean of the entropies:
   * {@code 2 I(a, b) / (H(a) + H(b))}; 1 where both have one cluster only.
   */
  public static double nmi(int[] a, int[] b) {
    Counts counts = Counts.of(a, b);
    double n = a.length;
    double information = 0;
    for (var cell : counts.joint.entrySet()) {
      double p = cell.getValue() / n;
      information +=
          p
              * Math.log(
                  p
                      / (counts.rows.get(cell.getKey().get(0)) / n)
                      / (counts.columns.get(cell.getKey().get(1)) / n));
    }
    double entropies = entropy(counts.rows, n) + entropy(counts.columns, n);
    return entropies == 0 ? 1 : Math.max(0, 2 * information / entropies);
  }

  private static double entropy(Map<Integer, Integer> counts, double n) {
    return counts.values().stream().mapToDouble(c -> -c / n * Math.log(c / n)).sum();
  }

  /** The Rand index of two labelings, adjusted for chance: 1 for equal ones, about 0 for random. */
  public static double adjustedRandIndex(int[] a, int[] b) {
    Counts counts = Counts.of(a, b);
    double joint = pairs(counts.joint);
    double rows = pairs(counts.rows);
    double columns = pairs(counts.columns);
    double all = a.length * (a.length - 1.0) / 2;
    double expected = all == 0 ? 0 : rows * columns / all;
    double largest = (rows + columns) / 2;
    return largest == expected ? 1 : (joint - expected) / (largest - expected);
  }

  private static double pairs(Map<?, Integer> counts) {
    return counts.values().stream().mapToDouble(c -> c * (c - 1.0) / 2).sum();
  }

  /** How often labels, and pairs of labels, occur. */
  private record Counts(
      Map<Integer, Integer> rows,
      Map<Integer, Integer> columns,
      Map<List<Integer>, Integer> joint) {
    static Counts of(int[] a, int[] b) {
      if (a.length != b.length || a.length == 0) {
        throw new IllegalArgumentException(
            "two labelings must have the same length, at least 1, have %d and %d"
                .formatted(a.length, b.length));
      }
      Counts counts =
          new Counts(new LinkedHashMap<>(), new LinkedHashMap<>(), new LinkedHashMap<>());
      for (int i = 0; i < a.length; i++) {
        counts.rows.merge(a[i], 1, Integer::sum);
        counts.columns.merge(b[i], 1, Integer::sum);
        counts.joint.merge(List.of(a[i], b[i]), 1, Integer::sum);
      }
      return counts;
    }
  }

  /**
   * How well the classes are found again without labels: {@link #nmi} between the labels and {@link
   * KMeans} clusters of the normalised embeddings, as many as there are classes, best of four
   * starts.
   */
  public static double clusteringNmi(Tensor embeddings, Tensor labels, Rng rng) {
    LinearProbe.checkRows(embeddings, labels);
    try (Scope scope = Scope.open()) {
      int classes = classes(labels).size();
      KMeans clusters = KMeans.fit(unit(embeddings), classes, 4, rng);
      return nmi(labels.toIntArray(), clusters.labels().toIntArray());
    }
  }

  private static Set<Integer> classes(Tensor labels) {
    Set<Integer> classes = new TreeSet<>();
    Arrays.stream(labels.toIntArray()).forEach(classes::add);
    return classes;
  }

  /**
   * Classes as the normalised means of their normalised support embeddings.
   *
   * @param classes the label of each row
   * @param vectors {@code [classes, d]}
   */
  public record Prototypes(int[] classes, Tensor vectors) {
    /** One prototype for each class of the support set, in the order of the labels. */
    public static Prototypes of(Tensor support, Tensor labels) {
      LinearProbe.checkRows(support, labels);
      try (Scope scope = Scope.open()) {
        Tensor unit = unit(support);
        int[] classes = Embeddings.classes(labels).stream().mapToInt(Integer::intValue).toArray();
        List<Tensor> means = new ArrayList<>();
        for (int c : classes) {
          means.add(unit.indexSelect(0, labels.eq(c).nonzero().reshape(-1)).mean(0));
        }
        return new Prototypes(classes, scope.keep(unit(Tensor.stack(means, 0))));
      }
    }

    /** The labels of the nearest prototypes of queries {@code [n, d]}. */
    public int[] classify(Tensor queries) {
      try (Scope scope = Scope.open()) {
        int[] rows = unit(queries).matmul(vectors.mT()).argmax(1).toIntArray();
        return Arrays.stream(rows).map(r -> classes[r]).toArray();
      }
    }

    /** The fraction of queries whose nearest prototype is that of their label. */
    public double accuracy(Tensor queries, Tensor labels) {
      LinearProbe.checkRows(queries, labels);
      int[] predicted = classify(queries);
      int[] truth = labels.toIntArray();
      int hits = 0;
      for (int i = 0; i < truth.length; i++) {
        hits += predicted[i] == truth[i] ? 1 : 0;
      }
      return (double) hits / truth.length;
    }
  }

  /**
   * Few-shot accuracy over episodes.
   *
   * @param halfWidth half the width of the 95 % confidence interval of the mean
   */
  public record FewShot(double accuracy, double halfWidth) {}

  /**
   * Few-shot classification: each episode draws {@code ways} classes, {@code shots} support samples
   * and {@code queries} other samples of each, and classifies the queries by the nearest prototype.
   *
   * @throws IllegalArgumentException if there are too few classes with enough samples
   */
  public static FewShot fewShot(
      Tensor embeddings, Tensor labels, int ways, int shots, int queries, int episodes, Rng rng) {
    LinearProbe.checkRows(embeddings, labels);
    if (ways < 2 || shots < 1 || queries < 1 || episodes < 1) {
      throw new IllegalArgumentException(
          "ways must be at least 2, shots, queries and episodes at least 1, were %d, %d, %d, %d"
              .formatted(ways, shots, queries, episodes));
    }
    try (Scope scope = Scope.open()) {
      List<Tensor> members =
          classes(labels).stream()
              .map(c -> labels.eq(c).nonzero().reshape(-1))
              .filter(places -> places.size(0) >= shots + queries)
              .toList();
      if (members.size() < ways) {
        throw new IllegalArgumentException(
            "%d ways need as many classes with %d samples or more, there are %d"
                .formatted(ways, shots + queries, members.size()));
      }
      double[] accuracy = new double[episodes];
      for (int e = 0; e < episodes; e++) {
        try (Scope episode = Scope.open()) {
          accuracy[e] = episode(embeddings, labels, members, ways, shots, queries, rng);
        }
      }
      double mean = Arrays.stream(accuracy).average().orElseThrow();
      double squares = Arrays.stream(accuracy).map(a -> (a - mean) * (a - mean)).sum();
      double deviation = episodes == 1 ? 0 : Math.sqrt(squares / (episodes - 1));
      return new FewShot(mean, 1.96 * deviation / Math.sqrt(episodes));
    }
  }

  private static double episode(
      Tensor embeddings,
      Tensor labels,
      List<Tensor> members,
      int ways,
      int shots,
      int queries,
      Rng rng) {
    List<Tensor> support = new ArrayList<>();
    List<Tensor> asked = new ArrayList<>();
    for (int c : rng.permutation(members.size()).slice(0, 0, ways).toIntArray()) {
      Tensor places = members.get(c);
      Tensor drawn = places.indexSelect(0, rng.permutation(places.size(0)));
      support.add(drawn.slice(0, 0, shots));
      asked.add(drawn.slice(0, shots, shots + queries));
    }
    Tensor s = Tensor.cat(support, 0);
    Tensor q = Tensor.cat(asked, 0);
    return Prototypes.of(embeddings.indexSelect(0, s), labels.indexSelect(0, s))
        .accuracy(embeddings.indexSelect(0, q), labels.indexSelect(0, q));
  }

  /**
   * Accuracies with classes that the network was not trained on.
   *
   * @param joint of all test samples, with all classes to choose from
   * @param known of the test samples of known classes, with all classes to choose from
   * @param novel of the test samples of novel classes, with all classes to choose from
   * @param disjoint of the test samples of novel classes, with the novel classes to choose from
   */
  public record NovelClasses(double joint, double known, double novel, double disjoint) {}

  /**
   * Classifies by the nearest prototype where some classes are novel.
   *
   * @param support and {@code supportLabels} the samples of known and novel classes that make the
   *     prototypes
   * @param novel the labels of the novel classes; test and support must hold novel and known ones
   */
  public static NovelClasses novelClasses(
      Tensor support, Tensor supportLabels, Tensor test, Tensor testLabels, Set<Integer> novel) {
    LinearProbe.checkRows(support, supportLabels);
    LinearProbe.checkRows(test, testLabels);
    try (Scope scope = Scope.open()) {
      Prototypes all = Prototypes.of(support, supportLabels);
      Tensor s = places(supportLabels, novel, true);
      Tensor fresh = places(testLabels, novel, true);
      Tensor old = places(testLabels, novel, false);
      if (s.size(0) == 0 || fresh.size(0) == 0 || old.size(0) == 0) {
        throw new IllegalArgumentException(
            "novel must name some and not all classes of support and test samples, was " + novel);
      }
      Prototypes onlyNovel =
          Prototypes.of(support.indexSelect(0, s), supportLabels.indexSelect(0, s));
      return new NovelClasses(
          all.accuracy(test, testLabels),
          all.accuracy(test.indexSelect(0, old), testLabels.indexSelect(0, old)),
          all.accuracy(test.indexSelect(0, fresh), testLabels.indexSelect(0, fresh)),
          onlyNovel.accuracy(test.indexSelect(0, fresh), testLabels.indexSelect(0, fresh)));
    }
  }

  private static Tensor places(Tensor labels, Set<Integer> classes, boolean inside) {
    int[] l = labels.toIntArray();
    long[] places =
        IntStream.range(0, l.length)
            .filter(i -> classes.contains(l[i]) == inside)
            .asLongStream()
            .toArray();
    return Tensor.of(places, places.length);
  }

  /**
   * The spread inside classes: the mean over the classes of {@code 1 - |mean of the normalised
   * embeddings|^2}, which is 0 where all embeddings of a class have one direction and approaches 1
   * where they cancel; it is the mean of {@code 1 - cosine} over all pairs of a class.
   */
  public static double intraClassVariability(Tensor embeddings, Tensor labels) {
    LinearProbe.checkRows(embeddings, labels);
    try (Scope scope = Scope.open()) {
      Tensor unit = unit(embeddings);
      return classes(labels).stream()
          .mapToDouble(
              c ->
                  1
                      - unit.indexSelect(0, labels.eq(c).nonzero().reshape(-1))
                          .mean(0)
                          .square()
                          .sum()
                          .item())
          .average()
          .orElseThrow();
    }
  }

  /**
   * The mean over the classes of the mean angle between two different samples of a class, in
   * radians. Classes of one sample do not count; NaN where there are no others.
   */
  public static double meanIntraClassAngle(Tensor embeddings, Tensor labels) {
    LinearProbe.checkRows(embeddings, labels);
    try (Scope scope = Scope.open()) {
      Tensor unit = unit(embeddings);
      return classes(labels).stream()
          .mapToDouble(c -> meanAngle(unit.indexSelect(0, labels.eq(c).nonzero().reshape(-1))))
          .filter(Double::isFinite)
          .average()
          .orElse(Double.NaN);
    }
  }

  private static double meanAngle(Tensor unit) {
    long n = unit.size(0);
    double sum = 0;
    for (long start = 0; start < n; start += BLOCK) {
      try (Scope block = Scope.open()) {
        long end = Math.min(start + BLOCK, n);
        Tensor angles = unit.slice(0, start, end).matmul(unit.mT()).clamp(-1, 1).acos();
        Tensor self = Tensor.arange(start, end).unsqueeze(1);
        angles.scatter_(1, self, self.to(angles.dtype()).zerosLike());
        sum += angles.to(Dtype.FLOAT64).sum().item();
      }
    }
    return sum / (n * (n - 1.0));
  }
}
