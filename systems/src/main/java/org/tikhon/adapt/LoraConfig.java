package org.tikhon.adapt;

import java.util.List;

/**
 * Settings of a low-rank adapter.
 *
 * @param r the rank, at least 1
 * @param alpha the numerator of the scaling, above 0; PiSSA uses r, so that the scaling is 1
 * @param rsLora whether the scaling is {@code alpha / sqrt(r)} instead of {@code alpha / r}
 * @param dropout the probability with which an input of the pair is zeroed in training, in [0, 1).
 *     Leave it at 0 with PiSSA: it would delete principal directions
 * @param targetModules which layers: their names, or the ends of their names behind a dot, such as
 *     {@code "attn.out_proj"}; empty for every layer with a weight matrix
 * @param init how the pair starts
 * @param fanInFanOut whether the weights are stored {@code [in, out]}, as in GPT-2's Conv1D
 */
public record LoraConfig(
    int r,
    double alpha,
    boolean rsLora,
    double dropout,
    List<String> targetModules,
    LoraInit init,
    boolean fanInFanOut) {

  public LoraConfig {
    require(r >= 1, "r", r, "at least 1");
    require(alpha > 0 && Double.isFinite(alpha), "alpha", alpha, "above 0");
    require(dropout >= 0 && dropout < 1, "dropout", dropout, "in [0, 1)");
    targetModules = List.copyOf(targetModules);
  }

  private static void require(boolean condition, String name, double value, String allowed) {
    if (!condition) {
      throw new IllegalArgumentException(
          "%s must be %s, was %s".formatted(name, allowed, number(value)));
    }
  }

  static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  /** PiSSA with its defaults: alpha = r, no dropout, exact decomposition. */
  public static LoraConfig pissa(int r, String... targetModules) {
    return new LoraConfig(r, r, false, 0, List.of(targetModules), LoraInit.PISSA, false);
  }

  /** LoRA with PiSSA's scaling, alpha = r. */
  public static LoraConfig lora(int r, String... targetModules) {
    return new LoraConfig(r, r, false, 0, List.of(targetModules), LoraInit.KAIMING, false);
  }

  public LoraConfig withInit(LoraInit value) {
    return new LoraConfig(r, alpha, rsLora, dropout, targetModules, value, fanInFanOut);
  }

  /** The factor s of the product {@code s B A}. */
  public double scaling() {
    return scaling(alpha, r, rsLora);
  }

  static double scaling(double alpha, long r, boolean rsLora) {
    return alpha / (rsLora ? Math.sqrt(r) : r);
  }
}
