package org.tikhon.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CostsTest {
  private static final double[][] X = {{0, 0}, {3, 4}};
  private static final double[][] Y = {{0, 0}, {3, 0}, {-3, -4}};

  @Test
  void distances() {
    assertThat(Costs.squaredEuclidean(X, Y))
        .isDeepEqualTo(new double[][] {{0, 9, 25}, {25, 16, 100}});
    assertThat(Costs.euclidean(X, Y)).isDeepEqualTo(new double[][] {{0, 3, 5}, {5, 4, 10}});
  }

  @Test
  void angles() {
    double[][] cost =
        Costs.cosine(new double[][] {{3, 4}}, new double[][] {{6, 8}, {0, 2}, {-3, -4}});
    assertThat(cost[0]).containsExactly(new double[] {0, 0.2, 2}, within(1e-15));
    assertThatThrownBy(() -> Costs.cosine(X, Y))
        .hasMessage("x[0] must have a positive finite norm, has 0.0");
  }

  @Test
  void grids() {
    assertThat(Costs.grid(2, 2, 1))
        .isDeepEqualTo(new double[][] {{0, 1, 1, 2}, {1, 0, 2, 1}, {1, 2, 0, 1}, {2, 1, 1, 0}});
    assertThat(Costs.grid(1, 3, 2)).isDeepEqualTo(new double[][] {{0, 1, 4}, {1, 0, 1}, {4, 1, 0}});
    assertThatThrownBy(() -> Costs.grid(2, 2, 3)).hasMessage("p must be 1 or 2, was 3");
    assertThatThrownBy(() -> Costs.grid(0, 2, 1)).hasMessageContaining("h and w");
  }

  @Test
  void refusesPointsOfDifferentDimension() {
    assertThatThrownBy(() -> Costs.euclidean(X, new double[][] {{1}}))
        .hasMessage("all points must have as many coordinates as x[0], 2; y[0] has 1");
    assertThatThrownBy(() -> Costs.euclidean(X, new double[0][]))
        .hasMessage("x and y must have at least one point, have 2 and 0");
  }
}
