package org.tikhon.lab.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.lab.catalog.Catalog;
import org.tikhon.lab.catalog.Catalog.Entry;
import org.tikhon.lab.claim.Claim;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon list}: the systems of the catalogue. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    description = "Lists the systems with their rooms and states.",
    footer = {"", "Example:", "  tikhon list --room transport"})
public final class ListCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--room", paramLabel = "R", description = "Only the systems of a room.")
  private String room;

  @Option(
      names = "--search",
      paramLabel = "WORDS",
      description = "Only the systems whose name, title or room has all these words.")
  private String search;

  @Option(
      names = "--markdown",
      description = "Print the table of all systems that stands in the README.")
  private boolean markdown;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() {
    List<String> rooms = Catalog.entries().stream().map(Entry::room).distinct().sorted().toList();
    if (room != null && !rooms.contains(room)) {
      throw new IllegalArgumentException(Names.unknown("room", room, rooms));
    }
    Map<Integer, Claim> claims = Catalog.claims();
    List<Entry> shown = Catalog.entries().stream().filter(this::matches).toList();
    PrintWriter out = spec.commandLine().getOut();
    if (markdown) {
      out.print(Catalog.markdown());
      out.flush();
      return 0;
    }
    if (json) {
      List<Map<String, Object>> systems = new ArrayList<>();
      for (Entry e : shown) {
        Map<String, Object> system = new LinkedHashMap<>();
        system.put("number", e.number());
        system.put("system", e.slug());
        system.put("title", e.title());
        system.put("room", e.room());
        system.put("state", state(claims, e));
        systems.add(system);
      }
      Json.print(out, Map.of("systems", systems));
      return 0;
    }
    int slugWidth = shown.stream().mapToInt(e -> e.slug().length()).max().orElse(0);
    for (Entry e : shown) {
      out.printf(
          "%02d  %-" + Math.max(1, slugWidth) + "s  %-9s  %-9s  %s%n",
          e.number(),
          e.slug(),
          e.room(),
          state(claims, e),
          e.title());
    }
    out.printf(
        "%d systems, %d built%n",
        shown.size(), shown.stream().filter(e -> claims.containsKey(e.number())).count());
    out.flush();
    return 0;
  }

  private static String state(Map<Integer, Claim> claims, Entry e) {
    return claims.containsKey(e.number()) ? "built" : "not built";
  }

  private boolean matches(Entry e) {
    String text = (e.slug() + " " + e.title() + " " + e.room()).toLowerCase(Locale.ROOT);
    return (room == null || e.room().equals(room))
        && (search == null
            || Arrays.stream(search.toLowerCase(Locale.ROOT).split("\\s+"))
                .allMatch(text::contains));
  }
}
