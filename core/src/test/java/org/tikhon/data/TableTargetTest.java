package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tikhon.data.TableTarget.Kind;

class TableTargetTest {
  private static Table numbers(double... values) {
    return new Table("t.csv", List.of(new Table.Numeric("y", values, new boolean[values.length])));
  }

  private static Table words(String... values) {
    return new Table("t.csv", List.of(new Table.Text("y", values)));
  }

  @Test
  void wordsAreClassesInAlphabeticalOrder() {
    Table table = words("no", "yes.", "yes");
    TableTarget target = TableTarget.of(table, 0, Kind.AUTO);
    assertThat(target.classes()).containsExactly("no", "yes");
    assertThat(target.labels(table)).containsExactly(0, 1, 1);
    assertThat(target.counts(target.labels(table))).containsEntry("yes", 2);
  }

  @Test
  void wholeNumbersMayBeClasses() {
    assertThat(TableTarget.of(numbers(0, 1, 1), 0, Kind.AUTO).classes()).containsExactly("0", "1");
    double[] few = IntStream.range(0, 40).mapToDouble(i -> i % 4 + 8).toArray();
    assertThat(TableTarget.of(numbers(few), 0, Kind.AUTO).classes())
        .containsExactly("8", "9", "10", "11");
    double[] many = IntStream.range(0, 40).asDoubleStream().toArray();
    assertThat(TableTarget.of(numbers(many), 0, Kind.AUTO).isClassification()).isFalse();
    assertThat(TableTarget.of(numbers(0.5, 1, 1), 0, Kind.AUTO).isClassification()).isFalse();
    assertThat(TableTarget.of(numbers(0, 1, 1), 0, Kind.REGRESSION).isClassification()).isFalse();
  }

  @Test
  void numbersAreStandardised() {
    Table table = numbers(1, 2, 3.5, 5.5);
    TableTarget target = TableTarget.of(table, 0, Kind.AUTO);
    assertThat(target.mean()).isEqualTo(3);
    // Squared differences 4 + 1 + 0.25 + 6.25 over four rows.
    assertThat(target.deviation()).isCloseTo(Math.sqrt(2.875), within(1e-12));
    assertThat(target.standardized(table)[0])
        .isCloseTo((float) (-2 / Math.sqrt(2.875)), within(1e-6f));
  }

  @Test
  void wordsForARegressionAreRefused() {
    assertThatThrownBy(() -> TableTarget.of(words("red", "blue"), 0, Kind.REGRESSION))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "t.csv: a regression needs a numeric target; y holds words such as \"red\" (row 1)");
  }

  @Test
  void oneClassOnlyIsRefused() {
    assertThatThrownBy(() -> TableTarget.of(words("a", "a"), 0, Kind.AUTO))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y has one class only (a); at least two are needed");
    assertThatThrownBy(() -> TableTarget.of(numbers(1, 1), 0, Kind.CLASSIFICATION))
        .hasMessageContaining("one class only (1)");
  }

  @Test
  void aMissingOrInfiniteTargetIsNamed() {
    assertThatThrownBy(() -> TableTarget.of(words("a", null), 0, Kind.AUTO))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y is missing in row 2");
    assertThatThrownBy(
            () -> TableTarget.of(numbers(1, 2.5, Double.POSITIVE_INFINITY), 0, Kind.REGRESSION))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y in row 3 is Infinity");
    assertThatThrownBy(() -> TableTarget.of(numbers(0, 1, Double.NaN), 0, Kind.CLASSIFICATION))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y in row 3 is NaN");
  }

  @Test
  void aClassThatTrainingNeverSawIsNamed() {
    TableTarget target = TableTarget.of(words("a", "b"), 0, Kind.AUTO);
    assertThatThrownBy(() -> target.labels(words("a", "c")))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y in row 2 is c; training had a, b");
    TableTarget regression = TableTarget.of(numbers(0.5, 1.5), 0, Kind.AUTO);
    assertThatThrownBy(() -> regression.standardized(words("a")))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: the target y holds words; in training it held numbers");
  }
}
