package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;

class GeneratedManyClassesTest {
  @Test
  void drawsEveryClassAndSharesTheClassesBetweenDraws() {
    try (Scope scope = Scope.open()) {
      GeneratedManyClasses data = new GeneratedManyClasses(5, new Rng(0));
      GeneratedManyClasses.Samples a = data.draw(400, new Rng(1));
      GeneratedManyClasses.Samples b = data.draw(400, new Rng(2));
      assertThat(a.inputs().shape()).containsExactly(2000, 64);
      assertThat(a.labels().eq(3).sum().item()).isEqualTo(400);
      double same =
          a.inputs()
              .slice(0, 0, 400)
              .mean(0)
              .sub(b.inputs().slice(0, 0, 400).mean(0))
              .norm()
              .item();
      double other =
          a.inputs()
              .slice(0, 0, 400)
              .mean(0)
              .sub(b.inputs().slice(0, 400, 800).mean(0))
              .norm()
              .item();
      assertThat(same).isCloseTo(0, within(0.5));
      assertThat(other).isGreaterThan(2);
    }
  }

  @Test
  void refusesFewerThanTwoClasses() {
    assertThatThrownBy(() -> new GeneratedManyClasses(1, new Rng(0)))
        .hasMessage("classes must be at least 2, was 1");
  }
}
