package org.tikhon.lab.claim;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.tikhon.lab.catalog.Catalog;
import org.tikhon.lab.store.RunStore;
import org.tikhon.tensor.Engine;

/** Runs claims and writes what they measured into the run store. */
public final class ClaimRunner {
  /** The verdict of a claim that meets its bar. */
  public static final String HOLDS = "HOLDS";

  /** The verdict of a claim that does not. */
  public static final String FALLS_SHORT = "FALLS SHORT";

  private ClaimRunner() {}

  /** A finished run. */
  public record Finished(
      String system, String verdict, String bar, ClaimResult result, double seconds) {
    public boolean holds() {
      return result.holds();
    }

    /** What {@code --json} prints. */
    public Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("system", system);
      json.put("verdict", verdict);
      json.put("bar", bar);
      json.put("checks", result.checks());
      json.put("notes", result.notes());
      json.put("measurements", result.measurements());
      json.put("seconds", seconds);
      return json;
    }
  }

  /** Runs a claim and keeps its result. */
  public static Finished run(Catalog.Entry entry, Claim claim, ClaimContext context)
      throws Exception {
    long start = System.nanoTime();
    ClaimResult result = claim.run(context);
    double seconds = (System.nanoTime() - start) / 1e9;
    String verdict = result.holds() ? HOLDS : FALLS_SHORT;
    RunStore.Run run =
        new RunStore.Run(
            UUID.randomUUID().toString(),
            entry.number(),
            entry.slug(),
            context.mode().name(),
            verdict,
            claim.bar(),
            String.join(
                "\n",
                result.checks().stream()
                    .map(c -> (c.holds() ? "met: " : "NOT MET: ") + c.what() + ": " + c.measured())
                    .toList()),
            String.join("\n", result.notes()),
            seconds,
            commit(),
            machine(),
            "{\"mode\":\"%s\",\"seeds\":%d,\"threads\":%d}"
                .formatted(context.mode(), context.seeds(), Engine.threads()),
            Instant.now());
    try (RunStore store = RunStore.open()) {
      store.add(run, result.measurements());
    }
    return new Finished(entry.slug(), verdict, claim.bar(), result, seconds);
  }

  private static String machine() {
    return "%s, %d processors, Java %s"
        .formatted(
            System.getProperty("os.arch"),
            Runtime.getRuntime().availableProcessors(),
            Runtime.version().feature());
  }

  private static String commit() {
    try {
      Process git =
          new ProcessBuilder("git", "rev-parse", "--short", "HEAD")
              .redirectErrorStream(true)
              .start();
      try (BufferedReader reader =
          new BufferedReader(new InputStreamReader(git.getInputStream(), StandardCharsets.UTF_8))) {
        String line = reader.readLine();
        return git.waitFor(5, TimeUnit.SECONDS) && git.exitValue() == 0 && line != null ? line : "";
      }
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  /**
   * The result as text: each quantity with its seeds, mean and standard deviation; the bar; the
   * verdict.
   */
  public static String text(Finished finished, Claim claim) {
    StringBuilder text = new StringBuilder();
    text.append(finished.system()).append(": ").append(claim.statement()).append('\n');
    Map<String, List<Measurement>> byName = new LinkedHashMap<>();
    finished
        .result()
        .measurements()
        .forEach(m -> byName.computeIfAbsent(m.name(), n -> new ArrayList<>()).add(m));
    int width = byName.keySet().stream().mapToInt(String::length).max().orElse(0);
    byName.forEach(
        (name, list) -> {
          text.append("  ").append(name).append(" ".repeat(width - name.length())).append("  ");
          list.forEach(m -> text.append(number(m.value())).append(' '));
          if (list.size() > 1) {
            double mean =
                list.stream().mapToDouble(Measurement::value).average().orElse(Double.NaN);
            double squares =
                list.stream().mapToDouble(m -> (m.value() - mean) * (m.value() - mean)).sum();
            text.append(" mean ")
                .append(number(mean))
                .append(" ± ")
                .append(number(Math.sqrt(squares / (list.size() - 1))));
          }
          text.append(' ').append(list.getFirst().unit()).append('\n');
        });
    text.append("Bar: ").append(finished.bar()).append('\n');
    finished
        .result()
        .checks()
        .forEach(
            c ->
                text.append(c.holds() ? "  met      " : "  NOT MET  ")
                    .append(c.what())
                    .append(": ")
                    .append(c.measured())
                    .append('\n'));
    finished.result().notes().forEach(n -> text.append("Note: ").append(n).append('\n'));
    text.append(
        String.format(Locale.ROOT, "%s (%.1f s)%n", finished.verdict(), finished.seconds()));
    return text.toString();
  }

  private static String number(double v) {
    if (v == Math.rint(v) && Math.abs(v) < 1e9) {
      return Long.toString((long) v);
    }
    return Math.abs(v) >= 1e-3 && Math.abs(v) < 1e6
        ? String.format(Locale.ROOT, "%.4g", v)
        : String.format(Locale.ROOT, "%.3e", v);
  }
}
