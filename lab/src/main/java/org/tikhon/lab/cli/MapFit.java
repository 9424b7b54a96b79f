package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.DataException;
import org.tikhon.lab.report.MapPicture;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.Epsilon;
import org.tikhon.transport.GroundCost;
import org.tikhon.transport.LossTerm;
import org.tikhon.transport.MongeGap;
import org.tikhon.transport.MongeMap;
import org.tikhon.transport.Sampler;
import org.tikhon.transport.TransportMap;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

/** The part of {@code tikhon transport} that fits a map instead of a plan. */
final class MapFit {
  private static final double TOLERANCE = 1e-3;
  private static final int MAX_SWEEPS = 1000;

  /** The report is solved once, and may take longer than a step. */
  private static final int REPORT_SWEEPS = 20_000;

  /** An assignment of so many points takes about a second. */
  private static final int REPORT_POINTS = 1000;

  private static final int PICTURE_POINTS = 400;

  /** Between redraws of the line of progress. */
  private static final int PROGRESS_STEPS = 10;

  private static final List<String> OPTIONS =
      List.of(
          "--lambda",
          "--iterations",
          "--batch",
          "--seed",
          "--hidden",
          "--structured",
          "--residual",
          "--potential",
          "--svg",
          "--png");

  private static final List<String> OF_PLANS =
      List.of("--solver", "--scale-cost", "--weights-a", "--weights-b", "--plan");

  @Option(
      names = "--map",
      paramLabel = "OUT",
      description = "Fit a map of new points with the Monge gap instead, and save it to this file.")
  private Path mapFile;

  @Option(
      names = "--lambda",
      paramLabel = "L",
      description = "Map: the weight of the gap, in units of the fit (default 1, structured 0.01).")
  private Double lambda;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      description = "Map: training steps (default ${DEFAULT-VALUE}).",
      defaultValue = "2000")
  private int iterations;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Map: points of A and of B in a step (default ${DEFAULT-VALUE}).",
      defaultValue = "256")
  private int batch;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Map: the seed of weights and batches (default ${DEFAULT-VALUE}).",
      defaultValue = "0")
  private long seed;

  @Option(
      names = "--hidden",
      paramLabel = "SIZES",
      split = ",",
      description = "Map: the hidden layers (default ${DEFAULT-VALUE}).",
      defaultValue = "64,64,64")
  private List<Integer> hidden;

  @Option(
      names = "--structured",
      description =
          "Map: x - grad h*(F(x)) with a penalty that makes F a gradient, for costs h(x - y).")
  private boolean structured;

  @Option(names = "--residual", description = "Map: x and a network's output.")
  private boolean residual;

  @Option(names = "--potential", description = "Map: x and the gradient of a network.")
  private boolean potential;

  @Option(
      names = "--svg",
      paramLabel = "FILE",
      description = "Map of the plane: draw A (blue), images (green) and B (orange) to this file.")
  private Path svg;

  @Option(names = "--png", paramLabel = "FILE", description = "As --svg, as a PNG.")
  private Path png;

  /** Whether a map is asked for; refuses options that belong to the other of plan and map. */
  boolean isWanted(ParseResult parsed) {
    boolean wanted = mapFile != null;
    for (String option : wanted ? OF_PLANS : OPTIONS) {
      if (parsed.hasMatchedOption(option)) {
        throw new IllegalArgumentException(
            wanted ? option + " is for plans, not for --map" : option + " needs --map");
      }
    }
    return wanted;
  }

  /** Settings that the plan has as well. */
  record Common(String cost, double epsilon, Double tolerance, boolean force, boolean json) {}

  int run(PointFile a, PointFile b, Common common, PrintWriter out, PrintWriter err)
      throws IOException {
    checkFiles(a, common);
    double tolerance = common.tolerance == null ? TOLERANCE : common.tolerance;
    MongeMap settings = settings(common, tolerance);
    long start = System.nanoTime();
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(a.points());
      Tensor y = Tensor.of(b.points());
      TransportMap map = fit(settings, x, y);
      double seconds = (System.nanoTime() - start) / 1e9;
      map.save(mapFile, Map.of("cost", common.cost, "form", form().name()));
      Quality quality = Quality.of(settings, map, x, y, seed, tolerance);
      draw(map, x, y);
      report(a, b, common, map, quality, seconds, out);
      return warn(map, quality, tolerance, err);
    }
  }

  private void checkFiles(PointFile a, Common common) {
    if ((svg != null || png != null) && a.columns() != 2) {
      throw new DataException(
          "--svg and --png draw points of the plane, %s has %d columns"
              .formatted(a.path(), a.columns()));
    }
    checkFree("--map", mapFile, common.force);
    checkFree("--svg", svg, common.force);
    checkFree("--png", png, common.force);
  }

  private static void checkFree(String option, Path file, boolean force) {
    if (file != null && Files.exists(file) && !force) {
      throw new IllegalArgumentException(
          "%s %s exists already; add --force to replace it".formatted(option, file));
    }
  }

  private MongeMap settings(Common common, double tolerance) {
    MongeMap settings =
        MongeMap.of(GroundCost.named(common.cost))
            .form(form())
            .iterations(iterations)
            .batch(batch)
            .hidden(hidden)
            .epsilon(Epsilon.relativeMean(common.epsilon))
            .stopping(tolerance, MAX_SWEEPS)
            .seed(seed);
    return lambda == null ? settings : settings.lambda(lambda);
  }

  private MongeMap.Form form() {
    if ((structured ? 1 : 0) + (residual ? 1 : 0) + (potential ? 1 : 0) > 1) {
      throw new IllegalArgumentException(
          "--structured, --residual and --potential exclude each other");
    }
    return structured
        ? MongeMap.Form.STRUCTURED
        : residual
            ? MongeMap.Form.RESIDUAL
            : potential ? MongeMap.Form.POTENTIAL : MongeMap.Form.PLAIN;
  }

  private TransportMap fit(MongeMap settings, Tensor x, Tensor y) {
    ProgressLine progress = new ProgressLine(System.err, "steps");
    try {
      return settings
          .validate(
              PROGRESS_STEPS,
              (step, map) ->
                  progress.show(
                      step,
                      iterations,
                      String.format(
                          Locale.ROOT,
                          "fit %.3g, penalty %.3g",
                          map.history().getLast().fit(),
                          map.history().getLast().penalty())))
          .fit(x, y);
    } finally {
      progress.end();
    }
  }

  /**
   * How good a map is on the points themselves, at most 1000 of each.
   *
   * @param fit the Sinkhorn divergence from images to B
   * @param gap the entropic gap less {@code epsilon log n}
   * @param relativeGap the exact gap as a part of the displacement
   */
  private record Quality(double fit, MongeGap.Result gap, double relativeGap, boolean converged) {
    static Quality of(
        MongeMap settings, TransportMap map, Tensor x, Tensor y, long seed, double tolerance) {
      Rng rng = new Rng(seed);
      Tensor some = Sampler.of(x).draw(REPORT_POINTS, rng);
      Tensor others = Sampler.of(y).draw(REPORT_POINTS, rng);
      Tensor images = map.apply(some);
      LossTerm fit = settings.divergence().stopping(tolerance, REPORT_SWEEPS).term(images, others);
      MongeGap.Result gap =
          settings.gap().stopping(tolerance, REPORT_SWEEPS).evaluate(some, images);
      return new Quality(
          fit.value().item(),
          gap,
          MongeGap.relativeExact(settings.gap().cost(), some, images),
          fit.converged() && gap.converged());
    }
  }

  private void draw(TransportMap map, Tensor x, Tensor y) throws IOException {
    if (svg == null && png == null) {
      return;
    }
    Rng rng = new Rng(seed);
    double[][] source = Sampler.of(x).draw(PICTURE_POINTS, rng).toDoubleRows();
    double[][] target = Sampler.of(y).draw(PICTURE_POINTS, rng).toDoubleRows();
    double[][] images = map.apply(source);
    if (svg != null) {
      AtomicFiles.writeString(svg, MapPicture.svg(source, images, target));
    }
    if (png != null) {
      AtomicFiles.write(
          png,
          temporary ->
              ImageIO.write(MapPicture.image(source, images, target), "png", temporary.toFile()));
    }
  }

  private void report(
      PointFile a,
      PointFile b,
      Common common,
      TransportMap map,
      Quality quality,
      double seconds,
      PrintWriter out) {
    if (common.json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("pointsA", a.rows());
      result.put("pointsB", b.rows());
      result.put("dimension", a.columns());
      result.put("costName", common.cost);
      result.put("form", form().name().toLowerCase(Locale.ROOT));
      result.put("iterations", iterations);
      result.put("fit", quality.fit);
      result.put("gap", quality.gap.centred());
      result.put("displacement", quality.gap.displacement());
      result.put("relativeExactGap", quality.relativeGap);
      result.put("unconvergedSteps", map.unconvergedSteps());
      result.put("converged", quality.converged);
      result.put("seconds", seconds);
      result.put("map", mapFile.toString());
      Json.print(out, result);
      return;
    }
    out.printf(
        Locale.ROOT,
        "%d points to %d points in %d dimensions, %s cost, %s map%n",
        a.rows(),
        b.rows(),
        a.columns(),
        common.cost,
        form().name().toLowerCase(Locale.ROOT));
    out.printf(Locale.ROOT, "fit               %.4g  (Sinkhorn divergence)%n", quality.fit);
    out.printf(
        Locale.ROOT,
        "gap               %.4g  (of a mean cost of %.4g; exact gap %.3g %% of it)%n",
        quality.gap.centred(),
        quality.gap.displacement(),
        100 * quality.relativeGap);
    out.printf(
        Locale.ROOT,
        "training          %d steps, %d without convergence of a solver, %.1f s%n",
        iterations,
        map.unconvergedSteps(),
        seconds);
    out.println("map               " + mapFile);
    out.flush();
  }

  private int warn(TransportMap map, Quality quality, double tolerance, PrintWriter err) {
    if (map.unconvergedSteps() > 0) {
      err.printf(
          Locale.ROOT,
          "tikhon: Sinkhorn did not reach %.3g in %d sweeps in %d of %d steps%n",
          tolerance,
          MAX_SWEEPS,
          map.unconvergedSteps(),
          iterations);
    }
    if (!quality.converged) {
      err.printf(
          Locale.ROOT,
          "tikhon: not converged: fit and gap of the map are of a solver that did not reach %.3g%n",
          tolerance);
    }
    err.flush();
    return quality.converged ? 0 : Main.FAILED;
  }
}
