package org.tikhon.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tikhon.nn.Dropout;
import org.tikhon.nn.Mlp;
import org.tikhon.tensor.Autograd;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Functional;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

class PsKdTest {
  private static final double[] P = {0.6652409558, 0.2447284711, 0.0900305732};

  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor row(double... x) {
    return Tensor.of(x, 1, x.length);
  }

  private static Tensor logits() {
    return row(2, 1, 0).setRequiresGrad(true);
  }

  private static Tensor index(long... i) {
    return Tensor.of(i, i.length);
  }

  private static void assertClose(Tensor actual, double tolerance, double... expected) {
    assertThat(actual.toDoubleArray()).containsExactly(expected, within(tolerance));
  }

  // ---- Golden checks 1 and 2

  @Test
  void pastThatWasWrongIsTheFormula() {
    Tensor z = logits();
    Tensor q = PsKdLoss.targets(index(0), row(0.2, 0.7, 0.1), 0.4);
    assertClose(q, 1e-9, 0.68, 0.28, 0.04);
    Tensor loss = PsKdLoss.loss(z, q);
    assertThat(loss.item()).isCloseTo(0.7676059645, within(1e-9));
    assertClose(Autograd.grad(loss, z), 1e-9, -0.0147590442, -0.0352715289, 0.0500305732);
  }

  @Test
  void easySampleCountsLessByAlphaGamma() {
    Tensor z = logits();
    Tensor past = row(0.8, 0.15, 0.05);
    Tensor q = PsKdLoss.targets(index(0), past, 0.4);
    assertClose(q, 1e-9, 0.92, 0.06, 0.02);
    Tensor loss = PsKdLoss.loss(z, q);
    assertThat(loss.item()).isCloseTo(0.5076059645, within(1e-9));
    double distilled = Autograd.grad(loss, z).abs().sum().item();
    double plain = Autograd.grad(Functional.crossEntropy(z, index(0)), z).abs().sum().item();
    assertThat(distilled / plain).isCloseTo(0.7610221400, within(1e-9));
    double gamma = PsKdLoss.gamma(past, z.softmax(1), index(0)).item();
    assertThat(gamma).isCloseTo(0.2 / (1 - P[0]), within(1e-9));
    assertThat(1 - 0.4 * gamma).isCloseTo(0.7610221400, within(1e-9));
  }

  @Test
  void gradientAgreesWithFiniteDifferences() {
    Rng rng = new Rng(3);
    Tensor past = rng.uniform(Dtype.FLOAT64, 5, 4).softmax(1);
    Tensor q = PsKdLoss.targets(index(0, 3, 1, 2, 0), past, 0.7);
    assertThat(
            Autograd.checkGrad(
                x -> PsKdLoss.loss(x.getFirst(), q), List.of(rng.normal(Dtype.FLOAT64, 5, 4))))
        .isLessThan(1e-6);
  }

  // ---- Golden check 3

  @Test
  void withoutAlphaItIsCrossEntropy() {
    Tensor z = new Rng(1).normal(Dtype.FLOAT64, 6, 3).setRequiresGrad(true);
    Tensor y = index(0, 1, 2, 0, 1, 2);
    Tensor past = new Rng(2).normal(Dtype.FLOAT64, 6, 3).softmax(1);
    assertCrossEntropy(z, y, PsKdLoss.targets(y, past, 0));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.013, 0.1, 0.4, 0.8, 1})
  void withTheLabelAsThePastItIsCrossEntropy(double alpha) {
    Tensor z = new Rng(1).normal(Dtype.FLOAT64, 6, 3).setRequiresGrad(true);
    Tensor y = index(0, 1, 2, 0, 1, 2);
    Tensor past = Functional.oneHot(y, 3).to(Dtype.FLOAT64);
    assertCrossEntropy(z, y, PsKdLoss.targets(y, past, alpha));
  }

  private static void assertCrossEntropy(Tensor z, Tensor y, Tensor q) {
    assertThat(q.toDoubleArray()).isEqualTo(Functional.oneHot(y, 3).toDoubleArray());
    Tensor loss = PsKdLoss.loss(z, q);
    Tensor plain = Functional.crossEntropy(z, y);
    assertThat(loss.item()).isCloseTo(plain.item(), within(1e-15));
    assertThat(Autograd.grad(loss, z).toDoubleArray())
        .isEqualTo(Autograd.grad(plain, z).toDoubleArray());
  }

  @Test
  void fullTrustInAnUnchangedPastLeavesNoGradient() {
    Tensor z = logits();
    Tensor q = PsKdLoss.targets(index(0), z.softmax(1), 1);
    assertClose(Autograd.grad(PsKdLoss.loss(z, q), z), 1e-7, 0, 0, 0);
  }

  // ---- Golden check 4

  @Test
  void weightGrowsLinearlyFromTheFirstEpoch() {
    ProgressiveSchedule schedule = new ProgressiveSchedule(0.8, 300);
    assertThat(schedule.alpha(1)).isCloseTo(0.0026667, within(1e-7));
    assertThat(schedule.alpha(150)).isEqualTo(0.4);
    assertThat(schedule.alpha(300)).isEqualTo(0.8);
  }

  // ---- Golden check 5

  @ParameterizedTest
  @ValueSource(strings = {"FLOAT32", "FLOAT64"})
  void targetsOfStoredRowsSumToOne(Dtype dtype) {
    PredictionMemory memory = new PredictionMemory(20, 7, dtype);
    memory.write(Tensor.arange(10), new Rng(4).normal(10, 7).softmax(1));
    Tensor y = new Rng(5).integers(0, 7, 20).to(Dtype.INT64);
    Tensor q = PsKdLoss.targets(y, memory.read(Tensor.arange(20), y), 0.6);
    for (double sum : q.sum(1).toDoubleArray()) {
      assertThat(sum).isCloseTo(1, within(1e-6));
    }
  }

  @Test
  void noGradientReachesThePast() {
    Tensor z = logits();
    Tensor past = row(0.2, 0.7, 0.1).setRequiresGrad(true);
    PsKdLoss.loss(z, PsKdLoss.targets(index(0), past, 0.4)).backward();
    assertThat(z.grad()).isNotNull();
    assertThat(past.grad()).isNull();
    PredictionMemory memory = new PredictionMemory(1, 3, Dtype.FLOAT64);
    memory.write(index(0), z.softmax(1));
    assertThat(memory.read(index(0), index(0)).requiresGrad()).isFalse();
  }

  // ---- Golden check 8

  @Test
  void reportHasThePapersMeasures() {
    Tensor probs =
        Tensor.of(new double[][] {{0.95, 0.05}, {0.85, 0.15}, {0.75, 0.25}, {0.65, 0.35}});
    CalibrationReport report = CalibrationReport.of(probs, index(0, 1, 0, 1), 10);
    assertThat(report.accuracy()).isEqualTo(0.5);
    assertThat(report.aurc()).isCloseTo(1.0 / 3, within(1e-12));
    assertThat(report.eaurc()).isCloseTo(0.125, within(1e-12));
    assertThat(report.ece()).isCloseTo(0.45, within(1e-12));
    assertThat(report.nll())
        .isCloseTo(
            -(Math.log(0.95) + Math.log(0.15) + Math.log(0.75) + Math.log(0.35)) / 4,
            within(1e-12));
  }

  // ---- The memory

  @Test
  void unseenSamplesReadAsTheirLabel() {
    PredictionMemory memory = new PredictionMemory(30, 3, Dtype.FLOAT64);
    memory.write(index(17), row(P));
    assertThat(memory.seen(17)).isTrue();
    assertThat(memory.seen(16)).isFalse();
    // Rows are found by the sample's number, wherever it stands in the batch.
    Tensor read = memory.read(index(16, 17), index(2, 0));
    assertClose(read, 0, 0, 0, 1, P[0], P[1], P[2]);
  }

  @Test
  void lastOfEqualIndicesIsKept() {
    PredictionMemory memory = new PredictionMemory(3, 2);
    memory.write(index(1, 0, 1), Tensor.of(new double[][] {{1, 0}, {0.5, 0.5}, {0.25, 0.75}}));
    assertClose(memory.read(index(0, 1), index(0, 0)), 0, 0.5, 0.5, 0.25, 0.75);
  }

  @Test
  void halfPrecisionRowsKeepTheMeaning() {
    PredictionMemory memory = new PredictionMemory(2, 3, Dtype.FLOAT16);
    memory.write(index(1), row(P));
    Tensor read = memory.read(index(1, 0), index(0, 2));
    assertThat(read.dtype()).isEqualTo(Dtype.FLOAT32);
    assertClose(read, 5e-4, P[0], P[1], P[2], 0, 0, 1);
    assertThat(memory.state().values().iterator().next().dtype()).isEqualTo(Dtype.FLOAT16);
  }

  @Test
  void stateGoesIntoAnotherMemory() {
    PredictionMemory memory = new PredictionMemory(2, 3, Dtype.FLOAT64);
    memory.write(index(1), row(P));
    PredictionMemory other = new PredictionMemory(2, 3, Dtype.FLOAT64);
    other.load(memory.state());
    assertThat(other.seen(0)).isFalse();
    assertClose(other.read(index(1), index(0)), 0, P);
    assertThatThrownBy(() -> new PredictionMemory(3, 3).load(memory.state()))
        .hasMessage("the state must hold predictions of shape [3, 3], has [2, 3]");
    assertThatThrownBy(() -> memory.load(Map.of()))
        .hasMessage("the state must hold predictions of shape [2, 3], has none");
  }

  // ---- The snapshot

  @Test
  void snapshotIsFrozenUntilRefreshedAndLeavesTheStudentAsItWas() {
    Mlp student = new Mlp(4, List.of(8), 3, 0.5, new Rng(5));
    student.train();
    Dropout fixed =
        student.namedModules().values().stream()
            .filter(Dropout.class::isInstance)
            .map(Dropout.class::cast)
            .findFirst()
            .orElseThrow();
    fixed.eval();
    SnapshotTeacher teacher = new SnapshotTeacher(student);
    Tensor x = new Rng(6).normal(5, 4);
    double[] before = teacher.probs(x).toDoubleArray();
    assertThat(student.isTraining()).isTrue();
    assertThat(fixed.isTraining()).isFalse();
    try (Autograd.NoGrad off = Autograd.noGrad()) {
      student.parameters().forEach(p -> p.mul_(1.5));
    }
    assertThat(teacher.probs(x).toDoubleArray()).isEqualTo(before);
    teacher.refresh();
    Tensor now = teacher.probs(x);
    assertThat(now.requiresGrad()).isFalse();
    assertThat(now.toDoubleArray()).isNotEqualTo(before);
    student.eval();
    assertThat(now.toDoubleArray()).isEqualTo(student.forward(x).softmax(1).toDoubleArray());
    assertThatThrownBy(() -> teacher.load(Map.of())).hasMessageContaining("the state must hold");
  }

  // ---- Soft labels

  @Test
  void mixedTargetsMixLabelsAndPastsAlike() {
    Tensor past = new Rng(7).normal(Dtype.FLOAT64, 4, 3).softmax(1);
    Tensor y = index(0, 1, 2, 1);
    Tensor partner = index(2, 0, 3, 1);
    double lambda = 0.7;
    double alpha = 0.4;
    Tensor onehot = Functional.oneHot(y, 3).to(Dtype.FLOAT64);
    Tensor labels = onehot.mul(lambda).add(onehot.indexSelect(0, partner).mul(1 - lambda));
    Tensor pasts = past.mul(lambda).add(past.indexSelect(0, partner).mul(1 - lambda));
    Tensor expected = labels.mul(1 - alpha).add(pasts.mul(alpha));
    Tensor mixed = PsKdLoss.mix(PsKdLoss.targets(y, past, alpha), partner, lambda);
    assertThat(mixed.allClose(expected, 0, 1e-12)).isTrue();
    assertThat(PsKdLoss.targets(labels, pasts, alpha).allClose(expected, 0, 1e-12)).isTrue();
  }

  @Test
  void smoothedLabelsTakeThePlaceOfTheOneHotOnes() {
    Tensor smoothed = row(0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3);
    Tensor q = PsKdLoss.targets(smoothed, row(0.2, 0.7, 0.1), 0.4);
    assertClose(q, 1e-12, 0.6 * 2.8 / 3 + 0.08, 0.6 * 0.1 / 3 + 0.28, 0.6 * 0.1 / 3 + 0.04);
  }

  // ---- Bad input

  @Test
  void hugeLogitsGiveAFiniteLoss() {
    Tensor z = Tensor.of(new float[] {1e4f, -1e4f, 0, -1e4f, 1e4f, 1e4f}, 2, 3);
    z.setRequiresGrad(true);
    Tensor past = Tensor.of(new float[] {0, 1, 0, 0.5f, 0.5f, 0}, 2, 3);
    Tensor loss = PsKdLoss.loss(z, PsKdLoss.targets(index(1, 0), past, 0.4));
    assertThat(loss.item()).isFinite();
    assertThat(Autograd.grad(loss, z).isFinite().all()).isTrue();
  }

  @Test
  void badRowsLeaveTheMemoryUnchanged() {
    PredictionMemory memory = new PredictionMemory(20, 3, Dtype.FLOAT64);
    memory.write(index(4, 17), Tensor.of(new double[][] {P, P}));
    Tensor rows = memory.state().values().iterator().next();
    double[] before = rows.toDoubleArray();
    assertThatThrownBy(
            () ->
                memory.write(
                    index(4, 17), Tensor.of(new double[][] {{1, 0, 0}, {Double.NaN, 0.5, 0.5}})))
        .hasMessage("refusing to store NaN predictions at index 17");
    assertThatThrownBy(
            () ->
                memory.write(index(4, 17), Tensor.of(new double[][] {{1, 0, 0}, {0.5, 0.5, 0.1}})))
        .hasMessageStartingWith("the predictions at index 17 must be probabilities that sum to 1");
    assertThatThrownBy(() -> memory.write(index(17), row(1.5, -0.5, 0)))
        .hasMessageStartingWith("the predictions at index 17 must be probabilities that sum to 1");
    assertThatThrownBy(() -> memory.write(index(4, 20), Tensor.of(new double[][] {P, P})))
        .hasMessage("index 20 outside 0..19");
    assertThatThrownBy(() -> memory.write(index(4), row(0.5, 0.5)))
        .hasMessage("probabilities must have shape [1, 3], have [1, 2]");
    assertThat(rows.toDoubleArray()).isEqualTo(before);
    // Rounding is no reason to refuse a row.
    memory.write(index(4), row(0.5, 0.5, 0.0009));
  }

  @Test
  void badArgumentsAreNamed() {
    assertThatThrownBy(() -> new ProgressiveSchedule(1.2, 300))
        .hasMessage("alphaT must be in [0,1], was 1.2");
    assertThatThrownBy(() -> new ProgressiveSchedule(Double.NaN, 300))
        .hasMessage("alphaT must be in [0,1], was NaN");
    assertThatThrownBy(() -> new ProgressiveSchedule(0.8, 0))
        .hasMessage("epochs must be at least 1, was 0");
    ProgressiveSchedule schedule = new ProgressiveSchedule(0.8, 300);
    assertThatThrownBy(() -> schedule.alpha(0)).hasMessage("epoch must be in 1..300, was 0");
    assertThatThrownBy(() -> schedule.alpha(301)).hasMessage("epoch must be in 1..300, was 301");
    assertThatThrownBy(() -> new PredictionMemory(0, 3))
        .hasMessage("samples must be at least 1, was 0");
    assertThatThrownBy(() -> new PredictionMemory(3, 1))
        .hasMessage("classes must be at least 2, was 1");
    assertThatThrownBy(() -> new PredictionMemory(3, 3, Dtype.INT64))
        .hasMessage("dtype must be FLOAT16, FLOAT32 or FLOAT64, was INT64");
    PredictionMemory memory = new PredictionMemory(3, 3);
    assertThatThrownBy(() -> memory.read(index(-1), index(0))).hasMessage("index -1 outside 0..2");
    assertThatThrownBy(() -> memory.read(index(1), index(3))).hasMessage("label 3 outside 0..2");
    assertThatThrownBy(() -> memory.seen(3)).hasMessage("index 3 outside 0..2");
    Tensor none = Tensor.zeros(Dtype.INT64, 0);
    Tensor noRows = Tensor.zeros(Dtype.FLOAT32, 0, 3);
    assertThatThrownBy(() -> memory.read(none, none)).hasMessageContaining("at least one sample");
    assertThatThrownBy(() -> memory.write(none, noRows))
        .hasMessageContaining("at least one sample");
    assertThatThrownBy(() -> PsKdLoss.loss(noRows, noRows))
        .hasMessage("logits must have shape [b, classes] with at least one row, has [0, 3]");
    assertThatThrownBy(() -> PsKdLoss.targets(none, noRows, 0.5))
        .hasMessage("past must have shape [b, classes] with at least one row, has [0, 3]");
  }

  @Test
  void shapesThatDoNotFitAreNamed() {
    Tensor three = row(0.2, 0.7, 0.1);
    assertThatThrownBy(() -> PsKdLoss.loss(row(2, 1), three))
        .hasMessage("targets must have the shape of logits, [1, 2], has [1, 3]");
    assertThatThrownBy(() -> PsKdLoss.targets(row(1, 0), three, 0.5))
        .hasMessage("labels must have the shape of past, [1, 3], has [1, 2]");
    assertThatThrownBy(() -> PsKdLoss.targets(index(0, 1), three, 0.5))
        .hasMessage("labels must have shape [1], have [2]");
    assertThatThrownBy(() -> PsKdLoss.targets(index(3), three, 0.5))
        .hasMessage("label 3 outside 0..2");
    assertThatThrownBy(() -> PsKdLoss.targets(index(0), three, 1.5))
        .hasMessage("alpha must be in [0,1], was 1.5");
    assertThatThrownBy(() -> PsKdLoss.mix(three, index(0), 2))
        .hasMessage("lambda must be in [0,1], was 2.0");
    assertThatThrownBy(() -> CalibrationReport.of(three, index(0), 0))
        .hasMessage("bins must be at least 1, was 0");
    assertThatThrownBy(() -> CalibrationReport.of(three, index(3), 10))
        .hasMessage("label 3 outside 0..2");
  }
}
