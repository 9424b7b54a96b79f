package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.AtomicFiles;
import org.tikhon.lab.store.RunStore;
import org.tikhon.lab.store.StoreReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon report}: the store as a page. */
@Command(
    name = "report",
    mixinStandardHelpOptions = true,
    description = "Writes the results of all claims as an HTML page or as Markdown.",
    footer = {
      "",
      "Examples:",
      "  tikhon report --html report.html",
      "  tikhon report --markdown docs/SYSTEMS.md --force"
    })
public final class ReportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "The page to write (default report.html, unless --markdown is given).")
  private Path html;

  @Option(names = "--markdown", paramLabel = "FILE", description = "The Markdown file to write.")
  private Path markdown;

  @Option(names = "--force", description = "Replace files that exist.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (html == null && markdown == null) {
      html = Path.of("report.html");
    }
    StoreReport report;
    try (RunStore store = RunStore.open()) {
      report = StoreReport.of(store);
    }
    Map<Path, String> files = new LinkedHashMap<>();
    if (html != null) {
      files.put(html, report.html());
    }
    if (markdown != null) {
      files.put(markdown, report.markdown());
    }
    for (Path file : files.keySet()) {
      if (Files.exists(file) && !force) {
        throw new IllegalArgumentException(file + " exists already; add --force to replace it");
      }
    }
    for (Map.Entry<Path, String> file : files.entrySet()) {
      AtomicFiles.writeString(file.getKey(), file.getValue());
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, Map.of("written", files.keySet().stream().map(Path::toString).toList()));
    } else {
      files.keySet().forEach(f -> out.println("written: " + f));
      out.flush();
    }
    return 0;
  }
}
