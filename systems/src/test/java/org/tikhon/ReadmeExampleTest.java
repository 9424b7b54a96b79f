package org.tikhon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tikhon.data.GeneratedDigits;
import org.tikhon.data.ImageSet;
import org.tikhon.loss.EarlyLearningTargets;
import org.tikhon.loss.ElrLoss;
import org.tikhon.nn.Mlp;
import org.tikhon.optim.Adam;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** The README's library example, as it stands there. */
class ReadmeExampleTest {
  @Test
  void learns() {
    try (Scope scope = Scope.open()) {
      Rng rng = new Rng(0);
      ImageSet digits = GeneratedDigits.of(2000, 1);
      Tensor x = Tensor.of(digits.pixels(), 2000, 784).to(Dtype.FLOAT32).div(255);
      Tensor y = Tensor.of(digits.labels(), 2000).to(Dtype.INT64);

      Mlp network = new Mlp(784, List.of(128), 10, rng);
      ElrLoss loss = new ElrLoss(new EarlyLearningTargets(2000, 10, 0.7), 3);
      Adam optimizer = new Adam(network.parameters(), 1e-3);
      for (int step = 0; step < 200; step++) {
        try (Scope inner = Scope.open()) {
          Tensor i = rng.permutation(2000).slice(0, 0, 128);
          optimizer.zeroGrad();
          loss.apply(i, network.forward(x.indexSelect(0, i)), y.indexSelect(0, i)).backward();
          optimizer.step();
        }
      }
      Tensor right = network.forward(x).argmax(1).eq(y);
      assertThat(right.to(Dtype.FLOAT64).mean().item()).isGreaterThan(0.8);
    }
  }

  @Test
  void isTheReadmesExample() throws IOException {
    String readme = plain(Path.of("..", "README.md"));
    String test = plain(Path.of("src", "test", "java", "org", "tikhon", "ReadmeExampleTest.java"));
    String example = readme.substring(readme.indexOf("```java") + 7);
    example = example.substring(0, example.indexOf("}}}") + 2);
    assertThat(test).contains(example.substring(0, example.length() - 2));
  }

  /** Without comments and white space. */
  private static String plain(Path file) throws IOException {
    return Files.readString(file).replaceAll(" // [^\n]*", "").replaceAll("\\s+", "");
  }
}
