package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class GeneratedDigitsTest {
  @Test
  void theSameSeedGivesTheSameImages() {
    ImageSet a = GeneratedDigits.of(200, 7);
    ImageSet b = GeneratedDigits.of(200, 7);
    assertThat(a.pixels()).isEqualTo(b.pixels());
    assertThat(a.labels()).isEqualTo(b.labels());
    ImageSet other = GeneratedDigits.of(200, 8);
    assertThat(a.pixels()).isNotEqualTo(other.pixels());
    assertThat(a.labels()).isNotEqualTo(other.labels());
  }

  @Test
  void classesAreBalancedAndImagesShowSomething() {
    ImageSet set = GeneratedDigits.of(300, 1);
    int[] counts = new int[10];
    Arrays.stream(set.labels()).forEach(l -> counts[l]++);
    assertThat(counts).containsOnly(30);
    assertThat(set.classes()).hasSize(10);
    for (int i = 0; i < set.size(); i++) {
      int ink = 0;
      for (int p = 0; p < 784; p++) {
        ink += (set.pixels()[784 * i + p] & 0xff) > 127 ? 1 : 0;
      }
      assertThat(ink).as("bright pixels of image %d", i).isBetween(15, 400);
    }
  }

  @Test
  void tooFewAreRefused() {
    assertThatThrownBy(() -> GeneratedDigits.of(9, 1))
        .hasMessage("count must be at least 10, was 9");
  }
}
