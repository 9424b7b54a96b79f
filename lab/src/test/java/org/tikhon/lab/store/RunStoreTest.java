package org.tikhon.lab.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.lab.claim.Measurement;

class RunStoreTest {
  @TempDir private Path folder;

  private static RunStore.Run run(String id, String mode, String verdict) {
    return new RunStore.Run(
        id,
        15,
        "elr",
        mode,
        verdict,
        "a bar",
        "met: something: 1 against 2",
        "a note",
        12.5,
        "abc1234",
        "a machine",
        "{}",
        Instant.parse("2026-01-02T03:04:05Z"));
  }

  @Test
  void runsAndMeasurementsComeBack() throws Exception {
    Path file = folder.resolve("deep/runs.duckdb");
    List<Measurement> measured =
        List.of(
            new Measurement("elr/test accuracy", 0, 84.25, "%"),
            new Measurement("elr/test accuracy", 1, 83.5, "%"));
    try (RunStore store = RunStore.open(file)) {
      store.add(run("one", "STANDARD", "HOLDS"), measured);
      store.add(run("two", "QUICK", "FALLS SHORT"), List.of());
    }
    try (RunStore store = RunStore.open(file)) {
      assertThat(store.runs()).hasSize(2).contains(run("one", "STANDARD", "HOLDS"));
      assertThat(store.measurements("one")).containsExactlyInAnyOrderElementsOf(measured);
      // The report shows the latest run that is not a quick one.
      StoreReport report = StoreReport.of(store);
      assertThat(report.markdown()).contains("**HOLDS**", "84.25", "a note");
      assertThat(report.html()).contains("elr", "HOLDS");
    }
  }
}
