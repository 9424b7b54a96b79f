package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.loss.NaclLoss.Distance;
import org.tikhon.loss.NeighbourPrior.Kernel;
import org.tikhon.loss.NeighbourPrior.Padding;
import org.tikhon.nn.UNet;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Batch;
import org.tikhon.train.Learner;
import org.tikhon.train.Recipe;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

class NaclTest {
  private static final long IGNORED = Task.Segmentation.IGNORED;
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor labels() {
    long[] y = {0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 1, 2, 2, 1, 1};
    return Tensor.of(y, 1, 4, 4);
  }

  /** l_0 = 1, l_1 = 0.5 (col - row), l_2 = -1. */
  private static Tensor logits() {
    double[] l = new double[48];
    for (int r = 0; r < 4; r++) {
      for (int c = 0; c < 4; c++) {
        l[r * 4 + c] = 1;
        l[16 + r * 4 + c] = 0.5 * (c - r);
        l[32 + r * 4 + c] = -1;
      }
    }
    return Tensor.of(l, 1, 3, 4, 4);
  }

  private static double[] at(Tensor tau, int row, int column) {
    return tau.select(0, 0).select(2, column).select(1, row).contiguous().toDoubleArray();
  }

  @Test
  void proportionsOfTheCard() {
    Tensor tau = NeighbourPrior.DEFAULT.proportions(labels(), 3);
    assertThat(at(tau, 1, 1)).containsExactly(new double[] {2 / 3.0, 1 / 3.0, 0}, within(1e-6));
    assertThat(at(tau, 0, 0)).containsExactly(new double[] {1, 0, 0}, within(1e-6));
    assertThat(at(tau, 3, 0))
        .containsExactly(new double[] {2 / 9.0, 1 / 9.0, 6 / 9.0}, within(1e-6));
    Tensor oneHot =
        NeighbourPrior.DEFAULT.withPadding(Padding.ZERO_ONEHOT).proportions(labels(), 3);
    assertThat(at(oneHot, 0, 0)).containsExactly(new double[] {4 / 9.0, 0, 0}, within(1e-6));
    Tensor zero = NeighbourPrior.DEFAULT.withPadding(Padding.ZERO_LABEL).proportions(labels(), 3);
    assertThat(at(zero, 0, 0)).containsExactly(new double[] {1, 0, 0}, within(1e-6));
    assertThat(at(zero, 3, 3)[0]).isCloseTo(5 / 9.0, within(1e-6));
  }

  @Test
  void symmetricKernelsConserveTheClasses() {
    for (Kernel kernel : List.of(Kernel.MEAN, Kernel.GAUSSIAN)) {
      Tensor tau = NeighbourPrior.DEFAULT.withKernel(kernel).proportions(labels(), 3);
      assertThat(tau.sum(0, 2, 3).toDoubleArray())
          .containsExactly(new double[] {6, 8, 2}, within(1e-5));
    }
  }

  @Test
  void svlsOfTheCard() {
    Tensor soft = new SvlsLoss(3, 3, 1).softLabels(labels());
    assertThat(at(soft, 1, 1))
        .containsExactly(new double[] {0.79719258, 0.20280742, 0}, within(1e-6));
    assertThat(at(soft, 3, 0))
        .containsExactly(new double[] {0.125, 0.04719258, 0.82780742}, within(1e-6));
    double[] g = NeighbourPrior.gaussian(3, 1);
    double centre = g[1] * g[1];
    assertThat(g[0] * g[1] / 2 / (1 - centre)).isCloseTo(0.07780742, within(1e-8));
    assertThat(g[0] * g[0] / 2 / (1 - centre)).isCloseTo(0.04719258, within(1e-8));
  }

  @Test
  void lossesOfTheCard() {
    NaclLoss.Parts l1 = new NaclLoss(3, 0.1).apply(logits(), labels());
    assertThat(l1.ce().item()).isCloseTo(1.0582088619, within(1e-9));
    // The proportions are FLOAT32 numbers.
    assertThat(l1.penalty().item()).isCloseTo(0.8240740741, within(1e-7));
    assertThat(l1.total().item()).isCloseTo(1.1406162693, within(1e-8));
    NaclLoss.Parts l2 =
        new NaclLoss(3, NeighbourPrior.DEFAULT, Distance.L2, 0.1, false).apply(logits(), labels());
    assertThat(l2.penalty().item()).isCloseTo(0.8472222222, within(1e-7));
    assertThat(l2.total().item()).isCloseTo(1.1429310841, within(1e-8));
    assertThat(new SvlsLoss(3, 3, 1).apply(logits(), labels()).item())
        .isCloseTo(1.0743519166, within(1e-7));
    assertThat(new MarginLabelSmoothing(1, 0.1).apply(logits(), labels()).item())
        .isCloseTo(1.1030005286, within(1e-9));
  }

  @Test
  void svlsIsHalfCrossEntropyAndHalfNeighbours() {
    Tensor y = new Rng(0).integers(0, 4, 2, 7, 6);
    Tensor l = new Rng(1).normal(Dtype.FLOAT64, 2, 4, 7, 6);
    Tensor oneHot = Functional.oneHot(y, 4).movedim(-1, 1).to(Dtype.FLOAT32);
    for (int size : new int[] {3, 5}) {
      SvlsLoss svls = new SvlsLoss(4, size, 1);
      Tensor neighbours = svls.softLabels(y).mul(2).sub(oneHot);
      assertThat(neighbours.min().item()).isGreaterThan(-1e-6);
      assertThat(neighbours.sum(1).sub(1).abs().max().item()).isLessThan(1e-5);
      Tensor logP = l.logSoftmax(1);
      double ce = Functional.crossEntropy(l, y).item();
      double ceNeighbours = neighbours.to(Dtype.FLOAT64).mul(logP).sum(1).mean().neg().item();
      assertThat(svls.apply(l, y).item()).isCloseTo((ce + ceNeighbours) / 2, within(1e-6));
    }
  }

  @Test
  void aConstantMapAndNoPenalty() {
    Tensor y = Tensor.zeros(1, 5, 5).to(Dtype.INT64).add(2);
    for (Kernel kernel : List.of(Kernel.MEAN, Kernel.GAUSSIAN, Kernel.MODE)) {
      Tensor tau = NeighbourPrior.DEFAULT.withKernel(kernel).proportions(y, 3);
      assertThat(tau.select(1, 2).sub(1).abs().max().item()).isLessThan(1e-6);
    }
    Tensor l = new Rng(2).normal(Dtype.FLOAT64, 1, 3, 5, 5).setRequiresGrad(true);
    assertThat(new NaclLoss(3, 0).apply(l, y).total().item())
        .isEqualTo(new NaclLoss(3, 0).apply(l, y).ce().item());
    Tensor g = Autograd.grad(new NaclLoss(3, 0.1).apply(l, y).penalty(), l);
    Tensor tau = NeighbourPrior.DEFAULT.proportions(y, 3).to(Dtype.FLOAT64);
    Tensor expected = tau.sub(l.detach()).sign().div(-75);
    assertThat(g.sub(expected).abs().max().item()).isLessThan(1e-12);
  }

  @Test
  void logitsThatAreTheProportionsCostNothing() {
    Tensor y = Tensor.zeros(1, 4, 4).to(Dtype.INT64);
    Tensor l = NeighbourPrior.DEFAULT.proportions(y, 2).to(Dtype.FLOAT64);
    assertThat(new NaclLoss(2, 0.1).apply(l, y).penalty().item()).isZero();
    assertThat(l.softmax(1).max().item()).isCloseTo(0.7310585786, within(1e-9));
  }

  @Test
  void volumes() {
    Tensor slice = new Rng(3).integers(0, 3, 1, 6, 5);
    Tensor volume = slice.unsqueeze(1).repeatInterleave(4, 1);
    Tensor flat = NeighbourPrior.DEFAULT.proportions(slice, 3);
    Tensor deep = NeighbourPrior.DEFAULT.proportions(volume, 3);
    assertThat(deep.shape()).containsExactly(1, 3, 4, 6, 5);
    assertThat(deep.select(2, 2).sub(flat).abs().max().item()).isLessThan(1e-6);
    // 27 voxels: a single one of another class.
    Tensor one = Tensor.zeros(1, 5, 5, 5).to(Dtype.INT64);
    one.select(1, 2).select(1, 2).select(1, 2).fill_(1);
    Tensor tau = NeighbourPrior.DEFAULT.proportions(one, 2);
    assertThat(tau.select(1, 1).max().item()).isCloseTo(1 / 27.0, within(1e-7));
    assertThat(tau.select(1, 1).sum().item()).isCloseTo(1, within(1e-5));
    Tensor l = new Rng(4).normal(1, 3, 4, 6, 5);
    assertThat(new NaclLoss(3, 0.1).apply(l, volume).total().item()).isFinite();
  }

  @Test
  void permutingTheClassesPermutesTheProportions() {
    Tensor y = new Rng(5).integers(0, 3, 1, 6, 6);
    Tensor l = new Rng(6).normal(Dtype.FLOAT64, 1, 3, 6, 6);
    Tensor permuted = y.add(1).remainder(3).to(Dtype.INT64);
    Tensor order = Tensor.of(new long[] {2, 0, 1}, 3);
    double a = new NaclLoss(3, 0.1).apply(l, y).total().item();
    double b = new NaclLoss(3, 0.1).apply(l.indexSelect(1, order), permuted).total().item();
    assertThat(b).isCloseTo(a, within(1e-9));
  }

  @Test
  void windowsAreBruteForceCounts() {
    Tensor y = new Rng(7).integers(0, 4, 1, 9, 8);
    long[] flat = y.toLongArray();
    for (int size : new int[] {3, 5, 7}) {
      Tensor tau = NeighbourPrior.DEFAULT.withSize(size).proportions(y, 4);
      for (int r = 0; r < 9; r++) {
        for (int c = 0; c < 8; c++) {
          double[] counts = new double[4];
          for (int dr = -size / 2; dr <= size / 2; dr++) {
            for (int dc = -size / 2; dc <= size / 2; dc++) {
              int row = Math.clamp(r + dr, 0, 8);
              int column = Math.clamp(c + dc, 0, 7);
              counts[(int) flat[row * 8 + column]] += 1.0 / (size * size);
            }
          }
          assertThat(at(tau, r, c)).containsExactly(counts, within(1e-6));
        }
      }
    }
  }

  @Test
  void imagesAndModes() {
    Tensor y = labels();
    Tensor flat = Tensor.zeros(1, 4, 4);
    for (Kernel kernel : List.of(Kernel.IMAGE_L1, Kernel.IMAGE_L2)) {
      NeighbourPrior prior = NeighbourPrior.DEFAULT.withKernel(kernel);
      Tensor same = prior.proportions(y, flat, 3).sub(NeighbourPrior.DEFAULT.proportions(y, 3));
      assertThat(same.abs().max().item()).isLessThan(1e-6);
      // Intensities that tell the classes apart leave each pixel its own class.
      Tensor sharp = prior.proportions(y, y.to(Dtype.FLOAT32).mul(50), 3);
      assertThat(sharp.argmax(1).ne(y).sum().item()).isZero();
      assertThat(sharp.max(1).values().min().item()).isGreaterThan(0.999);
      assertThatThrownBy(() -> prior.proportions(y, 3)).hasMessageContaining("needs an image");
    }
    Tensor mode = NeighbourPrior.DEFAULT.withKernel(Kernel.MODE).proportions(y, 3);
    assertThat(at(mode, 3, 0)).containsExactly(0, 0, 1);
    assertThat(at(mode, 1, 1)).containsExactly(1, 0, 0);
  }

  @Test
  void ignoredPixelsCountNowhere() {
    Tensor y = labels();
    y.select(1, 0).fill_(IGNORED);
    Tensor tau = NeighbourPrior.DEFAULT.proportions(y, 3);
    assertThat(tau.sum(1).slice(1, 1, 4).sub(1).abs().max().item()).isLessThan(1e-6);
    Tensor l = logits().setRequiresGrad(true);
    NaclLoss.Parts parts = new NaclLoss(3, 0.1).apply(l, y);
    Tensor g = Autograd.grad(parts.total(), l);
    assertThat(g.select(2, 0).abs().max().item()).isZero();
    assertThat(g.select(2, 1).abs().max().item()).isPositive();
    Tensor none = y.fullLike(IGNORED);
    NaclLoss.Parts nothing = new NaclLoss(3, 0.1).apply(l, none);
    assertThat(nothing.allIgnored()).isTrue();
    assertThat(nothing.total().item()).isZero();
    assertThat(Autograd.grad(nothing.total(), l).abs().max().item()).isZero();
  }

  @Test
  void otherLossesFollowTheirFormulas() {
    Tensor y = labels();
    assertThat(new FocalLoss(0).apply(logits(), y).item()).isCloseTo(1.0582088619, within(1e-9));
    Tensor p = logits().softmax(1).gather(1, y.unsqueeze(1)).squeeze(1);
    double focal = p.rsub(1).pow(3).mul(p.log()).mean().neg().item();
    assertThat(new FocalLoss(3).apply(logits(), y).item()).isCloseTo(focal, within(1e-9));
    Tensor perfect = Functional.oneHot(y, 3).movedim(-1, 1).to(Dtype.FLOAT64).mul(60);
    assertThat(new DiceLoss(0).apply(perfect, y).item()).isCloseTo(0, within(1e-6));
    Tensor probabilities = logits().softmax(1);
    double mean = 0;
    for (int k = 0; k < 3; k++) {
      Tensor mine = y.eq(k).to(Dtype.FLOAT64);
      Tensor pk = probabilities.select(1, k);
      mean +=
          (2 * pk.mul(mine).sum().item() + 1e-5) / (pk.sum().item() + mine.sum().item() + 1e-5) / 3;
    }
    assertThat(new DiceLoss(0).apply(logits(), y).item()).isCloseTo(1 - mean, within(1e-9));
    assertThat(new DiceLoss(1).apply(logits(), y).item())
        .isCloseTo(1 - mean + 1.0582088619, within(1e-8));
    Tensor l = new Rng(8).normal(Dtype.FLOAT64, 1, 3, 4, 4);
    assertThat(
            Autograd.checkGrad(
                in ->
                    new FocalLoss(3)
                        .apply(in.getFirst(), y)
                        .add(new DiceLoss(1).apply(in.getFirst(), y))
                        .add(new NaclLoss(3, 0.1).apply(in.getFirst(), y).total())
                        .add(new SvlsLoss(3, 3, 1).apply(in.getFirst(), y))
                        .add(new MarginLabelSmoothing(1, 0.1).apply(in.getFirst(), y)),
                List.of(l)))
        .isLessThan(1e-6);
  }

  @Test
  void schedules() {
    assertThat(LambdaSchedule.CONSTANT.next(0.1, 3)).isEqualTo(0.1);
    LambdaSchedule add = new LambdaSchedule(LambdaSchedule.Mode.ADD, 0.05, 0.12, 1);
    assertThat(add.next(0.05, 0)).isCloseTo(0.1, within(1e-12));
    assertThat(add.next(0.1, 1)).isEqualTo(0.12);
    assertThat(new LambdaSchedule(LambdaSchedule.Mode.MULTIPLY, 2, 1, 1).next(0.1, 0))
        .isCloseTo(0.2, within(1e-12));
    LambdaSchedule step = new LambdaSchedule(LambdaSchedule.Mode.STEP, 2, 1, 3);
    assertThat(step.next(0.1, 1)).isEqualTo(0.1);
    assertThat(step.next(0.1, 2)).isCloseTo(0.2, within(1e-12));
  }

  @Test
  void extremesAndRefusals() {
    assertThat(new NaclLoss(3, 0.1).apply(logits().mul(1e4), labels()).total().item()).isFinite();
    assertThatThrownBy(() -> NeighbourPrior.DEFAULT.withSize(4))
        .hasMessage("size must be odd and at least 1, was 4");
    assertThatThrownBy(() -> new NaclLoss(3, -1)).hasMessage("lambda must be 0 or more, was -1.0");
    assertThatThrownBy(() -> new NaclLoss(1, 0.1)).hasMessage("classes must be at least 2, was 1");
    NaclLoss loss = new NaclLoss(3, 0.1);
    Tensor bad = labels();
    bad.select(1, 3).select(1, 2).fill_(255);
    assertThatThrownBy(() -> loss.apply(logits(), bad))
        .hasMessage("label 255 at (b=0,y=3,x=2) outside 0..2");
    assertThatThrownBy(() -> loss.apply(logits().slice(3, 0, 3), labels()))
        .hasMessageContaining("same sizes");
    assertThatThrownBy(() -> loss.apply(logits().mul(Double.NaN), labels()))
        .hasMessageContaining("not finite");
    // A window larger than the map only warns.
    assertThat(
            NeighbourPrior.DEFAULT
                .withSize(7)
                .proportions(labels(), 3)
                .sum(1)
                .sub(1)
                .abs()
                .max()
                .item())
        .isLessThan(1e-6);
  }

  @Test
  void recipesTrainAUNet() {
    Setup setup =
        new Setup(
            new Task.Segmentation(3),
            rng -> new UNet(1, List.of(4, 8), 3, rng),
            8,
            2,
            Setup.Optimization.adamW(1e-2, 0),
            new Rng(7));
    Tensor y = new Rng(9).integers(0, 3, 4, 10, 9);
    Tensor x = y.to(Dtype.FLOAT32).unsqueeze(1);
    for (Recipe recipe :
        List.<Recipe>of(
            new SegmentationRecipes.Nacl(),
            new SegmentationRecipes.Svls(),
            new SegmentationRecipes.Mbls(),
            new SegmentationRecipes.Focal(),
            new SegmentationRecipes.DiceCrossEntropy())) {
      assertThat(recipe.supports(new Task.Classification(3))).isFalse();
      Map<String, Double> setting = recipe.grid(setup.task()).getFirst();
      Learner learner = recipe.learner(setup, setting);
      double first = learner.step(new Batch(x, y, Tensor.arange(4)), 0);
      double last = 0;
      for (int i = 0; i < 15; i++) {
        last = learner.step(new Batch(x, y, Tensor.arange(4)), 0.5);
      }
      assertThat(last).as(recipe.name()).isLessThan(first);
      assertThat(learner.predict(x).shape()).containsExactly(4, 3, 10, 9);
    }
  }
}
