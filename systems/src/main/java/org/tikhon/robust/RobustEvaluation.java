package org.tikhon.robust;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.nn.Module;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;

/**
 * What a classifier still gets right under attack: a sample counts as right if it is classified
 * correctly under every attack, with all restarts.
 */
public final class RobustEvaluation {
  private static final long CHUNK = 500;

  private RobustEvaluation() {}

  /**
   * Accuracies in [0, 1].
   *
   * @param clean without attack
   * @param robust under the worst of all attacks
   * @param byAttack under each attack alone
   */
  public record RobustReport(double clean, double robust, Map<String, Double> byAttack) {}

  /**
   * Attacks a classifier with projected gradient ascent on the cross-entropy and on the margin
   * {@code max_{k != y} h_k - h_y}.
   *
   * @param model gives logits; is put into evaluation mode
   * @param steps of each attack
   * @param restarts of each attack
   */
  public static RobustReport of(
      Module model, Dataset data, Ball ball, int steps, int restarts, Rng rng) {
    model.eval();
    Pgd pgd = Pgd.of(ball, steps).withRestarts(restarts);
    double clean = 0;
    double robust = 0;
    Map<String, Double> byAttack = new LinkedHashMap<>();
    for (long start = 0; start < data.size(); start += CHUNK) {
      try (Scope scope = Scope.open()) {
        Dataset part = data.slice(start, Math.min(start + CHUNK, data.size()));
        Tensor x = part.inputs();
        Tensor y = part.targets();
        Tensor right = right(model, x, y);
        clean += count(right);
        Map<String, Pgd.Objective> attacks = new LinkedHashMap<>();
        attacks.put("cross-entropy", moved -> PgdTraining.crossEntropy(model.forward(moved), y));
        attacks.put("margin", moved -> margin(model.forward(moved), y));
        for (var attack : attacks.entrySet()) {
          Tensor survives = right(model, pgd.attack(attack.getValue(), x, rng), y);
          byAttack.merge(attack.getKey(), count(survives) / data.size(), Double::sum);
          right = right.logicalAnd(survives);
        }
        robust += count(right);
      }
    }
    return new RobustReport(clean / data.size(), robust / data.size(), byAttack);
  }

  private static Tensor right(Module model, Tensor x, Tensor y) {
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      return model.forward(x).argmax(1).eq(y);
    }
  }

  private static double count(Tensor mask) {
    return mask.to(Dtype.FLOAT64).sum().item();
  }

  /** {@code max_{k != y} h_k - h_y}. */
  private static Tensor margin(Tensor logits, Tensor y) {
    Tensor own = y.unsqueeze(1);
    Tensor others = logits.scatter(1, own, -1e30);
    return others.max(1).values().sub(logits.gather(1, own).squeeze(1));
  }
}
