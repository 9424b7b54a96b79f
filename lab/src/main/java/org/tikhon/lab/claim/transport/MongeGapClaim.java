package org.tikhon.lab.claim.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Schedule;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.GroundCost;
import org.tikhon.transport.MapNetwork;
import org.tikhon.transport.MapNetwork.Kind;
import org.tikhon.transport.MongeGap;
import org.tikhon.transport.MongeMapEstimator;
import org.tikhon.transport.Sampler;
import org.tikhon.transport.SinkhornDivergence;
import org.tikhon.transport.TransportMap;

/**
 * A perceptron that only fits a target finds an arbitrary map; with the Monge gap it finds the
 * optimal one: between Gaussians, where that is known, between curves for a distance, and on the
 * sphere. The full claim sets it beside a pair of input-convex networks that trains for as long.
 *
 * <p>Nothing is tuned: the weight of the gap is 1 for the squared distance and 2 for distances, as
 * in the authors' tutorial. The convex pair has the best of three learning rates, by its error from
 * the optimal map on validation points.
 */
public final class MongeGapClaim implements Claim {
  private static final List<Integer> HIDDEN = List.of(64, 64, 64);
  private static final int BATCH = 256;
  private static final double LEARNING_RATE = 2e-3;
  private static final double LAST_RATE = 0.05;
  private static final int TEST_POINTS = 4096;
  private static final int FIT_POINTS = 1024;
  private static final int GAP_POINTS = 512;
  private static final double[] PAIR_RATES = {1e-4, 1e-3, 5e-3};

  @Override
  public Class<?> system() {
    return MongeGap.class;
  }

  @Override
  public String statement() {
    return "With the Monge gap a plain perceptron becomes an optimal map, for any cost, and fits as"
        + " well as without";
  }

  @Override
  public String bar() {
    return "Every seed. (a) Gaussians, unexplained variance: d = 2 below 2 % against above 50 %"
        + " without the gap; d = 8 below 25 % against above 100 %; Sinkhorn divergence at most 20 %"
        + " above that without; (b) half-moon to circle, distance: relative exact gap at most 1/3;"
        + " (c) sphere, geodesic distance: relative exact gap at most 1/3; full: (a) d = 8 at most"
        + " the unexplained variance of a pair of input-convex networks in the same time";
  }

  @Override
  public ClaimResult run(ClaimContext context) {
    Report report = new Report(context);
    int seeds = context.seedsOr(context.mode() == Mode.QUICK ? 1 : 3);
    gaussians(2, 300, 2, 50, seeds, report);
    gaussians(8, 400, 25, 100, seeds, report);
    curves(seeds, report);
    sphere(seeds, report);
    if (context.mode() == Mode.FULL) {
      convexPair(seeds, report);
    } else {
      report.notes.add("the comparison with input-convex networks is part of --full");
    }
    if (context.mode() == Mode.QUICK) {
      report.notes.add("quick: one seed instead of three, no residual networks");
    }
    return new ClaimResult(report.measurements, report.checks, report.notes);
  }

  /** What was measured so far. */
  private static final class Report {
    private final ClaimContext context;
    private final List<Measurement> measurements = new ArrayList<>();
    private final List<Check> checks = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    Report(ClaimContext context) {
      this.context = context;
    }

    void measured(String name, long seed, double value, String unit) {
      measurements.add(new Measurement(name, seed, value, unit));
      context
          .log()
          .accept(String.format(Locale.ROOT, "seed %d, %s %.4g %s", seed, name, value, unit));
    }

    /** What was measured under a name, seed by seed. */
    double[] values(String name) {
      return measurements.stream()
          .filter(m -> m.name().equals(name))
          .mapToDouble(Measurement::value)
          .toArray();
    }

    /** A condition on two arms that each seed must meet. */
    void check(String what, String ours, String theirs, Condition condition) {
      double[] a = values(ours);
      double[] b = values(theirs);
      List<String> measured = new ArrayList<>();
      boolean holds = a.length > 0;
      for (int seed = 0; seed < a.length; seed++) {
        measured.add(String.format(Locale.ROOT, "%.3g against %.3g", a[seed], b[seed]));
        holds &= condition.holds(a[seed], b[seed]);
      }
      checks.add(new Check(what + ", every seed", String.join("; ", measured), holds));
    }

    void unconverged(String arm, long seed, TransportMap map) {
      measured(arm + "/steps without convergence", seed, map.unconvergedSteps(), "steps");
    }
  }

  private interface Condition {
    boolean holds(double ours, double theirs);
  }

  /** An arm of the training: the network and the weight of the gap. */
  private static TransportMap train(
      GroundCost cost,
      MapNetwork.Spec spec,
      double lambda,
      int steps,
      long seed,
      Sampler source,
      Sampler target) {
    MapNetwork network = new MapNetwork(spec, new Rng(100 + seed));
    return new MongeMapEstimator(
            network,
            SinkhornDivergence.squaredEuclidean().staticTarget(true),
            MongeGap.of(cost),
            lambda)
        .optimizer(parameters -> new Adam(parameters, LEARNING_RATE))
        .schedule(Schedule.cosine(steps, LAST_RATE))
        .iterations(steps)
        .batch(BATCH)
        .seed(200 + seed)
        .fit(source, target);
  }

  private static MapNetwork.Spec spec(Kind kind, int dimension, boolean sphere) {
    return new MapNetwork.Spec(kind, dimension, HIDDEN, sphere);
  }

  private static double divergence(TransportMap map, Tensor x, Tensor y) {
    return SinkhornDivergence.squaredEuclidean().apply(map.apply(x), y).item();
  }

  // ---- (a) Gaussians

  /**
   * Two Gaussians with random axes and eigenvalues of the covariance from 0.5 to 2, and the optimal
   * map for the squared distance, {@code T*(x) = A x + m}.
   */
  private record Gaussians(Tensor rootSource, Tensor rootTarget, Tensor a) {
    static Gaussians of(int dimension, long seed) {
      Rng rng = new Rng(seed);
      Tensor source = covariance(dimension, rng);
      Tensor target = covariance(dimension, rng);
      Tensor root = root(source, 0.5);
      Tensor inverse = root(source, -0.5);
      Tensor middle = root(root.matmul(target).matmul(root), 0.5);
      return new Gaussians(
          root.to(Dtype.FLOAT32).escape(),
          root(target, 0.5).to(Dtype.FLOAT32).escape(),
          inverse.matmul(middle).matmul(inverse).to(Dtype.FLOAT32).escape());
    }

    private static Tensor covariance(int dimension, Rng rng) {
      Tensor q = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, dimension, dimension)).q();
      Tensor eigenvalues = Tensor.linspace(0.5, 2, dimension, Dtype.FLOAT64);
      return q.mul(eigenvalues).matmul(q.t());
    }

    /** A power of a symmetric positive definite matrix. */
    private static Tensor root(Tensor matrix, double power) {
      Linalg.Eigen eigen = Linalg.eigh(matrix);
      return eigen.vectors().mul(eigen.values().pow(power)).matmul(eigen.vectors().t());
    }

    Sampler source() {
      return (n, rng) -> rng.normal(n, a.size(0)).matmul(rootSource);
    }

    /** Of mean 1 in each coordinate. */
    Sampler target() {
      return (n, rng) -> rng.normal(n, a.size(0)).matmul(rootTarget).add(1);
    }

    Tensor optimal(Tensor x) {
      return x.matmul(a).add(1);
    }

    double unexplained(Tensor x, Tensor mapped, Tensor y) {
      return TransportMap.unexplainedVariance(mapped, optimal(x), y);
    }
  }

  private static void gaussians(
      int dimension, int steps, double most, double least, int seeds, Report report) {
    // The residual network has no bar: near the identity it has little to regularise.
    List<Kind> kinds =
        report.context.mode() == Mode.QUICK
            ? List.of(Kind.PLAIN)
            : List.of(Kind.PLAIN, Kind.RESIDUAL);
    for (int seed = 0; seed < seeds; seed++) {
      try (Scope scope = Scope.open()) {
        Gaussians problem = Gaussians.of(dimension, seed);
        Rng fresh = new Rng(300 + seed);
        Tensor x = problem.source().draw(TEST_POINTS, fresh);
        Tensor y = problem.target().draw(TEST_POINTS, fresh);
        for (Kind kind : kinds) {
          for (int lambda = 0; lambda <= 1; lambda++) {
            String arm = gaussianArm(dimension, kind, lambda);
            long start = System.nanoTime();
            TransportMap map =
                train(
                    GroundCost.squaredEuclidean(),
                    spec(kind, dimension, false),
                    lambda,
                    steps,
                    seed,
                    problem.source(),
                    problem.target());
            report.measured(arm + "/time", seed, (System.nanoTime() - start) / 1e9, "s");
            report.measured(
                arm + "/unexplained variance", seed, problem.unexplained(x, map.apply(x), y), "%");
            report.measured(
                arm + "/Sinkhorn divergence",
                seed,
                divergence(map, x.slice(0, 0, FIT_POINTS), y.slice(0, 0, FIT_POINTS)),
                "");
            report.unconverged(arm, seed, map);
          }
        }
      }
    }
    String with = gaussianArm(dimension, Kind.PLAIN, 1);
    String without = gaussianArm(dimension, Kind.PLAIN, 0);
    report.check(
        String.format(
            Locale.ROOT,
            "(a) d = %d: unexplained variance below %.0f %% against above %.0f %% without the gap",
            dimension,
            most,
            least),
        with + "/unexplained variance",
        without + "/unexplained variance",
        (ours, theirs) -> ours < most && theirs > least);
    report.check(
        "(a) d = %d: Sinkhorn divergence at most 20 %% above that without the gap"
            .formatted(dimension),
        with + "/Sinkhorn divergence",
        without + "/Sinkhorn divergence",
        (ours, theirs) -> ours <= 1.2 * theirs);
  }

  private static String gaussianArm(int dimension, Kind kind, int lambda) {
    return "(a) d = %d, %s, lambda %d"
        .formatted(dimension, kind.name().toLowerCase(Locale.ROOT), lambda);
  }

  // ---- (b) Curves and (c) the sphere

  private static void curves(int seeds, Report report) {
    Sampler moon = arc(1, Math.PI, 0, 0);
    Sampler circle = arc(1.5, 2 * Math.PI, 1, -2);
    MapNetwork.Spec spec = spec(Kind.PLAIN, 2, false);
    relativeGaps("(b) distance", GroundCost.euclidean(), 2, spec, moon, circle, seeds, report);
    // Beside the bar: the squared distance, for which the card knows 14 % and 0.2 to 4 %.
    relativeGaps(
        "(b) squared distance",
        GroundCost.squaredEuclidean(),
        1,
        spec,
        moon,
        circle,
        seeds,
        report);
    thirdOfTheGap("(b) distance", 2, report);
  }

  /** An arc of a circle from angle 0, with noise of 0.05. */
  private static Sampler arc(double radius, double angle, double x, double y) {
    return (n, rng) -> {
      Tensor t = rng.uniform(n, 1).mul(angle);
      Tensor points = Tensor.cat(List.of(t.cos(), t.sin()), 1).mul(radius);
      return points
          .add(Tensor.of(new float[] {(float) x, (float) y}, 2))
          .add(rng.normal(n, 2).mul(0.05));
    };
  }

  private static void sphere(int seeds, Report report) {
    Sampler source = cap(0, 0, 1);
    Sampler target = cap(1, 0.5, -0.3);
    relativeGaps(
        "(c) geodesic",
        GroundCost.geodesic(),
        2,
        spec(Kind.PLAIN, 3, true),
        source,
        target,
        seeds,
        report);
    thirdOfTheGap("(c) geodesic", 2, report);
  }

  /** Directions about a mean: a Gaussian of deviation 0.4 about it, on the sphere. */
  private static Sampler cap(double x, double y, double z) {
    return (n, rng) -> {
      Tensor mean =
          Functional.normalize(Tensor.of(new float[] {(float) x, (float) y, (float) z}, 3), 0);
      return Functional.normalize(rng.normal(n, 3).mul(0.4).add(mean), -1);
    };
  }

  private static void relativeGaps(
      String problem,
      GroundCost cost,
      int lambda,
      MapNetwork.Spec spec,
      Sampler source,
      Sampler target,
      int seeds,
      Report report) {
    for (int seed = 0; seed < seeds; seed++) {
      for (int weight : new int[] {0, lambda}) {
        try (Scope scope = Scope.open()) {
          String arm = problem + ", lambda " + weight;
          TransportMap map = train(cost, spec, weight, 400, seed, source, target);
          Rng fresh = new Rng(300 + seed);
          Tensor x = source.draw(GAP_POINTS, fresh);
          Tensor y = target.draw(GAP_POINTS, fresh);
          report.measured(
              arm + "/relative exact gap",
              seed,
              100 * MongeGap.relativeExact(cost, x, map.apply(x)),
              "%");
          report.measured(arm + "/Sinkhorn divergence", seed, divergence(map, x, y), "");
          report.unconverged(arm, seed, map);
        }
      }
    }
  }

  private static void thirdOfTheGap(String problem, int lambda, Report report) {
    report.check(
        problem + ": relative exact gap at most 1/3 of that without the gap",
        problem + ", lambda " + lambda + "/relative exact gap",
        problem + ", lambda 0/relative exact gap",
        (ours, theirs) -> 3 * ours <= theirs);
  }

  // ---- The pair of input-convex networks

  private static void convexPair(int seeds, Report report) {
    int dimension = 8;
    double[] validation = new double[PAIR_RATES.length];
    String ours = gaussianArm(dimension, Kind.PLAIN, 1);
    for (int seed = 0; seed < seeds; seed++) {
      double seconds = report.values(ours + "/time")[seed];
      for (int k = 0; k < PAIR_RATES.length; k++) {
        try (Scope scope = Scope.open()) {
          Gaussians problem = Gaussians.of(dimension, seed);
          IcnnPair pair = new IcnnPair(dimension, HIDDEN, PAIR_RATES[k], 100 + seed);
          int steps = pair.train(problem.source(), problem.target(), BATCH, seconds);
          Rng held = new Rng(400 + seed);
          Tensor x = problem.source().draw(TEST_POINTS, held);
          Tensor y = problem.target().draw(TEST_POINTS, held);
          double error = problem.unexplained(x, pair.apply(x), y);
          validation[k] += (Double.isNaN(error) ? Double.POSITIVE_INFINITY : error) / seeds;
          Rng fresh = new Rng(300 + seed);
          Tensor testX = problem.source().draw(TEST_POINTS, fresh);
          Tensor testY = problem.target().draw(TEST_POINTS, fresh);
          String arm = pairArm(k);
          report.measured(arm + "/steps", seed, steps, "steps");
          report.measured(
              arm + "/unexplained variance",
              seed,
              problem.unexplained(testX, pair.apply(testX), testY),
              "%");
        }
      }
    }
    int best = 0;
    for (int k = 1; k < PAIR_RATES.length; k++) {
      best = validation[k] < validation[best] ? k : best;
    }
    report.check(
        "(a) d = 8: unexplained variance at most that of the input-convex pair in the same time",
        ours + "/unexplained variance",
        pairArm(best) + "/unexplained variance",
        (a, b) -> a <= b);
    report.notes.add(
        "input-convex pair: learning rate %s of %s, by validation"
            .formatted(PAIR_RATES[best], Arrays.toString(PAIR_RATES)));
    report.notes.add(
        "the pair begins at the identity with a quadratic of learnt weight, which the paper's does"
            + " not have and which suits Gaussians; the perceptron begins from nothing and has 400"
            + " steps");
  }

  private static String pairArm(int k) {
    return "(a) d = 8, input-convex pair, learning rate " + PAIR_RATES[k];
  }
}
