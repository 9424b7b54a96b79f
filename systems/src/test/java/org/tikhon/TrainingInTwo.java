package org.tikhon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

/** A training that is cut in two must end with the numbers of a whole one. */
public final class TrainingInTwo {
  private static final int CLASSES = 3;

  private TrainingInTwo() {}

  /** What a recipe makes its learner from: a small perceptron for 8 numbers and 3 classes. */
  public static Setup setup(Setup.Optimization optimization) {
    return new Setup(
        new Task.Classification(CLASSES),
        rng -> new Mlp(8, List.of(16), CLASSES, rng),
        60,
        2,
        optimization,
        new Rng(7));
  }

  /** Trains a learner in one go and in two and compares; returns the former. */
  public static Learner check(Supplier<Learner> make) {
    Learner whole = make.get();
    steps(whole, 0, 20);
    Learner first = make.get();
    steps(first, 0, 9);
    Map<String, Tensor> state = new LinkedHashMap<>();
    first.state().forEach((name, t) -> state.put(name, t.cloned()));
    Learner second = make.get();
    second.load(state);
    steps(second, 9, 20);
    Tensor x = new Rng(8).normal(10, 8);
    assertThat(second.predict(x).sub(whole.predict(x)).abs().max().item()).isZero();
    return whole;
  }

  private static void steps(Learner learner, int from, int to) {
    for (int i = from; i < to; i++) {
      try (Scope inner = Scope.open()) {
        Rng rng = new Rng(100 + i);
        Tensor y = rng.integers(0, CLASSES, 20);
        Tensor x = rng.normal(20, 8).add(y.unsqueeze(1).to(Dtype.FLOAT32));
        learner.step(new Batch(x, y, Tensor.arange(20)), i / 10.0);
      }
    }
  }
}
