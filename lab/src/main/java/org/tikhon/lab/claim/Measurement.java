package org.tikhon.lab.claim;

import java.util.List;

/**
 * One measured number.
 *
 * @param name what was measured on which arm, such as {@code "elr/test accuracy"}: arm, slash,
 *     quantity
 * @param seed the seed of the run, or -1 for a number that belongs to no single seed
 * @param unit such as {@code "%"}, {@code "s"}, {@code "iterations"}; empty for a plain number
 */
public record Measurement(String name, long seed, double value, String unit) {
  /**
   * The mean over the seeds of what was measured under a name.
   *
   * @throws IllegalArgumentException if nothing was
   */
  public static double mean(List<Measurement> measured, String name) {
    return measured.stream()
        .filter(m -> m.name.equals(name))
        .mapToDouble(Measurement::value)
        .average()
        .orElseThrow(() -> new IllegalArgumentException("nothing was measured as " + name));
  }
}
