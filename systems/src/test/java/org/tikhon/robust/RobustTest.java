package org.tikhon.robust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tikhon.loss.CompSumLoss;
import org.tikhon.nn.Lambda;
import org.tikhon.nn.Linear;
import org.tikhon.nn.Module;
import org.tikhon.robust.Ball.Norm;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;
import org.tikhon.train.Dataset;

class RobustTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor label(long y) {
    return Tensor.of(new long[] {y}, 1);
  }

  @Test
  void projectionsStayInTheBallAndTheRange() {
    Rng rng = new Rng(0);
    Tensor x = rng.uniform(Dtype.FLOAT64, 20, 3, 4);
    for (Norm norm : Norm.values()) {
      Ball ball = new Ball(norm, 0.2, 0, 1);
      for (Tensor moved :
          new Tensor[] {
            ball.project(x, x.add(rng.normal(Dtype.FLOAT64, 20, 3, 4))), ball.random(x, rng)
          }) {
        Tensor change = moved.sub(x).reshape(20, -1);
        double size =
            norm == Norm.L_INF ? change.abs().max().item() : change.norm(2, 1).max().item();
        assertThat(size).isLessThanOrEqualTo(0.2 + 1e-12).isGreaterThan(0.1);
        assertThat(moved.min().item()).isNotNegative();
        assertThat(moved.max().item()).isLessThanOrEqualTo(1);
      }
      assertThat(ball.project(x, x).sub(x).abs().max().item()).isLessThan(1e-15);
    }
  }

  @Test
  void attackOfALinearModelFindsTheClosedForm() {
    Linear model = new Linear(6, 2, new Rng(0));
    Tensor x = new Rng(1).normal(4, 6);
    Tensor y = Tensor.of(new long[] {0, 1, 0, 1}, 4);
    Tensor w = model.weight().detach();
    double gamma = 0.3;
    Ball ball = new Ball(Norm.L_INF, gamma, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    SmoothAdversarialLoss loss = new SmoothAdversarialLoss(new CompSumLoss(1), 1, 1, ball, 10);
    Tensor attacked = loss.attack(model, x, y, new Rng(2));
    Tensor distance =
        SmoothAdversarialLoss.distance(
            model.forward(attacked).detach(), model.forward(x).detach(), y);
    double best = gamma * w.select(0, 0).sub(w.select(0, 1)).abs().sum().item();
    assertThat(distance.sub(best).abs().max().item()).isLessThan(1e-4);
    // The objective does not fall along the steps.
    Tensor moved = ball.random(x, new Rng(3));
    Tensor clean = model.forward(x).detach();
    Pgd pgd = new Pgd(ball, 1, 0.05, 1, false);
    double last = 0;
    for (int i = 0; i < 10; i++) {
      double value = SmoothAdversarialLoss.distance(model.forward(moved), clean, y).sum().item();
      assertThat(value).isGreaterThanOrEqualTo(last - 1e-5);
      last = value;
      moved = pgd.step(in -> SmoothAdversarialLoss.distance(model.forward(in), clean, y), x, moved);
    }
  }

  @Test
  void restartsKeepTheWorstInputs() {
    // Two peaks: starts that climb the lower one are replaced.
    Tensor x = Tensor.zeros(30, 1);
    Pgd.Objective objective =
        in -> {
          Tensor v = in.squeeze(1);
          return v.sub(0.8).square().neg().exp().maximum(v.add(0.8).square().neg().exp().mul(0.5));
        };
    Ball ball = new Ball(Norm.L_INF, 1, -1, 1);
    Tensor one = Pgd.of(ball, 10).attack(objective, x, new Rng(0));
    Tensor many = Pgd.of(ball, 10).withRestarts(6).attack(objective, x, new Rng(0));
    assertThat(objective.of(many).mean().item()).isGreaterThan(objective.of(one).mean().item());
    assertThat(many.gt(0).sum().item()).isGreaterThan(28);
  }

  @Test
  void smoothLossOfTheCard() {
    Tensor clean = Tensor.of(new double[][] {{2, 1, -1}});
    Tensor attacked = Tensor.of(new double[][] {{1.2, 1.6, -0.5}});
    assertThat(new CompSumLoss(1).apply(clean, label(0)).item())
        .isCloseTo(0.3490122168, within(1e-9));
    double distance = SmoothAdversarialLoss.distance(attacked, clean, label(0)).item();
    assertThat(distance).isCloseTo(1.9104973175, within(1e-9));
    assertThat(0.3490122168 + distance).isCloseTo(2.2595095343, within(1e-9));
  }

  @Test
  void boundsTheMarginLoss() {
    Rng rng = new Rng(0);
    int n = 5;
    int cases = 4000;
    for (double tau : new double[] {0, 0.5, 1, 1.5, 2}) {
      CompSumLoss base = new CompSumLoss(tau);
      double rho = 0.3 + rng.nextDouble();
      Tensor clean = rng.normal(Dtype.FLOAT64, cases, n).mul(2);
      Tensor attacked = clean.add(rng.normal(Dtype.FLOAT64, cases, n));
      Tensor y = rng.integers(0, n, cases);
      Tensor left = SmoothAdversarialLoss.marginLoss(base, rho, attacked, y);
      Tensor right =
          base.perSample(clean.div(rho), y)
              .add(SmoothAdversarialLoss.distance(attacked, clean, y).mul(Math.sqrt(n - 1) / rho));
      assertThat(left.sub(right).max().item()).isLessThanOrEqualTo(1e-9);
      // A wrong prediction costs Phi(1) at least.
      Tensor wrong = attacked.argmax(1).ne(y);
      Tensor short_ = left.add(1e-9).lt(base.phi(1)).logicalAnd(wrong);
      assertThat(short_.sum().item()).isZero();
    }
  }

  @Test
  void withoutAttackItIsTheCleanLoss() {
    Module model = new Linear(6, 3, new Rng(0));
    Tensor x = new Rng(1).normal(4, 6);
    Tensor y = Tensor.of(new long[] {0, 1, 2, 1}, 4);
    Ball none = new Ball(Norm.L_INF, 0, -9, 9);
    Ball some = new Ball(Norm.L_INF, 0.1, -9, 9);
    CompSumLoss base = new CompSumLoss(1.5);
    double expected = base.apply(model.forward(x).div(0.5), y).item();
    for (SmoothAdversarialLoss loss :
        new SmoothAdversarialLoss[] {
          new SmoothAdversarialLoss(base, 0.5, 1, none, 0),
          new SmoothAdversarialLoss(base, 0.5, 0, some, 3)
        }) {
      assertThat(loss.apply(model, x, y, new Rng(2)).total().item())
          .isCloseTo(expected, within(1e-6));
    }
    SmoothAdversarialLoss.Parts parts =
        new SmoothAdversarialLoss(base, 0.5, 2, some, 3).apply(model, x, y, new Rng(2));
    assertThat(parts.total().item())
        .isCloseTo(parts.base().item() + 2 * parts.penalty().item(), within(1e-6));
    assertThat(parts.penalty().item()).isPositive();
    double plain = Functional.crossEntropy(model.forward(x), y).item();
    assertThat(new TradesLoss(0, some, 2).apply(model, x, y, new Rng(0)).item())
        .isCloseTo(plain, within(1e-6));
    assertThat(new TradesLoss(3, some, 2).apply(model, x, y, new Rng(0)).item())
        .isGreaterThan(plain);
    assertThat(new PgdTraining(some, 2).apply(model, x, y, new Rng(0)).item()).isGreaterThan(plain);
  }

  @Test
  void theOuterGradientFlowsThroughBothSides() {
    Linear model = new Linear(2, 2, false, new Rng(0));
    Tensor x = Tensor.of(new double[][] {{1, 0}}).to(Dtype.FLOAT32);
    Ball ball = new Ball(Norm.L_INF, 0.5, -9, 9);
    SmoothAdversarialLoss loss = new SmoothAdversarialLoss(new CompSumLoss(1), 1, 1, ball, 5);
    loss.apply(model, x, label(0), new Rng(0)).penalty().backward();
    // D(x') - D(x) = (w_0 - w_1) (x' - x) with |x' - x|_i = 0.5: were D(x) constant, the gradient
    // would hold x' itself, 1.5 or 0.5, in its first column.
    assertThat(model.weight().grad().abs().sub(0.5).abs().max().item()).isLessThan(1e-5);
  }

  @Test
  void evaluationCountsWhatSurvivesEveryAttack() {
    // Class 1 where x > 0.
    Module model = new Lambda(x -> Tensor.cat(List.of(x.neg(), x), 1));
    Tensor x = Tensor.of(new double[][] {{0.05}, {0.5}, {-0.05}, {-0.5}}).to(Dtype.FLOAT32);
    Dataset data = new Dataset(x, Tensor.of(new long[] {1, 1, 1, 0}, 4));
    Ball ball = new Ball(Norm.L2, 0.1, -1, 1);
    RobustEvaluation.RobustReport report = RobustEvaluation.of(model, data, ball, 5, 2, new Rng(0));
    assertThat(report.clean()).isEqualTo(0.75);
    assertThat(report.robust()).isEqualTo(0.5);
    assertThat(report.byAttack()).containsOnlyKeys("cross-entropy", "margin");
  }

  @Test
  void refusals() {
    assertThatThrownBy(() -> new Ball(Norm.L2, -1, 0, 1))
        .hasMessage("radius must be 0 or more, was -1.0");
    assertThatThrownBy(() -> new Ball(Norm.L2, 1, 1, 1))
        .hasMessageContaining("low must be below high");
    Ball ball = new Ball(Norm.L2, 1, 0, 1);
    CompSumLoss base = new CompSumLoss(1);
    assertThatThrownBy(() -> new SmoothAdversarialLoss(base, 0, 1, ball, 3))
        .hasMessage("rho must be above 0, was 0.0");
    assertThatThrownBy(() -> new SmoothAdversarialLoss(base, 1, -1, ball, 3))
        .hasMessageContaining("nu");
    assertThatThrownBy(() -> Pgd.of(ball, 0)).hasMessageContaining("steps must be at least 1");
    assertThatThrownBy(() -> Pgd.of(ball, 1).withRestarts(0)).hasMessageContaining("restarts");
    assertThatThrownBy(() -> new TradesLoss(-1, ball, 1)).hasMessageContaining("beta");
  }
}
