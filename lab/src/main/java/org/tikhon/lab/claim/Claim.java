package org.tikhon.lab.claim;

/**
 * The headline comparison of a system's paper at laptop scale: method beside baselines that are
 * tuned as fairly as the method, with every seed shown. Implementations are found with {@link
 * java.util.ServiceLoader}.
 */
public interface Claim {
  /** The system's entry class, annotated with {@link org.tikhon.Paper}. */
  Class<?> system();

  /** What is claimed, in one sentence. */
  String statement();

  /** What must be measured for the claim to hold, in words. */
  String bar();

  /** Runs the experiment. Progress goes to {@link ClaimContext#log}, never to standard output. */
  ClaimResult run(ClaimContext context) throws Exception;
}
