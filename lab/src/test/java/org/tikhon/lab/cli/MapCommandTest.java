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
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code tikhon transport --map} and {@code tikhon predict} with what it saved. */
class MapCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void points() throws IOException {
    cloud("a.csv", 0, 1, 2);
    cloud("b.csv", 5, 2, 2);
    cloud("wide.csv", 0, 1, 3);
    Files.writeString(folder.resolve("new.csv"), "x,y\n0,0\n1,1\n");
  }

  private void cloud(String name, double mean, double scale, int columns) throws IOException {
    Random random = new Random(name.hashCode());
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      for (int k = 0; k < columns; k++) {
        text.append(k == 0 ? "" : ",").append(mean + scale * random.nextGaussian());
      }
      text.append('\n');
    }
    Files.writeString(folder.resolve(name), text);
  }

  /** Runs a command; a word with a dot and a letter after it is a file in the test's folder. */
  private Cli.Result run(String words) {
    List<String> arguments = new ArrayList<>();
    Arrays.stream(words.split(" ", -1))
        .map(w -> w.matches("\\w+\\.[a-z]+") ? folder.resolve(w).toString() : w)
        .forEach(arguments::add);
    return Cli.run(arguments.toArray(String[]::new));
  }

  private void refuses(String words, String message) {
    Cli.Result result = run(words);
    assertThat(result.err()).hasLineCount(1).startsWith("tikhon: ").contains(message);
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
  }

  private static JsonNode json(Cli.Result result) {
    return JsonMapper.builder().build().readTree(result.out());
  }

  @Test
  void fitsDrawsAndMovesNewPoints() throws IOException {
    Cli.Result fit =
        run(
            "transport a.csv b.csv --map m.safetensors --iterations 150 --batch 60 --hidden 16,16"
                + " --svg m.svg --png m.png --json");
    assertThat(fit.code()).as(fit.err()).isZero();
    JsonNode result = json(fit);
    assertThat(result.get("converged").asBoolean()).isTrue();
    assertThat(result.get("unconvergedSteps").asInt()).isZero();
    assertThat(result.get("fit").asDouble()).isBetween(0.0, 3.0);
    assertThat(result.get("relativeExactGap").asDouble()).isBetween(0.0, 0.1);
    assertThat(result.get("form").asString()).isEqualTo("plain");
    assertThat(Files.readString(folder.resolve("m.svg"))).startsWith("<svg").contains("<circle");
    assertThat(ImageIO.read(folder.resolve("m.png").toFile()).getWidth()).isEqualTo(720);

    Cli.Result printed = run("predict m.safetensors new.csv");
    assertThat(printed.code()).as(printed.err()).isZero();
    double[] first =
        Arrays.stream(printed.out().lines().findFirst().orElseThrow().split(",", -1))
            .mapToDouble(Double::parseDouble)
            .toArray();
    assertThat(first).hasSize(2);
    assertThat(first[0]).isBetween(3.0, 7.0);
    Cli.Result written = run("predict m.safetensors --data new.csv --out moved.csv --json");
    assertThat(json(written).get("points").asInt()).isEqualTo(2);
    assertThat(Files.readString(folder.resolve("moved.csv"))).isEqualTo(printed.out());
    refuses("predict m.safetensors new.csv --out moved.csv", "moved.csv exists already");
    refuses("predict m.safetensors wide.csv", "x must have shape [n, 2], has [60, 3]");
    refuses("transport a.csv b.csv --map m.safetensors", "exists already; add --force");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--structured", "--residual", "--potential"})
  void formsAndCosts(String form) {
    for (String cost : List.of("sqeuclidean", "power-1.5", "elastic-0.2")) {
      Cli.Result fit =
          run(
              "transport a.csv b.csv --map m.map --iterations 3 --force --seed 1 --lambda 0.5 "
                  + form
                  + " --cost "
                  + cost);
      assertThat(fit.code()).as(fit.err()).isZero();
      assertThat(fit.out())
          .contains(cost + " cost, " + form.substring(2).toLowerCase(Locale.ROOT) + " map")
          .contains("gap  ")
          .contains("training          3 steps");
      assertThat(run("predict m.map new.csv").out()).hasLineCount(2);
    }
  }

  @Test
  void saysWhenASolverDidNotConverge() {
    Cli.Result fit = run("transport a.csv b.csv --map m.map --iterations 2 --tol 1e-17");
    assertThat(fit.code()).isEqualTo(1);
    assertThat(fit.err())
        .contains("Sinkhorn did not reach 1.00e-17 in 1000 sweeps in 2 of 2 steps")
        .contains("not converged");
    assertThat(fit.out()).contains("map  ");
  }

  @Test
  void refusesBadOptions() {
    refuses("transport a.csv b.csv --lambda 1", "--lambda needs --map");
    refuses("transport a.csv b.csv --png m.png", "--png needs --map");
    refuses("transport a.csv b.csv --map m.map --solver sns", "--solver is for plans");
    refuses("transport a.csv b.csv --map m.map --plan p.csv", "--plan is for plans");
    refuses("transport a.csv b.csv --map m.map --lambda -1", "lambda must be 0 or more");
    refuses("transport a.csv b.csv --map m.map --batch 1", "batch must be at least 2, was 1");
    refuses("transport a.csv b.csv --map m.map --iterations 0", "iterations must be at least 1");
    refuses("transport a.csv b.csv --map m.map --cost l7", "cost must be one of [sqeuclidean");
    refuses("transport a.csv b.csv --map m.map --cost geodesic", "unit sphere");
    refuses("transport a.csv b.csv --map m.map --epsilon 0", "--epsilon must be positive");
    refuses("transport a.csv b.csv --map m.map --hidden 0", "hidden must be at least one size");
    refuses("transport a.csv b.csv --map m.map --residual --structured", "exclude each other");
    refuses("transport a.csv b.csv --map m.map --structured --cost euclidean", "strictly convex");
    refuses("transport a.csv wide.csv --map m.map", "points must have the same dimension");
    refuses("transport wide.csv wide.csv --map m.map --svg m.svg", "draw points of the plane");
    refuses("predict a.csv new.csv", "a.csv");
    refuses("predict a.csv", "give the new data once");
    assertThat(folder.resolve("m.map")).doesNotExist();
  }
}
