package org.tikhon.lab.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds what a user probably meant. */
final class Names {
  private Names() {}

  /** The message for an unknown name, with the nearest known ones. */
  static String unknown(String kind, String name, Collection<String> known) {
    List<String> near =
        known.stream()
            .filter(k -> distance(name, k) <= Math.max(2, name.length() / 3) || k.contains(name))
            .sorted(Comparator.comparingInt((String k) -> distance(name, k)).thenComparing(k -> k))
            .limit(3)
            .toList();
    return near.isEmpty()
        ? "unknown %s %s; there are %s".formatted(kind, name, String.join(", ", known))
        : "unknown %s %s; did you mean %s?".formatted(kind, name, String.join(" or ", near));
  }

  /** Levenshtein's edit distance. */
  static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitution, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
