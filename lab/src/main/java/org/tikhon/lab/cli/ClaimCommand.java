package org.tikhon.lab.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.tikhon.lab.catalog.Catalog;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimRunner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon claim}: does a paper's headline comparison hold? */
@Command(
    name = "claim",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the headline comparison of a system's paper at laptop scale.",
      "Exit code 0 if it holds, 1 if it falls short."
    },
    footer = {"", "Example:", "  tikhon claim elr"})
public final class ClaimCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "SYSTEM", description = "A name or number, as in tikhon list.")
  private String system;

  @Option(names = "--full", description = "The paper's full experiment (hours).")
  private boolean full;

  @Option(names = "--quick", description = "A reduced version, as tikhon claims --quick runs it.")
  private boolean quick;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "The number of seeds; without it the claim's own.",
      defaultValue = "0")
  private int seeds;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The folder that holds the data sets.")
  private Path data;

  @Option(
      names = "--json",
      description = "Print one JSON object on standard output, everything else on standard error.")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (full && quick) {
      throw new IllegalArgumentException("--full and --quick exclude each other");
    }
    if (seeds < 0) {
      throw new IllegalArgumentException("--seeds must be at least 1, was " + seeds);
    }
    Catalog.Entry entry = ShowCommand.find(system);
    Claim claim = Catalog.claims().get(entry.number());
    if (claim == null) {
      throw new IllegalArgumentException(
          "system " + entry.slug() + " is not built; tikhon list shows which are");
    }
    ClaimContext.Mode mode =
        full
            ? ClaimContext.Mode.FULL
            : quick ? ClaimContext.Mode.QUICK : ClaimContext.Mode.STANDARD;
    PrintWriter err = spec.commandLine().getErr();
    ClaimContext context =
        new ClaimContext(
            mode,
            seeds,
            data,
            line -> {
              err.println("  " + line);
              err.flush();
            });
    ClaimRunner.Finished finished = ClaimRunner.run(entry, claim, context);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, finished.json());
    } else {
      out.print(ClaimRunner.text(finished, claim));
      out.flush();
    }
    return finished.holds() ? 0 : Main.FAILED;
  }
}
