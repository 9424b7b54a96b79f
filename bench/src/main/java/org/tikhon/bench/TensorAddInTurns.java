package org.tikhon.bench;

import java.util.List;
import org.openjdk.jmh.infra.Blackhole;

/**
 * {@link TensorAddBenchmark}'s three loops in turns of a few milliseconds, for a machine that is
 * busy with other things; a step is a hundred additions. Argument: the rounds.
 */
public final class TensorAddInTurns {
  private TensorAddInTurns() {}

  public static void main(String[] args) throws Exception {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 2000;
    // The text by which JMH lets a program make its own black hole.
    Blackhole hole =
        new Blackhole(
            "Today's password is swordfish. I understand instantiating Blackholes directly is"
                + " dangerous.");
    TensorAddBenchmark add = new TensorAddBenchmark();
    add.setup();
    SideBySide.run(
        List.of(
            SideBySide.of("raw binding, closed", () -> add.raw(hole)),
            SideBySide.of("Tensor.add in a Scope", () -> add.scoped(hole)),
            SideBySide.of("Tensor.add, closed", () -> add.closed(hole))),
        rounds,
        20);
  }
}
