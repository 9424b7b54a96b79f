package org.tikhon.lab.claim;

import java.util.List;

/**
 * What a claim measured. The claim holds when every check holds.
 *
 * @param notes honest remarks for the reader: what was left out in quick mode, where the numbers
 *     are noisy, why it falls short
 */
public record ClaimResult(List<Measurement> measurements, List<Check> checks, List<String> notes) {
  public ClaimResult {
    measurements = List.copyOf(measurements);
    checks = List.copyOf(checks);
    notes = List.copyOf(notes);
  }

  public boolean holds() {
    return !checks.isEmpty() && checks.stream().allMatch(Check::holds);
  }
}
