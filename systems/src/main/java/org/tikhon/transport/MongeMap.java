package org.tikhon.transport;

import java.util.List;
import java.util.Objects;
import org.tikhon.nn.Module;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Fits an optimal map between two clouds with settings that do not depend on their units: {@code
 * MongeMap.fit(source, target, cost)}, or with other settings {@code
 * MongeMap.of(cost).form(...).fit(source, target)}. {@link MongeMapEstimator} is the part beneath,
 * for any network, loss and schedule.
 *
 * <p>The fitting loss is the squared Euclidean {@link SinkhornDivergence}; the penalty is the
 * {@link MongeGap} of the cost, or the {@link Conservativity} of a structured map. The weight
 * lambda counts in units of the fit: the gap is multiplied by the mean squared distance from source
 * to target over the mean cost, which is 1 for the squared distance.
 *
 * <p>Defaults: lambda 1 (0.01 for a structured map), a plain perceptron with hidden layers of 64,
 * 64, 64 that standardises its input and output, 2,000 steps of 256 points, Adam with learning rate
 * 2e-3 that falls to 1e-4 along a cosine, seed 0, epsilon of the gap 0.01 of the mean cost, solver
 * tolerance 1e-3. For the geodesic costs points must lie on the unit sphere, and images do.
 */
public final class MongeMap {
  /** The form of the map. */
  public enum Form {
    /** A perceptron. */
    PLAIN,
    /** A point and a perceptron's output. */
    RESIDUAL,
    /** The gradient of a potential: for squared distances. */
    POTENTIAL,
    /** {@link StructuredMap}: for strictly convex costs of the difference. */
    STRUCTURED
  }

  private static final double LAST_RATE = 0.05;
  private static final int PROBES = 1;
  private static final double STRUCTURED_LAMBDA = 0.01;

  /** How far from 1 the length of a point on the sphere may be. */
  private static final double SPHERE_TOLERANCE = 1e-3;

  private final GroundCost cost;
  private Form form = Form.PLAIN;

  /** NaN: the form's default. */
  private double lambda = Double.NaN;

  private int iterations = 2000;
  private int batch = 256;
  private double learningRate = 2e-3;
  private List<Integer> hidden = List.of(64, 64, 64);
  private Epsilon epsilon = Epsilon.relativeMean(0.01);
  private SampleTransport.Stopping stopping = SampleTransport.Stopping.ROUGH;
  private long seed;
  private int validateEvery;
  private MongeMapEstimator.Validation validation;

  private MongeMap(GroundCost cost) {
    this.cost = Objects.requireNonNull(cost, "cost");
  }

  /** Settings for a cost. */
  public static MongeMap of(GroundCost cost) {
    return new MongeMap(cost);
  }

  /**
   * Fits a map with the defaults.
   *
   * @param source {@code [n, d]}, at least 2 points
   * @param target {@code [m, d]}, at least 2 points
   */
  public static TransportMap fit(Tensor source, Tensor target, GroundCost cost) {
    return of(cost).fit(source, target);
  }

  /** As {@link #fit(Tensor, Tensor, GroundCost)}. */
  public static TransportMap fit(double[][] source, double[][] target, GroundCost cost) {
    return of(cost).fit(source, target);
  }

  /** The form of the map; a structured one needs a {@link ConvexCost}. */
  public MongeMap form(Form value) {
    if (value == Form.STRUCTURED && !(cost instanceof ConvexCost)) {
      throw new IllegalArgumentException(
          "a structured map needs a strictly convex cost of the difference, was " + cost.name());
    }
    this.form = value;
    return this;
  }

  /** The weight of the penalty, 0 or more, in units of the fit. */
  public MongeMap lambda(double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException("lambda must be 0 or more and finite, was " + value);
    }
    this.lambda = value;
    return this;
  }

  /** The number of steps, at least 1. */
  public MongeMap iterations(int value) {
    if (value < 1) {
      throw new IllegalArgumentException("iterations must be at least 1, was " + value);
    }
    this.iterations = value;
    return this;
  }

  /** The points of each cloud in a step, at least 2. */
  public MongeMap batch(int value) {
    if (value < 2) {
      throw new IllegalArgumentException("batch must be at least 2, was " + value);
    }
    this.batch = value;
    return this;
  }

  /** The first learning rate, 0 or more. */
  public MongeMap learningRate(double value) {
    this.learningRate = value;
    return this;
  }

  /** The sizes of the hidden layers. */
  public MongeMap hidden(List<Integer> sizes) {
    this.hidden = List.copyOf(sizes);
    return this;
  }

  /** The regularisation of the gap. */
  public MongeMap epsilon(Epsilon value) {
    this.epsilon = value;
    return this;
  }

  /** When the solvers stop; see {@link MongeGap#stopping}. */
  public MongeMap stopping(double tolerance, int maxSweeps) {
    this.stopping = new SampleTransport.Stopping(tolerance, maxSweeps);
    return this;
  }

  /** The seed of the weights and batches. */
  public MongeMap seed(long value) {
    this.seed = value;
    return this;
  }

  /** Calls after every so many steps. */
  public MongeMap validate(int every, MongeMapEstimator.Validation call) {
    this.validateEvery = every;
    this.validation = call;
    return this;
  }

  /** The gap that is the penalty, and that reports on the map. */
  public MongeGap gap() {
    return MongeGap.of(cost).epsilon(epsilon).stopping(stopping.tolerance(), stopping.maxSweeps());
  }

  /** The fitting loss. */
  public SinkhornDivergence divergence() {
    return SinkhornDivergence.squaredEuclidean()
        .stopping(stopping.tolerance(), stopping.maxSweeps());
  }

  /** Fits a map; see {@link #fit(Tensor, Tensor, GroundCost)}. */
  public TransportMap fit(double[][] source, double[][] target) {
    try (Scope scope = Scope.open()) {
      return fit(Tensor.of(source), Tensor.of(target));
    }
  }

  /** Fits a map; see {@link #fit(Tensor, Tensor, GroundCost)}. */
  public TransportMap fit(Tensor source, Tensor target) {
    SampleTransport.checkPoints("source", source, 2);
    SampleTransport.checkPoints("target", target, 2);
    // The network and the fit need equal dimensions, whatever the cost takes.
    SampleTransport.checkDimensions(
        GroundCost.squaredEuclidean(), "source", source, "target", target);
    boolean sphere = isOnSphere(cost);
    if (sphere) {
      checkSphere("source", source, cost);
      checkSphere("target", target, cost);
    }
    try (Scope scope = Scope.open()) {
      Tensor x = source.detach().to(Dtype.FLOAT32);
      Tensor y = target.detach().to(Dtype.FLOAT32);
      Rng rng = new Rng(seed);
      return form == Form.STRUCTURED ? structured(x, y, rng) : free(x, y, sphere, rng);
    }
  }

  /** A network of any form, with the gap. */
  private TransportMap free(Tensor x, Tensor y, boolean sphere, Rng rng) {
    MapNetwork.Kind kind = MapNetwork.Kind.valueOf(form.name());
    MapNetwork network = network(kind, x, sphere, rng).standardize(x, y);
    Pairs pairs = Pairs.of(cost, x, y, batch, rng);
    double weight = (Double.isNaN(lambda) ? 1 : lambda) * pairs.squaredDistance / pairs.cost;
    return estimator(network, gap(), weight).fit(x, y);
  }

  /** A field that begins near {@code grad h(x - y)} in mean and size. */
  private TransportMap structured(Tensor x, Tensor y, Rng rng) {
    ConvexCost h = (ConvexCost) cost;
    int n = (int) Math.min(x.size(0), y.size(0));
    Tensor moves = Sampler.of(x).draw(n, rng).sub(Sampler.of(y).draw(n, rng));
    MapNetwork field =
        network(MapNetwork.Kind.PLAIN, x, false, rng).standardize(x, h.gradient(moves));
    Pairs pairs = Pairs.of(cost, x, y, batch, rng);
    double slope = pairs.cost / pairs.squaredDistance;
    double weight =
        (Double.isNaN(lambda) ? STRUCTURED_LAMBDA : lambda)
            * pairs.squaredDistance
            / (slope * slope);
    Conservativity penalty = new Conservativity(field, PROBES, rng.split());
    return estimator(StructuredMap.of(h, field), penalty, weight).fit(x, y);
  }

  private MapNetwork network(MapNetwork.Kind kind, Tensor x, boolean sphere, Rng rng) {
    return new MapNetwork(
        new MapNetwork.Spec(kind, Math.toIntExact(x.size(1)), hidden, sphere), rng);
  }

  private MongeMapEstimator estimator(Module network, MapPenalty penalty, double weight) {
    MongeMapEstimator estimator =
        new MongeMapEstimator(network, divergence().staticTarget(true), penalty, weight)
            .optimizer(parameters -> new Adam(parameters, learningRate))
            .schedule(Schedule.cosine(iterations, LAST_RATE))
            .iterations(iterations)
            .batch(batch)
            .seed(seed);
    return validation == null ? estimator : estimator.validate(validateEvery, validation);
  }

  /** Mean squared distance and mean absolute cost from source to target, neither 0. */
  private record Pairs(double squaredDistance, double cost) {
    static Pairs of(GroundCost cost, Tensor source, Tensor target, int batch, Rng rng) {
      Tensor x = Sampler.of(source).draw(batch, rng);
      Tensor y = Sampler.of(target).draw(batch, rng);
      return new Pairs(
          Math.max(Epsilon.FLOOR, GroundCost.squaredEuclidean().pairwise(x, y).mean().item()),
          Math.max(Epsilon.FLOOR, cost.pairwise(x, y).abs().mean().item()));
    }
  }

  private static boolean isOnSphere(GroundCost cost) {
    return cost.name().equals(GroundCost.geodesic().name())
        || cost.name().equals(GroundCost.squaredGeodesic().name());
  }

  private static void checkSphere(String name, Tensor points, GroundCost cost) {
    try (Scope scope = Scope.open()) {
      double[] lengths = points.detach().norm(2, 1).toDoubleArray();
      for (int i = 0; i < lengths.length; i++) {
        if (!(Math.abs(lengths[i] - 1) <= SPHERE_TOLERANCE)) {
          throw new IllegalArgumentException(
              "%s[%d] must lie on the unit sphere for the cost %s, has length %s"
                  .formatted(name, i, cost.name(), lengths[i]));
        }
      }
    }
  }
}
