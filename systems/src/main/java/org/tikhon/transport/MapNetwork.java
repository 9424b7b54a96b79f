package org.tikhon.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tikhon.data.DataException;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Special;
import org.tikhon.tensor.Tensor;

/**
 * A perceptron with GELU that maps {@code [n, d]} to {@code [n, d]}, as {@link Kind} says:
 *
 * <pre>
 * PLAIN      T(x) = m + s f(z)
 * RESIDUAL   T(x) = x + s f(z)
 * POTENTIAL  T(x) = x + s grad phi(z), the gradient of a function
 * </pre>
 *
 * with {@code z = (x - m0) / s0}. The shifts and scales are 0 and 1 unless {@link #standardize}
 * takes them from data: the network then sees numbers of size 1 in any units.
 *
 * <p>Default of the authors' tutorial: hidden layers of 32, 64, 32.
 */
public final class MapNetwork extends Module {
  /** How the perceptron makes a map. */
  public enum Kind {
    /** The perceptron's output. */
    PLAIN,
    /** The perceptron's output is added to the point. */
    RESIDUAL,
    /** The gradient of the perceptron's one output is added to the point. */
    POTENTIAL
  }

  /**
   * What a network is made from.
   *
   * @param dimension d, at least 1
   * @param hidden the sizes of the hidden layers, at least one
   * @param sphere whether outputs are divided by their length
   */
  public record Spec(Kind kind, int dimension, List<Integer> hidden, boolean sphere) {
    private static final List<Integer> HIDDEN = List.of(32, 64, 32);

    public Spec {
      hidden = List.copyOf(hidden);
      if (dimension < 1) {
        throw new IllegalArgumentException("dimension must be at least 1, was " + dimension);
      }
      if (hidden.isEmpty() || hidden.stream().anyMatch(h -> h < 1)) {
        throw new IllegalArgumentException(
            "hidden must be at least one size of at least 1, was " + hidden);
      }
    }

    /** With hidden layers of 32, 64, 32, not on the sphere. */
    public static Spec of(Kind kind, int dimension) {
      return new Spec(kind, dimension, HIDDEN, false);
    }

    /** The settings as short texts, to be saved beside the weights. */
    Map<String, String> notes() {
      Map<String, String> notes = new LinkedHashMap<>();
      notes.put("kind", kind.name());
      notes.put("dimension", Integer.toString(dimension));
      notes.put("hidden", String.join(",", hidden.stream().map(String::valueOf).toList()));
      notes.put("sphere", Boolean.toString(sphere));
      return notes;
    }

    /** The inverse of {@link #notes}. */
    static Spec of(Map<String, String> notes) {
      try {
        return new Spec(
            Kind.valueOf(notes.get("kind")),
            Integer.parseInt(notes.get("dimension")),
            Arrays.stream(notes.get("hidden").split(",")).map(Integer::valueOf).toList(),
            Boolean.parseBoolean(notes.get("sphere")));
      } catch (IllegalArgumentException | NullPointerException e) {
        throw new DataException("the map's network is not described as expected: " + notes, e);
      }
    }
  }

  private final Spec spec;
  private final List<Linear> hidden = new ArrayList<>();
  private final Linear last;
  private final Parameter inputShift;
  private final Parameter inputScale;
  private final Parameter outputShift;
  private final Parameter outputScale;

  public MapNetwork(Spec spec, Rng rng) {
    this.spec = spec;
    int in = spec.dimension();
    for (int size : spec.hidden()) {
      hidden.add(child("hidden" + hidden.size(), new Linear(in, size, rng)));
      in = size;
    }
    boolean potential = spec.kind() == Kind.POTENTIAL;
    // A constant has no gradient.
    last = child("last", new Linear(in, potential ? 1 : spec.dimension(), !potential, rng));
    inputShift = buffer("inputShift", Tensor.zeros(spec.dimension()));
    inputScale = buffer("inputScale", Tensor.ones(1));
    outputShift = buffer("outputShift", Tensor.zeros(spec.dimension()));
    outputScale = buffer("outputScale", Tensor.ones(1));
  }

  public Spec spec() {
    return spec;
  }

  /**
   * Takes shifts and scales from clouds: their means, and one standard deviation for all
   * coordinates, so that directions stay. Nothing is done on the sphere.
   *
   * @return this
   */
  public MapNetwork standardize(Tensor source, Tensor target) {
    if (!spec.sphere()) {
      standardize(source, inputShift, inputScale);
      standardize(target, outputShift, outputScale);
    }
    return this;
  }

  private static void standardize(Tensor points, Parameter shift, Parameter scale) {
    Tensor mean = points.detach().mean(0);
    double deviation =
        Math.sqrt(points.detach().sub(mean).square().mean().to(Dtype.FLOAT64).item());
    shift.value().copy_(mean);
    scale.value().fill_(deviation > 0 ? deviation : 1);
  }

  @Override
  public Tensor forward(Tensor x) {
    if (x.dim() != 2 || x.size(1) != spec.dimension()) {
      throw new IllegalArgumentException(
          "x must have shape [n, %d], has %s"
              .formatted(spec.dimension(), Arrays.toString(x.shape())));
    }
    Tensor z = x.sub(inputShift.value()).div(inputScale.value());
    Tensor y =
        switch (spec.kind()) {
          case PLAIN -> perceptron(z).mul(outputScale.value()).add(outputShift.value());
          case RESIDUAL -> x.add(perceptron(z).mul(outputScale.value()));
          case POTENTIAL -> x.add(potentialGradient(z).mul(outputScale.value()));
        };
    return spec.sphere() ? Functional.normalize(y, -1) : y;
  }

  private Tensor perceptron(Tensor z) {
    Tensor features = z;
    for (Linear layer : hidden) {
      features = Functional.gelu(layer.forward(features));
    }
    return last.forward(features);
  }

  /**
   * The gradient of the perceptron's output with respect to z, layer by layer backwards: works
   * where nothing is recorded, and costs less than differentiation would.
   */
  private Tensor potentialGradient(Tensor z) {
    List<Tensor> slopes = new ArrayList<>();
    Tensor features = z;
    for (Linear layer : hidden) {
      Tensor a = layer.forward(features);
      slopes.add(geluSlope(a));
      features = Functional.gelu(a);
    }
    Tensor gradient = last.weight();
    for (int k = hidden.size() - 1; k >= 0; k--) {
      gradient = gradient.mul(slopes.get(k)).matmul(hidden.get(k).weight());
    }
    return gradient;
  }

  /** {@code Phi(a) + a Phi'(a)}, the derivative of {@code a Phi(a)}. */
  private static Tensor geluSlope(Tensor a) {
    Tensor density = a.square().div(-2).exp().div(Math.sqrt(2 * Math.PI));
    return Special.ndtr(a).add(a.mul(density));
  }
}
