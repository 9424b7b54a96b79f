package org.tikhon.lab.claim.loss;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tikhon.lab.claim.Check;
import org.tikhon.lab.claim.Claim;
import org.tikhon.lab.claim.ClaimContext;
import org.tikhon.lab.claim.ClaimContext.Mode;
import org.tikhon.lab.claim.ClaimResult;
import org.tikhon.lab.claim.ClaimTraining;
import org.tikhon.lab.claim.Measurement;
import org.tikhon.lab.claim.Turns;
import org.tikhon.loss.ClassificationLoss;
import org.tikhon.loss.FactoredSphericalLayer;
import org.tikhon.loss.FactoredSphericalLayer.Stability;
import org.tikhon.loss.LogSphericalSoftmax;
import org.tikhon.loss.LogTaylorSoftmax;
import org.tikhon.loss.SquaredErrorLoss;
import org.tikhon.loss.ZLoss;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * The factored spherical layer and the Z-loss (18): the time of a training step of the output layer
 * against a dense layer with the same loss and with softmax, at up to a million classes; and the
 * hit rates of the spherical losses and softmax on generated data with a thousand classes.
 */
public final class ZLossClaim implements Claim {
  private static final int WIDTH = 128;
  private static final int BATCH = 128;

  @Override
  public Class<?> system() {
    return ZLoss.class;
  }

  @Override
  public String statement() {
    return "the exact gradient step of an output layer takes the same time whatever the number of classes, and the Z-loss ranks"
        + " better than the other losses for which that is possible";
  }

  @Override
  public String bar() {
    return "at 100,000 classes the factored step is >= 50 x faster than the dense one, and <= 1.5 x its own time at 10,000; means:"
        + " best Z-loss >= best other spherical loss + 2 points at top-1, top-5 and top-10, and within 4 points of log-softmax at"
        + " top-50";
  }

  @Override
  public ClaimResult run(ClaimContext context) {
    Mode mode = context.mode();
    List<Measurement> measured = new ArrayList<>();
    List<Check> checks = new ArrayList<>();
    speed(context, mode == Mode.QUICK, measured, checks);
    quality(context, mode == Mode.QUICK, measured, checks);
    List<String> notes = new ArrayList<>();
    notes.add(
        "a step is forward, both backward products and the update of W, float32, d = m = 128, fresh random batches; the dense"
            + " contestants do it with three matrix products");
    notes.add(
        "quality: every loss trains with rates 3e-3 and 1e-2, and the Z-loss with sharpness 0.3 or 1 and location 0 or 5; the"
            + " setting of each loss is the best top-10 rate on held-out samples, mean over the seeds");
    if (mode == Mode.QUICK) {
      notes.add("quick: 50,000 classes at most, one seed, Z-loss and log-softmax only");
    }
    return new ClaimResult(measured, checks, notes);
  }

  // ---- Speed

  private static void speed(
      ClaimContext context, boolean quick, List<Measurement> measured, List<Check> checks) {
    int[] sizes =
        quick ? new int[] {10_000, 50_000} : new int[] {1_000, 10_000, 50_000, 100_000, 1_000_000};
    Map<Integer, Double> factored = new LinkedHashMap<>();
    Map<Integer, Double> dense = new LinkedHashMap<>();
    for (int classes : sizes) {
      long start = System.nanoTime();
      try (Scope scope = Scope.open()) {
        Rng rng = new Rng(0);
        Tensor w0 = rng.normal(classes, WIDTH).mul(0.01);
        double[] times = times(classes, w0, rng);
        factored.put(classes, times[0]);
        dense.put(classes, times[1]);
        measured.add(
            new Measurement(classes + " classes, factored/step", -1, 1e3 * times[0], "ms"));
        measured.add(
            new Measurement(classes + " classes, dense Z-loss/step", -1, 1e3 * times[1], "ms"));
        measured.add(
            new Measurement(classes + " classes, dense softmax/step", -1, 1e3 * times[2], "ms"));
        ClaimTraining.log(context.log(), start, classes + " classes");
      }
    }
    int large = quick ? 50_000 : 100_000;
    double speedUp = dense.get(large) / factored.get(large);
    checks.add(
        new Check(
            "factored >= 50 x faster than dense at " + large,
            String.format(Locale.ROOT, "%.0f x", speedUp),
            speedUp >= 50));
    double growth = factored.get(large) / factored.get(10_000);
    checks.add(
        new Check(
            "factored step at " + large + " <= 1.5 x that at 10000",
            String.format(Locale.ROOT, "%.2f x", growth),
            growth <= 1.5));
  }

  /** The median seconds of a step: factored, dense with the Z-loss, dense with softmax. */
  private static double[] times(int classes, Tensor w0, Rng rng) {
    ZLoss loss = new ZLoss(1, 0);
    double eta = 1e-4;
    FactoredSphericalLayer layer = new FactoredSphericalLayer(w0, Stability.DEFAULT);
    Runnable factored =
        () -> {
          try (Scope scope = Scope.open()) {
            layer.step(rng.normal(BATCH, WIDTH), rng.integers(0, classes, BATCH), loss, eta);
          }
        };
    Tensor w = w0.cloned();
    Runnable withZ = () -> denseStep(w, classes, rng, eta, (o, y) -> loss.dense(o, y).mul(BATCH));
    Runnable withSoftmax =
        () -> denseStep(w, classes, rng, eta, (o, y) -> Functional.crossEntropy(o, y).mul(BATCH));
    int denseRounds = classes > 100_000 ? 3 : 7;
    return new double[] {
      median(factored, 7, 20), median(withZ, denseRounds, 1), median(withSoftmax, denseRounds, 1)
    };
  }

  private static double median(Runnable work, int rounds, int steps) {
    Turns.seconds(work, steps);
    double[] seconds = new double[rounds];
    Arrays.setAll(seconds, i -> Turns.seconds(work, steps) / steps);
    Arrays.sort(seconds);
    return seconds[rounds / 2];
  }

  private static void denseStep(
      Tensor w, int classes, Rng rng, double eta, ClassificationLoss loss) {
    try (Scope scope = Scope.open()) {
      Tensor h = rng.normal(BATCH, WIDTH);
      Tensor y = rng.integers(0, classes, BATCH);
      Tensor o = h.matmul(w.mT()).setRequiresGrad(true);
      Tensor g = Autograd.grad(loss.apply(o, y), o);
      g.matmul(w);
      w.sub_(g.mT().matmul(h).mul_(eta));
    }
  }

  // ---- Quality

  private static final int CLASSES = 1000;
  private static final int[] TOP = {1, 5, 10, 50};
  private static final double[] RATES = {3e-3, 1e-2};

  private record Data(Tensor x, Tensor y) {}

  /** {@code y ~ Cat(1.2 E z - log rank)}, {@code x = tanh(z W) + 0.1 noise}. */
  private record World(Tensor e, Tensor w) {
    static World create(Rng rng) {
      return new World(rng.normal(CLASSES, 16), rng.normal(16, 64));
    }

    Data draw(int n, Rng rng) {
      Tensor z = rng.normal(n, 16);
      Tensor logRank = Tensor.arange(1, CLASSES + 1).to(Dtype.FLOAT32).log();
      Tensor p = z.matmul(e.mT()).mul(1.2).sub(logRank).softmax(1);
      Tensor x = z.matmul(w).tanh().add(rng.normal(n, 64).mul(0.1));
      return new Data(x, rng.multinomial(p, 1, true).squeeze(1));
    }
  }

  private static void quality(
      ClaimContext context, boolean quick, List<Measurement> measured, List<Check> checks) {
    Map<String, ClassificationLoss> z = new LinkedHashMap<>();
    Map<String, ClassificationLoss> others = new LinkedHashMap<>();
    for (double sharpness : new double[] {0.3, 1}) {
      for (double location : new double[] {0, 5}) {
        z.put("z-loss " + sharpness + " " + location, new ZLoss(sharpness, location)::dense);
      }
    }
    others.put("squared error", new SquaredErrorLoss()::dense);
    others.put("log-spherical softmax", new LogSphericalSoftmax(0.01)::dense);
    others.put("log-Taylor softmax", new LogTaylorSoftmax()::dense);
    Map<String, ClassificationLoss> all = new LinkedHashMap<>();
    all.put("log-softmax", Functional::crossEntropy);
    all.putAll(z);
    if (!quick) {
      all.putAll(others);
    }
    for (int seed = 0; seed < context.seedsOr(quick ? 1 : 3); seed++) {
      try (Scope scope = Scope.open()) {
        Rng rng = new Rng(seed);
        World world = World.create(rng);
        Data train = world.draw(40_000, rng);
        Data heldOut = world.draw(4_000, rng);
        Data test = world.draw(10_000, rng);
        for (var arm : all.entrySet()) {
          for (double rate : RATES) {
            train(
                context,
                arm.getKey() + " lr " + rate,
                arm.getValue(),
                rate,
                train,
                heldOut,
                test,
                seed,
                measured);
          }
        }
      }
    }
    String best = best(measured, z.keySet());
    String softmax = best(measured, List.of("log-softmax"));
    double gap = hit(measured, softmax, 50) - hit(measured, best, 50);
    checks.add(
        new Check(
            "top-50 within 4 points of log-softmax",
            String.format(
                Locale.ROOT,
                "%.1f against %.1f",
                hit(measured, best, 50),
                hit(measured, softmax, 50)),
            gap <= 4));
    if (!quick) {
      for (int k : new int[] {1, 5, 10}) {
        double other = 0;
        for (String name : others.keySet()) {
          other = Math.max(other, hit(measured, best(measured, List.of(name)), k));
        }
        double ours = hit(measured, best, k);
        checks.add(
            new Check(
                "top-%d >= best other spherical loss + 2 points (%s)".formatted(k, best),
                String.format(Locale.ROOT, "%.1f against %.1f", ours, other),
                ours >= other + 2));
      }
    }
  }

  private static void train(
      ClaimContext context,
      String name,
      ClassificationLoss loss,
      double rate,
      Data train,
      Data heldOut,
      Data test,
      int seed,
      List<Measurement> measured) {
    long start = System.nanoTime();
    int epochs = 6;
    int batch = 250;
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(100 + seed);
      Mlp network = new Mlp(64, List.of(WIDTH, WIDTH), CLASSES, rng);
      Adam adam = new Adam(network.parameters(), rate);
      long batches = train.y.size(0) / batch;
      for (int epoch = 0; epoch < epochs; epoch++) {
        Tensor order = rng.permutation(train.y.size(0));
        for (long b = 0; b < batches; b++) {
          try (Scope inner = Scope.open()) {
            adam.scaleLearningRate(1 - (epoch + (double) b / batches) / epochs);
            adam.zeroGrad();
            Tensor places = order.slice(0, b * batch, (b + 1) * batch);
            Tensor o = network.forward(train.x.indexSelect(0, places));
            loss.apply(o, train.y.indexSelect(0, places)).backward();
            adam.step();
          }
        }
      }
      measured.add(
          new Measurement(name + "/held-out top-10", seed, hits(network, heldOut)[2], "%"));
      double[] hits = hits(network, test);
      for (int i = 0; i < TOP.length; i++) {
        measured.add(new Measurement(name + "/top-" + TOP[i], seed, hits[i], "%"));
      }
      ClaimTraining.log(
          context.log(),
          start,
          String.format(
              Locale.ROOT, "seed %d, %s: top-1 %.1f, top-10 %.1f", seed, name, hits[0], hits[2]));
    }
  }

  /** The percentages of samples whose class is among the k best, for each k. */
  private static double[] hits(Mlp network, Data data) {
    double[] hits = new double[TOP.length];
    long n = data.y.size(0);
    for (long from = 0; from < n; from += 1000) {
      try (Scope scope = Scope.open();
          Autograd.NoGrad off = Autograd.noGrad()) {
        Tensor o = network.forward(data.x.slice(0, from, from + 1000));
        Tensor own = o.gather(1, data.y.slice(0, from, from + 1000).unsqueeze(1));
        Tensor better = o.gt(own).to(Dtype.FLOAT32).sum(1);
        for (int i = 0; i < TOP.length; i++) {
          hits[i] += 100 * better.lt(TOP[i]).to(Dtype.FLOAT64).sum().item() / n;
        }
      }
    }
    return hits;
  }

  private static String best(List<Measurement> measured, Iterable<String> arms) {
    List<String> names = new ArrayList<>();
    for (String arm : arms) {
      for (double rate : RATES) {
        names.add(arm + " lr " + rate);
      }
    }
    return ClaimTraining.best(names, n -> Measurement.mean(measured, n + "/held-out top-10"));
  }

  private static double hit(List<Measurement> measured, String name, int k) {
    return Measurement.mean(measured, name + "/top-" + k);
  }
}
