package org.tikhon.lab.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.tikhon.adapt.CheckpointAdapter;
import org.tikhon.adapt.CheckpointAdapter.Report;
import org.tikhon.adapt.LoraInit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tikhon adapt}: low-rank adapters for checkpoint files. */
@Command(
    name = "adapt",
    mixinStandardHelpOptions = true,
    description = "Makes, merges and converts low-rank adapters of safetensors checkpoints.",
    subcommands = {
      AdaptCommand.PissaInit.class,
      AdaptCommand.Merge.class,
      AdaptCommand.ToLora.class
    },
    footer = {
      "",
      "Examples:",
      "  tikhon adapt pissa llama/ llama-pissa/ --rank 128 --niter 16",
      "  tikhon adapt merge llama-pissa/base/ trained/ merged/",
      "  tikhon adapt to-lora trained/ llama-pissa/ lora/"
    })
public final class AdaptCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to do: pissa, merge or to-lora");
  }

  private static CheckpointAdapter.Progress progress(ProgressLine line) {
    return (done, total, name) -> line.show(done, total, name);
  }

  private static void report(
      CommandSpec spec, boolean json, Report report, Map<String, String> places, String text) {
    PrintWriter err = spec.commandLine().getErr();
    report.warnings().forEach(w -> err.println("tikhon: warning: " + w));
    err.flush();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("layers", report.layers());
      object.put("parameters", report.parameters());
      object.putAll(places);
      object.put("warnings", report.warnings());
      Json.print(out, object);
    } else {
      out.println(text);
      out.flush();
    }
  }

  private static void refuseSame(Path out, Path in, String name) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    Path folder = Files.isDirectory(in) ? in : in.toAbsolutePath().getParent();
    boolean same =
        Files.exists(in)
            && (Files.isSameFile(out, in)
                || (Files.isDirectory(out) && Files.isSameFile(out, folder)));
    if (same) {
      throw new IllegalArgumentException(out + " holds " + name + "; write into another place");
    }
  }

  /** {@code tikhon adapt pissa}. */
  @Command(
      name = "pissa",
      mixinStandardHelpOptions = true,
      description = {
        "Splits a checkpoint into a residual base and the principal low-rank pairs (PiSSA).",
        "OUTDIR gets the adapter, as the Python library peft reads it: fine-tune that. OUTDIR/base"
            + " gets the residual base that it belongs to, in the same files and names as IN."
      },
      footer = {"", "Example:", "  tikhon adapt pissa model.safetensors pissa/ --rank 16"})
  static final class PissaInit implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(
        index = "0",
        paramLabel = "IN",
        description = "A safetensors file, the index of a sharded model, or a model's folder.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUTDIR", description = "The folder to write.")
    private Path out;

    @Option(names = "--rank", required = true, paramLabel = "R", description = "At least 1.")
    private int rank;

    @Option(
        names = "--targets",
        paramLabel = "REGEX",
        description =
            "The layers, by the end of their names; without it the attention and MLP projections of"
                + " GPT-2 and Llama.")
    private String targets;

    @Option(
        names = "--niter",
        paramLabel = "N|exact",
        defaultValue = "4",
        description =
            "Iterations of the fast decomposition (default 4; 16 is more exact), or exact for the"
                + " full one.")
    private String niter;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "The seed of the fast decomposition (default 0).")
    private long seed;

    @Option(names = "--force", description = "Replace files in OUTDIR.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      LoraInit init = init(niter);
      Pattern pattern = pattern(targets);
      refuseSame(out, in, "the model itself");
      ProgressLine line = new ProgressLine(System.err);
      Path residual = out.resolve(CheckpointAdapter.RESIDUAL);
      String name = residual.toAbsolutePath().normalize().toString();
      Report report;
      try {
        report =
            OutputFolder.fill(
                out,
                force,
                folder ->
                    CheckpointAdapter.pissa(
                        in, folder, rank, pattern, init, seed, name, progress(line)));
      } finally {
        line.end();
      }
      Map<String, String> places = new LinkedHashMap<>();
      places.put("base", residual.toString());
      places.put("adapter", out.toString());
      report(
          spec,
          json,
          report,
          places,
          "%d layers of rank %d (%d parameters): adapter in %s, residual base in %s"
              .formatted(report.layers().size(), rank, report.parameters(), out, residual));
      return 0;
    }

    private static LoraInit init(String niter) {
      if (niter.equals("exact")) {
        return LoraInit.PISSA;
      }
      try {
        int k = Integer.parseInt(niter);
        if (k >= 0) {
          return LoraInit.pissaNiter(k);
        }
      } catch (NumberFormatException e) {
        // Reported below, with the same words as a number out of range.
      }
      throw new IllegalArgumentException(
          "--niter must be a whole number of at least 0, or exact, was " + niter);
    }

    private static Pattern pattern(String targets) {
      try {
        return targets == null ? null : Pattern.compile(targets);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "--targets is not a regular expression: %s: %s".formatted(targets, e.getDescription()),
            e);
      }
    }
  }

  /** {@code tikhon adapt merge}. */
  @Command(
      name = "merge",
      mixinStandardHelpOptions = true,
      description = {
        "Adds an adapter to its base: one plain checkpoint.",
        "A PiSSA adapter belongs to the residual base, a converted one to the original."
      },
      footer = {"", "Example:", "  tikhon adapt merge pissa/base/ trained/ merged.safetensors"})
  static final class Merge implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(
        index = "0",
        paramLabel = "BASE",
        description = "A safetensors file, the index of a sharded model, or a model's folder.")
    private Path base;

    @Parameters(
        index = "1",
        paramLabel = "ADAPTERDIR",
        description = "The folder with adapter_config.json and adapter_model.safetensors.")
    private Path adapter;

    @Parameters(
        index = "2",
        paramLabel = "OUT",
        description = "The folder to write, or a .safetensors file if BASE is in one file.")
    private Path out;

    @Option(names = "--force", description = "Replace OUT, or files in it.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      refuseSame(out, base, "the base");
      refuseSame(out, adapter, "the adapter");
      ProgressLine line = new ProgressLine(System.err);
      Report report;
      try {
        report =
            out.toString().endsWith(".safetensors")
                ? toFile(line)
                : OutputFolder.fill(
                    out,
                    force,
                    folder -> CheckpointAdapter.merge(base, adapter, folder, progress(line)));
      } finally {
        line.end();
      }
      report(
          spec,
          json,
          report,
          Map.of("out", out.toString()),
          "%d layers merged into %s".formatted(report.layers().size(), out));
      return 0;
    }

    private Report toFile(ProgressLine line) throws IOException {
      if (Files.exists(out) && !force) {
        throw new IllegalArgumentException(out + " exists already; add --force to replace it");
      }
      return CheckpointAdapter.merge(base, adapter, out, progress(line));
    }
  }

  /** {@code tikhon adapt to-lora}. */
  @Command(
      name = "to-lora",
      mixinStandardHelpOptions = true,
      description = {
        "Converts a trained PiSSA adapter into a plain LoRA of twice the rank, which does the same"
            + " on the original base.",
        "Not exact on a quantised base."
      },
      footer = {"", "Example:", "  tikhon adapt to-lora trained/ pissa/ lora/"})
  static final class ToLora implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "TRAINED", description = "The trained adapter's folder.")
    private Path trained;

    @Parameters(
        index = "1",
        paramLabel = "INITIAL",
        description = "The adapter's folder as tikhon adapt pissa wrote it.")
    private Path initial;

    @Parameters(index = "2", paramLabel = "OUTDIR", description = "The folder to write.")
    private Path out;

    @Option(
        names = "--base",
        paramLabel = "BASE",
        description = "The original base: the result is checked against it and names it.")
    private Path base;

    @Option(names = "--force", description = "Replace files in OUTDIR.")
    private boolean force;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      refuseSame(out, trained, "the trained adapter");
      refuseSame(out, initial, "the initial adapter");
      String name = base == null ? null : base.toAbsolutePath().normalize().toString();
      Report report =
          OutputFolder.fill(
              out, force, folder -> CheckpointAdapter.toLora(trained, initial, folder, base, name));
      report(
          spec,
          json,
          report,
          Map.of("adapter", out.toString()),
          "%d layers converted into a plain LoRA in %s".formatted(report.layers().size(), out));
      return 0;
    }
  }
}
