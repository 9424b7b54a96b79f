package org.tikhon.lab.claim.transport;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.transport.Costs;
import org.tikhon.transport.ExactTransport;
import org.tikhon.transport.RoutingPlan;
import org.tikhon.transport.Sinkhorn;
import org.tikhon.transport.SparseOt;
import org.tikhon.transport.SparseOtRouter;
import org.tikhon.transport.SparseOtSolution;
import org.tikhon.transport.TransportProblem;

/**
 * Plans with few entries per column between unregularised and quadratic transport, and the routing
 * of tokens to experts beside greedy, expert-choice and Sinkhorn routers of the same capacity.
 */
public final class SparseOtClaim implements Claim {
  private static final int POINTS = 64;
  private static final double GAMMA = 2;
  private static final int[] ENTRIES = {2, 4, 8, 16, 64};

  private static final int TOKENS = 256;
  private static final int EXPERTS = 16;
  private static final int CAPACITY = TOKENS / EXPERTS;
  private static final double ROUTER_GAMMA = 0.1;
  private static final double SINKHORN_EPSILON = 0.05;

  @Override
  public Class<?> system() {
    return SparseOt.class;
  }

  @Override
  public String statement() {
    return "the plan has at most k entries per column, from unregularised (k = 1) to quadratic"
        + " transport, easier to solve the larger k is; as a router it drops fewer tokens than"
        + " greedy and Sinkhorn routers of the same capacity";
  }

  @Override
  public String bar() {
    return "(a) 64 points to 64, gamma 2: no column above k; k = 16 and 64 agree with quadratic"
        + " transport to 1e-7; iterations at k = 16 at least 5 times fewer than at k = 4;"
        + " (b) 256 tokens, 16 experts, capacity 16: 50 iterations leave at most 1/5 of TopK's and 1/2"
        + " of Sinkhorn's tokens without an expert, capture >= 98 % of the linear assignment's score,"
        + " no expert above 16 tokens; means over seeds";
  }

  @Override
  public ClaimResult run(ClaimContext context) {
    int seeds = context.seedsOr(context.mode() == Mode.QUICK ? 2 : 5);
    List<Measurement> measurements = new ArrayList<>();
    List<Check> checks = new ArrayList<>();
    interpolation(seeds, context, measurements, checks);
    routing(seeds, context, measurements, checks);
    return new ClaimResult(
        measurements,
        checks,
        List.of(
            "(a) L-BFGS may take 5,000 iterations; where scores are tied it goes on to this limit,"
                + " because the gradient does not vanish at a kink",
            "tokens are served in the order of the batch where a router has no order of its own",
            "Sinkhorn's router: epsilon 0.05, solved to 1e-9, each token to the expert of its"
                + " largest entry"));
  }

  private static TransportProblem clouds(long seed) {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(seed);
      double[][] x = rng.normal(Dtype.FLOAT64, POINTS, 2).toDoubleRows();
      double[][] y = rng.normal(Dtype.FLOAT64, POINTS, 2).add(2).toDoubleRows();
      double[][] cost = Costs.squaredEuclidean(x, y);
      double max = Arrays.stream(cost).flatMapToDouble(Arrays::stream).max().orElseThrow();
      for (double[] row : cost) {
        Arrays.setAll(row, j -> row[j] / max);
      }
      double[] weights = new double[POINTS];
      Arrays.fill(weights, 1.0 / POINTS);
      return TransportProblem.of(cost, weights, weights);
    }
  }

  private static void interpolation(
      int seeds, ClaimContext context, List<Measurement> measurements, List<Check> checks) {
    boolean within = true;
    double apart = 0;
    double[] four = new double[seeds];
    double[] sixteen = new double[seeds];
    for (int seed = 0; seed < seeds; seed++) {
      TransportProblem problem = clouds(seed);
      Lbfgs.Options options = new Lbfgs.Options(10, 5000, 1e-9);
      double quadratic =
          SparseOt.quadratic().gamma(GAMMA).options(options).solveSemiDual(problem).value();
      for (int k : ENTRIES) {
        SparseOtSolution s =
            SparseOt.columns(k).gamma(GAMMA).options(options).solveSemiDual(problem);
        int largest = largestColumn(s);
        within &= largest <= k;
        if (k >= 16) {
          apart = Math.max(apart, Math.abs(s.value() - quadratic));
        }
        four[seed] = k == 4 ? s.iterations() : four[seed];
        sixteen[seed] = k == 16 ? s.iterations() : sixteen[seed];
        String name = "(a) k = %d/".formatted(k);
        measurements.add(
            new Measurement(name + "entries of the fullest column", seed, largest, ""));
        measurements.add(new Measurement(name + "value", seed, s.value(), ""));
        measurements.add(new Measurement(name + "iterations", seed, s.iterations(), ""));
        measurements.add(new Measurement(name + "row residual", seed, s.rowResidual(), ""));
        context
            .log()
            .accept(
                String.format(
                    Locale.ROOT,
                    "(a) seed %d, k = %d: value %.7f (quadratic %.7f), %d iterations, row residual"
                        + " %.1e, %s",
                    seed,
                    k,
                    s.value(),
                    quadratic,
                    s.iterations(),
                    s.rowResidual(),
                    s.tied() ? "tied" : "not tied"));
      }
    }
    checks.add(
        new Check("(a) no column has more than k entries", within ? "none" : "some", within));
    checks.add(
        new Check(
            "(a) k = 16 and 64 agree with quadratic transport to 1e-7",
            String.format(Locale.ROOT, "%.1e apart", apart),
            apart <= 1e-7));
    double ratio = mean(four) / mean(sixteen);
    checks.add(
        new Check(
            "(a) at k = 16 at least 5 times fewer iterations than at k = 4",
            String.format(
                Locale.ROOT, "%.0f against %.0f, %.1fx", mean(sixteen), mean(four), ratio),
            ratio >= 5));
  }

  private static int largestColumn(SparseOtSolution s) {
    int[] entries = new int[s.plan().columns()];
    for (int j : s.plan().column()) {
      entries[j]++;
    }
    return Arrays.stream(entries).max().orElseThrow();
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  /** Who works on which tokens. */
  private record Assignment(boolean[][] pairs) {
    double uncovered() {
      return Arrays.stream(pairs)
              .filter(row -> IntStream.range(0, EXPERTS).noneMatch(j -> row[j]))
              .count()
          / (double) TOKENS;
    }

    double captured(double[][] scores) {
      double sum = 0;
      for (int i = 0; i < TOKENS; i++) {
        for (int j = 0; j < EXPERTS; j++) {
          sum += pairs[i][j] ? scores[i][j] : 0;
        }
      }
      return sum / TOKENS;
    }

    int largestLoad() {
      return IntStream.range(0, EXPERTS)
          .map(j -> (int) Arrays.stream(pairs).filter(row -> row[j]).count())
          .max()
          .orElseThrow();
    }
  }

  private static void routing(
      int seeds, ClaimContext context, List<Measurement> measurements, List<Check> checks) {
    String[] names = {
      "TopK with capacity", "expert choice", "Sinkhorn, top-1 with capacity",
      "sparse OT, 10 iterations", "sparse OT, 50 iterations", "linear assignment"
    };
    double[][] uncovered = new double[names.length][seeds];
    double[][] captured = new double[names.length][seeds];
    int largest = 0;
    for (int seed = 0; seed < seeds; seed++) {
      try (Scope scope = Scope.open()) {
        Tensor gate = gate(seed);
        double[][] scores = gate.toDoubleRows();
        Assignment[] routers = {
          greedy(scores),
          expertChoice(scores),
          greedy(sinkhorn(scores)),
          sparse(gate, 10),
          sparse(gate, 50),
          linear(scores)
        };
        largest = Math.max(largest, Math.max(routers[3].largestLoad(), routers[4].largestLoad()));
        for (int r = 0; r < routers.length; r++) {
          uncovered[r][seed] = routers[r].uncovered();
          captured[r][seed] = routers[r].captured(scores);
          String name = "(b) " + names[r] + "/";
          measurements.add(
              new Measurement(
                  name + "tokens without an expert", seed, 100 * uncovered[r][seed], "%"));
          measurements.add(new Measurement(name + "captured score", seed, captured[r][seed], ""));
          context
              .log()
              .accept(
                  String.format(
                      Locale.ROOT,
                      "(b) seed %d, %s: %.1f %% without an expert, captured score %.4f",
                      seed,
                      names[r],
                      100 * uncovered[r][seed],
                      captured[r][seed]));
        }
      }
    }
    double ours = mean(uncovered[4]);
    checks.add(share("(b) tokens without an expert <= 1/5 of TopK's", ours, mean(uncovered[0]), 5));
    checks.add(
        share("(b) tokens without an expert <= 1/2 of Sinkhorn's", ours, mean(uncovered[2]), 2));
    double part = mean(captured[4]) / mean(captured[5]);
    checks.add(
        new Check(
            "(b) captured score >= 98 % of the linear assignment's",
            String.format(Locale.ROOT, "%.1f %%", 100 * part), part >= 0.98));
    checks.add(
        new Check(
            "(b) no expert has more than 16 tokens", "at most " + largest, largest <= CAPACITY));
  }

  private static Check share(String what, double ours, double theirs, double divisor) {
    return new Check(
        what,
        String.format(Locale.ROOT, "%.1f %% against %.1f %%", 100 * ours, 100 * theirs),
        divisor * ours <= theirs);
  }

  /** The gate's scores, some experts better liked than others. */
  private static Tensor gate(long seed) {
    Rng rng = new Rng(seed);
    Tensor tokens = rng.normal(Dtype.FLOAT64, TOKENS, 16);
    Tensor weight = rng.normal(Dtype.FLOAT64, 16, EXPERTS).div(4);
    Tensor bias = rng.normal(Dtype.FLOAT64, EXPERTS).mul(0.75);
    return tokens.matmul(weight).mul(1.5).add(bias).softmax(1);
  }

  /** Each token to the expert that it likes most, if there is room when its turn comes. */
  private static Assignment greedy(double[][] scores) {
    boolean[][] pairs = new boolean[TOKENS][EXPERTS];
    int[] load = new int[EXPERTS];
    for (int i = 0; i < TOKENS; i++) {
      double[] row = scores[i];
      int best =
          IntStream.range(0, EXPERTS)
              .boxed()
              .max(Comparator.comparingDouble(j -> row[j]))
              .orElseThrow();
      if (load[best] < CAPACITY) {
        load[best]++;
        pairs[i][best] = true;
      }
    }
    return new Assignment(pairs);
  }

  /** Each expert takes the tokens that like it most. */
  private static Assignment expertChoice(double[][] scores) {
    boolean[][] pairs = new boolean[TOKENS][EXPERTS];
    for (int j = 0; j < EXPERTS; j++) {
      int expert = j;
      IntStream.range(0, TOKENS)
          .boxed()
          .sorted(Comparator.comparingDouble(i -> -scores[i][expert]))
          .limit(CAPACITY)
          .forEach(i -> pairs[i][expert] = true);
    }
    return new Assignment(pairs);
  }

  private static TransportProblem problem(double[][] scores) {
    double[][] cost =
        Arrays.stream(scores)
            .map(row -> Arrays.stream(row).map(v -> -v).toArray())
            .toArray(double[][]::new);
    double[] one = new double[TOKENS];
    Arrays.fill(one, 1);
    double[] capacity = new double[EXPERTS];
    Arrays.fill(capacity, CAPACITY);
    return TransportProblem.of(cost, one, capacity);
  }

  private static double[][] sinkhorn(double[][] scores) {
    return new Sinkhorn(1 / SINKHORN_EPSILON, Sinkhorn.Mode.LOG).solve(problem(scores)).dense();
  }

  private static Assignment linear(double[][] scores) {
    double[][] plan = new ExactTransport().solve(problem(scores)).dense();
    boolean[][] pairs = new boolean[TOKENS][EXPERTS];
    for (int i = 0; i < TOKENS; i++) {
      for (int j = 0; j < EXPERTS; j++) {
        pairs[i][j] = plan[i][j] > 0.5;
      }
    }
    return new Assignment(pairs);
  }

  private static Assignment sparse(Tensor gate, int iterations) {
    RoutingPlan plan = SparseOtRouter.assign(gate, 1, iterations, ROUTER_GAMMA);
    boolean[][] pairs = new boolean[TOKENS][EXPERTS];
    for (int j = 0; j < EXPERTS; j++) {
      for (int i : plan.tokensOf(j)) {
        pairs[i][j] = true;
      }
    }
    return new Assignment(pairs);
  }
}
