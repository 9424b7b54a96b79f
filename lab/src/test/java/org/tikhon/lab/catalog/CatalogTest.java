package org.tikhon.lab.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tikhon.Paper;
import org.tikhon.lab.claim.Claim;

class CatalogTest {
  @Test
  void seventySystemsInOrder() {
    assertThat(Catalog.entries().stream().map(Catalog.Entry::number))
        .isEqualTo(IntStream.rangeClosed(1, 70).boxed().toList());
    assertThat(Catalog.entries().stream().map(Catalog.Entry::slug)).doesNotHaveDuplicates();
  }

  @Test
  void everyClaimBelongsToASystemOfItsRoom() {
    Catalog.claims()
        .forEach(
            (number, claim) -> {
              Catalog.Entry entry = Catalog.find(Integer.toString(number)).orElseThrow();
              Paper paper = claim.system().getAnnotation(Paper.class);
              assertThat(paper.number()).isEqualTo(entry.number());
              assertThat(claim.system().getPackageName()).isEqualTo("org.tikhon." + entry.room());
              assertThat(claim.getClass().getPackageName())
                  .isEqualTo(Claim.class.getPackageName() + "." + entry.room());
              assertThat(claim.statement()).isNotBlank();
              assertThat(claim.bar()).isNotBlank();
            });
  }

  @Test
  void systemsAreFoundByNumberAndName() {
    for (String name : List.of("15", "elr", "ELR", "15-elr")) {
      assertThat(Catalog.find(name).orElseThrow().number()).as(name).isEqualTo(15);
    }
    assertThat(Catalog.find("7").orElseThrow().slug()).isEqualTo("din");
    assertThat(Catalog.find("seventy-one")).isEmpty();
  }

  @Test
  void theReadmeHasTheTableOfTheCode() throws IOException {
    Path readme = Path.of("..", "README.md");
    assertThat(Files.readString(readme))
        .as("regenerate the table: ./tikhon list --markdown")
        .contains(Catalog.markdown());
  }
}
