package org.tikhon.lab.catalog;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.tikhon.Paper;
import org.tikhon.lab.claim.Claim;

/** All systems of the project, built or planned. */
public final class Catalog {
  private static final List<Entry> PLAN = plan();

  private Catalog() {}

  /** A system: its number, its name on the command line, what it is called, and its room. */
  public record Entry(int number, String slug, String title, String room) {
    /** Whether a number, a slug or the start of a title means this system. */
    boolean is(String name) {
      return slug.equalsIgnoreCase(name)
          || name.matches("0*" + number)
          || name.equalsIgnoreCase("%02d-%s".formatted(number, slug));
    }
  }

  private static List<Entry> plan() {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Catalog.class.getResourceAsStream("systems.tsv"), StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(l -> !l.isBlank())
          .map(l -> l.split("\t"))
          .map(f -> new Entry(Integer.parseInt(f[0]), f[1], f[2], f[3]))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All 70 systems by number. */
  public static List<Entry> entries() {
    return PLAN;
  }

  /** The claims of the built systems by number. */
  public static Map<Integer, Claim> claims() {
    return ServiceLoader.load(Claim.class).stream()
        .map(ServiceLoader.Provider::get)
        .collect(Collectors.toMap(c -> paper(c).number(), c -> c));
  }

  /** The paper of a claim's system. */
  public static Paper paper(Claim claim) {
    Paper paper = claim.system().getAnnotation(Paper.class);
    if (paper == null) {
      throw new IllegalStateException(claim.system() + " carries no @Paper");
    }
    return paper;
  }

  /** The system of a number or name. */
  public static Optional<Entry> find(String name) {
    return PLAN.stream().filter(e -> e.is(name)).findFirst();
  }

  /** The table of all systems in Markdown, built ones with a link to the paper. */
  public static String markdown() {
    Map<Integer, Claim> claims = claims();
    StringBuilder text = new StringBuilder("| | system | room | state |\n|---|---|---|---|\n");
    for (Entry e : PLAN) {
      Claim claim = claims.get(e.number());
      text.append(
          "| %02d | %s | `%s` | %s |%n"
              .formatted(
                  e.number(),
                  claim == null ? e.title() : "[" + e.title() + "](" + paper(claim).url() + ")",
                  e.room(),
                  claim == null ? "not built" : "`" + claim.system().getSimpleName() + "`"));
    }
    return text.toString();
  }
}
