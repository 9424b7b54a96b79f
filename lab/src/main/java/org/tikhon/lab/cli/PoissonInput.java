package org.tikhon.lab.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.tikhon.data.DataException;
import org.tikhon.data.Npz;
import org.tikhon.lab.report.SolverPicture;
import org.tikhon.solve.GridPoisson;
import org.tikhon.solve.SmoothNoise;
import org.tikhon.tensor.Dtype;
import org.tikhon.tensor.Rng;
import org.tikhon.tensor.Scope;
import org.tikhon.tensor.Tensor;

/** The obstacles and right sides of {@code tikhon poisson solve}. */
final class PoissonInput {
  private static final List<String> SHAPES = List.of("none", "ball", "plate");
  private static final List<String> RIGHT_SIDES = List.of("noise", "point");

  /** The noise of the claim: the filter in cells, the white part. */
  private static final double SIGMA = 3;

  private static final double WHITE = 0.05;

  private PoissonInput() {}

  static GridPoisson obstacle(GridPoisson box, String name) throws IOException {
    int[] sides = box.shape();
    int smallest = Arrays.stream(sides).min().orElseThrow();
    return switch (name) {
      case "none" -> box;
      case "ball" -> box.obstacle(box.ball(smallest / 6.0));
      case "plate" -> box.obstacle(plate(sides));
      default -> box.obstacle(readMask(name, sides));
    };
  }

  /** The middle row or plane, but for a quarter of the last side at both ends. */
  private static boolean[] plate(int[] sides) {
    int last = sides[sides.length - 1];
    int plane = Arrays.stream(sides).skip(1).reduce(1, (a, b) -> a * b);
    boolean[] mask = new boolean[sides[0] * plane];
    for (int i = 0; i < plane; i++) {
      int column = i % last;
      mask[sides[0] / 2 * plane + i] = column >= last / 4 && column < last - last / 4;
    }
    return mask;
  }

  private static boolean[] readMask(String name, int[] sides) throws IOException {
    Path file = Path.of(name);
    if (name.endsWith(".npy")) {
      double[] values = readArray(file, sides);
      boolean[] mask = new boolean[values.length];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = values[i] != 0;
      }
      return mask;
    }
    if (name.endsWith(".png")) {
      return darkPixels(file, sides);
    }
    throw new IllegalArgumentException(
        Names.unknown("obstacle", name, SHAPES) + " (or name an .npy or .png file)");
  }

  private static boolean[] darkPixels(Path file, int[] sides) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    BufferedImage image = ImageIO.read(file.toFile());
    if (image == null) {
      throw new DataException(file + ": must be a PNG image");
    }
    if (sides.length != 2 || image.getHeight() != sides[0] || image.getWidth() != sides[1]) {
      throw new DataException(
          "%s: must have a pixel for each cell of the grid %s, is %d high and %d wide"
              .formatted(file, Arrays.toString(sides), image.getHeight(), image.getWidth()));
    }
    boolean[] mask = new boolean[sides[0] * sides[1]];
    for (int i = 0; i < mask.length; i++) {
      int rgb = image.getRGB(i % sides[1], i / sides[1]);
      int brightness = (rgb >> 16 & 0xff) + (rgb >> 8 & 0xff) + (rgb & 0xff);
      mask[i] = brightness < 3 * 128;
    }
    return mask;
  }

  static double[] rightSide(GridPoisson a, String name, long seed) throws IOException {
    return switch (name) {
      case "noise" -> SmoothNoise.of(a, SIGMA, WHITE, new Rng(seed));
      case "point" -> point(a);
      default -> {
        if (!name.endsWith(".npy")) {
          throw new IllegalArgumentException(
              Names.unknown("right side", name, RIGHT_SIDES) + " (or name an .npy file)");
        }
        yield readArray(Path.of(name), a.shape());
      }
    };
  }

  /** 1 in the middle of the bottom. */
  private static double[] point(GridPoisson a) {
    int[] sides = a.shape();
    int plane = a.size() / sides[0];
    int middle = sides.length == 2 ? plane / 2 : (sides[1] / 2) * sides[2] + sides[2] / 2;
    double[] b = new double[a.size()];
    b[a.size() - plane + middle] = 1;
    return b;
  }

  private static double[] readArray(Path file, int[] sides) throws IOException {
    try (Scope scope = Scope.open()) {
      Tensor array = Npz.readArray(file);
      long[] shape = Arrays.stream(sides).asLongStream().toArray();
      if (!Arrays.equals(array.shape(), shape)) {
        throw new DataException(
            "%s: must have the shape of the grid %s, has %s"
                .formatted(file, Arrays.toString(sides), Arrays.toString(array.shape())));
      }
      double[] values = array.to(Dtype.FLOAT64).toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        if (!Double.isFinite(values[i])) {
          throw new DataException(
              "%s: must be finite, cell %d is %s".formatted(file, i, values[i]));
        }
      }
      return values;
    }
  }

  /** What can be drawn: all of a plane field, of a volume the middle of its second side. */
  static SolverPicture.Field slice(GridPoisson a, double[] x) {
    int[] sides = a.shape();
    int rows = sides[0];
    int columns = sides[sides.length - 1];
    boolean[] fluid = a.masked();
    double[] values = new double[rows * columns];
    boolean[] inside = new boolean[values.length];
    int plane = a.size() / rows;
    int offset = sides.length == 2 ? 0 : sides[1] / 2 * columns;
    for (int i = 0; i < values.length; i++) {
      int from = i / columns * plane + offset + i % columns;
      values[i] = x[from];
      inside[i] = fluid[from];
    }
    return new SolverPicture.Field(rows, columns, values, inside);
  }
}
