package org.tikhon.data;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Wrong labels, put in on purpose: what methods against label noise are measured on. Seeded. */
public sealed interface LabelNoise {
  /** A copy of the labels with some replaced. */
  int[] corrupt(int[] labels, int classes, long seed);

  /**
   * A fraction {@code rate} of the rows, chosen at random, gets a label drawn uniformly from all
   * classes, so that {@code rate (classes - 1) / classes} of the labels are wrong.
   */
  record Symmetric(double rate) implements LabelNoise {
    public Symmetric {
      checkRate(rate);
    }

    @Override
    public int[] corrupt(int[] labels, int classes, long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      int[] result = labels.clone();
      int[] order = shuffled(labels.length, random);
      long count = Math.round(rate * labels.length);
      for (int i = 0; i < count; i++) {
        result[order[i]] = random.nextInt(classes);
      }
      return result;
    }

    @Override
    public String toString() {
      return "symmetric:" + rate;
    }
  }

  /**
   * In each class, a fraction {@code rate} of the rows gets the class that the map gives; a class
   * mapped to itself stays.
   */
  record Asymmetric(double rate, int[] map) implements LabelNoise {
    public Asymmetric {
      checkRate(rate);
      map = map.clone();
      for (int target : map) {
        if (target < 0 || target >= map.length) {
          throw new IllegalArgumentException(
              "map must give classes in 0.." + (map.length - 1) + ", gives " + target);
        }
      }
    }

    @Override
    public int[] corrupt(int[] labels, int classes, long seed) {
      if (map.length != classes) {
        throw new IllegalArgumentException(
            "map must have " + classes + " classes, has " + map.length);
      }
      SplittableRandom random = new SplittableRandom(seed);
      int[] result = labels.clone();
      for (int k = 0; k < classes; k++) {
        int label = k;
        int[] members = IntStream.range(0, labels.length).filter(i -> labels[i] == label).toArray();
        int[] order = shuffled(members.length, random);
        long count = Math.round(rate * members.length);
        for (int i = 0; i < count; i++) {
          result[members[order[i]]] = map[k];
        }
      }
      return result;
    }

    @Override
    public String toString() {
      return "asymmetric:" + rate + " " + Arrays.toString(map);
    }
  }

  /**
   * CIFAR-10's usual confusions: truck to automobile, bird to airplane, deer to horse, cat and dog.
   */
  static int[] cifar10Map() {
    return new int[] {0, 1, 0, 5, 7, 3, 6, 7, 8, 1};
  }

  /**
   * CIFAR-100's usual confusions: every class to the next one of the same super-class, in the order
   * of the data set's (alphabetical) fine labels, the last of a super-class to its first.
   */
  static int[] cifar100Map() {
    int[] map = new int[100];
    for (int superClass = 0; superClass < 20; superClass++) {
      int[] members = new int[5];
      for (int fine = 0, k = 0; fine < 100; fine++) {
        if (Cifar100.SUPER_CLASS[fine] == superClass) {
          members[k++] = fine;
        }
      }
      for (int k = 0; k < 5; k++) {
        map[members[k]] = members[(k + 1) % 5];
      }
    }
    return map;
  }

  /** Every class to the next one, the last to the first. */
  static int[] nextClassMap(int classes) {
    int[] map = new int[classes];
    Arrays.setAll(map, k -> (k + 1) % classes);
    return map;
  }

  /**
   * Parses {@code symmetric:0.4} or {@code asymmetric:0.3}.
   *
   * @param map the confusions of asymmetric noise
   */
  static LabelNoise parse(String text, int[] map) {
    String[] parts = text.split(":", -1);
    if (parts.length == 2) {
      try {
        double rate = Double.parseDouble(parts[1]);
        switch (parts[0]) {
          case "symmetric":
            return new Symmetric(rate);
          case "asymmetric":
            return new Asymmetric(rate, map);
          default:
            break;
        }
      } catch (NumberFormatException e) {
        // Reported below, with the same words as an unknown kind.
      }
    }
    throw new IllegalArgumentException(
        "label noise must be symmetric:RATE or asymmetric:RATE with RATE in [0, 1], was " + text);
  }

  private static void checkRate(double rate) {
    if (!(rate >= 0 && rate <= 1)) {
      throw new IllegalArgumentException("rate must be in [0, 1], was " + rate);
    }
  }

  private static int[] shuffled(int n, SplittableRandom random) {
    int[] order = IntStream.range(0, n).toArray();
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}
