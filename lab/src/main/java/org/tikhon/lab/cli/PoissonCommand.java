package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.tikhon.data.AtomicFiles;
import org.tikhon.data.Npz;
import org.tikhon.lab.report.SolverPicture;
import org.tikhon.solve.ConjugateGradient;
import org.tikhon.solve.Dcdm;
import org.tikhon.solve.DcdmTrainer;
import org.tikhon.solve.DirectionNet;
import org.tikhon.solve.GridPoisson;
import org.tikhon.solve.IncompleteCholesky;
import org.tikhon.solve.LinearSolver;
import org.tikhon.solve.Multigrid;
import org.tikhon.solve.Preconditioner;
import org.tikhon.solve.RitzDataset;
import org.tikhon.solve.SolveResult;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code tikhon poisson}: Poisson's equation on grids, and the network that proposes directions.
 */
@Command(
    name = "poisson",
    mixinStandardHelpOptions = true,
    description = "Solves Poisson's equation on a grid, with a trained network or without.",
    subcommands = {PoissonCommand.Solve.class, PoissonCommand.Train.class},
    footer = {
      "",
      "Examples:",
      "  tikhon poisson solve --grid 64x64 --obstacle ball --method compare",
      "  tikhon poisson train --grid 32x32 --out net.safetensors"
    })
public final class PoissonCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do: solve or train");
  }

  /** The box, as both commands take it. */
  static final class Box {
    private static final Pattern SIDES = Pattern.compile("\\d{1,5}x\\d{1,5}(x\\d{1,5})?");
    private static final List<String> BOUNDARIES = List.of("open-top", "open", "closed");

    @Option(
        names = "--grid",
        paramLabel = "SIDES",
        description = "The cells, rows first, as in 64x64 or 32x32x32 (default ${DEFAULT-VALUE}).",
        defaultValue = "32x32")
    private String grid;

    @Option(
        names = "--boundary",
        paramLabel = "NAME",
        description =
            "open-top: air above, walls elsewhere; open: air all round; closed: walls all round"
                + " (default ${DEFAULT-VALUE}).",
        defaultValue = "open-top")
    private String boundary;

    GridPoisson make() {
      if (!SIDES.matcher(grid).matches()) {
        throw new IllegalArgumentException(
            "--grid must be 2 or 3 numbers of cells such as 64x64 or 32x32x32, was " + grid);
      }
      checkName("boundary", boundary, BOUNDARIES);
      GridPoisson box =
          GridPoisson.box(Arrays.stream(grid.split("x")).mapToInt(Integer::parseInt).toArray());
      return switch (boundary) {
        case "open" -> box.openAll();
        case "closed" -> box;
        default -> box.openTop();
      };
    }
  }

  private static void checkName(String kind, String name, List<String> known) {
    if (!known.contains(name)) {
      throw new IllegalArgumentException(Names.unknown(kind, name, known));
    }
  }

  private static void checkFree(String option, Path file, boolean force) {
    if (file != null && Files.exists(file) && !force) {
      throw new IllegalArgumentException(
          option + " " + file + " exists already; add --force to replace it");
    }
  }

  /** {@code tikhon poisson solve}. */
  @Command(
      name = "solve",
      mixinStandardHelpOptions = true,
      description = {
        "Solves A x = b, where A is the Laplacian of a fluid's cells with unit spacing.",
        "Walls let nothing through; air has the value 0; a region without air is solved up to a"
            + " constant, without the mean of b."
      },
      footer = {
        "",
        "Exit code 1 if a solver does not reach --tolerance; the result is printed all the same.",
        "",
        "Examples:",
        "  tikhon poisson solve --grid 64x64 --obstacle ball --method compare --png solve.png",
        "  tikhon poisson solve --grid 128x128x128 --method multigrid --tolerance 1e-8",
        "  tikhon poisson solve --grid 48x64 --obstacle mask.npy --rhs b.npy --out x.npy --json"
      })
  static final class Solve implements Callable<Integer> {
    private static final String COMPARE = "compare";
    private static final List<String> METHODS =
        List.of("dcdm", "cg", "jacobi", "ic", "deflated", "multigrid");

    /** The paper's number of deflated vectors. */
    private static final int DEFLATED = 16;

    @Spec private CommandSpec spec;
    @Mixin private Box box;

    @Option(
        names = "--obstacle",
        paramLabel = "SHAPE|FILE",
        description =
            "none, ball (in the middle, a third of the box wide), plate (across its middle), an"
                + " .npy file of the grid's shape that is not 0 at solid cells, or in 2-D a PNG that"
                + " is dark there (default ${DEFAULT-VALUE}).",
        defaultValue = "none")
    private String obstacle;

    @Option(
        names = "--rhs",
        paramLabel = "NAME|FILE",
        description =
            "noise (smooth over 3 cells, with 5 %% white noise), point (1 in the middle of the"
                + " bottom), or an .npy file of the grid's shape (default ${DEFAULT-VALUE}).",
        defaultValue = "noise")
    private String rhs;

    @Option(
        names = "--method",
        paramLabel = "NAME",
        description =
            "dcdm, cg, jacobi, ic, deflated, multigrid, or compare for all of them (default"
                + " ${DEFAULT-VALUE}).",
        defaultValue = "dcdm")
    private String method;

    @Option(
        names = "--directions",
        paramLabel = "K",
        description =
            "dcdm: the last directions that a new one is conjugate to (default ${DEFAULT-VALUE}).",
        defaultValue = "2")
    private int directions;

    @Option(
        names = "--tolerance",
        paramLabel = "TOL",
        description = "Stop at this |r| / |r0| (default ${DEFAULT-VALUE}).",
        defaultValue = "1e-4")
    private double tolerance;

    @Option(
        names = "--max-iterations",
        paramLabel = "N",
        description = "Give up after these iterations (default ${DEFAULT-VALUE}).",
        defaultValue = "1000")
    private int maxIterations;

    @Option(
        names = "--network",
        paramLabel = "FILE",
        description =
            "dcdm: what tikhon poisson train wrote; without it the network that comes along.")
    private Path network;

    @Option(
        names = "--pad",
        description = "dcdm: fill up odd sides for the network instead of refusing them.")
    private boolean pad;

    @Option(
        names = "--seed",
        paramLabel = "N",
        description = "The seed of --rhs noise (default ${DEFAULT-VALUE}).",
        defaultValue = "0")
    private long seed;

    @Option(names = "--out", paramLabel = "FILE", description = "Write the solution as .npy.")
    private Path out;

    @Option(
        names = "--png",
        paramLabel = "FILE",
        description = "Draw the residuals and the solution (3-D: its middle slice).")
    private Path png;

    @Option(names = "--svg", paramLabel = "FILE", description = "The same as SVG.")
    private Path svg;

    @Option(names = "--force", description = "Replace --out, --png and --svg if they exist.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    /** What a method gave; the preparation makes its preconditioner or reads its network. */
    private record Run(String method, SolveResult result, double preparation) {}

    @Override
    public Integer call() throws IOException {
      if (!method.equals(COMPARE)) {
        checkName("method", method, METHODS);
      }
      checkFree("--out", out, force);
      checkFree("--png", png, force);
      checkFree("--svg", svg, force);
      GridPoisson a = PoissonInput.obstacle(box.make(), obstacle);
      double[] b = PoissonInput.rightSide(a, rhs, seed);
      List<Run> runs = new ArrayList<>();
      for (String name : method.equals(COMPARE) ? METHODS : List.of(method)) {
        long start = System.nanoTime();
        LinearSolver solver = solver(name, a);
        double preparation = (System.nanoTime() - start) / 1e9;
        runs.add(new Run(name, solver.solve(a, b), preparation));
      }
      write(a, runs);
      report(a, runs);
      return complain(runs) ? Main.FAILED : 0;
    }

    private LinearSolver solver(String name, GridPoisson a) throws IOException {
      if (name.equals("dcdm")) {
        DirectionNet net =
            network == null ? DirectionNet.trained(a.shape().length) : DirectionNet.load(network);
        return new Dcdm(net.padding(pad))
            .directions(directions)
            .tolerance(tolerance)
            .maxIterations(maxIterations);
      }
      Preconditioner preconditioner =
          switch (name) {
            case "jacobi" -> Preconditioner.jacobi(a);
            case "ic" -> IncompleteCholesky.zeroFill(a.toCsr());
            case "multigrid" -> Multigrid.vCycle(a);
            default -> Preconditioner.identity();
          };
      return new ConjugateGradient(preconditioner)
          .deflate(name.equals("deflated") ? DEFLATED : 0)
          .tolerance(tolerance)
          .maxIterations(maxIterations);
    }

    private void write(GridPoisson a, List<Run> runs) throws IOException {
      double[] x = runs.getFirst().result.x();
      if (out != null) {
        try (Scope scope = Scope.open()) {
          long[] shape = Arrays.stream(a.shape()).asLongStream().toArray();
          Npz.writeArray(out, Tensor.of(x, shape));
        }
      }
      List<SolverPicture.Curve> curves =
          runs.stream().map(r -> new SolverPicture.Curve(r.method, relative(r.result))).toList();
      SolverPicture.Field field = PoissonInput.slice(a, x);
      if (png != null) {
        AtomicFiles.writeBytes(png, SolverPicture.png(curves, field));
      }
      if (svg != null) {
        AtomicFiles.writeString(svg, SolverPicture.svg(curves, field));
      }
    }

    private static double[] relative(SolveResult result) {
      double first = result.residuals()[0];
      return Arrays.stream(result.residuals()).map(r -> first > 0 ? r / first : 0).toArray();
    }

    private void report(GridPoisson a, List<Run> runs) {
      PrintWriter print = spec.commandLine().getOut();
      if (json) {
        Json.print(print, facts(a, runs));
        return;
      }
      int fluid = fluid(a);
      print.printf(
          Locale.ROOT,
          "%s, %s, %d fluid cells, obstacle %s, right side %s%n",
          box.grid,
          box.boundary,
          fluid,
          obstacle,
          rhs);
      double nullSpacePart = runs.getFirst().result.nullSpacePart();
      if (nullSpacePart > 1e-12) {
        print.printf(
            Locale.ROOT,
            "%.3g of b (in norm) lies in the null space of A and was taken out%n",
            nullSpacePart);
      }
      print.printf(
          "%-10s %10s %12s %12s %12s%n",
          "method", "iterations", "|r| / |r0|", "prepare s", "solve s");
      for (Run run : runs) {
        print.printf(
            Locale.ROOT,
            "%-10s %10d %12.3g %12.4f %12.4f%s%n",
            run.method,
            run.result.iterations(),
            run.result.relativeResidual(),
            run.preparation,
            run.result.seconds(),
            run.result.converged() ? "" : "  not converged");
      }
      for (Path file : Arrays.asList(out, png, svg)) {
        if (file != null) {
          print.println("written    " + file);
        }
      }
      print.flush();
    }

    private static int fluid(GridPoisson a) {
      int count = 0;
      for (boolean f : a.masked()) {
        count += f ? 1 : 0;
      }
      return count;
    }

    private Map<String, Object> facts(GridPoisson a, List<Run> runs) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("grid", a.shape());
      facts.put("boundary", box.boundary);
      facts.put("fluidCells", fluid(a));
      facts.put("tolerance", tolerance);
      facts.put("nullSpacePart", runs.getFirst().result.nullSpacePart());
      List<Map<String, Object>> methods = new ArrayList<>();
      for (Run run : runs) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("method", run.method);
        m.put("iterations", run.result.iterations());
        m.put("relativeResidual", run.result.relativeResidual());
        m.put("converged", run.result.converged());
        m.put("breakdown", run.result.breakdown());
        m.put("replacedDirections", run.result.replaced());
        m.put("prepareSeconds", run.preparation);
        m.put("solveSeconds", run.result.seconds());
        m.put("residuals", run.result.residuals());
        methods.add(m);
      }
      facts.put("methods", methods);
      return facts;
    }

    /** Says on standard error which methods did not converge. */
    private boolean complain(List<Run> runs) {
      PrintWriter err = spec.commandLine().getErr();
      for (Run run : runs) {
        if (!run.result.converged()) {
          err.printf(
              Locale.ROOT,
              "tikhon: %s has not converged: |r| / |r0| is %.3g after %d iterations, wanted %.3g%s%n",
              run.method,
              run.result.relativeResidual(),
              run.result.iterations(),
              tolerance,
              run.result.breakdown() ? " (the network's directions were useless)" : "");
        }
      }
      err.flush();
      return runs.stream().anyMatch(r -> !r.result.converged());
    }
  }

  /** {@code tikhon poisson train}. */
  @Command(
      name = "train",
      mixinStandardHelpOptions = true,
      description = {
        "Trains the network of the deep conjugate direction method for an empty box, from Ritz"
            + " vectors of its matrix; no solutions are needed.",
        "The network works with obstacles and on larger grids too. It is written whenever an epoch"
            + " is the best so far on held-out vectors."
      },
      footer = {
        "",
        "Examples:",
        "  tikhon poisson train --grid 32x32 --out net.safetensors",
        "  tikhon poisson train --grid 16x16x16 --lanczos 500 --channels 8 --out cube.safetensors"
      })
  static final class Train implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private Box box;

    @Option(
        names = "--channels",
        description = "Of the hidden layers (default ${DEFAULT-VALUE}).",
        defaultValue = "16")
    private int channels;

    @Option(names = "--large", description = "3-D: the paper's larger network, for 128x128x128.")
    private boolean large;

    @Option(
        names = "--lanczos",
        paramLabel = "M",
        description = "The steps that give the Ritz vectors (default ${DEFAULT-VALUE}).",
        defaultValue = "400")
    private int lanczos;

    @Option(
        names = "--samples",
        paramLabel = "N",
        description = "The training vectors, a tenth held out (default ${DEFAULT-VALUE}).",
        defaultValue = "2000")
    private int samples;

    @Option(
        names = "--low-mode-factor",
        paramLabel = "C",
        description = "The weight of the low frequencies (default ${DEFAULT-VALUE}).",
        defaultValue = "9")
    private double lowModeFactor;

    @Option(
        names = "--theta",
        paramLabel = "N",
        description = "The modes beyond half of them that count as low (default M / 20).")
    private Integer theta;

    @Option(
        names = "--batch",
        paramLabel = "N",
        description = "The vectors of a step (default ${DEFAULT-VALUE}).",
        defaultValue = "10")
    private int batch;

    @Option(
        names = "--learning-rate",
        paramLabel = "R",
        description = "Adam's (default ${DEFAULT-VALUE}).",
        defaultValue = "1e-3")
    private double learningRate;

    @Option(
        names = "--steps",
        paramLabel = "N",
        description = "In all (default ${DEFAULT-VALUE}).",
        defaultValue = "1800")
    private int steps;

    @Option(
        names = "--seed",
        paramLabel = "N",
        description = "Of weights, vectors and their order (default ${DEFAULT-VALUE}).",
        defaultValue = "0")
    private long seed;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        required = true,
        description = "Where the network goes, as safetensors.")
    private Path out;

    @Option(names = "--force", description = "Replace --out if it exists.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      checkFree("--out", out, force);
      GridPoisson a = box.make();
      if (large && a.shape().length != 3) {
        throw new IllegalArgumentException("--large is for 3-D, --grid is " + box.grid);
      }
      for (int side : a.shape()) {
        if (side % 2 != 0) {
          throw new IllegalArgumentException(
              "--grid must have even sides for the network's pooling, was " + box.grid);
        }
      }
      RitzDataset data =
          RitzDataset.lanczos(a, lanczos).samples(samples).lowModeFactor(lowModeFactor).seed(seed);
      if (theta != null) {
        data.theta(theta);
      }
      DirectionNet net = network(a, new Rng(seed));
      DcdmTrainer trainer =
          DcdmTrainer.of(net, data).batch(batch).learningRate(learningRate).steps(steps).seed(seed);
      long start = System.nanoTime();
      List<DcdmTrainer.Epoch> epochs = train(trainer, net);
      report(net, epochs, (System.nanoTime() - start) / 1e9);
      return 0;
    }

    private DirectionNet network(GridPoisson a, Rng rng) {
      if (a.shape().length == 2) {
        return DirectionNet.paper2d(channels, rng);
      }
      return large ? DirectionNet.paper3dLarge(channels, rng) : DirectionNet.paper3d(channels, rng);
    }

    private List<DcdmTrainer.Epoch> train(DcdmTrainer trainer, DirectionNet net)
        throws IOException {
      ProgressLine progress = new ProgressLine(System.err);
      try {
        return trainer.train(
            epoch -> {
              if (epoch.best()) {
                save(net);
              }
              progress.show(
                  epoch.epoch(),
                  epoch.epochs(),
                  String.format(Locale.ROOT, "loss %.4f", epoch.validationLoss()));
            });
      } catch (UncheckedIOException e) {
        throw e.getCause();
      } finally {
        progress.end();
      }
    }

    private void save(DirectionNet net) {
      try {
        net.save(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void report(DirectionNet net, List<DcdmTrainer.Epoch> epochs, double seconds) {
      DcdmTrainer.Epoch best =
          epochs.stream().filter(DcdmTrainer.Epoch::best).reduce((x, y) -> y).orElseThrow();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("network", out.toString());
      facts.put("parameters", net.parameterCount());
      facts.put("steps", steps);
      facts.put("bestStep", best.step());
      facts.put("validationLoss", best.validationLoss());
      facts.put("seconds", seconds);
      PrintWriter print = spec.commandLine().getOut();
      if (json) {
        Json.print(print, facts);
        return;
      }
      print.printf(
          Locale.ROOT,
          "%d parameters, %d steps in %.0f s; held-out loss %.4f after step %d%nwritten    %s%n",
          net.parameterCount(),
          steps,
          seconds,
          best.validationLoss(),
          best.step(),
          out);
      print.flush();
    }
  }
}
