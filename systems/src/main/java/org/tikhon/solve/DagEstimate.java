package org.tikhon.solve;

import java.util.List;

/**
 * What a {@link DagLearner} found.
 *
 * @param weights {@code [d, d]}, before small ones are dropped: W_ij belongs to the edge i to j
 * @param noiseStd {@code [d]}, the noise's standard deviation for each column: the model's own
 *     where it has one, otherwise that of the residuals
 * @param objective the score with its penalty, without the measure of acyclicity
 * @param acyclicity the measure of acyclicity that the learner used, near 0
 * @param converged whether the last stage ended before its iterations were used up
 * @param trace the stages
 * @param rows how many rows the data had
 * @param warnings what makes the result doubtful, a sentence each; mostly empty
 */
public record DagEstimate(
    double[][] weights,
    double[] noiseStd,
    double objective,
    double acyclicity,
    boolean converged,
    List<Stage> trace,
    long rows,
    List<String> warnings) {

  /** The threshold of {@link #dag()}. */
  public static final double THRESHOLD = 0.3;

  public DagEstimate {
    trace = List.copyOf(trace);
    warnings = List.copyOf(warnings);
  }

  /**
   * A stage of the outer loop.
   *
   * @param parameter mu of the central path, or rho of the augmented Lagrangian, or 0
   * @param s of the log-determinant, or 0
   * @param restarts how often it had to start again
   * @param objective what the stage minimised, at its end
   * @param acyclicity at its end
   */
  public record Stage(
      double parameter,
      double s,
      int iterations,
      int restarts,
      double objective,
      double acyclicity,
      boolean converged) {}

  /** The graph of the weights above 0.3 in absolute value, made acyclic. */
  public Dag dag() {
    return dag(THRESHOLD);
  }

  /**
   * The graph of the weights above a threshold in absolute value, made acyclic: see {@link
   * Dag#threshold}.
   */
  public Dag dag(double threshold) {
    return Dag.threshold(weights, threshold);
  }
}
