package org.tikhon.lab.claim;

/**
 * One measured number.
 *
 * @param name what was measured on which arm, such as {@code "elr/test accuracy"}: arm, slash,
 *     quantity
 * @param seed the seed of the run, or -1 for a number that belongs to no single seed
 * @param unit such as {@code "%"}, {@code "s"}, {@code "iterations"}; empty for a plain number
 */
public record Measurement(String name, long seed, double value, String unit) {}
