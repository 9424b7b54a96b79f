package org.tikhon.adapt;

import java.util.Objects;
import java.util.function.Predicate;

/**
 * How weights are companded.
 *
 * @param f the function; {@link Compander#ARCTAN} is the paper's
 * @param mode what the scale a means
 * @param a the scale: absolute with {@link Scale#FIXED}, otherwise in units of the standard
 *     deviation of the layer's weights when the compander is attached; above 0
 * @param slope the slope at zero, above 0; 1 keeps the learning rate near zero, otherwise the
 *     effective rate there is slope^2 times the rate
 * @param biases whether biases of the companded layers are companded too
 * @param layers which modules, by their dotted path
 * @param strict whether weights beyond 0.95 of the bound are an error instead of being clipped
 */
public record WeightCompanderConfig(
    Compander f,
    Scale mode,
    double a,
    double slope,
    boolean biases,
    Predicate<String> layers,
    boolean strict) {
  /** What the scale a means. */
  public enum Scale {
    /** The same a and b for all layers. */
    FIXED,
    /** For each layer a times the standard deviation of its weights. */
    RELATIVE_TO_INIT,
    /** Starts like {@link #RELATIVE_TO_INIT}; then a and b of each layer are trained. */
    LEARNED
  }

  /** Mild: arctan, a = 3 standard deviations, slope 1. */
  public static final WeightCompanderConfig MILD = relative(3, 1);

  /** Strong: arctan, a = 2 standard deviations, slope 1.5. */
  public static final WeightCompanderConfig STRONG = relative(2, 1.5);

  public WeightCompanderConfig {
    Objects.requireNonNull(f, "f");
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(layers, "layers");
    checkPositive("a", a);
    checkPositive("slope", slope);
  }

  private static void checkPositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, was " + value);
    }
  }

  /** Arctan in all layers, relative to the layers' weights, without biases. */
  public static WeightCompanderConfig relative(double a, double slope) {
    return new WeightCompanderConfig(
        Compander.ARCTAN, Scale.RELATIVE_TO_INIT, a, slope, false, path -> true, false);
  }

  public WeightCompanderConfig withCompander(Compander value) {
    return new WeightCompanderConfig(value, mode, a, slope, biases, layers, strict);
  }

  public WeightCompanderConfig withMode(Scale value) {
    return new WeightCompanderConfig(f, value, a, slope, biases, layers, strict);
  }

  public WeightCompanderConfig withBiases() {
    return new WeightCompanderConfig(f, mode, a, slope, true, layers, strict);
  }

  public WeightCompanderConfig withLayers(Predicate<String> value) {
    return new WeightCompanderConfig(f, mode, a, slope, biases, value, strict);
  }

  public WeightCompanderConfig withStrict() {
    return new WeightCompanderConfig(f, mode, a, slope, biases, layers, true);
  }
}
