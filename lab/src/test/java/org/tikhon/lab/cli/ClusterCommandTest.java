package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ClusterCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void blobs() throws IOException {
    Random random = new Random(1);
    StringBuilder all = new StringBuilder("a,b,colour,kind\n");
    String[] kinds = {"large", "middle", "small"};
    int[] sizes = {90, 30, 12};
    for (int k = 0; k < 3; k++) {
      for (int i = 0; i < sizes[k]; i++) {
        all.append(
            String.format(
                Locale.ROOT,
                "%.4f,%.4f,%s,%s%n",
                4 * k + 0.3 * random.nextGaussian(),
                (k == 1 ? 5 : 0) + 0.3 * random.nextGaussian(),
                k == 2 ? "red" : "blue",
                kinds[k]));
      }
    }
    Files.writeString(folder.resolve("blobs.csv"), all.toString());
    Files.writeString(folder.resolve("nan.csv"), "a,b\n1,2\n,3\n4,5\n");
  }

  private Cli.Result run(String words) {
    List<String> arguments = new ArrayList<>(List.of("cluster"));
    Arrays.stream(words.split(" "))
        .map(w -> w.startsWith("@") ? folder.resolve(w.substring(1)).toString() : w)
        .forEach(arguments::add);
    return Cli.run(arguments.toArray(String[]::new));
  }

  private void refuses(String words, String message) {
    Cli.Result result = run(words);
    assertThat(result.code()).as(words).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines().findFirst().orElseThrow()).contains(message);
  }

  @Test
  void writesClustersAndTheirScores() throws IOException {
    Cli.Result result =
        run(
            "@blobs.csv --k 3 --label kind --epochs 12 --batch 66 --out @c.csv --picture @c.svg --json");
    assertThat(result.code()).as(result.err()).isZero();
    JsonNode method = JsonMapper.shared().readTree(result.out()).get("methods").get(0);
    assertThat(method.get("method").asString()).isEqualTo("sp2ot");
    assertThat(method.get("nmi").asDouble()).isGreaterThan(0.5);
    assertThat(method.get("sizes").size()).isEqualTo(3);
    assertThat(method.get("solves").asInt()).isEqualTo(12 * 2 * 2);
    List<String> lines = Files.readAllLines(folder.resolve("c.csv"));
    assertThat(lines).hasSize(133);
    assertThat(lines.getFirst()).isEqualTo("row,cluster,confidence");
    assertThat(lines.get(1)).matches("1,[0-2],[01]\\.\\d{6}");
    assertThat(Files.readString(folder.resolve("c.svg"))).startsWith("<svg").contains("<circle");
  }

  @Test
  void comparesAllMethods() throws IOException {
    Cli.Result result =
        run(
            "@blobs.csv --k 3 --label last --method compare --epochs 3 --out @c.csv --picture @c.png");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(result.out()).contains("sp2ot", "ppot", "uot", "balanced", "kmeans", "132 rows");
    assertThat(Files.readAllLines(folder.resolve("c.csv")).getFirst())
        .startsWith("row,cluster_sp2ot,confidence_sp2ot,cluster_ppot")
        .endsWith("cluster_kmeans,confidence_kmeans");
    assertThat(Files.size(folder.resolve("c.png"))).isPositive();
  }

  @Test
  void aKeptModelGivesTheSameClusters() throws IOException {
    for (String method : List.of("ppot", "kmeans")) {
      String fit = "@blobs.csv --k 3 --label kind --epochs 3 --method " + method;
      assertThat(run(fit + " --save @model --out @fit.csv --force").code()).isZero();
      try (Stream<Path> files = Files.list(folder.resolve("model"))) {
        assertThat(files.map(p -> p.getFileName().toString()))
            .containsExactlyInAnyOrder("clusters.json", "clusters.safetensors");
      }
      Cli.Result again = run("@blobs.csv --model @model --out @again.csv --force");
      assertThat(again.code()).as(again.err()).isZero();
      assertThat(Files.readString(folder.resolve("again.csv")))
          .isEqualTo(Files.readString(folder.resolve("fit.csv")));
    }
  }

  @Test
  void thinsClassesOut() {
    Cli.Result result =
        run("@blobs.csv --k 3 --label kind --method kmeans --imbalance 45 --subset 80");
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(result.out()).contains("long-tailed, 1 : 45").contains("80 rows");
  }

  @Test
  void saysWhenSolversHaveNotConverged() {
    Cli.Result result = run("@blobs.csv --k 3 --label kind --method sp2ot --epochs 2 --json");
    JsonNode method = JsonMapper.shared().readTree(result.out()).get("methods").get(0);
    assertThat(method.get("unconverged").asInt()).isBetween(0, method.get("solves").asInt());
    Cli.Result text = run("@blobs.csv --k 3 --label kind --method sp2ot --epochs 2");
    assertThat(text.out().contains("before they had converged"))
        .isEqualTo(method.get("unconverged").asInt() > 0);
  }

  @Test
  void refusesWrongUse() throws IOException {
    refuses("@blobs.csv", "--k is missing");
    refuses("@none.csv --k 2", "no such file");
    refuses(
        "@blobs.csv --k 0 --method kmeans", "--k must be in 1..132 (the number of rows), was 0");
    refuses("@blobs.csv --k 133", "was 133");
    refuses("@blobs.csv --k 3 --method sp2", "sp2");
    refuses("@blobs.csv --k 3 --label sort", "has no column sort");
    refuses("@blobs.csv --k 3 --epochs 0", "--epochs must be at least 1, was 0");
    refuses("@blobs.csv --k 3 --noise -1", "--noise must be at least 0, was -1");
    refuses("@blobs.csv --k 3 --learning-rate 0", "--learning-rate must be positive, was 0.0");
    refuses("@blobs.csv --k 3 --imbalance 10", "--imbalance needs classes");
    refuses("@blobs.csv --k 3 --picture @c.jpg", "--picture must end in .svg or .png");
    refuses("@blobs.csv --k 3 --method compare --save @m", "--save goes with one method");
    refuses("@blobs.csv --k 3 --model @m", "--k does not go with --model");
    refuses("@blobs.csv --model @m", "no such file");
    refuses("@blobs.csv --k 3 --out @blobs.csv", "exists already; add --force");
    refuses("@nan.csv --k 2", "give --impute");
    assertThat(run("@nan.csv --k 2 --method kmeans --impute").code()).isZero();
    Files.createDirectory(folder.resolve("empty"));
    refuses("@empty --k 2 --label x", "--label goes with a table");
    Files.createDirectory(folder.resolve("bad"));
    Files.writeString(folder.resolve("bad/clusters.json"), "{");
    refuses("@blobs.csv --model @bad", "not the description of clusters");
  }
}
