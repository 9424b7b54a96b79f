package org.tikhon.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LabelNoiseTest {
  private static final int[] LABELS = IntStream.range(0, 10_000).map(i -> i % 10).toArray();

  private static double changed(int[] labels) {
    return IntStream.range(0, labels.length).filter(i -> labels[i] != LABELS[i]).count()
        / (double) labels.length;
  }

  @Test
  void symmetricNoiseSpreadsOverAllClasses() {
    int[] noisy = new LabelNoise.Symmetric(0.4).corrupt(LABELS, 10, 1);
    // Of the 4,000 labels that are drawn anew, a tenth keeps its class: 0.36, s.d. 0.003 or less.
    assertThat(changed(noisy)).isCloseTo(0.36, within(0.01));
    int[] counts = new int[10];
    for (int label : noisy) {
      counts[label]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(900, 1100);
    }
  }

  @Test
  void asymmetricNoiseFollowsItsMapExactly() {
    int[] map = LabelNoise.cifar10Map();
    int[] noisy = new LabelNoise.Asymmetric(0.3, map).corrupt(LABELS, 10, 1);
    int[] wrong = new int[10];
    for (int i = 0; i < noisy.length; i++) {
      if (noisy[i] != LABELS[i]) {
        assertThat(noisy[i]).isEqualTo(map[LABELS[i]]);
        wrong[LABELS[i]]++;
      }
    }
    assertThat(wrong).containsExactly(0, 0, 300, 300, 300, 300, 0, 0, 0, 300);
    assertThat(LabelNoise.nextClassMap(3)).containsExactly(1, 2, 0);
  }

  @Test
  void theSameSeedGivesTheSameNoise() {
    LabelNoise noise = new LabelNoise.Symmetric(0.2);
    assertThat(noise.corrupt(LABELS, 10, 5)).isEqualTo(noise.corrupt(LABELS, 10, 5));
    assertThat(noise.corrupt(LABELS, 10, 5)).isNotEqualTo(noise.corrupt(LABELS, 10, 6));
    assertThat(new LabelNoise.Symmetric(0).corrupt(LABELS, 10, 1)).isEqualTo(LABELS);
  }

  @Test
  void textIsParsed() {
    int[] map = LabelNoise.nextClassMap(2);
    assertThat(LabelNoise.parse("symmetric:0.4", map)).isEqualTo(new LabelNoise.Symmetric(0.4));
    assertThat(LabelNoise.parse("asymmetric:0.3", map)).hasToString("asymmetric:0.3 [1, 0]");
    for (String bad : new String[] {"symmetric", "even:0.3", "symmetric:x", ""}) {
      assertThatThrownBy(() -> LabelNoise.parse(bad, map))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("label noise must be symmetric:RATE or asymmetric:RATE")
          .hasMessageEndingWith("was " + bad);
    }
  }

  @Test
  void badArgumentsAreRefused() {
    assertThatThrownBy(() -> new LabelNoise.Symmetric(1.5))
        .hasMessage("rate must be in [0, 1], was 1.5");
    assertThatThrownBy(() -> new LabelNoise.Asymmetric(0.1, new int[] {0, 2}))
        .hasMessage("map must give classes in 0..1, gives 2");
    assertThatThrownBy(
            () -> new LabelNoise.Asymmetric(0.1, new int[] {0, 1}).corrupt(LABELS, 10, 1))
        .hasMessage("map must have 10 classes, has 2");
  }
}
