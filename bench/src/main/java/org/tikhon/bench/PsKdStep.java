package org.tikhon.bench;

import java.util.List;
import java.util.function.Function;
import org.tikhon.loss.PredictionMemory;
import org.tikhon.loss.ProgressiveSchedule;
import org.tikhon.loss.PsKdLearner;
import org.tikhon.loss.PsKdLoss;
import org.tikhon.loss.SelfTeacher;
import org.tikhon.loss.SnapshotTeacher;
import org.tikhon.nn.Backbone;
import org.tikhon.nn.Mlp;
import org.tikhon.nn.ResNet;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Engine;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Dataset;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.SupervisedLearner;
import org.tikhon.train.Task;

/**
 * What PS-KD adds to a training step: cross-entropy, PS-KD with both teachers, and with the
 * official code's memory, which is copied row by row. Batches of 128, 50,000 samples of 32 x 32 x
 * 3, 100 classes.
 *
 * <p>Arguments: {@code resnet} (ResNet-20) or {@code mlp} (3072-256-256-100), the rounds, the steps
 * of a round.
 */
public final class PsKdStep {
  private static final int SAMPLES = 50_000;
  private static final int CLASSES = 100;
  private static final int BATCH = 128;
  private static final int EPOCHS = 300;
  private static final int EPOCH = 150;
  private static final ProgressiveSchedule SCHEDULE =
      new ProgressiveSchedule(ProgressiveSchedule.DEFAULT_ALPHA, EPOCHS);

  private final Function<Rng, Backbone> network;
  private final Dataset data;

  private PsKdStep(Function<Rng, Backbone> network) {
    this.network = network;
    Rng rng = new Rng(1);
    this.data =
        new Dataset(rng.normal(1024, 3, 32, 32), rng.integers(0, CLASSES, 1024).to(Dtype.INT64));
  }

  public static void main(String[] args) throws Exception {
    boolean small = args.length > 0 && args[0].equals("mlp");
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 10;
    int steps = args.length > 2 ? Integer.parseInt(args[2]) : 3;
    System.out.println(
        "threads " + Engine.threads() + ", " + rounds + " rounds of " + steps + " steps");
    PsKdStep bench =
        new PsKdStep(
            small
                ? rng -> new Mlp(3 * 32 * 32, List.of(256, 256), CLASSES, rng)
                : rng -> ResNet.resnet20(3, CLASSES, rng));
    RowByRow rows = new RowByRow();
    SideBySide.run(
        List.of(
            bench.contestant(
                "cross-entropy",
                SupervisedLearner.of(
                    bench.setup(), (l, b) -> l.plainLoss(l.outputs(b.inputs()), b.targets()))),
            bench.contestant(
                "PS-KD, memory FLOAT32",
                bench.distilled(n -> new PredictionMemory(SAMPLES, CLASSES))),
            bench.contestant(
                "PS-KD, memory FLOAT16",
                bench.distilled(n -> new PredictionMemory(SAMPLES, CLASSES, Dtype.FLOAT16))),
            bench.contestant("PS-KD, row by row", SupervisedLearner.of(bench.setup(), rows::loss)),
            bench.contestant("PS-KD, snapshot", bench.distilled(SnapshotTeacher::new))),
        rounds,
        steps);
  }

  private Setup setup() {
    return new Setup(
        new Task.Classification(CLASSES),
        network,
        SAMPLES,
        EPOCHS,
        Setup.Optimization.sgd(0.01, 0.9, 5e-4).withNesterov(),
        new Rng(2));
  }

  private Learner distilled(Function<Backbone, SelfTeacher> teacher) {
    return new PsKdLearner(setup(), SCHEDULE, teacher, 0);
  }

  private SideBySide.Contestant contestant(String name, Learner learner) {
    Rng rng = new Rng(3);
    return SideBySide.of(
        name,
        () -> {
          try (Scope scope = Scope.open()) {
            Batch batch = data.batch(rng.permutation(data.size()).slice(0, 0, BATCH));
            learner.step(batch, EPOCH);
          }
        });
  }

  /** The loop of the official code: one-hot rows of all samples, copied one after the other. */
  private static final class RowByRow {
    private final Tensor memory =
        Functional.oneHot(Tensor.zeros(Dtype.INT64, SAMPLES), CLASSES).to(Dtype.FLOAT32);

    Tensor loss(SupervisedLearner learner, Batch batch) {
      Tensor past = memory.indexSelect(0, batch.indices());
      Tensor q = PsKdLoss.targets(batch.targets(), past, SCHEDULE.alpha(EPOCH + 1));
      Tensor logits = learner.outputs(batch.inputs());
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        Tensor p = logits.softmax(1);
        long[] places = batch.indices().toLongArray();
        for (int k = 0; k < places.length; k++) {
          memory.get(places[k]).copy_(p.get(k));
        }
      }
      return PsKdLoss.loss(logits, q);
    }
  }
}
