package org.tikhon.lab.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.tikhon.EditDistance;

/** Finds what a user probably meant. */
final class Names {
  private Names() {}

  /** The message for an unknown name, with the nearest known ones. */
  static String unknown(String kind, String name, Collection<String> known) {
    List<String> near =
        known.stream()
            .filter(
                k ->
                    EditDistance.between(name, k) <= Math.max(2, name.length() / 3)
                        || k.contains(name))
            .sorted(
                Comparator.comparingInt((String k) -> EditDistance.between(name, k))
                    .thenComparing(k -> k))
            .limit(3)
            .toList();
    return near.isEmpty()
        ? "unknown %s %s; there are %s".formatted(kind, name, String.join(", ", known))
        : "unknown %s %s; did you mean %s?".formatted(kind, name, String.join(" or ", near));
  }
}
