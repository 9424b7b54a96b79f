package org.tikhon.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** Layers and functions of volumes. */
class VolumesTest {
  @Test
  void convolvesAVolumeOfItsSize() {
    try (Scope scope = Scope.open()) {
      Conv3d conv = new Conv3d(2, 3, 3, new Rng(0));
      assertThat(conv.forward(Tensor.ones(4, 2, 5, 6, 7)).shape()).containsExactly(4, 3, 5, 6, 7);
      assertThat(conv.parameterCount()).isEqualTo(2 * 3 * 27 + 3);
      assertThat(conv.weight().abs().max().item()).isLessThanOrEqualTo(1 / Math.sqrt(54));
      assertThatThrownBy(() -> new Conv3d(0, 3, 3, new Rng(0)))
          .hasMessage("in must be at least 1, was 0");
      conv.close();
    }
  }

  @Test
  void repeatsPixelsAndVoxels() {
    try (Scope scope = Scope.open()) {
      Tensor image =
          Functional.upsampleNearest(Tensor.arange(4).to(Dtype.FLOAT32).reshape(1, 1, 2, 2), 2);
      assertThat(image.flatten().toDoubleArray())
          .containsExactly(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3);
      Tensor volume =
          Functional.upsampleNearest(Tensor.arange(8).to(Dtype.FLOAT32).reshape(1, 1, 2, 2, 2), 3);
      assertThat(volume.shape()).containsExactly(1, 1, 6, 6, 6);
      assertThat(volume.select(2, 5).select(2, 0).select(2, 5).item()).isEqualTo(5);
      assertThatThrownBy(() -> Functional.upsampleNearest(Tensor.ones(2, 2), 2))
          .hasMessageContaining("has 2 dimensions");
      assertThatThrownBy(() -> Functional.upsampleNearest(Tensor.ones(1, 1, 2, 2), 0))
          .hasMessage("factor must be at least 1, was 0");
    }
  }
}
