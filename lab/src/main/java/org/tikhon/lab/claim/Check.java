package org.tikhon.lab.claim;

/**
 * One condition of a claim's bar, as measured.
 *
 * @param what the condition in words, such as {@code "ELR final >= CE final + 10 points"}
 * @param measured the measured numbers in words, such as {@code "84.3 against 70.4"}
 * @param holds whether it is met
 */
public record Check(String what, String measured, boolean holds) {}
