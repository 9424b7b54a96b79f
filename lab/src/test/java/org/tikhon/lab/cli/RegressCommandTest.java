package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RegressCommandTest {
  @TempDir private Path folder;
  private Cli.Result result;

  private void file(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  /** y = 2 a - 3 b + 5 + noise. */
  private void table(int n, double noise) throws IOException {
    Random random = new Random(1);
    StringBuilder text = new StringBuilder("a,b,y\n");
    for (int i = 0; i < n; i++) {
      double a = random.nextGaussian();
      double b = 10 * random.nextGaussian();
      double y = 2 * a - 3 * b + 5 + noise * random.nextGaussian();
      text.append(a).append(',').append(b).append(',').append(y).append('\n');
    }
    file("t.csv", text.toString());
  }

  private int run(String words) {
    List<String> arguments = new ArrayList<>(List.of("regress"));
    Arrays.stream(words.split(" "))
        .map(w -> w.endsWith(".csv") ? folder.resolve(w).toString() : w)
        .forEach(arguments::add);
    result = Cli.run(arguments.toArray(String[]::new));
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
  void coefficientsLieWithinTheirBounds() throws IOException {
    table(9000, 1);
    assertThat(run("t.csv --json --epsilon 0.01")).isZero();
    JsonNode exact = json();
    assertThat(exact.get("exact").asBoolean()).isTrue();
    assertThat(exact.get("sketchRows").asInt()).isEqualTo(9000);
    for (String sketch : List.of("srht", "gaussian", "count", "osnap")) {
      assertThat(run("t.csv --target y --json --sketch " + sketch)).isZero();
      JsonNode object = json();
      assertThat(result.err()).isEmpty();
      assertThat(object.get("exact").asBoolean()).isFalse();
      assertThat(object.get("rows").asInt()).isEqualTo(9000);
      assertThat(object.get("sketchRows").asInt()).isBetween(150, 160);
      assertThat(object.get("guarantee").asString()).contains("with " + object.get("sketchRows"));
      assertThat(object.get("rSquaredEstimate").asDouble()).isCloseTo(0.999, within(0.001));
      assertThat(object.get("residualEstimate").asDouble()).isCloseTo(95, within(25.0));
      for (int j = 0; j < 3; j++) {
        JsonNode term = object.get("coefficients").get(j);
        assertThat(term.get("column").asString())
            .isEqualTo(List.of("a", "b", "(intercept)").get(j));
        double right = exact.get("coefficients").get(j).get("coefficient").asDouble();
        assertThat(term.get("coefficient").asDouble())
            .isCloseTo(right, within(term.get("bound").asDouble()));
        assertThat(term.get("bound").asDouble()).isLessThan(1);
      }
    }
  }

  @Test
  void writesTheCoefficients() throws IOException {
    table(3000, 0);
    assertThat(run("t.csv --out x.csv")).isZero();
    assertThat(result.out())
        .contains("y explained by 2 columns and an intercept, 3000 rows", "guarantee", "x.csv");
    List<String> lines = Files.readAllLines(folder.resolve("x.csv"));
    assertThat(lines).hasSize(4).first().isEqualTo("column,coefficient,bound");
    double[] expected = {2, -3, 5};
    for (int j = 0; j < 3; j++) {
      assertThat(Double.parseDouble(lines.get(j + 1).split(",", -1)[1]))
          .isCloseTo(expected[j], within(1e-9));
    }
    refuses("t.csv --out x.csv", "x.csv exists already; add --force to replace it");
    assertThat(run("t.csv --out x.csv --force --columns b --rows 100")).isZero();
    assertThat(Files.readAllLines(folder.resolve("x.csv"))).hasSize(3);
  }

  @Test
  void dependentColumnsAreNamed() throws IOException {
    file("d.csv", "a,b,c,y\n1,2,3,1\n2,1,3,5\n4,4,8,2\n0,7,7,7\n3,9,12,0\n");
    assertThat(run("d.csv --json")).isEqualTo(1);
    assertThat(result.err())
        .hasLineCount(1)
        .contains("depend on each other (rank 3 of 4); those before it determine c");
    assertThat(json().get("rank").asInt()).isEqualTo(3);
  }

  @Test
  void namesTheCulprit() throws IOException {
    table(20, 1);
    refuses("none.csv", "none.csv: no such file or folder");
    refuses("t.csv --target z", "has no column z; the columns are a, b, y");
    refuses("t.csv --drop q", "has no column q");
    refuses("t.csv --columns a,y", "--columns names y, which is the target already");
    refuses("t.csv --columns a,a", "--columns names a, which is in the list already");
    refuses("t.csv --drop a,b", "no column is left to explain y with");
    refuses("t.csv --sketch srth", "unknown sketch srth; did you mean srht?");
    refuses("t.csv --epsilon 2", "epsilon must be in (0, 1], was 2.0");
    refuses("t.csv --delta 0", "delta must be in (0, 1), was 0.0");
    refuses("t.csv --rows 2", "sketch rows 2 < 3 columns");
    file("short.csv", "a,b,y\n1,2,3\n2,5,4\n");
    refuses("short.csv", "at least as many rows as coefficients: 2 x 3 (a, b, (intercept))");
    file("constant.csv", "a,b,y\n1,7,3\n2,7,4\n5,7,9\n");
    refuses("constant.csv", "column b is 7.0 in every row; leave it out with --drop b");
    assertThat(run("constant.csv --no-intercept")).isZero();
    file("flat.csv", "a,y\n1,3\n2,3\n");
    refuses("flat.csv", "column y is 3.0 in every row; there is nothing to explain");
    file("nan.csv", "a,y\n1,3\n2,4\nnan,5\n");
    refuses("nan.csv", "column a, row 3 is NaN");
    file("hole.csv", "a,y\n1,3\n2,\n5,5\n");
    refuses("hole.csv", "column y, row 2 is missing");
    file("word.csv", "a,city,y\n1,rome,3\n2,oslo,4\n5,bern,9\n");
    refuses(
        "word.csv", "column city must hold numbers, holds words; leave it out with --drop city");
    assertThat(run("word.csv --drop city")).isZero();
    refuses("word.csv --target city", "the target city must hold numbers, holds words");
  }
}
