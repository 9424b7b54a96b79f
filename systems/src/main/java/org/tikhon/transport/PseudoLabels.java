package org.tikhon.transport;

import org.tikhon.transport.PartialTransport.Domain;

/** How {@link ImbalancedClustering} makes labels of predictions; all by the same solver. */
public enum PseudoLabels {
  /** A growing part of the mass, soft cluster sizes, neighbours to the same cluster: SP2OT. */
  SP2OT(1, MassSchedule.SIGMOID, 0.1),
  /** Without neighbours: P2OT, here "ppot". */
  PPOT(1, MassSchedule.SIGMOID, 0.1),
  /** All of the mass from the start: unbalanced transport. */
  UOT(1, MassSchedule.FIXED, 1),
  /** All of the mass to clusters of one size: Sinkhorn's labels, as in SwAV and SeLa. */
  BALANCED(Double.POSITIVE_INFINITY, MassSchedule.FIXED, 1);

  private final double gamma;
  private final MassSchedule schedule;
  private final double rho0;

  PseudoLabels(double gamma, MassSchedule schedule, double rho0) {
    this.gamma = gamma;
    this.schedule = schedule;
    this.rho0 = rho0;
  }

  /** The solver with the paper's settings; scalings are several times as fast as the log domain. */
  public SemanticTransport transport() {
    PartialTransport inner = new PartialTransport().withGamma(gamma).withDomain(Domain.STABILISED);
    return this == SP2OT ? new SemanticTransport(inner) : SemanticTransport.without(inner);
  }

  public MassSchedule schedule() {
    return schedule;
  }

  /** The part of the mass that is labelled at the start. */
  public double rho0() {
    return rho0;
  }
}
