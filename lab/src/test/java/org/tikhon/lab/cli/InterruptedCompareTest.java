package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.data.Safetensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A comparison that is killed in the middle goes on and ends with the same numbers. */
class InterruptedCompareTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String[] OPTIONS = {
    "--methods", "mixup,elr,elr-plus", "--epochs", "6", "--seeds", "1", "--json"
  };

  @TempDir private Path folder;

  /** Three classes in rows of random numbers. */
  @BeforeEach
  void writeTable() throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("a,b,c,kind\n");
    for (int i = 0; i < 900; i++) {
      text.append(
          "%.3f,%.3f,%.3f,"
              .formatted(random.nextGaussian(), random.nextDouble(), i % 3 + random.nextDouble()));
      text.append("xyz".charAt(i % 3)).append('\n');
    }
    Files.writeString(folder.resolve("table.csv"), text);
  }

  private List<String> arguments(Path out, String... more) {
    List<String> all = new ArrayList<>(List.of("compare", "--data", folder + "/table.csv"));
    all.addAll(List.of(OPTIONS));
    all.addAll(List.of("--out", out.toString()));
    all.addAll(List.of(more));
    return all;
  }

  @Test
  @Timeout(value = 3, unit = TimeUnit.MINUTES)
  void killedRunGoesOnWithTheSameNumbers() throws Exception {
    Path killed = folder.resolve("killed");
    kill(killed, out -> hasFile(out.resolve("checkpoints")));
    // What was on the way is whole, whenever the kill came.
    try (Stream<Path> files = Files.list(killed.resolve("checkpoints"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
        Safetensors.open(file).close();
      }
    }
    assertThat(killed.resolve("report.html")).doesNotExist();
    Cli.Result resumed = Cli.run(arguments(killed, "--resume").toArray(String[]::new));
    assertThat(resumed.code()).as(resumed.err()).isZero();

    Cli.Result whole = Cli.run(arguments(folder.resolve("whole")).toArray(String[]::new));
    assertThat(numbers(resumed.out())).isEqualTo(numbers(whole.out()));
  }

  private interface Condition {
    boolean met(Path out) throws IOException;
  }

  private static boolean hasFile(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(f -> f.toString().endsWith(".safetensors"));
    }
  }

  /** Starts the command line in a process of its own and kills it (SIGKILL) at a condition. */
  private void kill(Path out, Condition condition) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(arguments(out));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(new File(out + ".log"))
            .start();
    while (!condition.met(out)) {
      assertThat(process.isAlive()).as(Files.readString(Path.of(out + ".log"))).isTrue();
      Thread.sleep(5);
    }
    process.destroyForcibly().waitFor();
  }

  /** All metrics of a leaderboard; not the seconds and the memory. */
  private static Map<String, Double> numbers(String json) {
    Map<String, Double> numbers = new TreeMap<>();
    for (JsonNode row : JSON.readTree(json).get("leaderboard")) {
      row.get("stats")
          .properties()
          .forEach(
              s ->
                  numbers.put(
                      row.get("method").asString() + " " + s.getKey(),
                      s.getValue().get("mean").asDouble()));
    }
    assertThat(numbers).hasSizeGreaterThan(9);
    return numbers;
  }
}
