package org.tikhon.lab.claim.optimize;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.optimize.DenseMeasurements;
import org.tikhon.optimize.SignRip;
import org.tikhon.optimize.StepRule;
import org.tikhon.optimize.SubGm;
import org.tikhon.optimize.SubGmConfig;
import org.tikhon.optimize.SubGmResult;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Recovery of V V' from Gaussian measurements, a part of them with errors ten times as large, or
 * all with noise: the true rank against no rank at all, a small start against a large one, and
 * against the squared loss on the same factors.
 *
 * <p>Errors are those of the last iterate. The squared loss is given the best of seven step lengths
 * and, judged by the truth, the best iterate of its run.
 */
public final class SubGmClaim implements Claim {
  private static final double SMALL = 1e-6;
  private static final double LARGE = 1e-1;
  private static final double[] SQUARED_STEPS = {0.3, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001};

  private static final String KNOWN_RANK = "true rank, small start";
  private static final String ANY_RANK = "any rank, small start";
  private static final String LARGE_START = "any rank, large start";
  private static final String SQUARED = "squared loss, best iterate";

  /**
   * One row of the experiment.
   *
   * @param outliers the part of the measurements with errors 10 N(0, 1)
   * @param noise the standard deviation of the noise on all of them
   * @param squared whether the squared loss is run too
   */
  private record Row(
      String name, int d, int rank, int m, double outliers, double noise, boolean squared) {}

  private static final Row FIRST = new Row("d 20, m 600, 10 % outliers", 20, 3, 600, 0.1, 0, true);
  private static final Row FEW = new Row("d 30, m 400, 10 % outliers", 30, 2, 400, 0.1, 0, false);
  private static final Row MANY = new Row("d 30, m 600, 40 % outliers", 30, 2, 600, 0.4, 0, false);
  private static final Row NOISE = new Row("d 20, m 600, noise 0.5", 20, 3, 600, 0, 0.5, true);

  @Override
  public Class<?> system() {
    return SubGm.class;
  }

  @Override
  public String statement() {
    return "From a small start, sub-gradients of the absolute loss recover a low-rank matrix in spite of gross errors,"
        + " without knowing its rank, and are not misled by noise";
  }

  @Override
  public String bar() {
    return "relative error of the last iterate with r' = d, alpha = 1e-6, means over seeds: d 20, m 600, 10 % outliers: <= 1e-4,"
        + " >= 100x below alpha = 0.1, >= 1000x below the squared loss; d 30, m 400, 10 %: <= 5e-3; d 30, m 600, 40 %: <= 1e-2;"
        + " Gaussian noise: within 2 % of r' = r, alpha = 0.1 at least 1.3x worse";
  }

  @Override
  public ClaimResult run(ClaimContext context) {
    int seeds =
        context.seedsOr(context.mode() == Mode.QUICK ? 1 : context.mode() == Mode.FULL ? 10 : 3);
    List<Measurement> measured = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (Row row : List.of(FIRST, FEW, MANY, NOISE)) {
      for (int seed = 0; seed < seeds; seed++) {
        try (Scope scope = Scope.open()) {
          run(row, seed, context, measured);
        }
      }
    }
    List<Check> checks = new ArrayList<>();
    double any = mean(measured, FIRST, ANY_RANK);
    checks.add(atMost(FIRST, any, 1e-4));
    checks.add(factor(FIRST, any, LARGE_START, mean(measured, FIRST, LARGE_START), 100));
    checks.add(factor(FIRST, any, SQUARED, mean(measured, FIRST, SQUARED), 1000));
    checks.add(atMost(FEW, mean(measured, FEW, ANY_RANK), 5e-3));
    checks.add(atMost(MANY, mean(measured, MANY, ANY_RANK), 1e-2));
    double noisy = mean(measured, NOISE, ANY_RANK);
    double known = mean(measured, NOISE, KNOWN_RANK);
    checks.add(
        new Check(
            NOISE.name() + ": any rank within 2 % of the true rank",
            Check.against(noisy, known, 4),
            Math.abs(noisy / known - 1) <= 0.02));
    checks.add(factor(NOISE, noisy, LARGE_START, mean(measured, NOISE, LARGE_START), 1.3));
    notes.add(
        String.format(
            Locale.ROOT,
            "with Gaussian noise the squared loss is better, if its iterate is chosen by the truth: %.4f against %.4f",
            mean(measured, NOISE, SQUARED),
            noisy));
    if (context.mode() == Mode.QUICK) {
      notes.add("quick: " + seeds + " seed instead of 3");
    }
    return new ClaimResult(measured, checks, notes);
  }

  private static void run(Row row, long seed, ClaimContext context, List<Measurement> measured) {
    Rng rng = new Rng(seed);
    DenseMeasurements a =
        DenseMeasurements.of(rng.normal(Dtype.FLOAT64, row.m(), row.d(), row.d()));
    Tensor v = Linalg.qr(rng.normal(Dtype.FLOAT64, row.d(), row.rank())).q();
    Tensor truth = v.matmul(v.t());
    Tensor wrong = rng.uniform(Dtype.FLOAT64, row.m()).lt(row.outliers()).to(Dtype.FLOAT64).mul(10);
    Tensor errors =
        rng.normal(Dtype.FLOAT64, row.m())
            .mul(wrong)
            .addScaled(rng.normal(Dtype.FLOAT64, row.m()), row.noise());
    Tensor y = a.apply(truth).add(errors);
    SignRip rip = SignRip.estimate(a, errors, row.rank(), 20, rng);
    measured.add(new Measurement(row.name() + "/Sign-RIP delta", seed, rip.delta(), ""));
    StringBuilder line =
        new StringBuilder(
            String.format(
                Locale.ROOT, "%s, seed %d: Sign-RIP delta %.2f", row.name(), seed, rip.delta()));
    SubGmConfig anyRank = SubGmConfig.of(row.d());
    arm(
        row,
        KNOWN_RANK,
        SubGmConfig.of(row.rank()).withAlpha(SMALL),
        a,
        y,
        truth,
        seed,
        measured,
        line);
    arm(row, ANY_RANK, anyRank.withAlpha(SMALL), a, y, truth, seed, measured, line);
    arm(row, LARGE_START, anyRank.withAlpha(LARGE), a, y, truth, seed, measured, line);
    if (row.squared()) {
      double best =
          Math.min(squared(SubGmConfig.of(row.rank()), a, y, truth), squared(anyRank, a, y, truth));
      record(row, SQUARED, best, seed, measured, line);
    }
    context.log().accept(line.toString());
  }

  private static void arm(
      Row row,
      String name,
      SubGmConfig config,
      DenseMeasurements a,
      Tensor y,
      Tensor truth,
      long seed,
      List<Measurement> measured,
      StringBuilder line) {
    SubGmResult result = new SubGm(a, y, config).run();
    record(row, name, error(result.u(), truth), seed, measured, line);
    measured.add(
        new Measurement(
            row.name() + ", " + name + "/estimated rank", seed, result.estimatedRank(), ""));
  }

  private static void record(
      Row row,
      String name,
      double error,
      long seed,
      List<Measurement> measured,
      StringBuilder line) {
    measured.add(new Measurement(arm(row, name), seed, error, ""));
    line.append(String.format(Locale.ROOT, "; %s %.2e", name, error));
  }

  /** The smallest error of all iterates with all steps, for one search rank. */
  private static double squared(SubGmConfig config, DenseMeasurements a, Tensor y, Tensor truth) {
    double[] best = {Double.POSITIVE_INFINITY};
    for (double eta : SQUARED_STEPS) {
      SubGmConfig setting = config.withLoss(SubGm.Loss.L2).withStep(new StepRule.Constant(eta, 0));
      new SubGm(a, y, setting)
          .run(
              (t, u) -> {
                double error = error(u, truth);
                // An error that is not a number belongs to a run that diverges.
                best[0] = error < best[0] ? error : best[0];
              });
    }
    return best[0];
  }

  private static double error(Tensor u, Tensor truth) {
    try (Scope scope = Scope.open()) {
      return u.matmul(u.t()).sub(truth).norm().item() / truth.norm().item();
    }
  }

  private static String arm(Row row, String name) {
    return row.name() + ", " + name + "/relative error";
  }

  private static double mean(List<Measurement> measured, Row row, String name) {
    return Measurement.mean(measured, arm(row, name));
  }

  private static Check atMost(Row row, double error, double bar) {
    return new Check(
        String.format(Locale.ROOT, "%s, %s: <= %.0e", row.name(), ANY_RANK, bar),
        String.format(Locale.ROOT, "%.2e", error),
        error <= bar);
  }

  private static Check factor(Row row, double error, String other, double theirs, double times) {
    return new Check(
        String.format(Locale.ROOT, "%s: %s >= %.1fx worse", row.name(), other, times),
        String.format(Locale.ROOT, "%.2e against %.2e", theirs, error),
        theirs >= times * error);
  }
}
