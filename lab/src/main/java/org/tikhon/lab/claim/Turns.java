package org.tikhon.lab.claim;

import java.util.Arrays;

/** Measures two pieces of work in turns, so that a busy machine slows both alike. */
public final class Turns {
  private Turns() {}

  /**
   * The median over the rounds of the time of {@code steps} runs of the work, divided by that of
   * the reference in the same round. A quarter as many rounds go before, for warming up.
   */
  public static double ratio(Runnable reference, Runnable work, int rounds, int steps) {
    double[] ratios = new double[rounds];
    for (int round = -(rounds + 3) / 4; round < rounds; round++) {
      double first = seconds(reference, steps);
      double second = seconds(work, steps);
      if (round >= 0) {
        ratios[round] = second / first;
      }
    }
    Arrays.sort(ratios);
    return (ratios[(rounds - 1) / 2] + ratios[rounds / 2]) / 2;
  }

  /** The seconds that {@code steps} runs take. */
  public static double seconds(Runnable work, int steps) {
    long start = System.nanoTime();
    for (int i = 0; i < steps; i++) {
      work.run();
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
