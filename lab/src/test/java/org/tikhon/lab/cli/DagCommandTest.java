package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DagCommandTest {
  @TempDir private Path folder;
  private Cli.Result result;

  /** A chain a -> b -> c with weights 1.5 and -1 and noise of variance 1. */
  @BeforeEach
  void table() throws IOException {
    Random random = new Random(1);
    StringBuilder csv = new StringBuilder("a,b,c\n");
    for (int i = 0; i < 400; i++) {
      double a = random.nextGaussian();
      double b = 1.5 * a + random.nextGaussian();
      csv.append(String.format(Locale.ROOT, "%s,%s,%s%n", a, b, random.nextGaussian() - b));
    }
    file("t.csv", csv.toString());
    file("t.tsv", csv.toString().replace(',', '\t'));
  }

  private void file(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  /** Runs the command; a word with a dot and letters behind it is a file in the test's folder. */
  private int run(String words) {
    result =
        Cli.run(
            Stream.concat(
                    Stream.of("dag"),
                    Arrays.stream(words.split(" "))
                        .map(w -> w.matches("\\w+\\.[a-z]+") ? folder.resolve(w).toString() : w))
                .toArray(String[]::new));
    return result.code();
  }

  private void refuses(String words, String message) {
    assertThat(run(words)).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).hasLineCount(1).startsWith("tikhon: ").contains(message);
  }

  private JsonNode json() {
    return JsonMapper.builder().build().readTree(result.out());
  }

  @Test
  void findsTheChain() {
    assertThat(run("t.csv")).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .startsWith("400 rows, 3 columns, equal noise variances, lambda 0.05\n")
        .containsPattern("a +b +1\\.\\d{4}\n")
        .containsPattern("b +c +-\\d\\.\\d{4}\n")
        .contains("noise variance", "2 edges, converged after ")
        .doesNotContain("bootstrap");
    String csv = result.out();
    run("t.tsv");
    assertThat(result.out().lines().limit(10)).isEqualTo(csv.lines().limit(10).toList());
  }

  @Test
  void printsOneJsonObject() throws IOException {
    file("truth.txt", "Graph Nodes:\nc;b;a\n\nGraph Edges:\n1. a --> b\n2. c --> b\n");
    assertThat(run("t.csv --variance unequal --bootstrap 5 --truth truth.txt --json")).isZero();
    JsonNode json = json();
    assertThat(json.get("rows").asInt()).isEqualTo(400);
    assertThat(json.get("edges").size()).isEqualTo(2);
    JsonNode edge = json.get("edges").get(0);
    assertThat(edge.get("from").asString()).isEqualTo("a");
    assertThat(edge.get("to").asString()).isEqualTo("b");
    assertThat(edge.get("weight").asDouble()).isCloseTo(1.5, within(0.15));
    assertThat(edge.get("bootstrap").asDouble()).isBetween(0.2, 1.0);
    assertThat(json.get("noiseVariances").get("c").asDouble()).isCloseTo(1, within(0.2));
    assertThat(json.get("order").get(0).asString()).isEqualTo("a");
    assertThat(json.get("truth").get("shd").asInt()).isEqualTo(1);
    assertThat(json.get("truth").get("reversed").asInt()).isEqualTo(1);
    assertThat(json.get("converged").asBoolean()).isTrue();
    assertThat(json.get("warnings").isEmpty()).isTrue();
    String first = json.get("edges").toString();
    run("t.csv --variance unequal --bootstrap 5 --json");
    assertThat(json().get("edges").toString()).isEqualTo(first);
  }

  @Test
  void writesPictures() throws IOException {
    assertThat(run("t.csv --dot g.dot --png g.png")).isZero();
    assertThat(folder.resolve("g.dot"))
        .content()
        .startsWith("digraph {\n  \"a\";\n")
        .containsPattern("\"a\" -> \"b\" \\[label=\"1\\.\\d\\d\"\\];");
    BufferedImage image = ImageIO.read(folder.resolve("g.png").toFile());
    // Three layers, and no wider than one box with margins.
    assertThat(image.getHeight()).isGreaterThan(2 * image.getWidth());
    refuses("t.csv --png g.png", "g.png exists already; add --force to replace it");
    refuses("t.csv --dot g.dot", "g.dot exists already; add --force to replace it");
    assertThat(run("t.csv --dot g.dot --force")).isZero();
  }

  @Test
  void warnsOfStandardisedData() {
    assertThat(run("t.csv --standardize")).isZero();
    assertThat(result.err()).startsWith("tikhon: warning: all columns have variance 1");
  }

  @Test
  void refusesBadTables() throws IOException {
    refuses("none.csv", "none.csv: no such file or folder");
    file("constant.csv", "a,b\n1,2\n1,3\n1,5\n");
    refuses("constant.csv", "constant.csv: column a has zero variance, all its values are 1.0");
    file("wide.csv", "a,b,c\n1,2,3\n4,5,7\n");
    refuses("wide.csv", "must have at least as many rows as columns, has 2 rows and 3 columns");
    file("hole.csv", "a,b\n1,2\n2,\n3,4\n");
    refuses("hole.csv", "hole.csv: column b, row 2 is missing");
    file("nan.csv", "a,b\n1,2\n2,nan\n3,4\n");
    refuses("nan.csv", "nan.csv: column b, row 2 must be finite, is NaN");
    file("words.csv", "a,b\n1,red\n2,green\n3,blue\n");
    refuses("words.csv", "words.csv: column b must be numbers, row 1 is \"red\"");
    file("one.csv", "a\n1\n2\n");
    refuses("one.csv", "one.csv: must have at least 2 columns, has 1");
    refuses("t.csv --log", "must be positive for --log, is -");
  }

  @Test
  void refusesBadOptions() throws IOException {
    refuses("t.csv --variance eqal", "unknown variance eqal; did you mean equal");
    refuses("t.csv --lambda -1", "--lambda must be 0 or more, was -1.0");
    refuses("t.csv --threshold NaN", "--threshold must be 0 or more, was NaN");
    refuses("t.csv --bootstrap 0", "--bootstrap must be at least 1, was 0");
    file("cycle.txt", "Graph Nodes:\na;b;c\nGraph Edges:\n1. a --> b\n2. b --> a\n");
    refuses("t.csv --truth cycle.txt", "the graph must have no cycle, has a -> b -> a");
    file("other.txt", "Graph Nodes:\na;b\nGraph Edges:\n1. a --> b\n");
    refuses("t.csv --truth other.txt", "the graph's nodes must be the columns a, b, c, are a, b");
  }
}
