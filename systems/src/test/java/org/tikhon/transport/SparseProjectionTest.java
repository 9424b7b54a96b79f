package org.tikhon.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class SparseProjectionTest {
  @Test
  void agreesWithTheConjugatesMaximiser() {
    try (Scope scope = Scope.open()) {
      Tensor v = new Rng(1).normal(Dtype.FLOAT64, 40, 30);
      double[] flat = v.toDoubleArray();
      for (int k : new int[] {1, 3, 30, 99}) {
        double[] p = SparseProjection.simplex(v, k, 0.8, 1).toDoubleArray();
        double[] columns = SparseProjection.simplex(v.mT(), k, 0.8, 0).mT().toDoubleArray();
        assertArrayEquals(p, columns, 1e-15);
        for (int i = 0; i < 40; i++) {
          double[] row = Arrays.copyOfRange(flat, 30 * i, 30 * i + 30);
          Conjugate.Column out = new Conjugate.Column(30);
          new Conjugate.SparseQuadratic(1, k).withMass(row, 0.8, out);
          double[] expected = new double[30];
          for (int s = 0; s < out.size; s++) {
            expected[out.index[s]] = out.mass[s];
          }
          assertArrayEquals(expected, Arrays.copyOfRange(p, 30 * i, 30 * i + 30), 1e-12);
        }
      }
    }
  }

  @Test
  void ofEqualEntriesTheFirstIsTaken() {
    try (Scope scope = Scope.open()) {
      Tensor v = Tensor.of(new double[] {1, 2, 2, 2, 0, 3, 1, 1, 1, 1}, 2, 5);
      double[] p = SparseProjection.simplex(v, 2, 1, 1).toDoubleArray();
      assertArrayEquals(new double[] {0, .5, .5, 0, 0, 1, 0, 0, 0, 0}, p, 1e-15);
    }
  }

  @Test
  void theJacobianIsThatOfTheSupport() {
    try (Scope scope = Scope.open()) {
      Tensor v = Tensor.of(new double[] {.9, .5, .4, -.2}, 4).setRequiresGrad(true);
      Tensor w = Tensor.of(new double[] {1, 2, 3, 4}, 4);
      Tensor p = SparseProjection.simplex(v, 2, 1, 0);
      assertArrayEquals(new double[] {.7, .3, 0, 0}, p.toDoubleArray(), 1e-15);
      // (I - 1 1' / 2) (1, 2) on the support.
      double[] gradient = Autograd.grad(p.mul(w).sum(), v).toDoubleArray();
      assertArrayEquals(new double[] {-.5, .5, 0, 0}, gradient, 1e-15);
    }
  }

  private static String refusal(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  @Test
  void wrongUseIsRefused() {
    try (Scope scope = Scope.open()) {
      Tensor v = Tensor.of(new double[] {1, Double.NaN, 2}, 3);
      assertTrue(refusal(() -> SparseProjection.simplex(v, 1, 1, 0)).contains("finite"));
      assertTrue(refusal(() -> SparseProjection.simplex(v, 0, 1, 0)).contains("k must"));
      assertTrue(refusal(() -> SparseProjection.simplex(v, 1, 0, 0)).contains("mass must"));
      assertTrue(refusal(() -> SparseProjection.simplex(v, 1, 1, 1)).contains("dim must"));
    }
  }

  @Test
  void theRouterKeepsToItsCapacity() {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(5);
      SparseOtRouter router = new SparseOtRouter(8, 4, 1, 30, 0.1, rng);
      Tensor tokens = rng.normal(30, 8);
      RoutingPlan plan = router.route(tokens);
      assertTrue(Arrays.stream(plan.load()).max().orElseThrow() <= 8);
      assertTrue(plan.uncovered().length <= 3, Arrays.toString(plan.uncovered()));
      Tensor weights = plan.weights();
      Tensor scores = router.scores(tokens);
      for (int token : plan.tokensOf(2)) {
        assertEquals(
            scores.select(0, token).select(0, 2).item(),
            weights.select(0, token).select(0, 2).item(),
            1e-7);
      }
      weights.sum().backward();
      assertTrue(router.parameters().getFirst().grad().abs().sum().item() > 0);
      assertTrue(refusal(() -> router.route(rng.normal(3, 7))).contains("[m, 8]"));
      assertTrue(
          refusal(() -> new SparseOtRouter(8, 4, 5, 30, 0.1, rng)).contains("perToken must"));
    }
  }
}
