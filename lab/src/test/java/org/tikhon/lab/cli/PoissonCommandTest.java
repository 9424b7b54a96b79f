package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.data.Npz;
import org.tikhon.solve.DirectionNet;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PoissonCommandTest {
  @TempDir private Path folder;

  /** Runs the command; a word with a dot and letters after it is a file in the test's folder. */
  private Cli.Result run(String words) {
    List<String> arguments = new ArrayList<>(List.of("poisson"));
    Arrays.stream(words.split(" "))
        .map(w -> w.matches("\\w+\\.(npy|png|svg|safetensors)") ? folder.resolve(w).toString() : w)
        .forEach(arguments::add);
    return Cli.run(arguments.toArray(String[]::new));
  }

  private void refuses(String words, String message) {
    Cli.Result result = run(words);
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).hasLineCount(1).startsWith("tikhon: ").contains(message);
  }

  private static JsonNode json(Cli.Result result) {
    assertThat(result.code()).isZero();
    assertThat(result.err()).isEmpty();
    return JsonMapper.builder().build().readTree(result.out());
  }

  private void array(String name, Tensor tensor) throws IOException {
    Npz.writeArray(folder.resolve(name), tensor);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dcdm", "cg", "jacobi", "ic", "deflated", "multigrid"})
  void everyMethodSolves(String method) {
    JsonNode result =
        json(run("solve --grid 16x20 --obstacle ball --json --tolerance 1e-6 --method " + method));
    assertThat(result.get("fluidCells").asInt()).isBetween(290, 310);
    JsonNode run = result.get("methods").get(0);
    assertThat(run.get("method").asString()).isEqualTo(method);
    assertThat(run.get("converged").asBoolean()).isTrue();
    assertThat(run.get("relativeResidual").asDouble()).isLessThanOrEqualTo(1e-6);
    assertThat(run.get("residuals").size()).isEqualTo(run.get("iterations").asInt() + 1);
    assertThat(run.get("solveSeconds").asDouble()).isPositive();
  }

  @Test
  void comparesAllMethodsAndDraws() throws IOException {
    Cli.Result result =
        run(
            "solve --grid 16x16 --obstacle plate --rhs point --method compare --directions 5"
                + " --png a.png --svg a.svg --out x.npy");
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .contains("dcdm", "cg", "jacobi", "ic", "deflated", "multigrid", "a.png");
    BufferedImage image = ImageIO.read(folder.resolve("a.png").toFile());
    assertThat(image.getWidth()).isGreaterThan(image.getHeight());
    assertThat(Files.readString(folder.resolve("a.svg")))
        .startsWith("<svg")
        .contains("multigrid", "data:image/png;base64,");
    try (Scope scope = Scope.open()) {
      Tensor x = Npz.readArray(folder.resolve("x.npy"));
      assertThat(x.shape()).containsExactly(16, 16);
      assertThat(x.select(0, 8).select(0, 8).item()).isZero();
    }
    refuses("solve --grid 16x16 --png a.png", "exists already; add --force");
  }

  @Test
  void readsMasksAndRightSides() throws IOException {
    try (Scope scope = Scope.open()) {
      Tensor mask = Tensor.zeros(8, 10);
      mask.narrow(0, 3, 2).narrow(1, 4, 3).fill_(1);
      array("mask.npy", mask);
      array("b.npy", new Rng(1).normal(8, 10));
      BufferedImage image = new BufferedImage(10, 8, BufferedImage.TYPE_INT_RGB);
      for (int i = 0; i < 80; i++) {
        boolean solid = mask.flatten().select(0, i).item() != 0;
        image.setRGB(i % 10, i / 10, solid ? 0x202020 : 0xffffff);
      }
      ImageIO.write(image, "png", folder.resolve("mask.png").toFile());
    }
    String tail = " --grid 8x10 --rhs b.npy --method cg --tolerance 1e-10 --json --boundary closed";
    JsonNode npy = json(run("solve --obstacle mask.npy" + tail));
    JsonNode png = json(run("solve --obstacle mask.png" + tail));
    assertThat(npy.get("fluidCells").asInt()).isEqualTo(74);
    assertThat(png.get("methods").get(0).get("residuals"))
        .isEqualTo(npy.get("methods").get(0).get("residuals"));
    assertThat(npy.get("nullSpacePart").asDouble()).isBetween(0.01, 0.9);
    assertThat(run("solve --obstacle mask.npy" + tail.replace(" --json", "")).out())
        .contains("lies in the null space of A and was taken out");
  }

  @Test
  void aSolverThatDoesNotConvergeSaysSo() {
    Cli.Result result = run("solve --grid 16x16 --method cg --max-iterations 3");
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("not converged");
    assertThat(result.err())
        .startsWith("tikhon: cg has not converged: |r| / |r0| is ")
        .contains("after 3 iterations, wanted 0.000100");
  }

  @Test
  void trainsANetworkThatSolves() throws IOException {
    String train =
        "train --grid 8x8 --channels 4 --lanczos 30 --samples 40 --steps 8 --theta 3 --out n.safetensors";
    JsonNode trained = json(run(train + " --json"));
    assertThat(trained.get("steps").asInt()).isEqualTo(8);
    assertThat(trained.get("validationLoss").asDouble()).isPositive();
    assertThat(DirectionNet.load(folder.resolve("n.safetensors")).size().channels()).isEqualTo(4);
    assertThat(
            json(run("solve --grid 8x8 --directions 64 --network n.safetensors --json"))
                .get("methods"))
        .hasSize(1);
    refuses(train, "exists already; add --force");
    refuses(
        "solve --grid 4x4x4 --network n.safetensors", "this network is for grids of 2 dimensions");
    assertThat(
            run("train --grid 4x4x4 --channels 2 --lanczos 20 --samples 10 --steps 1 --large --out c.safetensors")
                .out())
        .contains("1 steps", "c.safetensors");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "solve --grid 32 | --grid must be 2 or 3 numbers of cells such as 64x64",
        "solve --grid 0x4 | sides must be at least 1, are [0, 4]",
        "solve --boundary top | unknown boundary top; did you mean open-top?",
        "solve --method multigird | unknown method multigird; did you mean multigrid?",
        "solve --obstacle bal | unknown obstacle bal; did you mean ball? (or name an .npy or .png file)",
        "solve --rhs nois | unknown right side nois; did you mean noise?",
        "solve --tolerance 0 | tolerance must be positive and finite, was 0.0",
        "solve --directions -1 | directions must be 0 or more, was -1",
        "solve --max-iterations -1 | maxIterations must be 0 or more, was -1",
        "solve --network missing.safetensors | missing.safetensors: no such file or folder",
        "solve --rhs missing.npy | missing.npy: no such file or folder",
        "solve --grid 9x16 | the grid's sides must be even for the network's pooling",
        "train --out n.safetensors --grid 9x8 | --grid must have even sides",
        "train --out n.safetensors --large | --large is for 3-D, --grid is 32x32",
        "train --out n.safetensors --grid 8x8 | Lanczos steps must be in 1 to 64, was 400",
        "train --out n.safetensors --steps 0 | steps must be at least 1, was 0",
        "train --out n.safetensors --channels 0 | channels must be at least 1, was 0",
      })
  void refusesWrongUse(String words, String message) {
    refuses(words, message);
  }

  @Test
  void refusesBadFiles() throws IOException {
    try (Scope scope = Scope.open()) {
      array("wide.npy", Tensor.zeros(4, 6));
      array("nan.npy", Tensor.full(Double.NaN, Dtype.FLOAT64, 4, 4));
      array("all.npy", Tensor.ones(4, 4));
    }
    ImageIO.write(
        new BufferedImage(5, 4, BufferedImage.TYPE_INT_RGB),
        "png",
        folder.resolve("w.png").toFile());
    refuses(
        "solve --grid 4x4 --rhs wide.npy", "must have the shape of the grid [4, 4], has [4, 6]");
    refuses("solve --grid 4x4 --rhs nan.npy", "must be finite, cell 0 is NaN");
    refuses("solve --grid 4x4 --obstacle all.npy", "mask must leave a fluid cell, leaves none");
    refuses("solve --grid 4x4 --obstacle w.png", "is 4 high and 5 wide");
  }

  @Test
  void padsOddSidesAndSolvesVolumes() {
    assertThat(run("solve --grid 9x16 --pad").code()).isZero();
    assertThat(run("solve --grid 6x7x8 --method multigrid --tolerance 1e-8").code()).isZero();
  }

  @Test
  void saysWhatToDo() {
    Cli.Result result = Cli.run("poisson");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err()).contains("say what to do: solve or train");
  }
}
