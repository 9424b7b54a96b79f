package org.tikhon.lab.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.tikhon.solve.Dag;
import org.tikhon.solve.LinearSem;
import org.tikhon.tensor.Rng;

class DagPictureTest {
  private static BufferedImage draw(Dag dag, List<String> names) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(DagPicture.png(dag, names)));
  }

  @Test
  void drawsCausesAboveEffects() throws IOException {
    BufferedImage chain = draw(Dag.of(new double[][] {{0, 1}, {0, 0}}), List.of("a", "b"));
    BufferedImage apart = draw(Dag.of(new double[2][2]), List.of("a", "b"));
    assertThat(chain.getHeight()).isGreaterThan(chain.getWidth());
    assertThat(apart.getWidth()).isGreaterThan(chain.getWidth());
    assertThat(apart.getHeight()).isLessThan(chain.getHeight());
  }

  @Test
  void coloursTellTheSign() throws IOException {
    for (double weight : new double[] {1, -1}) {
      BufferedImage image = draw(Dag.of(new double[][] {{0, weight}, {0, 0}}), List.of("", ""));
      // Below the first box, left of the label, where the edge begins.
      int colour = image.getRGB(image.getWidth() / 2, 24 + 30 + 6);
      int red = colour >> 16 & 255;
      int blue = colour & 255;
      assertThat(blue > red).isEqualTo(weight > 0);
    }
  }

  @Test
  void keepsLargeGraphsSmallEnough() throws IOException {
    Dag dag = LinearSem.erdosRenyi(80, 320).sample(1, new Rng(0)).graph();
    BufferedImage image = draw(dag, IntStream.range(0, 80).mapToObj(i -> "node " + i).toList());
    assertThat((double) image.getWidth() * image.getHeight()).isBetween(8e6, 1.01e7);
  }

  @Test
  void refusesMissingNames() {
    assertThatThrownBy(() -> DagPicture.png(Dag.of(new double[2][2]), List.of("a")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("names must be 2, one for each node, are 1");
  }
}
