package org.tikhon.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures contestants in turns, so that a busy machine slows all of them alike. The reference is
 * the first one; a ratio is the median over the rounds of time divided by the reference's time in
 * the same round.
 */
final class SideBySide {
  private SideBySide() {}

  /** Something that does a number of steps and says how long it took. */
  interface Contestant {
    String name();

    /** The seconds that {@code steps} steps took. */
    double seconds(int steps) throws Exception;
  }

  /** A contestant that runs in this JVM. */
  static Contestant of(String name, Runnable step) {
    return new Contestant() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public double seconds(int steps) {
        long start = System.nanoTime();
        for (int i = 0; i < steps; i++) {
          step.run();
        }
        return (System.nanoTime() - start) * 1e-9;
      }
    };
  }

  /**
   * Runs all contestants {@code rounds} times in turns, after a quarter as many rounds of warm-up,
   * and prints.
   */
  static void run(List<Contestant> contestants, int rounds, int steps) throws Exception {
    Map<String, double[]> micros = new LinkedHashMap<>();
    contestants.forEach(c -> micros.put(c.name(), new double[rounds]));
    for (int round = -(rounds + 3) / 4; round < rounds; round++) {
      for (Contestant c : contestants) {
        double seconds = c.seconds(steps);
        if (round >= 0) {
          micros.get(c.name())[round] = 1e6 * seconds / steps;
        }
      }
    }
    double[] reference = micros.get(contestants.getFirst().name());
    System.out.printf("%-34s %12s %12s %10s%n", "contestant", "median us", "fastest us", "ratio");
    micros.forEach(
        (name, times) -> {
          double[] ratios = new double[rounds];
          Arrays.setAll(ratios, i -> times[i] / reference[i]);
          System.out.printf(
              "%-34s %12.1f %12.1f %10.3f%n",
              name, median(times), Arrays.stream(times).min().orElseThrow(), median(ratios));
        });
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
}
