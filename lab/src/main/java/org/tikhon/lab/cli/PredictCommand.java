package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.tikhon.data.AtomicFiles;
import org.tikhon.lab.compare.Predictor;
import org.tikhon.transport.TransportMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon predict}: applies the best model of a comparison, or a transport map. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    description =
        "Applies the best model of a comparison, or a map of tikhon transport, to new data.",
    footer = {
      "",
      "Examples:",
      "  tikhon predict runs/compare-20260101-120000 --data new.csv --out predictions.csv",
      "  tikhon predict map.safetensors new.csv --out moved.csv"
    })
public final class PredictCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "The folder of a finished comparison, or the file of a transport map.")
  private Path model;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "DATA",
      description = "New data of the same kind; a target column is not needed.")
  private Path dataArgument;

  @Option(names = "--data", paramLabel = "PATH", description = "The same as DATA.")
  private Path dataOption;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description =
          "The CSV file to write: prediction and probabilities, a line for each row; for segmentation the folder for the masks. Points that a map has moved are printed without it.")
  private Path out;

  @Option(names = "--force", description = "Replace --out if it exists.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if ((dataArgument == null) == (dataOption == null)) {
      throw new IllegalArgumentException("give the new data once, as DATA or with --data");
    }
    Path data = dataArgument == null ? dataOption : dataArgument;
    if (out != null && Files.exists(out) && !force) {
      throw new IllegalArgumentException(
          "--out " + out + " exists already; add --force to replace it");
    }
    if (Files.isRegularFile(model)) {
      return move(data);
    }
    if (out == null) {
      throw new IllegalArgumentException("--out is missing: the file to write");
    }
    Predictor predictor = Predictor.open(model);
    if (predictor.isSegmentation()) {
      return masks(predictor, data);
    }
    List<String> lines = predictor.predict(data);
    AtomicFiles.writeString(out, String.join("\n", lines) + "\n");
    PrintWriter stdout = spec.commandLine().getOut();
    if (json) {
      Json.print(
          stdout,
          Map.of(
              "model",
              predictor.card().training(),
              "rows",
              lines.size() - 1,
              "out",
              out.toString()));
    } else {
      stdout.printf(
          "%d predictions of %s written to %s%n",
          lines.size() - 1, predictor.card().training(), out);
      stdout.flush();
    }
    return 0;
  }

  private Integer masks(Predictor predictor, Path data) throws IOException {
    int count = predictor.predictMasks(data, out);
    PrintWriter stdout = spec.commandLine().getOut();
    if (json) {
      Json.print(
          stdout,
          Map.of("model", predictor.card().training(), "masks", count, "out", out.toString()));
    } else {
      stdout.printf("%d masks of %s written to %s%n", count, predictor.card().training(), out);
      stdout.flush();
    }
    return 0;
  }

  /** Moves points by a map. */
  private Integer move(Path data) throws IOException {
    if (json && out == null) {
      throw new IllegalArgumentException("--json needs --out: the points would be in its way");
    }
    TransportMap map = TransportMap.open(model);
    PointFile points = PointFile.read(data);
    String moved =
        Arrays.stream(map.apply(points.points()))
            .map(
                row ->
                    Arrays.stream(row)
                        .mapToObj(Double::toString)
                        .collect(Collectors.joining(",", "", "\n")))
            .collect(Collectors.joining());
    PrintWriter stdout = spec.commandLine().getOut();
    if (out == null) {
      stdout.print(moved);
    } else {
      AtomicFiles.writeString(out, moved);
      if (json) {
        Json.print(
            stdout,
            Map.of("map", model.toString(), "points", points.rows(), "out", out.toString()));
      } else {
        stdout.printf("%d points moved by %s written to %s%n", points.rows(), model, out);
      }
    }
    stdout.flush();
    return 0;
  }
}
