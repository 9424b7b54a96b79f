package org.tikhon.lab.cli;

import com.sun.management.OperatingSystemMXBean;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.tikhon.data.DataHome;
import org.tikhon.tensor.Device;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code tikhon doctor}: whether everything is there. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Looks at the JDK, the processor, LibTorch, threads, GPU, memory and the data folder.",
    footer = {"", "Example:", "  tikhon doctor"})
public final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print one JSON object on standard output.")
  private boolean json;

  @Override
  public Integer call() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("java", Runtime.version() + ", " + System.getProperty("java.vendor"));
    facts.put(
        "system",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + ", "
            + System.getProperty("os.arch"));
    facts.put("processors", Runtime.getRuntime().availableProcessors());
    facts.put("vectors", vectors());
    facts.put("libtorch", Engine.libtorchVersion());
    facts.put(
        "threads",
        Engine.threads()
            + (System.getenv("TIKHON_THREADS") == null
                ? " (set TIKHON_THREADS for more)"
                : " (from TIKHON_THREADS)"));
    facts.put("device", Device.best().toString());
    facts.put("works", works());
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    facts.put(
        "memory",
        "%d MB, %d MB free; JVM heap up to %d MB"
            .formatted(
                system.getTotalMemorySize() >> 20,
                system.getFreeMemorySize() >> 20,
                Runtime.getRuntime().maxMemory() >> 20));
    facts.put(
        "data",
        DataHome.candidates().stream()
            .filter(Files::isDirectory)
            .map(Path::toString)
            .findFirst()
            .orElse("no folder with data yet; see tikhon data"));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, facts);
    } else {
      facts.forEach((name, value) -> out.printf("%-10s  %s%n", name, value));
      out.flush();
    }
    return 0;
  }

  private static String vectors() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? "%d bits (jdk.incubator.vector)".formatted(VectorWidth.bits())
        : "module jdk.incubator.vector is not added: plain Java kernels";
  }

  /** Loaded only where the vector module is there. */
  private static final class VectorWidth {
    static int bits() {
      return jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
  }

  private static String works() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.ones(64, 64).setRequiresGrad(true);
      x.matmul(x).sum().backward();
      return x.grad().get(0).get(0).item() == 128
          ? "a product and its derivative are right"
          : "WRONG RESULTS";
    }
  }
}
