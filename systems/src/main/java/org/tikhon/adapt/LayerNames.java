package org.tikhon.adapt;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds the layers that a user probably meant. */
final class LayerNames {
  private static final int SHOWN = 3;

  private LayerNames() {}

  /** The names whose ends are nearest to what was asked for, one for each different end. */
  static List<String> nearest(String wanted, Collection<String> known) {
    long dots = wanted.chars().filter(c -> c == '.').count();
    return known.stream()
        .map(name -> end(name, dots))
        .distinct()
        .sorted(
            Comparator.comparingInt((String name) -> distance(wanted, name))
                .thenComparing(Comparator.naturalOrder()))
        .limit(SHOWN)
        .toList();
  }

  private static String end(String name, long dots) {
    int from = name.length();
    for (long i = 0; i <= dots && from > 0; i++) {
      from = name.lastIndexOf('.', from - 1);
    }
    return from < 0 ? name : name.substring(from + 1);
  }

  /** Levenshtein's edit distance. */
  private static int distance(String a, String b) {
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
