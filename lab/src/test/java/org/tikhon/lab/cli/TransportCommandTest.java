package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TransportCommandTest {
  @TempDir private Path folder;
  private String out;
  private String err;

  @BeforeEach
  void points() throws IOException {
    file("a.csv", "x,y\n0,0\n1,0\n0,1\n");
    file("b.csv", "5,5\n6,5\n");
    file("w3.csv", "0.5\n0.25\n0.25\n");
    file("w2.csv", "w\n0.75\n0.25\n");
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  /** Runs the command; a word that ends in .csv is a file in the test's folder. */
  private int run(String words) {
    List<String> arguments = new ArrayList<>(List.of("transport"));
    Arrays.stream(words.split(" "))
        .map(w -> w.endsWith(".csv") ? folder.resolve(w).toString() : w)
        .forEach(arguments::add);
    StringWriter stdout = new StringWriter();
    StringWriter stderr = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(stdout));
    line.setErr(new PrintWriter(stderr));
    int code = line.execute(arguments.toArray(String[]::new));
    out = stdout.toString();
    err = stderr.toString();
    return code;
  }

  private void refuses(String words, String message) {
    assertThat(run(words)).isEqualTo(2);
    assertThat(out).isEmpty();
    assertThat(err).hasLineCount(1).startsWith("tikhon: ").contains(message);
  }

  private JsonNode json() {
    return JsonMapper.builder().build().readTree(out);
  }

  @ParameterizedTest
  @CsvSource({"sns", "sinkhorn"})
  void printsOneJsonObject(String solver) {
    assertThat(run("a.csv b.csv --json --epsilon 0.02 --solver " + solver)).isZero();
    JsonNode result = json();
    assertThat(err).isEmpty();
    assertThat(result.get("converged").asBoolean()).isTrue();
    assertThat(result.get("marginalError").asDouble()).isLessThanOrEqualTo(1e-9);
    assertThat(result.get("iterations").asInt()).isPositive();
    assertThat(result.get("seconds").asDouble()).isPositive();
    // The mass of B is 1/2 at each point; the means are (1/3, 1/3) and (5.5, 5).
    assertThat(result.get("cost").asDouble()).isBetween(48.0, 50.0);
    // sum P log P of masses 1/3 and 1/2 lies between -log 6 and -log 3.
    double entropy =
        (result.get("regularisedCost").asDouble() - result.get("cost").asDouble())
            / (0.02 * result.get("scale").asDouble());
    assertThat(entropy).isBetween(-Math.log(6) - 1e-9, -Math.log(3));
  }

  @Test
  void theTwoSolversAgreeAndTheCostHasTheFilesUnits() {
    run("a.csv b.csv --json --epsilon 0.005 --scale-cost mean");
    double sns = json().get("cost").asDouble();
    run("a.csv b.csv --json --epsilon 0.005 --scale-cost mean --solver sinkhorn");
    assertThat(json().get("cost").asDouble()).isCloseTo(sns, within(1e-6));
    double scale = json().get("scale").asDouble();
    run("a.csv b.csv --json --scale-cost none --epsilon " + 0.005 * scale);
    assertThat(json().get("cost").asDouble()).isCloseTo(sns, within(1e-6));
  }

  @Test
  void writesThePlan() throws IOException {
    assertThat(run("a.csv b.csv --weights-a w3.csv --weights-b w2.csv --plan plan.csv")).isZero();
    assertThat(out).contains("cost ", "marginal error", "plan.csv");
    double[][] plan =
        Files.readAllLines(folder.resolve("plan.csv")).stream()
            .map(l -> Arrays.stream(l.split(",")).mapToDouble(Double::parseDouble).toArray())
            .toArray(double[][]::new);
    assertThat(plan).hasDimensions(3, 2);
    assertThat(plan[0][0] + plan[0][1]).isCloseTo(0.5, within(1e-9));
    assertThat(plan[0][0] + plan[1][0] + plan[2][0]).isCloseTo(0.75, within(1e-9));

    String before = Files.readString(folder.resolve("plan.csv"));
    refuses("a.csv b.csv --plan plan.csv", "plan.csv exists already; add --force to replace it");
    assertThat(folder.resolve("plan.csv")).hasContent(before);
    assertThat(run("a.csv b.csv --plan plan.csv --force")).isZero();
    assertThat(Files.readString(folder.resolve("plan.csv"))).isNotEqualTo(before);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("a.csv", "b.csv", "w3.csv", "w2.csv", "plan.csv");
    }
  }

  @Test
  void weightsOfOneSideSetTheMass() throws IOException {
    file("ten.csv", "4\n3\n3\n");
    assertThat(run("a.csv b.csv --weights-a ten.csv --json")).isZero();
    assertThat(json().get("cost").asDouble()).isGreaterThan(400);
  }

  @Test
  void saysWhenItDoesNotConverge() {
    assertThat(run("a.csv b.csv --tol 1e-300 --json")).isEqualTo(1);
    assertThat(err).hasLineCount(1).contains("not converged: marginal error");
    assertThat(json().get("converged").asBoolean()).isFalse();
    assertThat(json().get("cost").asDouble()).isPositive();
  }

  @Test
  void helpTellsTheDefaults() {
    assertThat(run("--help")).isZero();
    assertThat(out)
        .contains("default sns", "default 0.01", "default sqeuclidean", "default max")
        .contains("default 1e-9", "tikhon transport a.csv b.csv");
  }

  @Test
  void refusesBadFiles() throws IOException {
    refuses("none.csv b.csv", "none.csv: no such file or folder");
    file("empty.csv", "");
    refuses("empty.csv b.csv", "empty.csv: must have at least one row of numbers, has none");
    file("header.csv", "x,y\n");
    refuses("a.csv header.csv", "header.csv: must have at least one row of numbers, has none");
    file("ragged.csv", "1,2\n3,4\n5\n");
    refuses("ragged.csv b.csv", "ragged.csv: row 3 must have 2 columns like the rows above, has 1");
    file("text.csv", "x,y\n1,2\n3,four\n");
    refuses("text.csv b.csv", "text.csv: row 3, column 2 must be a number, is \"four\"");
    file("hole.csv", "1,2\n3,\n");
    refuses("hole.csv b.csv", "hole.csv: row 2, column 2 must be a number, is \"\"");
    file("nan.csv", "1,2\nNaN,4\n");
    refuses("nan.csv b.csv", "nan.csv: row 2, column 1 must be a finite number, is \"NaN\"");
    file("inf.csv", "-inf,2\n");
    refuses("inf.csv b.csv", "inf.csv: row 1, column 1 must be a finite number, is \"-inf\"");
    file("three.csv", "1,2,3\n");
    refuses("a.csv three.csv", "points must have the same dimension");
    Files.write(folder.resolve("bytes.csv"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
    refuses("bytes.csv b.csv", "bytes.csv: must be text in UTF-8");
    refuses(folder + " b.csv", "must be a CSV file, is a folder");
  }

  @Test
  void refusesBadWeights() throws IOException {
    file("negative.csv", "0.5\n-0.5\n1\n");
    refuses(
        "a.csv b.csv --weights-a negative.csv", "negative.csv: row 2 must be 0 or more, is -0.5");
    file("heavy.csv", "1\n0.25\n0.25\n");
    refuses(
        "a.csv b.csv --weights-a heavy.csv --weights-b w2.csv", "weights must have the same sum");
    refuses("a.csv b.csv --weights-b w3.csv", "must have a weight for each of the 2 points");
    refuses("a.csv b.csv --weights-b b.csv", "b.csv: must have one weight a row, has 2 columns");
    file("zero.csv", "0\n0\n");
    refuses("a.csv b.csv --weights-b zero.csv", "zero.csv: must have a positive sum, has 0.0");
    file("nan.csv", "nan\n0\n");
    refuses("a.csv b.csv --weights-b nan.csv", "nan.csv: row 1, column 1 must be a finite number");
  }

  @Test
  void refusesBadCosts() throws IOException {
    file("far.csv", "1e200,0\n");
    refuses("far.csv b.csv", "far.csv row 1 and ");
    assertThat(err).contains("must be finite, is Infinity");
    refuses("a.csv b.csv --cost cosine", "a.csv: row 2 must have a positive finite length");
    refuses("far.csv b.csv --cost cosine", "far.csv: row 1 must have a positive finite length");
  }

  @Test
  void refusesBadOptions() {
    refuses("a.csv b.csv --epsilon 0", "--epsilon must be positive and finite, was 0.0");
    refuses("a.csv b.csv --epsilon -1", "--epsilon must be positive and finite, was -1.0");
    refuses("a.csv b.csv --epsilon NaN", "--epsilon must be positive and finite, was NaN");
    refuses("a.csv b.csv --tol 0", "--tol must be positive and finite, was 0.0");
    refuses("a.csv b.csv --solver snss", "unknown solver snss; did you mean sns?");
    refuses("a.csv b.csv --cost l7", "unknown cost l7; there are sqeuclidean, euclidean, cosine");
    refuses("a.csv b.csv --scale-cost median", "unknown scale median");
  }

  @Test
  void pointsInOnePlaceCostNothing() throws IOException {
    file("same.csv", "1,1\n1,1\n");
    assertThat(run("same.csv same.csv --json")).isZero();
    assertThat(json().get("cost").asDouble()).isZero();
  }
}
