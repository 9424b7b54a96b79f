package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TableTest {
  @TempDir private Path folder;

  private static final String CSV = "size,colour,price\n1,red,2.5\n2,blue,-3e2\n3,,\n";

  private Path file(String name, String content) throws IOException {
    return DataFiles.text(folder.resolve(name), content);
  }

  private static void checkContent(Table table) {
    assertThat(table.names()).containsExactly("size", "colour", "price");
    assertThat(table.rows()).isEqualTo(3);
    Table.Numeric size = (Table.Numeric) table.column("size");
    assertThat(size.values()).containsExactly(1, 2, 3);
    assertThat(table.column("colour")).isInstanceOf(Table.Text.class);
    assertThat(table.column("colour").text(1)).isEqualTo("blue");
    assertThat(table.column("colour").isMissing(2)).isTrue();
    Table.Numeric price = (Table.Numeric) table.column("price");
    assertThat(price.values()[1]).isEqualTo(-300);
    assertThat(price.missing()).containsExactly(false, false, true);
  }

  @Test
  void csvAndTsvPlainAndPackedAreRead() throws IOException {
    checkContent(Table.read(file("a.csv", CSV)));
    checkContent(Table.read(file("a.tsv", CSV.replace(',', '\t'))));
    checkContent(Table.read(file("semicolon.csv", CSV.replace(',', ';'))));
    Path packed = folder.resolve("a.csv.gz");
    Files.write(packed, DataFiles.gzip(CSV.getBytes(StandardCharsets.UTF_8)));
    checkContent(Table.read(packed));
    checkContent(Table.read(file("it's.csv", CSV)));
  }

  @Test
  void parquetIsRead() throws IOException, SQLException {
    Path csv = file("a.csv", CSV);
    Path parquet = folder.resolve("a.parquet");
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement()) {
      statement.execute(
          "COPY (SELECT * FROM read_csv('%s')) TO '%s' (FORMAT parquet)".formatted(csv, parquet));
    }
    checkContent(Table.read(parquet));
    Files.write(parquet, Arrays.copyOf(Files.readAllBytes(parquet), 60));
    assertThatThrownBy(() -> Table.read(parquet))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(parquet + ": ");
  }

  @Test
  void jsonIsRead() throws IOException {
    String rows =
        """
        {"size": 1, "colour": "red", "price": 2.5}
        {"size": 2, "colour": "blue", "price": -300}
        {"size": 3, "colour": null, "price": null}
        """;
    checkContent(Table.read(file("a.jsonl", rows)));
    checkContent(Table.read(file("a.json", "[" + rows.strip().replace("}\n", "},\n") + "]")));
    Path broken = file("broken.json", "[{\"size\": 1,");
    assertThatThrownBy(() -> Table.read(broken))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(broken + ": ");
  }

  @Test
  void aFileWithoutAHeaderGetsNumberedColumns() throws IOException {
    Table table = Table.read(file("a.csv", "5.1,a\n4.9,b\n"));
    assertThat(table.names()).containsExactly("c1", "c2");
    assertThat(table.rows()).isEqualTo(2);
    String wide =
        IntStream.range(0, 12).mapToObj(Integer::toString).collect(Collectors.joining(","));
    assertThat(Table.read(file("w.csv", wide + "\n" + wide + "\n")).names())
        .startsWith("c1", "c2")
        .endsWith("c12");
  }

  @Test
  void columnsThatAreNamedLikeDuckDbsOwnKeepTheirNames() throws IOException {
    assertThat(Table.read(file("a.csv", "column7,y\n1,2\n3,4\n")).names())
        .containsExactly("column7", "y");
  }

  @Test
  void manyRowsAreReadInOrder() throws IOException {
    StringBuilder text = new StringBuilder("i,word\n");
    for (int i = 0; i < 10_000; i++) {
      text.append(i).append(",w").append(i % 7).append('\n');
    }
    Table table = Table.read(file("a.csv", text.toString()));
    assertThat(table.rows()).isEqualTo(10_000);
    double[] i = ((Table.Numeric) table.column("i")).values();
    assertThat(i).isEqualTo(IntStream.range(0, 10_000).asDoubleStream().toArray());
    assertThat(table.column("word").text(9_999)).isEqualTo("w" + 9_999 % 7);
  }

  @Test
  void theWaysToWriteMissingAreKnown() throws IOException {
    Table table = Table.read(file("a.csv", "x,w\n1,a\nNA,?\n?,b\nnull, ?\n2,\n"));
    assertThat(((Table.Numeric) table.column("x")).missing())
        .containsExactly(false, true, true, true, false);
    assertThat(IntStream.range(0, 5).mapToObj(r -> table.column("w").isMissing(r)))
        .containsExactly(false, true, false, true, true);
  }

  @Test
  void missingAndEmptyFilesAreNamed() throws IOException {
    Path missing = folder.resolve("missing.csv");
    assertThatThrownBy(() -> Table.read(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing.toString());
    Path empty = file("empty.csv", "");
    assertThatThrownBy(() -> Table.read(empty))
        .isInstanceOf(DataException.class)
        .hasMessage(empty + ": the file is empty");
    Path onlyHeader = file("header.csv", "a,b\n");
    assertThatThrownBy(() -> Table.read(onlyHeader))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(onlyHeader + ": ");
    assertThatThrownBy(() -> Table.read(folder)).hasMessage(folder + ": a folder, not a table");
  }

  @Test
  void raggedLinesAreNamed() throws IOException {
    Path path = file("a.csv", "a,b,c\n1,2,3\n4,5,6\n7,8\n9,10,11\n");
    assertThatThrownBy(() -> Table.read(path))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining("line 4")
        .hasMessageContaining("2 fields, the first line has 3");
    Path far = folder.resolve("far.csv");
    Files.writeString(far, "a,b,c\n" + "1,2,3\n".repeat(50_000) + "1,2\n" + "1,2,3\n".repeat(10));
    assertThatThrownBy(() -> Table.read(far))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(far + ": ")
        .hasMessageContaining("line 50002");
  }

  @Test
  void aWordFarDownInAColumnOfNumbersIsNamed() throws IOException {
    Path path = folder.resolve("a.csv");
    Files.writeString(path, "a,b\n" + "1,2\n".repeat(50_000) + "1,oops\n");
    assertThatThrownBy(() -> Table.read(path))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining("Line: 50002")
        .hasMessageContaining("oops");
  }

  @Test
  void corruptAndTruncatedGzipAreRefused() throws IOException {
    Path plain = file("plain.csv.gz", CSV);
    assertThatThrownBy(() -> Table.read(plain))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(plain + ": corrupt gzip");
    byte[] packed = DataFiles.gzip("a,b\n1,2\n".repeat(10_000).getBytes(StandardCharsets.UTF_8));
    Path cut = folder.resolve("cut.csv.gz");
    Files.write(cut, Arrays.copyOf(packed, packed.length / 2));
    assertThatThrownBy(() -> Table.read(cut))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(cut + ": ");
  }

  @Test
  void aColumnThatDoesNotExistListsTheOthers() throws IOException {
    Path path = file("a.csv", CSV);
    Table table = Table.read(path);
    assertThatThrownBy(() -> table.column("weight"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(path + " has no column weight; the columns are size, colour, price");
    assertThat(table.columnIndex("last")).isEqualTo(2);
  }

  @Test
  void theFirstNanOrInfinityIsNamed() throws IOException {
    Path path = file("a.csv", "a,b\n1,2\n3,inf\n4,nan\n");
    assertThat(Table.read(path).firstNonFinite()).isEqualTo(path + ": column b, row 2 is Infinity");
    assertThat(Table.read(file("b.csv", CSV)).firstNonFinite()).isNull();
  }

  @Test
  void rowsCanBeSelected() throws IOException {
    Table table = Table.read(file("a.csv", CSV)).select(new int[] {2, 0});
    assertThat(((Table.Numeric) table.column("size")).values()).containsExactly(3, 1);
    assertThat(table.column("colour").text(1)).isEqualTo("red");
  }

  @Test
  void realTablesAreRead() throws IOException {
    Table adult = Table.read(DataFiles.real("uci/adult-train.csv"));
    assertThat(adult.rows()).isEqualTo(32_561);
    assertThat(adult.columns()).hasSize(15);
    assertThat(adult.column("last").text(0)).isEqualTo("<=50K");
    Table digits = Table.read(DataFiles.real("uci/digits.csv.gz"));
    assertThat(digits.rows()).isEqualTo(1797);
    Table sachs = Table.read(DataFiles.real("sachs/sachs.2005.continuous.txt"));
    assertThat(sachs.rows()).isEqualTo(7466);
    assertThat(sachs.names()).contains("raf", "jnk");
  }
}
