package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.DataHome;
import org.tikhon.data.DataRegistry;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon data}: public data sets. */
@Command(
    name = "data",
    mixinStandardHelpOptions = true,
    description = "Lists, downloads and describes public data sets.",
    subcommands = {DataCommand.ListSets.class, DataCommand.Get.class, DataCommand.Info.class},
    footer = {"", "Examples:", "  tikhon data list", "  tikhon data get fashion-mnist"})
public final class DataCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do: list, get or info");
  }

  private static DataRegistry.Entry find(String name) {
    return DataRegistry.find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    Names.unknown(
                        "data set",
                        name,
                        DataRegistry.entries().stream().map(DataRegistry.Entry::name).toList())));
  }

  private static Map<String, Object> facts(DataRegistry.Entry entry) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", entry.name());
    facts.put("what", entry.description());
    facts.put("licence", entry.licence());
    facts.put("files", entry.files().stream().map(f -> f.url().toString()).toList());
    facts.put(
        "here", DataHome.find(entry.name()).map(Path::toString).orElse("not on this machine"));
    return facts;
  }

  /** {@code tikhon data list}. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Lists the data sets.",
      footer = {"", "Example:", "  tikhon data list"})
  static final class ListSets implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() {
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        List<Map<String, Object>> sets = new ArrayList<>();
        DataRegistry.entries().forEach(e -> sets.add(facts(e)));
        Json.print(out, Map.of("data", sets));
        return 0;
      }
      for (DataRegistry.Entry e : DataRegistry.entries()) {
        out.printf(
            "%-15s %-48s %s%n",
            e.name(),
            e.description(),
            DataHome.find(e.name())
                .map(Path::toString)
                .orElse("not here: tikhon data get " + e.name()));
      }
      out.flush();
      return 0;
    }
  }

  /** {@code tikhon data get}. */
  @Command(
      name = "get",
      mixinStandardHelpOptions = true,
      description = "Downloads a data set: resumable, checked.",
      footer = {"", "Example:", "  tikhon data get mnist"})
  static final class Get implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME")
    private String name;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      PrintWriter err = spec.commandLine().getErr();
      Path folder =
          DataRegistry.download(
              find(name),
              DataHome.cache(),
              line -> {
                err.println(line);
                err.flush();
              });
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        Json.print(out, Map.of("name", name, "folder", folder.toString()));
      } else {
        out.println(name + " is in " + folder);
        out.flush();
      }
      return 0;
    }
  }

  /** {@code tikhon data info}. */
  @Command(
      name = "info",
      mixinStandardHelpOptions = true,
      description = "Describes a data set.",
      footer = {"", "Example:", "  tikhon data info mnist"})
  static final class Info implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME")
    private String name;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() {
      PrintWriter out = spec.commandLine().getOut();
      Map<String, Object> facts = facts(find(name));
      if (json) {
        Json.print(out, facts);
      } else {
        facts.forEach((k, v) -> out.printf("%-8s %s%n", k, v));
        out.flush();
      }
      return 0;
    }
  }
}
