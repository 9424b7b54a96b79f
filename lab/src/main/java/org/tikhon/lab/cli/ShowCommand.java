package org.tikhon.lab.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.Paper;
import org.tikhon.lab.catalog.Catalog;
import org.tikhon.lab.catalog.Catalog.Entry;
import org.tikhon.lab.claim.Claim;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon show}: one system. */
@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    description = "Shows a system: its paper, its class, its claim.",
    footer = {"", "Example:", "  tikhon show elr"})
public final class ShowCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "SYSTEM", description = "Its name or number, as in tikhon list.")
  private String system;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  /** The entry of a name, or an error that suggests others. */
  static Entry find(String name) {
    return Catalog.find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Names.unknown(
                        "system", name, Catalog.entries().stream().map(Entry::slug).toList())));
  }

  @Override
  public Integer call() {
    Entry entry = find(system);
    Claim claim = Catalog.claims().get(entry.number());
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("number", entry.number());
    facts.put("system", entry.slug());
    facts.put("title", entry.title());
    facts.put("room", entry.room());
    facts.put("state", claim == null ? "not built" : "built");
    if (claim != null) {
      Paper paper = Catalog.paper(claim);
      facts.put("paper", paper.title());
      facts.put("authors", paper.authors());
      facts.put("year", paper.year());
      facts.put("url", paper.url());
      facts.put("class", claim.system().getName());
      facts.put("claim", claim.statement());
      facts.put("bar", claim.bar());
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, facts);
    } else {
      facts.forEach((name, value) -> out.printf("%-8s %s%n", name, value));
      if (claim != null) {
        out.printf("%-8s tikhon claim %s%n", "run it", entry.slug());
      }
      out.flush();
    }
    return 0;
  }
}
