package org.tikhon.loss;

import java.util.LinkedHashMap;
import java.util.Map;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional.Reduction;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Detects softmax collapse: in finite precision all other terms of the softmax's sum are absorbed
 * by the largest one, the loss and the gradient of the true logit become exactly 0, and training
 * stops. With two classes that happens at margins of ln 2^t: 7.62 in FLOAT16, 5.55 in BFLOAT16,
 * 16.64 in FLOAT32, 36.74 in FLOAT64.
 */
public final class CollapseMonitor {
  private CollapseMonitor() {}

  /**
   * Looks at the training logits and, where there are any, at the gradients.
   *
   * @param logits {@code [b, classes]}
   * @param labels INT64 {@code [b]}
   * @param lossDtype the type in which the loss is computed
   * @param parameters of the network, by name, with the gradients of its plain backward pass
   *     (before any projection)
   */
  public static CollapseReport measure(
      Tensor logits, Tensor labels, Dtype lossDtype, Map<String, Tensor> parameters) {
    LossInput.check(logits, labels);
    LossInput.checkNotEmpty(logits);
    try (Scope scope = Scope.open();
        Autograd.NoGrad off = Autograd.noGrad()) {
      Tensor z = logits.detach().to(lossDtype);
      Tensor sums = z.sub(z.max(1).values().unsqueeze(1)).exp().sum(1);
      Tensor losses = new CrossEntropy(lossDtype, Reduction.NONE).apply(z, labels);
      return new CollapseReport(
          fraction(sums.eq(1)),
          fraction(losses.eq(0)),
          cosine(parameters),
          tensorCosines(parameters),
          norms(parameters));
    }
  }

  private static double fraction(Tensor mask) {
    return mask.to(Dtype.FLOAT64).mean().item();
  }

  private static double cosine(Map<String, Tensor> parameters) {
    double dot = 0;
    double gradients = 0;
    double weights = 0;
    for (Tensor p : parameters.values()) {
      if (p.grad() != null) {
        Tensor w = p.detach().to(Dtype.FLOAT64);
        Tensor g = p.grad().to(Dtype.FLOAT64);
        dot -= w.mul(g).sum().item();
        gradients += g.square().sum().item();
        weights += w.square().sum().item();
      }
    }
    return dot / Math.sqrt(gradients * weights);
  }

  private static Map<String, Double> tensorCosines(Map<String, Tensor> parameters) {
    Map<String, Double> cosines = new LinkedHashMap<>();
    parameters.forEach((name, p) -> cosines.put(name, cosine(Map.of(name, p))));
    return cosines;
  }

  private static Map<String, Double> norms(Map<String, Tensor> parameters) {
    Map<String, Double> norms = new LinkedHashMap<>();
    parameters.forEach((name, p) -> norms.put(name, p.detach().norm().item()));
    return norms;
  }
}
