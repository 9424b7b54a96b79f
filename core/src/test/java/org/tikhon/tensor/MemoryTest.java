package org.tikhon.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Adam;
import org.tikhon.optim.Lion;
import org.tikhon.optim.Optimizer;
import org.tikhon.optim.Sgd;

/**
 * Training runs in constant native memory. JavaCPP counts its native objects that have not been
 * freed; what a step leaves for the garbage collector would show there.
 */
class MemoryTest {
  private static Optimizer optimizer(String name, List<Tensor> parameters) {
    return switch (name) {
      case "adam" -> new Adam(parameters, 1e-3);
      case "sgd" -> new Sgd(parameters, 1e-2, 0.9, 1e-3);
      default -> new Lion(List.of(new Optimizer.Group(parameters, 1e-4, 1e-3)));
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"adam", "sgd", "lion"})
  void trainingLeavesNoNativeObjects(String name) {
    Rng rng = new Rng(1);
    Mlp model = new Mlp(8, List.of(16), 3, rng);
    List<Tensor> parameters = model.parameters();
    Optimizer optimizer = optimizer(name, parameters);
    Tensor average = Tensor.zeros(3);
    List<Long> counts = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      if (i == 10 || i == 1999) {
        counts.add(Pointer.totalCount());
      }
      step(model, parameters, optimizer, average, rng);
    }
    assertThat(counts.get(1) - counts.get(0))
        .as("native objects left behind")
        .isLessThanOrEqualTo(0);
  }

  private static void step(
      Mlp model, List<Tensor> parameters, Optimizer optimizer, Tensor average, Rng rng) {
    try (Scope scope = Scope.open()) {
      Tensor x = rng.normal(4, 8);
      Tensor labels = rng.integers(0, 3, 4);
      optimizer.zeroGrad();
      Tensor logits = model.forward(x);
      Functional.crossEntropy(logits, labels).backward();
      optimizer.step();
      Autograd.grad(Functional.crossEntropy(model.forward(x), labels), parameters, false);
      try (Autograd.NoGrad off = Autograd.noGrad()) {
        average.mul_(0.9).add_(logits.mean(0), 0.1).clampMin_(-1);
        average.indexPut_(logits.select(0, 0).slice(0, 0, 1), labels.slice(0, 0, 1));
      }
    }
  }

  @Test
  void everyKindOfOperationFreesWhatItMade() {
    Rng rng = new Rng(1);
    long before = 0;
    for (int i = 0; i < 60; i++) {
      if (i == 10) {
        before = Pointer.totalCount();
      }
      try (Scope scope = Scope.open()) {
        Tensor a = rng.normal(Dtype.FLOAT64, 6, 6);
        Tensor spd = a.matmul(a.mT()).add(Tensor.eye(6, Dtype.FLOAT64));
        Linalg.svd(a);
        Linalg.eigh(spd);
        Linalg.qr(a);
        Linalg.lstsq(a, a);
        Linalg.slogdet(spd);
        Tensor index = rng.integers(0, 6, 6);
        a.index(index);
        a.topk(2, 1, true);
        a.sort(0, true);
        a.flatten().uniqueWithCounts();
        a.split(2, 0);
        Tensor.meshgrid(List.of(index, index));
        Tensor.einsum("ij,jk->ik", a, a);
        a.clamp(-1, 1).quantile(0.5, 0);
        Fft.rfft(a, 6, 1);
        a.toFloatArray();
        Tensor image = rng.normal(1, 2, 8, 8);
        Functional.conv2d(image, rng.normal(3, 2, 3, 3), null, Functional.Conv.DEFAULT);
        Functional.pad(Functional.maxPool2d(image, 2, 2, 0), 0, 1, 1, 1, 1);
        Functional.interpolate(image, 4, 4, Functional.Interpolation.BILINEAR, false);
      }
    }
    assertThat(Pointer.totalCount() - before)
        .as("native objects left behind")
        .isLessThanOrEqualTo(0);
  }
}
