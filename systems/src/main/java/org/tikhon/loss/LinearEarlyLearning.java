package org.tikhon.loss;

import java.util.List;
import org.tikhon.data.GeneratedClusters;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/**
 * Early learning where it can be proved: logistic regression by full-batch gradient descent (rate
 * 0.1, from 0) on two {@link GeneratedClusters} in more dimensions than samples, 30 % of the labels
 * flipped. The weights first turn to the clusters' direction; with cross-entropy every wrong label
 * is memorised in the end, with {@link ElrLoss} none is.
 */
public final class LinearEarlyLearning {
  private static final int SAMPLES = 500;
  private static final int DIMENSION = 1000;
  private static final double SIGMA = 0.2;
  private static final double FLIPPED = 0.3;
  private static final double RATE = 0.1;
  private static final double BETA = 0.7;

  private LinearEarlyLearning() {}

  /**
   * How the model ends.
   *
   * @param corrected the part of the wrongly labelled training samples that get their true class
   * @param memorized the part of them that get their wrong label
   * @param test the accuracy on new samples
   */
  public record Result(double corrected, double memorized, double test) {}

  /**
   * Trains.
   *
   * @param lambda the weight of the regulariser; 0 is cross-entropy
   */
  public static Result run(int steps, double lambda, Rng rng) {
    try (Scope scope = Scope.open()) {
      GeneratedClusters train = GeneratedClusters.of(SAMPLES, DIMENSION, SIGMA, FLIPPED, rng);
      GeneratedClusters test = GeneratedClusters.of(2000, train.direction(), SIGMA, 0, rng);
      Tensor index = Tensor.arange(SAMPLES);
      ElrLoss loss = new ElrLoss(new EarlyLearningTargets(SAMPLES, 2, BETA, Dtype.FLOAT64), lambda);
      Tensor w = Tensor.zeros(Dtype.FLOAT64, DIMENSION, 1).setRequiresGrad(true);
      for (int i = 0; i < steps; i++) {
        try (Scope step = Scope.open()) {
          Tensor z = logits(train.inputs(), w);
          Tensor value =
              lambda == 0
                  ? Functional.crossEntropy(z, train.labels())
                  : loss.apply(index, z, train.labels());
          Tensor gradient = Autograd.grad(value, w);
          try (Autograd.NoGrad off = Autograd.noGrad()) {
            w.add_(gradient, -RATE);
          }
        }
      }
      Tensor predicted = logits(train.inputs(), w).argmax(1);
      Tensor wrong = train.labels().ne(train.truth());
      double count = wrong.sum().item();
      Tensor right = logits(test.inputs(), w).argmax(1).eq(test.truth());
      return new Result(
          predicted.eq(train.truth()).logicalAnd(wrong).sum().item() / count,
          predicted.eq(train.labels()).logicalAnd(wrong).sum().item() / count,
          right.to(Dtype.FLOAT64).mean().item());
    }
  }

  /** Logistic regression as a softmax over (0, x w). */
  private static Tensor logits(Tensor x, Tensor w) {
    Tensor z = x.matmul(w);
    return Tensor.cat(List.of(z.zerosLike(), z), 1);
  }
}
