package org.tikhon.lab.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.tikhon.data.DataException;
import org.tikhon.tensor.Engine;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The entry point of {@code ./tikhon}. Exit codes: 0 fine, 1 a claim falls short or the work
 * failed, 2 wrong use or bad input, which are told in one line on standard error.
 */
@Command(
    name = "tikhon",
    description = "Regularised machine learning for the JVM.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {
      CompareCommand.class,
      PredictCommand.class,
      AdaptCommand.class,
      TransportCommand.class,
      RegressCommand.class,
      DagCommand.class,
      ClusterCommand.class,
      PoissonCommand.class,
      ClaimCommand.class,
      ClaimsCommand.class,
      ListCommand.class,
      ShowCommand.class,
      RunsCommand.class,
      ReportCommand.class,
      DataCommand.class,
      DoctorCommand.class,
    },
    footer = {
      "",
      "Examples:",
      "  tikhon compare",
      "  tikhon compare --data table.csv --target last",
      "  tikhon list"
    })
public final class Main implements Runnable {
  static final int FAILED = 1;
  static final int WRONG_USE = 2;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"tikhon 0.1.0", "LibTorch " + Engine.libtorchVersion()};
    }
  }

  public static void main(String[] arguments) {
    int code = commandLine().execute(arguments);
    System.out.flush();
    System.err.flush();
    System.exit(code);
  }

  /** The command line with its exit codes, for tests too. */
  public static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setParameterExceptionHandler(
        (e, arguments) -> {
          CommandLine command = e.getCommandLine();
          command.getErr().println("tikhon: " + oneLine(e.getMessage()));
          if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr())) {
            command
                .getErr()
                .println("See: " + command.getCommandSpec().qualifiedName() + " --help");
          }
          return WRONG_USE;
        });
    line.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          command.getErr().println("tikhon: " + describe(e));
          if (isWrongUse(e)) {
            return WRONG_USE;
          }
          if (System.getenv("TIKHON_DEBUG") != null) {
            e.printStackTrace(command.getErr());
          } else {
            command.getErr().println("(set TIKHON_DEBUG=1 for the stack trace)");
          }
          return FAILED;
        });
    return line;
  }

  private static boolean isWrongUse(Exception e) {
    return e instanceof IllegalArgumentException
        || e instanceof DataException
        || e instanceof NoSuchFileException
        || e instanceof AccessDeniedException;
  }

  private static String describe(Exception e) {
    return switch (e) {
      case NoSuchFileException missing -> missing.getFile() + ": no such file or folder";
      case AccessDeniedException denied -> denied.getFile() + ": no permission";
      case FileSystemException f -> f.getFile() + ": " + f.getReason();
      default -> e.getMessage() == null ? e.toString() : oneLine(e.getMessage());
    };
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\n\\s*", " ");
  }

  @Override
  public void run() {
    spec.commandLine().usage(System.out);
  }
}
