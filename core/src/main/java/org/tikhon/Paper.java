package org.tikhon;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks the entry class of a system with the paper that it implements. The catalogue, the README's
 * table and {@code tikhon show} are generated from these annotations.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Paper {
  /** The system's number in the catalogue, 1 to 70. */
  int number();

  String title();

  /** The authors, separated by commas. */
  String authors();

  int year();

  String url();
}
