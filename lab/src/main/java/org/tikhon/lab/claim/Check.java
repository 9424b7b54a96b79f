package org.tikhon.lab.claim;

import java.util.Locale;

/**
 * One condition of a claim's bar, as measured.
 *
 * @param what the condition in words, such as {@code "ELR final >= CE final + 10 points"}
 * @param measured the measured numbers in words, such as {@code "84.3 against 70.4"}
 * @param holds whether it is met
 */
public record Check(String what, String measured, boolean holds) {
  /** Whether one number is at least another plus a margin, which may be negative. */
  public static Check atLeast(String what, double ours, double theirs, double margin) {
    return new Check(what, against(ours, theirs, 2), ours >= theirs + margin);
  }

  /** Two numbers beside each other, such as {@code "84.30 against 70.40"}. */
  public static String against(double ours, double theirs, int decimals) {
    String pattern = "%." + decimals + "f";
    return String.format(Locale.ROOT, pattern + " against " + pattern, ours, theirs);
  }
}
