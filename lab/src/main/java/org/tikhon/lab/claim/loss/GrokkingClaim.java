package org.tikhon.lab.claim.loss;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tikhon.data.GeneratedAlgorithms;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.ClaimTraining;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.loss.ClassificationLoss;
import org.tikhon.loss.CollapseMonitor;
import org.tikhon.loss.CollapseReport;
import org.tikhon.loss.CrossEntropy;
import org.tikhon.loss.StableMax;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.nn.Sequential;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Optimizer;
import org.tikhon.optimize.PerpGrad;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Grokking without regularisation (03) on generated algorithmic tasks: the orthogonal gradient
 * against no regularisation and weight decay on modular addition, and StableMax against
 * cross-entropy in FLOAT32 and FLOAT64 on sparse parity.
 */
public final class GrokkingClaim implements Claim {
  private static final String STEPS = "/steps to 95 % test accuracy";
  private static final String PERP = "addition, orthogonal gradient";
  private static final String NONE = "addition, no regularisation";
  private static final double[] RATES = {0.005, 0.02};
  private static final double[] DECAYS = {0.3, 1, 3};
  private static final int CHECK_EVERY = 50;
  private static final int EARLY = 500;

  @Override
  public Class<?> system() {
    return StableMax.class;
  }

  @Override
  public String statement() {
    return "without any regularisation, the orthogonal gradient and StableMax generalise where cross-entropy collapses in"
        + " floating-point arithmetic and stalls";
  }

  @Override
  public String bar() {
    return "addition: orthogonal gradient at 95 % within 800 steps in every seed, no regularisation never within 4000; >= 4 x fewer"
        + " steps than decay 1 at the same rate, <= 1.5 x those of the best decay; parity at 12,000 steps, means: StableMax >="
        + " cross-entropy in FLOAT32 + 15 points, whose collapsed fraction is >= 0.99; no StableMax loss exactly 0";
  }

  @Override
  public ClaimResult run(ClaimContext context) {
    List<Measurement> measured = new ArrayList<>();
    boolean quick = context.mode() == Mode.QUICK;
    boolean full = context.mode() == Mode.FULL;
    int cap = 4_000;
    for (int seed = 0; seed < context.seedsOr(quick ? 1 : 3); seed++) {
      addition(context, full ? 113 : 47, cap, seed, measured);
    }
    for (int seed = 0; seed < context.seedsOr(quick ? 1 : 3); seed++) {
      parity(context, full, quick, seed, measured);
    }
    List<String> notes = new ArrayList<>();
    notes.add(
        "a run that does not reach 95 %% counts as %d steps; the best decay is the fastest mean over rates 0.005, 0.02 and decays 0.3, 1, 3, looked at on the test set, which favours it"
            .formatted(cap));
    notes.add(
        "the orthogonal gradient leaves chance within 300 steps with every seed; where it misses 95 % it levels off below, at a"
            + " height that depends on the split and the initial weights");
    if (quick) {
      notes.add("quick: 1 seed, parity with 1600 samples and 6000 steps");
    }
    return new ClaimResult(measured, checks(measured, cap), notes);
  }

  // ---- A: the orthogonal gradient

  private static void addition(
      ClaimContext context, int p, int cap, int seed, List<Measurement> measured) {
    try (Scope scope = Scope.open()) {
      GeneratedAlgorithms data = GeneratedAlgorithms.modularAddition(p, 0.4, seed);
      measure(context, data, PERP, RATES[0], 0, true, cap, seed, measured);
      measure(context, data, NONE, RATES[0], 0, false, cap, seed, measured);
      for (double rate : RATES) {
        for (double decay : DECAYS) {
          measure(context, data, decayed(rate, decay), rate, decay, false, cap, seed, measured);
        }
      }
    }
  }

  private static String decayed(double rate, double decay) {
    return "addition, decay " + decay + " lr " + rate;
  }

  private static void measure(
      ClaimContext context,
      GeneratedAlgorithms data,
      String name,
      double rate,
      double decay,
      boolean perp,
      int cap,
      int seed,
      List<Measurement> measured) {
    long start = System.nanoTime();
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(100 + seed);
      long inputs = data.trainInputs().size(1);
      Module network =
          new Sequential(
              new Linear(inputs, 200, false, rng),
              Lambda.relu(),
              new Linear(200, 200, false, rng),
              Lambda.relu(),
              new Linear(200, data.classes(), false, rng));
      Optimizer adam = adamW(network, rate, decay, 0.99, 1e-25);
      Optimizer optimizer = perp ? new PerpGrad(adam, true) : adam;
      ClassificationLoss loss = new CrossEntropy(Dtype.FLOAT32, Reduction.MEAN);
      int steps = cap;
      double atEarly = 0;
      for (int step = 1; step <= cap; step++) {
        step(network, optimizer, loss, data);
        if (step % CHECK_EVERY == 0) {
          double accuracy = testAccuracy(network, data);
          atEarly = step <= EARLY ? accuracy : atEarly;
          if (accuracy >= 95) {
            steps = step;
            break;
          }
        }
      }
      double accuracy = testAccuracy(network, data);
      measured.add(new Measurement(name + STEPS, seed, steps, "steps"));
      measured.add(new Measurement(name + "/test accuracy within 500 steps", seed, atEarly, "%"));
      measured.add(new Measurement(name + "/last test accuracy", seed, accuracy, "%"));
      ClaimTraining.log(
          context.log(),
          start,
          String.format(
              Locale.ROOT, "seed %d, %s: %d steps, test %.1f", seed, name, steps, accuracy));
    }
  }

  private static Adam adamW(
      Module network, double rate, double decay, double beta2, double epsilon) {
    return new Adam(
        List.of(new Optimizer.Group(network.parameters(), rate, decay)), 0.9, beta2, epsilon, true);
  }

  private static void step(
      Module network, Optimizer optimizer, ClassificationLoss loss, GeneratedAlgorithms data) {
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      loss.apply(network.forward(data.trainInputs()), data.trainLabels()).backward();
      optimizer.step();
    }
  }

  private static double testAccuracy(Module network, GeneratedAlgorithms data) {
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor right = network.forward(data.testInputs()).argmax(1).eq(data.testLabels());
      return 100 * right.to(Dtype.FLOAT64).mean().item();
    }
  }

  // ---- B: StableMax

  private static final String PARITY_STABLE = "parity, stablemax";
  private static final String PARITY_32 = "parity, cross-entropy float32";

  private static void parity(
      ClaimContext context, boolean full, boolean quick, int seed, List<Measurement> measured) {
    Map<String, ClassificationLoss> arms = new LinkedHashMap<>();
    arms.put(PARITY_32, new CrossEntropy(Dtype.FLOAT32, Reduction.MEAN));
    if (!quick) {
      arms.put("parity, cross-entropy float64", new CrossEntropy(Dtype.FLOAT64, Reduction.MEAN));
    }
    arms.put(PARITY_STABLE, (z, y) -> StableMax.crossEntropy(z, y, Reduction.MEAN));
    try (Scope scope = Scope.open()) {
      int bits = full ? 43 : 30;
      int width = full ? 200 : 64;
      GeneratedAlgorithms data =
          GeneratedAlgorithms.sparseParity(bits, 3, full ? 2_000 : quick ? 1_600 : 1_200, seed);
      int steps = full ? 80_000 : quick ? 6_000 : 12_000;
      for (var arm : arms.entrySet()) {
        train(context, data, arm.getKey(), arm.getValue(), width, steps, seed, measured);
      }
    }
  }

  private static void train(
      ClaimContext context,
      GeneratedAlgorithms data,
      String name,
      ClassificationLoss loss,
      int width,
      int steps,
      int seed,
      List<Measurement> measured) {
    long start = System.nanoTime();
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(100 + seed);
      Module network =
          new Sequential(
              new Linear(data.trainInputs().size(1), width, rng),
              Lambda.relu(),
              new Linear(width, width, rng),
              Lambda.relu(),
              new Linear(width, 2, rng));
      Optimizer optimizer = adamW(network, 0.01, 0, 0.999, 1e-18);
      for (int step = 0; step < steps; step++) {
        step(network, optimizer, loss, data);
      }
      Tensor logits = network.forward(data.trainInputs()).detach();
      Dtype dtype = loss instanceof CrossEntropy ce ? ce.lossDtype() : Dtype.FLOAT32;
      CollapseReport report =
          CollapseMonitor.measure(logits, data.trainLabels(), dtype, network.namedParameters());
      double zero =
          loss instanceof CrossEntropy
              ? report.zeroLoss()
              : StableMax.crossEntropy(logits, data.trainLabels(), Reduction.NONE)
                  .eq(0)
                  .to(Dtype.FLOAT64)
                  .mean()
                  .item();
      double accuracy = testAccuracy(network, data);
      measured.add(new Measurement(name + "/test accuracy", seed, accuracy, "%"));
      measured.add(
          new Measurement(name + "/collapsed fraction", seed, report.softmaxCollapse(), ""));
      measured.add(new Measurement(name + "/fraction of zero losses", seed, zero, ""));
      measured.add(
          new Measurement(name + "/cosine of step and weights", seed, report.nlmCosine(), ""));
      ClaimTraining.log(
          context.log(),
          start,
          String.format(
              Locale.ROOT,
              "seed %d, %s: test %.1f, collapsed %.3f",
              seed,
              name,
              accuracy,
              report.softmaxCollapse()));
    }
  }

  // ---- The verdict

  private static List<Check> checks(List<Measurement> measured, int cap) {
    double perp = Measurement.mean(measured, PERP + STEPS);
    double slowest = extreme(measured, PERP + STEPS, true);
    double fastestNone = extreme(measured, NONE + STEPS, false);
    double same = Measurement.mean(measured, decayed(RATES[0], 1) + STEPS);
    double best = Double.POSITIVE_INFINITY;
    for (double rate : RATES) {
      for (double decay : DECAYS) {
        best = Math.min(best, Measurement.mean(measured, decayed(rate, decay) + STEPS));
      }
    }
    double stable = Measurement.mean(measured, PARITY_STABLE + "/test accuracy");
    double ce = Measurement.mean(measured, PARITY_32 + "/test accuracy");
    double collapsed = Measurement.mean(measured, PARITY_32 + "/collapsed fraction");
    double zero = Measurement.mean(measured, PARITY_STABLE + "/fraction of zero losses");
    return List.of(
        new Check(
            "orthogonal gradient <= 800 steps in every seed", "at most " + slowest, slowest <= 800),
        new Check(
            "no regularisation never within the cap",
            "at least " + fastestNone,
            fastestNone >= cap),
        new Check(
            ">= 4 x fewer steps than decay 1 at the same rate",
            Check.against(perp, same, 1),
            same >= 4 * perp),
        new Check(
            "<= 1.5 x the steps of the best decay",
            Check.against(perp, best, 1),
            perp <= 1.5 * best),
        new Check(
            "parity: StableMax >= cross-entropy float32 + 15 points",
            Check.against(stable, ce, 1),
            stable >= ce + 15),
        new Check(
            "parity: cross-entropy float32 collapsed >= 0.99",
            String.format(Locale.ROOT, "%.3f", collapsed),
            collapsed >= 0.99),
        new Check("parity: no StableMax loss exactly 0", "fraction " + zero, zero == 0));
  }

  private static double extreme(List<Measurement> measured, String name, boolean largest) {
    var values =
        measured.stream().filter(m -> m.name().equals(name)).mapToDouble(Measurement::value);
    return (largest ? values.max() : values.min()).orElseThrow();
  }
}
