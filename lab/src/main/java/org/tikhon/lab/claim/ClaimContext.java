package org.tikhon.lab.claim;

import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * How a claim is to be run.
 *
 * @param mode QUICK is a reduced version for {@code tikhon claims --quick}, STANDARD is the card's
 *     laptop claim, FULL is the card's full experiment (hours)
 * @param seeds how many seeds to run, or 0 for the claim's own number
 * @param data the folder with the data sets (as described by {@code tikhon data info}), or null to
 *     look in the usual places
 * @param log takes one line of progress at a time
 */
public record ClaimContext(Mode mode, int seeds, Path data, Consumer<String> log) {
  /** The size of the experiment. */
  public enum Mode {
    QUICK,
    STANDARD,
    FULL
  }

  /** The number of seeds: what the user asked for, otherwise {@code standard}. */
  public int seedsOr(int standard) {
    return seeds > 0 ? seeds : standard;
  }
}
