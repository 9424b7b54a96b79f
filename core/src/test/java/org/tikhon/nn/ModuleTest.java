package org.tikhon.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class ModuleTest {
  private final Rng rng = new Rng(0);
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  static Stream<Arguments> networks() {
    return Stream.of(
        Arguments.of(
            "mlp",
            (Function<Rng, Module>) r -> new Mlp(12, List.of(8, 6), 3, 0.1, r),
            new long[] {4, 3, 2, 2}),
        Arguments.of(
            "cnn", (Function<Rng, Module>) r -> new SmallCnn(1, 4, 3, r), new long[] {4, 1, 8, 8}),
        Arguments.of(
            "resnet20",
            (Function<Rng, Module>) r -> ResNet.resnet20(3, 3, r),
            new long[] {4, 3, 8, 8}),
        Arguments.of(
            "vit",
            (Function<Rng, Module>) r -> new Vit(1, 8, 4, 16, 2, 4, 0.1, 3, r),
            new long[] {4, 1, 8, 8}),
        Arguments.of(
            "conv1d",
            (Function<Rng, Module>)
                r ->
                    new Sequential(
                        new Conv1d(2, 4, 3, r),
                        new GroupNorm(2, 4),
                        Lambda.flatten(),
                        new Linear(24, 3, r)),
            new long[] {4, 2, 6}),
        Arguments.of(
            "transposed",
            (Function<Rng, Module>)
                r ->
                    new Sequential(
                        new ConvTranspose2d(1, 2, 2, Functional.Conv.DEFAULT.stride(2), 0, r),
                        Lambda.flatten(),
                        new RmsNorm(32),
                        new Linear(32, 3, r)),
            new long[] {4, 1, 2, 2}),
        Arguments.of(
            "gru",
            (Function<Rng, Module>)
                r -> new Sequential(new GruCell(2, 5, r), Lambda.flatten(), new Linear(15, 3, r)),
            new long[] {4, 3, 2}),
        Arguments.of(
            "lstm",
            (Function<Rng, Module>)
                r -> new Sequential(new LstmCell(2, 5, r), Lambda.flatten(), new Linear(15, 3, r)),
            new long[] {4, 3, 2}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("networks")
  void everyParameterGetsAGradientAndStateMovesTheFunction(
      String name, Function<Rng, Module> make, long[] shape) {
    Module network = make.apply(rng);
    Tensor x = rng.normal(shape);
    Tensor y = network.forward(x);
    assertThat(y.shape()).containsExactly(4, 3);
    Functional.crossEntropy(y, Tensor.of(new long[] {0, 1, 2, 0})).backward();
    network
        .namedParameters()
        .forEach((n, p) -> assertThat(p.grad()).as("gradient of " + n).isNotNull());

    Module other = make.apply(new Rng(99));
    other.loadStateDict(network.stateDict());
    network.eval();
    other.eval();
    assertThat(other.forward(x).toFloatArray()).isEqualTo(network.forward(x).toFloatArray());
  }

  @Test
  void aTabularNetworkReadsNumbersAndCodes() {
    TabularMlp network = new TabularMlp(2, List.of(3, 10), List.of(8), 2, 0, rng);
    Tensor x = Tensor.of(new float[] {0.5f, -1, 2, 9, 1, 1, 0, 0}, 2, 4);
    assertThat(network.forward(x).shape()).containsExactly(2, 2);
    assertThat(network.namedParameters())
        .doesNotContainKey("mlp.head.weight")
        .containsKey("head.weight");
  }

  @Test
  void aLanguageModelSeesOnlyThePast() {
    Module gpt = new Gpt(11, 8, 16, 2, 4, 0, rng).eval();
    Tensor a = Tensor.of(new long[] {1, 2, 3, 4}, 1, 4);
    Tensor b = Tensor.of(new long[] {1, 2, 3, 9}, 1, 4);
    Tensor ya = gpt.forward(a);
    assertThat(ya.shape()).containsExactly(1, 4, 11);
    assertThat(ya.slice(1, 0, 3).allClose(gpt.forward(b).slice(1, 0, 3), 0, 1e-6)).isTrue();
    assertThatThrownBy(() -> gpt.forward(Tensor.zeros(org.tikhon.tensor.Dtype.INT64, 1, 9)))
        .hasMessageContaining("exceeds the context of 8");
  }

  /** W = exp(s) W0 with a trained scale, W0 frozen. */
  private static final class Scaled extends Parametrization {
    private final Parameter scale = parameter("scale", Tensor.zeros(1));

    @Override
    public Tensor forward(Tensor original) {
      return original.mul(scale.value().exp());
    }

    @Override
    public boolean trainsOriginal() {
      return false;
    }
  }

  @Test
  void aParametrizationReplacesTheWeightAndCanBeTakenOff() {
    Linear linear = new Linear(3, 2, rng);
    Tensor x = rng.normal(5, 3);
    float[] before = linear.forward(x).toFloatArray();
    linear.parametrize("weight", new Scaled());
    assertThat(linear.forward(x).toFloatArray()).isEqualTo(before);
    assertThat(linear.namedParameters()).containsOnlyKeys("bias", "parametrizations.weight.scale");
    assertThat(linear.stateDict()).containsKey("parametrizations.weight.original");

    linear.forward(x).sum().backward();
    Tensor scale = linear.namedParameters().get("parametrizations.weight.scale");
    assertThat(scale.grad()).isNotNull();
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      scale.fill_(0.3);
    }
    float[] changed = linear.forward(x).toFloatArray();
    linear.unparametrize("weight");
    assertThat(linear.forward(x).toFloatArray()).isEqualTo(changed);
    assertThat(linear.namedParameters()).containsOnlyKeys("weight", "bias");
    assertThatThrownBy(() -> linear.unparametrize("weight"))
        .hasMessage("parameter weight is not parametrized");
  }

  /** W = 2 P^T for a stored P, applied without building it. */
  private static final class Stored extends Parametrization {
    private int shortcuts;

    @Override
    public Tensor forward(Tensor original) {
      return original.t().mul(2);
    }

    @Override
    public Tensor linear(Tensor x, Tensor original, Tensor bias) {
      shortcuts++;
      return x.matmul(original).mul(2).add(bias);
    }

    @Override
    public boolean trainsOriginal() {
      return false;
    }
  }

  @Test
  void aParametrizationCanStoreSomethingElseAndApplyItDirectly() {
    Linear linear = new Linear(3, 2, rng);
    Tensor stored = rng.normal(3, 2);
    Stored parametrization = new Stored();
    linear.parametrize("weight", parametrization, stored);
    Tensor x = rng.normal(5, 3);
    Tensor expected = Functional.linear(x, stored.t().mul(2), linear.bias());
    assertThat(linear.forward(x).allClose(expected, 1e-5, 1e-6)).isTrue();
    assertThat(parametrization.shortcuts).isEqualTo(1);
    assertThat(linear.inFeatures()).isEqualTo(3);
    assertThat(linear.parameterNames()).containsExactly("weight", "bias");
    linear.unparametrize("weight");
    assertThat(linear.weight().shape()).containsExactly(2, 3);
    assertThat(linear.forward(x).allClose(expected, 1e-5, 1e-6)).isTrue();
    assertThat(linear.namedParameters()).containsOnlyKeys("weight", "bias");
  }

  @Test
  void aStateThatDoesNotFitIsRefused() {
    Linear linear = new Linear(3, 2, rng);
    assertThatThrownBy(() -> linear.loadStateDict(Map.of("weight", Tensor.ones(2, 3))))
        .hasMessage("the state does not fit: missing [bias], unknown []");
    assertThatThrownBy(
            () -> linear.loadStateDict(Map.of("weight", Tensor.ones(3, 2), "bias", Tensor.ones(2))))
        .hasMessage("weight has shape [2, 3], the state has [3, 2]");
  }

  @Test
  void dropoutIsSeededAndOnlyInTraining() {
    Tensor x = Tensor.ones(1000);
    Dropout dropout = new Dropout(0.25, new Rng(5));
    Tensor y = dropout.forward(x);
    assertThat(y.eq(0).sum().item()).isBetween(200.0, 300.0);
    assertThat(y.toFloatArray()).isEqualTo(new Dropout(0.25, new Rng(5)).forward(x).toFloatArray());
    dropout.eval();
    assertThat(dropout.forward(x).toFloatArray()).isEqualTo(x.toFloatArray());
  }

  @Test
  void batchNormalisationKeepsRunningStatistics() {
    BatchNorm norm = new BatchNorm(1);
    Tensor x = Tensor.of(new float[] {1, 3}, 2, 1);
    assertThat(norm.forward(x).toFloatArray()[1])
        .isCloseTo(1f, org.assertj.core.data.Offset.offset(1e-4f));
    assertThat(norm.stateDict().get("running_mean").item())
        .isCloseTo(0.2, org.assertj.core.data.Offset.offset(1e-6));
    assertThat(norm.stateDict().get("running_var").item())
        .isCloseTo(1.1, org.assertj.core.data.Offset.offset(1e-6));
  }

  @Test
  void badSizesAreRefused() {
    assertThatThrownBy(() -> new Linear(0, 2, rng)).hasMessage("in must be at least 1, was 0");
    assertThatThrownBy(() -> new MultiheadAttention(10, 3, rng))
        .hasMessage("features must be divisible by heads, was 10 with 3");
    assertThatThrownBy(() -> new Dropout(1, rng)).hasMessage("p must be in [0, 1), was 1.0");
  }
}
