package org.tikhon.solve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikhon.data.DataException;
import org.tikhon.data.Safetensors;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class DirectionNetTest {
  @TempDir private Path folder;

  @Test
  void hasThePapersSize() {
    assertThat(DirectionNet.paper2d(16, new Rng(0)).parameterCount()).isEqualTo(32_657);
    assertThat(DirectionNet.paper3d(16, new Rng(0)).parameterCount())
        .isEqualTo(14 * (16 * 16 * 27 + 16) + (16 * 27 + 16) + 17);
    DirectionNet large = DirectionNet.paper3dLarge(2, new Rng(0));
    assertThat(large.parameterCount()).isEqualTo(22 * (2 * 2 * 27 + 2) + (2 * 27 + 2) + 3);
    try (Scope scope = Scope.open()) {
      assertThat(large.forward(Tensor.ones(2, 1, 4, 6, 8)).shape()).containsExactly(2, 1, 4, 6, 8);
    }
    assertThatThrownBy(() -> new DirectionNet.Size(4, 16, 1, 3, 2)).hasMessageContaining("was 4");
    assertThatThrownBy(() -> DirectionNet.paper2d(0, new Rng(0))).hasMessageContaining("was 0");
    assertThatThrownBy(() -> new DirectionNet.Size(2, 16, 1, -3, 2)).hasMessageContaining("-3");
    assertThatThrownBy(() -> DirectionNet.trained(1))
        .hasMessage("dimensions must be 2 or 3, was 1");
  }

  @Test
  void isSavedAndLoaded() throws IOException {
    Path file = folder.resolve("net.safetensors");
    DirectionNet net = DirectionNet.paper3d(3, new Rng(1));
    net.save(file);
    DirectionNet loaded = DirectionNet.load(file);
    assertThat(loaded.size()).isEqualTo(net.size());
    try (Scope scope = Scope.open()) {
      Tensor x = new Rng(2).normal(1, 1, 4, 4, 4);
      assertThat(loaded.forward(x).toDoubleArray()).isEqualTo(net.forward(x).toDoubleArray());
      Path other = folder.resolve("other.safetensors");
      Safetensors.write(other, Map.of("x", x), Map.of());
      assertThatThrownBy(() -> DirectionNet.load(other))
          .isInstanceOf(DataException.class)
          .hasMessageContaining("not a network of tikhon poisson train");
      Safetensors.write(
          other,
          Map.of("x", x),
          Map.of("format", "tikhon.direction-net", "dimensions", "2", "channels", "many"));
      assertThatThrownBy(() -> DirectionNet.load(other)).hasMessageContaining("size is wrong");
    }
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> DirectionNet.load(file)).isInstanceOf(DataException.class);
  }

  @Test
  void trainingLowersTheLossAndKeepsTheBest() {
    GridPoisson a = GridPoisson.box(8, 8).openTop();
    RitzDataset data = RitzDataset.lanczos(a, 40).samples(100).seed(1);
    List<DcdmTrainer.Epoch> told = new ArrayList<>();
    DirectionNet net = DirectionNet.paper2d(4, new Rng(1));
    List<DcdmTrainer.Epoch> epochs = DcdmTrainer.of(net, data).steps(30).train(told::add);
    assertThat(told).isEqualTo(epochs).hasSize(4);
    assertThat(epochs.getLast().step()).isEqualTo(30);
    assertThat(epochs.getLast().validationLoss()).isLessThan(epochs.getFirst().validationLoss());
    DirectionNet again = DirectionNet.paper2d(4, new Rng(1));
    assertThat(DcdmTrainer.of(again, data).steps(30).train(e -> {})).isEqualTo(epochs);
    try (Scope scope = Scope.open()) {
      Tensor x = new Rng(3).normal(1, 1, 8, 8);
      assertThat(again.forward(x).toDoubleArray()).isEqualTo(net.forward(x).toDoubleArray());
    }
  }

  @Test
  void refusesBadTraining() {
    GridPoisson a = GridPoisson.box(8, 8).openTop();
    RitzDataset data = RitzDataset.lanczos(a, 40).samples(20);
    DcdmTrainer trainer = DcdmTrainer.of(DirectionNet.paper2d(2, new Rng(1)), data);
    assertThatThrownBy(() -> trainer.batch(0)).hasMessage("batch must be at least 1, was 0");
    assertThatThrownBy(() -> trainer.steps(0)).hasMessage("steps must be at least 1, was 0");
    assertThatThrownBy(() -> trainer.learningRate(0)).hasMessageContaining("was 0.0");
    assertThatThrownBy(() -> trainer.learningRate(1e30).steps(20).train(e -> {}))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("the training diverged");
    assertThatThrownBy(() -> data.lowModeFactor(0)).hasMessageContaining("was 0.0");
  }

  @Test
  void theNetworkThatComesAlongGeneralises() {
    for (int dimensions : new int[] {2, 3}) {
      int side = dimensions == 2 ? 32 : 16;
      GridPoisson box =
          (dimensions == 2 ? GridPoisson.box(side, side) : GridPoisson.box(side, side, side))
              .openTop();
      DirectionNet net = DirectionNet.trained(dimensions);
      for (GridPoisson a : List.of(box, box.obstacle(box.ball(side / 6.0)))) {
        double[] b = SmoothNoise.of(a, 3, 0.05, new Rng(1));
        SolveResult result = new Dcdm(net).directions(5).solve(a, b);
        assertThat(result.converged()).isTrue();
        assertThat(result.iterations())
            .isLessThan(new ConjugateGradient().solve(a, b).iterations());
        boolean[] fluid = a.masked();
        for (int i = 0; i < b.length; i++) {
          if (!fluid[i]) {
            assertThat(result.x()[i]).isZero();
          }
        }
      }
    }
  }
}
