package org.tikhon.lab.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.train.Recipe;
import org.tikhon.train.Task;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CompareCommandTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir private Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  /** Two shifted clouds with a category and a target of two classes, or a number. */
  private Path table(String name, int rows, boolean numbers) throws IOException {
    Random random = new Random(5);
    StringBuilder text = new StringBuilder("width,height,colour,kind\n");
    for (int i = 0; i < rows; i++) {
      boolean a = random.nextBoolean();
      double width = random.nextGaussian() + (a ? 2 : -2);
      double height = random.nextGaussian();
      text.append(
          "%.4f,%.4f,%s,".formatted(width, height, random.nextInt(3) == 0 ? "red" : "blue"));
      text.append(numbers ? "%.4f".formatted(3 * width - height + 10) : a ? "apple" : "pear");
      text.append('\n');
    }
    return write(name, text.toString());
  }

  private static JsonNode compare(String... arguments) {
    List<String> all =
        new ArrayList<>(List.of("compare", "--json", "--epochs", "3", "--seeds", "2"));
    all.addAll(List.of(arguments));
    Cli.Result result = Cli.run(all.toArray(String[]::new));
    assertThat(result.code()).as(result.err()).isZero();
    return JSON.readTree(result.out());
  }

  @Test
  void classesInATable() throws IOException {
    Path data = table("fruit.csv", 300, false);
    Path out = folder.resolve("out");
    JsonNode result =
        compare("--data", data.toString(), "--target", "kind", "--out", out.toString());
    assertThat(result.get("leaderboard").size()).isGreaterThanOrEqualTo(6);
    for (JsonNode row : result.get("leaderboard")) {
      assertThat(row.get("stats").get("accuracy").get("mean").asDouble())
          .as(row.get("method").asString())
          .isGreaterThan(0.85);
    }
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("<svg", "Leaderboard", "font/woff2", "cross-entropy");
    assertThat(out.resolve("model.safetensors")).exists();

    // The model is used on rows without the target.
    String withoutTarget =
        String.join(
            "\n",
            Files.readAllLines(data).stream()
                .map(l -> l.substring(0, l.lastIndexOf(',')))
                .toList());
    Path fresh = write("fresh.csv", withoutTarget + "\n");
    Path predictions = folder.resolve("predictions.csv");
    Cli.Result predict =
        Cli.run(
            "predict", out.toString(), "--data", fresh.toString(), "--out", predictions.toString());
    assertThat(predict.code()).as(predict.err()).isZero();
    List<String> lines = Files.readAllLines(predictions);
    assertThat(lines).hasSize(301);
    assertThat(lines.getFirst()).isEqualTo("prediction,p(apple),p(pear)");
    List<String> truth = Files.readAllLines(data);
    long right =
        IntStream.range(1, 301)
            .filter(i -> truth.get(i).endsWith(lines.get(i).split(",", -1)[0]))
            .count();
    assertThat(right).isGreaterThan(270);

    // Nothing is written over.
    byte[] before = Files.readAllBytes(predictions);
    Cli.Result again =
        Cli.run(
            "predict", out.toString(), "--data", fresh.toString(), "--out", predictions.toString());
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.err()).contains("exists already").contains("--force");
    assertThat(Files.readAllBytes(predictions)).isEqualTo(before);
  }

  private static Stream<String> classifiers() {
    return Recipe.all().stream()
        .filter(r -> r.supports(new Task.Classification(2)))
        .map(Recipe::name);
  }

  /** A recipe may change the network: the saved model must be that network. */
  @ParameterizedTest
  @MethodSource("classifiers")
  void everyMethodsModelPredictsAgain(String method) throws IOException {
    Path data = table("fruit.csv", 200, false);
    Path out = folder.resolve("out");
    String[] run = {"--data", data.toString(), "--target", "kind", "--out", out.toString()};
    Cli.Result trained =
        Cli.run(
            Stream.concat(
                    Stream.of("compare", "--json", "--epochs", "3", "--seeds", "1", "--methods"),
                    Stream.concat(Stream.of(method), Arrays.stream(run)))
                .toArray(String[]::new));
    assertThat(trained.code()).as(trained.err()).isZero();
    double accuracy =
        JSON.readTree(trained.out())
            .get("leaderboard")
            .get(0)
            .get("stats")
            .get("accuracy")
            .get("mean")
            .asDouble();
    Path predictions = folder.resolve("predictions.csv");
    Cli.Result predict =
        Cli.run(
            "predict", out.toString(), "--data", data.toString(), "--out", predictions.toString());
    assertThat(predict.code()).as(predict.err()).isZero();
    List<String> lines = Files.readAllLines(predictions);
    List<String> truth = Files.readAllLines(data);
    double right =
        IntStream.range(1, 201)
            .filter(i -> truth.get(i).endsWith(lines.get(i).split(",", -1)[0]))
            .count();
    assertThat(right / 200).isCloseTo(accuracy, within(0.1));
    assertThat(accuracy).isGreaterThan(0.8);
  }

  @Test
  void imagesWithMasks() throws IOException {
    for (int i = 0; i < 12; i++) {
      int[] mask = new int[16 * 16];
      int[] image = new int[16 * 16];
      Random random = new Random(i);
      int left = random.nextInt(8);
      for (int p = 0; p < mask.length; p++) {
        mask[p] = p % 16 >= left && p % 16 < left + 6 ? 1 : 0;
        image[p] = Math.clamp(60 + 120 * mask[p] + (int) (20 * random.nextGaussian()), 0, 255);
      }
      grey("set/images/" + i + ".png", image);
      grey("set/masks/" + i + ".png", mask);
    }
    Path out = folder.resolve("out");
    String data = folder.resolve("set").toString();
    JsonNode result =
        compare("--data", data, "--methods", "cross-entropy,nacl,svls", "--out", out.toString());
    assertThat(result.get("findings").get(0).asString())
        .isEqualTo("segmentation of grey images 16 x 16 into 2 classes");
    JsonNode stats = result.get("leaderboard").get(0).get("stats");
    assertThat(stats.has("dice") && stats.has("miou") && stats.has("foregroundEce")).isTrue();
    assertThat(Files.readString(out.resolve("report.html")))
        .contains("Dice", "Reliability", "--out masks");
    Path masks = folder.resolve("masks");
    Cli.Result predict =
        Cli.run("predict", out.toString(), "--data", data, "--out", masks.toString());
    assertThat(predict.code()).as(predict.err()).isZero();
    BufferedImage mask = ImageIO.read(masks.resolve("3.png").toFile());
    assertThat(mask.getWidth()).isEqualTo(16);
    assertThat(mask.getRaster().getSample(0, 0, 0)).isBetween(0, 1);

    Cli.Result wrongMethod = Cli.run("compare", "--data", data, "--methods", "elr");
    assertThat(wrongMethod.code()).isEqualTo(2);
    assertThat(wrongMethod.err()).contains("elr does not fit this task").contains("nacl");
    Cli.Result wrongModel = Cli.run("compare", "--data", data, "--model", "cnn");
    assertThat(wrongModel.code()).isEqualTo(2);
    assertThat(wrongModel.err()).contains("--model must be unet");
    Files.delete(folder.resolve("set/masks/5.png"));
    Cli.Result missing = Cli.run("compare", "--data", data);
    assertThat(missing.code()).isEqualTo(2);
    assertThat(missing.err()).contains("there is no mask 5.png");
  }

  private void grey(String path, int[] values) throws IOException {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setSamples(0, 0, 16, 16, 0, values);
    Path file = folder.resolve(path);
    Files.createDirectories(file.getParent());
    ImageIO.write(image, "png", file.toFile());
  }

  @Test
  void numbersInATable() throws IOException {
    Path data = table("price.csv", 300, true);
    JsonNode result = compare("--data", data.toString(), "--out", folder.resolve("out").toString());
    assertThat(result.get("findings").get(0).asString()).contains("regression of column kind");
    JsonNode stats = result.get("leaderboard").get(0).get("stats");
    assertThat(stats.has("rmse") && stats.has("mae") && stats.has("r2")).isTrue();
  }

  @Test
  void missingNumbersAreFilledInOnRequest() throws IOException {
    Path data = table("gaps.csv", 200, false);
    String text = Files.readString(data).replaceFirst("\n[-0-9.]+,", "\n,");
    write("gaps.csv", text);
    Cli.Result refused = Cli.run("compare", "--data", data.toString());
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains("width").contains("row 1").contains("--impute");
    JsonNode result =
        compare(
            "--data",
            data.toString(),
            "--impute",
            "--methods",
            "cross-entropy",
            "--out",
            folder.resolve("out").toString());
    assertThat(result.get("leaderboard").size()).isEqualTo(1);
  }

  // ---- Bad input

  private static Arguments bad(String name, String text, String options, String... words) {
    return Arguments.of(name, text, options, List.of(words));
  }

  static Stream<Arguments> badTables() {
    String good = "a,b,kind\n1,2,x\n2,3,y\n3,4,x\n4,5,y\n";
    return Stream.of(
        bad("empty.csv", "", "", "empty"),
        bad("header-only.csv", "a,b,kind\n", "", "row"),
        bad("ragged.csv", "a,b,kind\n1,2,x\n2,3\n3,4,x\n", "", "line 3"),
        bad("nan.csv", "a,b,kind\n1,2,x\nNaN,3,y\n3,4,x\n", "", "column a", "row 2"),
        bad("infinite.csv", "a,b,kind\n1,2,x\n2,inf,y\n3,4,x\n", "", "column b", "row 2"),
        bad("one-class.csv", "a,b,kind\n1,2,x\n2,3,x\n3,4,x\n", "", "one class", "x"),
        bad("words.csv", good, "--task regression", "numeric", "kind"),
        bad("no-such-column.csv", good, "--target colour", "colour", "a, b, kind"),
        bad("wrong-model.csv", good, "--model resnet20", "--model", "resnet20"),
        bad("wrong-noise.csv", good, "--label-noise symmetric:1.4", "rate", "1.4"),
        bad("unknown-noise.csv", good, "--label-noise gaussian:0.1", "gaussian:0.1"),
        bad("unknown-method.csv", good, "--methods mixupp", "mixupp", "did you mean mixup"),
        bad("no-epochs.csv", good, "--epochs 0", "--epochs", "0"),
        bad("no-seeds.csv", good, "--seeds 0", "--seeds", "0"),
        bad("no-budget.csv", good, "--time-budget 0", "--time-budget", "0"),
        bad("notes.md", "hello", "", "not a table"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badTables")
  void badTablesAreRefusedInOneLine(String name, String text, String options, List<String> words)
      throws IOException {
    Path out = folder.resolve("out");
    List<String> arguments =
        new ArrayList<>(
            List.of("compare", "--data", write(name, text).toString(), "--out", out.toString()));
    if (!options.isEmpty()) {
      arguments.addAll(List.of(options.split(" ", -1)));
    }
    assertRefused(Cli.run(arguments.toArray(String[]::new)), words);
    assertThat(out.resolve("report.html")).doesNotExist();
  }

  private static void assertRefused(Cli.Result result, List<String> words) {
    assertThat(result.code()).as(result.err()).isEqualTo(2);
    assertThat(result.err()).startsWith("tikhon: ");
    assertThat(result.err().strip().lines()).as(result.err()).hasSizeLessThanOrEqualTo(2);
    assertThat(result.err()).doesNotContain("Exception", "\tat ");
    words.forEach(w -> assertThat(result.err()).contains(w));
  }

  @Test
  void missingFilesAreNamed() {
    assertRefused(
        Cli.run("compare", "--data", folder.resolve("nothing.csv").toString()),
        List.of("nothing.csv", "no such file"));
    assertRefused(
        Cli.run("predict", folder.toString(), "--data", "x.csv", "--out", folder + "/p.csv"),
        List.of("model.json", "no such file"));
  }

  private static byte[] idx(int magic, int... dimensions) {
    int bytes = 1;
    for (int d : dimensions) {
      bytes *= d;
    }
    ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * dimensions.length + bytes);
    buffer.putInt(magic);
    for (int d : dimensions) {
      buffer.putInt(d);
    }
    return buffer.array();
  }

  @Test
  void badImagesAreRefusedInOneLine() throws IOException {
    byte[] images = idx(0x803, 4, 5, 5);
    byte[] labels = idx(0x801, 4);
    Path truncated = Files.createDirectory(folder.resolve("truncated"));
    Files.write(
        truncated.resolve("train-images-idx3-ubyte"), Arrays.copyOf(images, images.length - 7));
    Files.write(truncated.resolve("train-labels-idx1-ubyte"), labels);
    assertRefused(
        Cli.run("compare", "--data", truncated.toString()), List.of("train-images-idx3-ubyte"));

    Path corrupt = Files.createDirectory(folder.resolve("corrupt"));
    try (GZIPOutputStream gzip =
        new GZIPOutputStream(Files.newOutputStream(corrupt.resolve("whole.gz")))) {
      gzip.write(images);
    }
    byte[] gz = Files.readAllBytes(corrupt.resolve("whole.gz"));
    Files.delete(corrupt.resolve("whole.gz"));
    Files.write(corrupt.resolve("train-images-idx3-ubyte.gz"), Arrays.copyOf(gz, gz.length / 2));
    Files.write(corrupt.resolve("train-labels-idx1-ubyte"), labels);
    assertRefused(
        Cli.run("compare", "--data", corrupt.toString()), List.of("train-images-idx3-ubyte.gz"));

    Path classes = Files.createDirectories(folder.resolve("classes/cat"));
    Files.writeString(classes.resolve("one.png"), "this is not a picture");
    assertRefused(
        Cli.run("compare", "--data", folder.resolve("classes").toString()), List.of("one.png"));

    Path nothing = Files.createDirectory(folder.resolve("nothing"));
    assertRefused(
        Cli.run("compare", "--data", nothing.toString()), List.of("nothing", "IDX", "CIFAR"));
  }

  @Test
  void aRunIsNeitherWrittenOverNorMixed() throws IOException {
    Path data = table("fruit.csv", 120, false);
    Path out = folder.resolve("out");
    String[] arguments = {
      "--data", data.toString(), "--methods", "cross-entropy", "--out", out.toString()
    };
    compare(arguments);
    byte[] before = Files.readAllBytes(out.resolve("leaderboard.json"));
    assertRefused(
        Cli.run("compare", "--data", data.toString(), "--out", out.toString()),
        List.of("exists already", "--resume"));
    assertRefused(
        Cli.run(
            "compare",
            "--data",
            data.toString(),
            "--out",
            out.toString(),
            "--resume",
            "--seeds",
            "9"),
        List.of("--resume needs the same options"));
    assertThat(Files.readAllBytes(out.resolve("leaderboard.json"))).isEqualTo(before);
    assertRefused(
        Cli.run("compare", "--resume", "--out", folder.resolve("never").toString()),
        List.of("there is no run"));
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("diary.txt"), "dear diary");
    assertRefused(
        Cli.run("compare", "--data", data.toString(), "--out", other.toString(), "--resume"),
        List.of("not a folder of tikhon compare"));
  }
}
