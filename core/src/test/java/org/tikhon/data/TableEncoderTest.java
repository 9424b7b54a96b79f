package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class TableEncoderTest {
  private static Table table(double[] x, boolean[] missing, String[] w, double[] y) {
    return new Table(
        "t.csv",
        List.of(
            new Table.Numeric("x", x, missing),
            new Table.Text("w", w),
            new Table.Numeric("y", y, new boolean[y.length])));
  }

  private static final Table TRAIN =
      table(
          new double[] {1, 3, 5},
          new boolean[3],
          new String[] {"b", "a", null},
          new double[] {0, 1, 0});

  @Test
  void numbersAreStandardisedAndWordsNumbered() {
    TableEncoder encoder = TableEncoder.fit(TRAIN, 2, false);
    assertThat(encoder.width()).isEqualTo(2);
    // Mean 3 and deviation sqrt(8 / 3); the words sorted: (missing), a, b.
    assertThat(encoder.encode(TRAIN)).containsExactly(-1.2247449f, 3, 0, 2, 1.2247449f, 1);
    assertThat(encoder.cardinalities()).containsExactly(4);
  }

  @Test
  void anUnknownWordIsZero() {
    Table other = table(new double[] {3}, new boolean[1], new String[] {"new"}, new double[] {0});
    assertThat(TableEncoder.fit(TRAIN, 2, false).encode(other)).containsExactly(0, 0);
  }

  @Test
  void missingNumbersAndNanAreImputedOnlyWhenAsked() {
    Table nan =
        table(
            new double[] {1, Double.NaN},
            new boolean[2],
            new String[] {"a", "a"},
            new double[] {0, 0});
    assertThatThrownBy(() -> TableEncoder.fit(TRAIN, 2, false).encode(nan))
        .isInstanceOf(DataException.class)
        .hasMessage("t.csv: column x, row 2 is NaN; give --impute to use the training mean");
    Table missing =
        table(
            new double[] {0, 1},
            new boolean[] {true, false},
            new String[] {"a", "a"},
            new double[] {0, 0});
    assertThatThrownBy(() -> TableEncoder.fit(TRAIN, 2, false).encode(missing))
        .hasMessageContaining("column x, row 1 is missing");
    assertThat(TableEncoder.fit(TRAIN, 2, true).encode(nan)[2]).isZero();
    assertThat(TableEncoder.fit(TRAIN, 2, true).encode(missing)[0]).isZero();
    // What is missing does not count for the mean.
    assertThat(TableEncoder.fit(missing, 2, true).numeric().getFirst().mean()).isEqualTo(1);
  }

  @Test
  void aConstantColumnBecomesZero() {
    Table constant =
        table(new double[] {4, 4}, new boolean[2], new String[] {"a", "a"}, new double[2]);
    float[] x = TableEncoder.fit(constant, 2, false).encode(constant);
    assertThat(x[0]).isZero();
    assertThat(x[2]).isZero();
  }

  @Test
  void aTableOfAnotherKindIsRefused() {
    TableEncoder encoder = TableEncoder.fit(TRAIN, 2, false);
    Table words =
        new Table(
            "u.csv",
            List.of(
                new Table.Text("x", new String[] {"a"}), new Table.Text("w", new String[] {"a"})));
    assertThatThrownBy(() -> encoder.encode(words))
        .isInstanceOf(DataException.class)
        .hasMessage("u.csv: column x holds words; in training it held numbers");
    Table without = new Table("v.csv", List.of(new Table.Text("w", new String[] {"a"})));
    assertThatThrownBy(() -> encoder.encode(without))
        .hasMessage("v.csv has no column x; the columns are w");
    assertThatThrownBy(() -> TableEncoder.fit(without, 0, false))
        .isInstanceOf(DataException.class)
        .hasMessage("v.csv: there is no column besides the target");
  }
}
