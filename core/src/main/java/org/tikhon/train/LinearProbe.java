package org.tikhon.train;

import org.tikhon.optim.Lbfgs;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Multinomial logistic regression on fixed features: how good features are for a new task.
 *
 * <pre>L = mean_i -log softmax(W x_i + b)_{y_i} + ridge / 2 |W|^2</pre>
 *
 * minimised with {@link Lbfgs} in FLOAT64 from zero; the problem is convex, so that nothing depends
 * on a seed. The penalty acts on the features as they are given, so that their scale matters.
 *
 * @param weight FLOAT64 {@code [d, classes]}
 * @param bias FLOAT64 {@code [classes]}
 */
public record LinearProbe(Tensor weight, Tensor bias) {
  private static final Lbfgs.Options OPTIONS = new Lbfgs.Options(10, 300, 1e-6);

  /**
   * Fits a probe.
   *
   * @param features {@code [n, d]}, any floating type
   * @param labels INT64 {@code [n]} in 0, ..., classes - 1
   * @param ridge the strength of the penalty, 0 or more; with 0, separable classes have no minimum
   *     and the fit ends after 300 iterations
   */
  public static LinearProbe fit(Tensor features, Tensor labels, int classes, double ridge) {
    checkRows(features, labels);
    if (!(ridge >= 0) || Double.isInfinite(ridge)) {
      throw new IllegalArgumentException("ridge must be 0 or more, was " + ridge);
    }
    try (Scope scope = Scope.open()) {
      Tensor x = features.detach().to(Dtype.FLOAT64);
      long d = x.size(1);
      Tensor start = Tensor.zeros(Dtype.FLOAT64, (d + 1) * classes);
      Tensor w =
          Lbfgs.minimize(
                  v -> {
                    Tensor weight = v.slice(0, 0, d * classes).view(d, classes);
                    Tensor bias = v.slice(0, d * classes, (d + 1) * classes);
                    return Functional.crossEntropy(x.matmul(weight).add(bias), labels)
                        .add(weight.square().sum().mul(ridge / 2));
                  },
                  start,
                  OPTIONS)
              .x();
      return new LinearProbe(
          scope.keep(w.slice(0, 0, d * classes).view(d, classes).cloned()),
          scope.keep(w.slice(0, d * classes, (d + 1) * classes).cloned()));
    }
  }

  /** Logits of features, FLOAT64 {@code [n, classes]}. */
  public Tensor logits(Tensor features) {
    return features.detach().to(Dtype.FLOAT64).matmul(weight).add(bias);
  }

  /** The fraction of features whose largest logit is the label's. */
  public double accuracy(Tensor features, Tensor labels) {
    checkRows(features, labels);
    try (Scope scope = Scope.open()) {
      return logits(features).argmax(1).eq(labels).to(Dtype.FLOAT64).mean().item();
    }
  }

  static void checkRows(Tensor features, Tensor labels) {
    if (features.dim() != 2 || labels.dim() != 1 || features.size(0) != labels.size(0)) {
      throw new IllegalArgumentException(
          "features must be [n, d] and labels [n] with the same n, have %d dimensions and %d rows, %d dimensions and %d rows"
              .formatted(features.dim(), features.size(0), labels.dim(), labels.size(0)));
    }
    if (features.size(0) == 0) {
      throw new IllegalArgumentException("features must have at least one row, have 0");
    }
  }
}
