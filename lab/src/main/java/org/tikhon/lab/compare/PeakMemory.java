package org.tikhon.lab.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The largest resident memory of this process since the last reset, where the system tells it
 * (Linux).
 */
final class PeakMemory {
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");
  private static final Path STATUS = Path.of("/proc/self/status");

  private PeakMemory() {}

  /** Starts a new measurement; without the right to, the peak stays that of the whole process. */
  static void reset() {
    // Garbage of the training before must not count for the next one; a full collection also makes
    // the heap small again.
    System.gc();
    try {
      Files.writeString(CLEAR, "5");
    } catch (IOException e) {
      // Not Linux, or not allowed.
    }
  }

  /** NaN where the system does not tell. */
  static double megabytes() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(l -> l.startsWith("VmHWM:"))
          .mapToDouble(l -> Double.parseDouble(l.replaceAll("[^0-9]", "")) / 1024)
          .findFirst()
          .orElse(Double.NaN);
    } catch (IOException e) {
      return Double.NaN;
    }
  }
}
