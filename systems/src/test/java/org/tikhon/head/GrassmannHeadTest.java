package org.tikhon.head;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.TrainingInTwo;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Grassmann;
import org.tikhon.optim.RiemannianSgd;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Linalg;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Learner;
import org.tikhon.train.Setup;
import org.tikhon.train.Task;

class GrassmannHeadTest {
  private static final double HALF = Math.sqrt(0.5);
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static GrassmannHead golden() {
    Tensor s0 = Tensor.of(new double[][] {{1, 0}, {0, 1}, {0, 0}, {0, 0}});
    Tensor s1 = Tensor.of(new double[][] {{HALF, 0}, {0, 0}, {HALF, 0}, {0, 1}});
    return new GrassmannHead(4, new int[] {2, 2}, 25, Map.of(2, Tensor.stack(List.of(s0, s1), 0)));
  }

  private static Tensor goldenFeature() {
    return Tensor.of(new double[][] {{1, 2, 2, 4}});
  }

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  @Test
  void logitsAndLossOfTheCard() {
    GrassmannHead head = golden();
    Tensor logits = head.forward(goldenFeature());
    assertThat(logits.div(25).toDoubleArray())
        .containsExactly(new double[] {0.4472135955, 0.9055385138}, within(1e-9));
    assertThat(logits.toDoubleArray())
        .containsExactly(new double[] {11.1803398875, 22.6384628453}, within(1e-9));
    assertThat(Functional.crossEntropy(logits, label(0)).item())
        .isCloseTo(11.4581335211, within(1e-9));
  }

  @Test
  void gradientTangentAndStepOfTheCard() {
    GrassmannHead head = golden();
    Tensor s = head.subspaces().getFirst();
    Functional.crossEntropy(head.forward(goldenFeature()), label(0)).backward();
    Tensor gradient = s.grad().select(0, 0);
    double[] rows = {
      -2.23604436,
      -4.47208871,
      -4.47208871,
      -8.94417743,
      -4.47208871,
      -8.94417743,
      -8.94417743,
      -17.88835486
    };
    assertThat(gradient.toDoubleArray()).containsExactly(rows, within(1e-7));
    Tensor tangent = Grassmann.project(s.detach(), s.grad()).select(0, 0);
    for (int i = 0; i < 4; i++) {
      rows[i] = 0;
    }
    assertThat(tangent.toDoubleArray()).containsExactly(rows, within(1e-7));
    assertThat(Linalg.svdvals(tangent).toDoubleArray())
        .containsExactly(new double[] {22.36044357, 0}, within(1e-7));
    new RiemannianSgd(head.subspaces(), 0.01, RiemannianSgd.Options.DEFAULT).step();
    Tensor s0 = head.subspace(0).detach();
    assertThat(s0.toDoubleArray())
        .containsExactly(
            new double[] {
              0.9950209,
              -0.00995819,
              -0.00995819,
              0.98008361,
              0.04434915,
              0.0886983,
              0.0886983,
              0.17739661
            },
            within(1e-7));
    Tensor product = s0.mT().matmul(s0).sub(Tensor.eye(2, Dtype.FLOAT64));
    assertThat(product.abs().max().item()).isLessThan(1e-12);
    assertThat(head.forward(goldenFeature()).select(1, 0).item() / 25)
        .isCloseTo(0.6344154320, within(1e-9));
  }

  @Test
  void logitsDependOnTheSpanOnly() {
    Rng rng = new Rng(0);
    Tensor bases = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 3, 8, 2)).q();
    Tensor rotations = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 3, 2, 2)).q();
    Tensor x = rng.normal(Dtype.FLOAT64, 5, 8);
    int[] dimensions = {2, 2, 2};
    Tensor a = new GrassmannHead(8, dimensions, 25, Map.of(2, bases)).forward(x);
    Tensor b = new GrassmannHead(8, dimensions, 25, Map.of(2, bases.matmul(rotations))).forward(x);
    assertThat(a.sub(b).abs().max().item()).isLessThan(1e-6);
    Tensor mirrored = new GrassmannHead(8, dimensions, 25, Map.of(2, bases)).forward(x.neg());
    assertThat(a.sub(mirrored).abs().max().item()).isLessThan(1e-12);
  }

  @Test
  void theWholeSpaceGivesGammaAndComplementsShareTheLength() {
    Rng rng = new Rng(1);
    Tensor q = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 1, 6, 6)).q();
    Tensor x = rng.normal(Dtype.FLOAT64, 4, 6);
    Tensor whole = new GrassmannHead(6, new int[] {6}, 25, Map.of(6, q)).forward(x);
    assertThat(whole.sub(25).abs().max().item()).isLessThan(1e-9);
    Map<Integer, Tensor> parts = new LinkedHashMap<>();
    parts.put(2, q.slice(2, 0, 2));
    parts.put(4, q.slice(2, 2, 6));
    Tensor lengths = new GrassmannHead(6, new int[] {2, 4}, 1, parts).forward(x);
    assertThat(lengths.square().sum(1).sub(1).abs().max().item()).isLessThan(1e-9);
  }

  @Test
  void classesMayHaveDifferentDimensions() {
    GrassmannHead head = new GrassmannHead(10, new int[] {3, 1, 3, 2}, 25, new Rng(2));
    assertThat(head.subspaces()).hasSize(3);
    assertThat(head.subspace(0).shape()).containsExactly(10, 3);
    assertThat(head.subspace(3).shape()).containsExactly(10, 2);
    Tensor x = new Rng(3).normal(6, 10);
    Tensor logits = head.forward(x);
    Tensor unit = Functional.normalize(x, 1);
    for (int c = 0; c < 4; c++) {
      Tensor expected = unit.matmul(head.subspace(c)).norm(2, 1).mul(25);
      assertThat(logits.select(1, c).sub(expected).abs().max().item()).isLessThan(1e-4);
    }
  }

  @Test
  void gradientsAreThoseOfFiniteDifferences() {
    Rng rng = new Rng(4);
    Tensor bases = Linalg.qrPositive(rng.normal(Dtype.FLOAT64, 3, 5, 2)).q();
    Tensor x = rng.normal(Dtype.FLOAT64, 4, 5);
    Tensor y = Tensor.of(new long[] {0, 2, 1, 2}, 4);
    double error =
        Autograd.checkGrad(
            in -> {
              GrassmannHead head = golden(in.get(1));
              try (var replaced = head.substitute(Map.of("subspaces.2", in.get(1)))) {
                return Functional.crossEntropy(head.forward(in.get(0)), y);
              }
            },
            List.of(x, bases));
    assertThat(error).isLessThan(1e-8);
  }

  private static GrassmannHead golden(Tensor bases) {
    return new GrassmannHead(5, new int[] {2, 2, 2}, 25, Map.of(2, bases));
  }

  @Test
  void aZeroFeatureIsHarmless() {
    GrassmannHead head = new GrassmannHead(6, 3, 2, new Rng(5));
    Tensor x = Tensor.zeros(2, 6).setRequiresGrad(true);
    Tensor logits = head.forward(x);
    assertThat(logits.abs().max().item()).isLessThan(1e-4);
    Functional.crossEntropy(logits, Tensor.of(new long[] {0, 1}, 2)).backward();
    assertThat(x.grad().abs().max().item()).isFinite();
    assertThat(head.subspaces().getFirst().grad().abs().max().item()).isFinite();
  }

  @Test
  void refusesBadArguments() {
    Rng rng = new Rng(6);
    assertThatThrownBy(() -> new GrassmannHead(8, 10, 8, rng))
        .hasMessage("subspace dimension 8 must be below the feature dimension 8");
    assertThatThrownBy(() -> new GrassmannHead(8, 10, 0, rng))
        .hasMessageContaining("at least 1, was 0");
    assertThatThrownBy(() -> new GrassmannHead(8, new int[] {2}, 0, rng))
        .hasMessage("gamma must be above 0, was 0.0");
    assertThatThrownBy(() -> new GrassmannHead(8, new int[0], 25, rng))
        .hasMessageContaining("dimensions");
    GrassmannHead head = new GrassmannHead(8, 3, 2, rng);
    assertThatThrownBy(() -> head.forward(Tensor.zeros(2, 7)))
        .hasMessage("features must have the shape [b, 8], was [2, 7]");
    assertThatThrownBy(() -> head.subspace(3)).hasMessage("class must be in 0..2, was 3");
  }

  @Test
  void aTrainingThatIsCutInTwoEndsWithTheSameNumbers() {
    for (Setup.Optimization optimization :
        List.of(Setup.Optimization.adamW(1e-3, 1e-2), Setup.Optimization.sgd(0.05, 0.9, 5e-4))) {
      Learner whole =
          TrainingInTwo.check(
              () ->
                  new GcrRecipe()
                      .learner(TrainingInTwo.setup(optimization), Map.of("dimension", 4.0)));
      for (Tensor s : ((GrassmannHead) ((Mlp) whole.model()).head()).subspaces()) {
        Tensor product = s.detach().mT().matmul(s.detach()).sub(Tensor.eye(4, Dtype.FLOAT32));
        assertThat(product.abs().max().item()).isLessThan(1e-5);
      }
    }
  }

  @Test
  void narrowNetworksGetSmallerSubspaces() {
    Setup setup =
        new Setup(
            new Task.Classification(3),
            rng -> new Mlp(8, List.of(5), 3, rng),
            60,
            2,
            Setup.Optimization.sgd(0.05, 0.9, 5e-4),
            new Rng(7));
    Mlp network = (Mlp) GcrRecipe.learner(setup, 16).model();
    assertThat(((GrassmannHead) network.head()).subspace(0).shape()).containsExactly(5, 4);
  }
}
