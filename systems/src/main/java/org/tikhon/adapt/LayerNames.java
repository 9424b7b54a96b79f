package org.tikhon.adapt;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.tikhon.EditDistance;

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
            Comparator.comparingInt((String name) -> EditDistance.between(wanted, name))
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
}
