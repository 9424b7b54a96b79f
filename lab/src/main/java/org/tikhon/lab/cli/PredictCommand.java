package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.AtomicFiles;
import org.tikhon.lab.compare.Predictor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon predict}: applies the best model of a comparison. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    description = "Applies the best model of a comparison to new data.",
    footer = {
      "",
      "Example:",
      "  tikhon predict runs/compare-20260101-120000 --data new.csv --out predictions.csv"
    })
public final class PredictCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "The folder of a finished comparison.")
  private Path folder;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "PATH",
      description = "New data of the same kind; a target column is not needed.")
  private Path data;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description =
          "The CSV file to write: prediction and probabilities, a line for each row; for segmentation the folder for the masks.")
  private Path out;

  @Option(names = "--force", description = "Replace --out if it exists.")
  private boolean force;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(out) && !force) {
      throw new IllegalArgumentException(
          "--out " + out + " exists already; add --force to replace it");
    }
    Predictor predictor = Predictor.open(folder);
    if (predictor.isSegmentation()) {
      return masks(predictor);
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

  private Integer masks(Predictor predictor) throws IOException {
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
}
