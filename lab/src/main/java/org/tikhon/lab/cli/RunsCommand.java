package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.lab.store.RunStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon runs}: the runs in the store. */
@Command(
    name = "runs",
    mixinStandardHelpOptions = true,
    description = "Lists the claims that were run, the newest first.",
    footer = {"", "Example:", "  tikhon runs"})
public final class RunsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    List<RunStore.Run> runs;
    try (RunStore store = RunStore.open()) {
      runs = store.runs();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, Map.of("runs", runs));
      return 0;
    }
    for (RunStore.Run r : runs) {
      out.printf(
          "%s  %-26s %-8s %-11s %7.1f s  %s%n",
          r.time().toString().substring(0, 16).replace('T', ' '),
          r.system(),
          r.mode().toLowerCase(Locale.ROOT),
          r.verdict(),
          r.seconds(),
          r.commit());
    }
    out.println(runs.size() + " runs in " + RunStore.home().resolve("runs.duckdb"));
    out.flush();
    return 0;
  }
}
