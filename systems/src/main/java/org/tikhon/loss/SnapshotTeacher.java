package org.tikhon.loss;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;

/**
 * The network as it was at the end of the epoch before, a {@link SelfTeacher} without a row per
 * sample: {@code P^{t-1}} is the softmax of the frozen copy, in evaluation mode, on the same
 * augmented batch. One more forward pass per step and one more copy of the weights.
 */
public final class SnapshotTeacher implements SelfTeacher {
  private final Module student;
  private final Map<String, Tensor> snapshot = new LinkedHashMap<>();

  /** Copies the weights and buffers that the student has now. */
  public SnapshotTeacher(Module student) {
    this.student = student;
    student.stateDict().forEach((name, t) -> snapshot.put(name, t.detach().cloned().escape()));
  }

  /**
   * The snapshot's class probabilities, without gradient; the student is left as it was.
   *
   * @param x a batch of the student's inputs
   * @return the softmax over the last dimension of the outputs: {@code [b, classes]} for a
   *     classifier, {@code [b, length, classes]} for tokens
   */
  public Tensor probs(Tensor x) {
    Map<Module, Boolean> modes = new LinkedHashMap<>();
    student.namedModules().values().forEach(m -> modes.put(m, m.isTraining()));
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad();
        Module.Substitution frozen = student.substitute(snapshot)) {
      student.eval();
      return scope.keep(student.forward(x).softmax(-1));
    } finally {
      // Parents come before their parts, which may be in another mode.
      modes.forEach((m, training) -> m.train(training));
    }
  }

  /** Copies the student's weights and buffers again: the end of an epoch. */
  public void refresh() {
    load(student.stateDict());
  }

  @Override
  public Tensor past(Batch batch) {
    return probs(batch.inputs());
  }

  @Override
  public void observe(Batch batch, Tensor probabilities) {}

  @Override
  public void epochEnd() {
    refresh();
  }

  @Override
  public Map<String, Tensor> state() {
    return new LinkedHashMap<>(snapshot);
  }

  @Override
  public void load(Map<String, Tensor> state) {
    if (!state.keySet().equals(snapshot.keySet())) {
      throw new IllegalArgumentException(
          "the state must hold the tensors %s, has %s"
              .formatted(snapshot.keySet(), state.keySet()));
    }
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      snapshot.forEach((name, t) -> t.copy_(state.get(name)));
    }
  }
}
