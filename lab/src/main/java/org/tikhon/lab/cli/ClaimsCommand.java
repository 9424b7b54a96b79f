package org.tikhon.lab.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.tikhon.lab.catalog.Catalog;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimRunner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon claims}: all claims one after the other. */
@Command(
    name = "claims",
    mixinStandardHelpOptions = true,
    description = "Runs the claims of all built systems.",
    footer = {"", "Example:", "  tikhon claims --quick"})
public final class ClaimsCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--quick", description = "Reduced versions, a minute or so each.")
  private boolean quick;

  @Option(
      names = "--json",
      description = "Print one JSON object on standard output, everything else on standard error.")
  private boolean json;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    PrintWriter info = json ? err : out;
    ClaimContext context =
        new ClaimContext(
            quick ? ClaimContext.Mode.QUICK : ClaimContext.Mode.STANDARD,
            0,
            null,
            line -> {
              err.println("  " + line);
              err.flush();
            });
    Map<Integer, Claim> claims = new TreeMap<>(Catalog.claims());
    List<Map<String, Object>> results = new ArrayList<>();
    List<String> summary = new ArrayList<>();
    boolean fine = true;
    for (Catalog.Entry entry : Catalog.entries()) {
      Claim claim = claims.get(entry.number());
      if (claim == null) {
        continue;
      }
      try {
        ClaimRunner.Finished finished = ClaimRunner.run(entry, claim, context);
        info.println(ClaimRunner.text(finished, claim));
        info.flush();
        results.add(finished.json());
        summary.add("%-28s %s".formatted(entry.slug(), finished.verdict()));
        fine &= finished.holds();
      } catch (Exception e) {
        // One claim that cannot run (no data, no memory) must not hide the others.
        results.add(Map.of("system", entry.slug(), "error", String.valueOf(e.getMessage())));
        summary.add("%-28s did not run: %s".formatted(entry.slug(), e.getMessage()));
        fine = false;
      }
    }
    summary.forEach(info::println);
    info.flush();
    if (json) {
      Json.print(out, Map.of("claims", results));
    }
    return fine ? 0 : Main.FAILED;
  }
}
