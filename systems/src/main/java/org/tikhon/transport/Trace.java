package org.tikhon.transport;

import java.util.ArrayList;
import java.util.List;
import org.tikhon.transport.TransportSolution.Iteration;
import org.tikhon.transport.TransportSolution.Stage;

/** What a solver has done so far. */
final class Trace {
  private final long start = System.nanoTime();
  private final List<Iteration> history = new ArrayList<>();
  private int newtonSteps;
  private long cgIterations;

  double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  void add(Stage stage, double error, double stepLength, double seconds) {
    history.add(new Iteration(stage, error, stepLength, seconds));
    newtonSteps += stage == Stage.NEWTON ? 1 : 0;
  }

  void addCgIterations(int iterations) {
    cgIterations += iterations;
  }

  List<Iteration> history() {
    return history;
  }

  int sweeps() {
    return history.size() - newtonSteps;
  }

  int newtonSteps() {
    return newtonSteps;
  }

  long cgIterations() {
    return cgIterations;
  }
}
