package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableBlocksTest {
  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void blocksHoldAllRowsInOrder() throws IOException {
    int n = 10_007;
    StringBuilder text = new StringBuilder("a,word,b\n");
    for (int i = 0; i < n; i++) {
      text.append(i).append(",x,").append(0.5 * i).append('\n');
    }
    TableBlocks blocks = TableBlocks.open(file("a.csv", text.toString()));
    assertThat(blocks.names()).containsExactly("a", "word", "b");
    assertThat(blocks.isNumeric("word")).isFalse();
    assertThat(blocks.summarise(List.of("b", "a")))
        .containsExactly(
            new TableBlocks.Summary("b", n, 0, 0, 0.5 * (n - 1)),
            new TableBlocks.Summary("a", n, 0, 0, n - 1));
    for (int blockRows : new int[] {1000, 2048, 5000, 20_000}) {
      long[] next = {0};
      blocks.forEach(
          List.of("b", "a"),
          blockRows,
          n,
          (first, rows, values) -> {
            assertThat(first).isEqualTo(next[0]);
            assertThat(rows).isLessThanOrEqualTo(blockRows);
            for (int i = 0; i < rows; i++) {
              assertThat(values[2 * i]).isEqualTo(0.5 * (first + i));
              assertThat(values[2 * i + 1]).isEqualTo(first + i);
            }
            next[0] += rows;
          });
      assertThat(next[0]).isEqualTo(n);
    }
  }

  private void refuses(TableBlocks blocks, List<String> columns, long rows, String message) {
    assertThatExceptionOfType(DataException.class)
        .isThrownBy(() -> blocks.forEach(columns, 10, rows, (first, count, values) -> {}))
        .withMessageContaining(message);
  }

  @Test
  void namesTheCulprit() throws IOException {
    TableBlocks bad = TableBlocks.open(file("bad.csv", "a,b,c\n1,2,3\n4,,nan\n"));
    assertThat(bad.summarise(List.of("b")).getFirst().missing()).isEqualTo(1);
    refuses(bad, List.of("a", "b"), 2, "column b, row 2 is missing");
    refuses(bad, List.of("c"), 2, "column c, row 2 is NaN");
    refuses(bad, List.of("a"), 3, "read 2 rows where there were 3 before");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.summarise(List.of("d")))
        .withMessageContaining("has no column d; the columns are a, b, c");
    TableBlocks words = TableBlocks.open(file("words.csv", "a,b\n1,x\n"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> words.summarise(List.of("b")))
        .withMessageContaining("column b must hold numbers, holds VARCHAR");
  }

  @Test
  void numbersWithoutAHeaderAndConstantColumns() throws IOException {
    TableBlocks blocks = TableBlocks.open(file("plain.csv", "1,2\n1,3\n"));
    assertThat(blocks.names()).containsExactly("c1", "c2");
    assertThat(blocks.summarise(List.of("c1", "c2")).stream().map(TableBlocks.Summary::isConstant))
        .containsExactly(true, false);
  }

  @Test
  void aRaggedLineIsNamed() throws IOException {
    assertThatExceptionOfType(DataException.class)
        .isThrownBy(() -> TableBlocks.open(file("r.csv", "a,b\n1,2\n3\n")).summarise(List.of("a")))
        .withMessageContaining("line 3 has 1 fields, the first line has 2");
  }
}
