package org.tikhon.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Generated grey images of ellipses with the classes of their pixels: one or two ellipses of each
 * of three classes on a background, later classes in front, blurred and covered with noise. Class
 * intensities are 0 (background), 0.5, 0.9 and 1.3; the blur is a 5 x 5 box, the noise normal with
 * deviation 0.3. The same seed gives the same images on every machine.
 */
public final class GeneratedShapes {
  /** Width and height. */
  public static final int SIZE = 48;

  /** Background and three kinds of ellipses. */
  public static final List<String> CLASSES = List.of("background", "dim", "middle", "bright");

  private static final double[] INTENSITY = {0, 0.5, 0.9, 1.3};
  private static final double NOISE = 0.3;
  private static final int BLUR = 2;

  private GeneratedShapes() {}

  /**
   * Images with masks.
   *
   * @param count at least 1
   */
  public static MaskedImages of(int count, long seed) {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, was " + count);
    }
    Random random = new Random(seed);
    float[] pixels = new float[count * SIZE * SIZE];
    byte[] masks = new byte[count * SIZE * SIZE];
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] mask = mask(random);
      double[] image = blur(mask);
      for (int p = 0; p < SIZE * SIZE; p++) {
        pixels[i * SIZE * SIZE + p] = (float) (image[p] + NOISE * random.nextGaussian());
      }
      System.arraycopy(mask, 0, masks, i * SIZE * SIZE, SIZE * SIZE);
      names.add("generated-%04d".formatted(i));
    }
    return new MaskedImages(1, SIZE, SIZE, pixels, masks, CLASSES, names);
  }

  private static byte[] mask(Random random) {
    byte[] mask = new byte[SIZE * SIZE];
    for (byte k = 1; k < CLASSES.size(); k++) {
      int ellipses = 1 + random.nextInt(2);
      for (int e = 0; e < ellipses; e++) {
        double x = 8 + 32 * random.nextDouble();
        double y = 8 + 32 * random.nextDouble();
        double a = 4 + 6 * random.nextDouble();
        double b = 4 + 6 * random.nextDouble();
        for (int r = 0; r < SIZE; r++) {
          for (int c = 0; c < SIZE; c++) {
            double u = (c - x) / a;
            double v = (r - y) / b;
            if (u * u + v * v <= 1) {
              mask[r * SIZE + c] = k;
            }
          }
        }
      }
    }
    return mask;
  }

  /** The classes' intensities, averaged over 5 x 5 pixels; the edge is repeated. */
  private static double[] blur(byte[] mask) {
    double[] image = new double[SIZE * SIZE];
    int side = 2 * BLUR + 1;
    for (int r = 0; r < SIZE; r++) {
      for (int c = 0; c < SIZE; c++) {
        double sum = 0;
        for (int dr = -BLUR; dr <= BLUR; dr++) {
          for (int dc = -BLUR; dc <= BLUR; dc++) {
            int y = Math.clamp(r + dr, 0, SIZE - 1);
            int x = Math.clamp(c + dc, 0, SIZE - 1);
            sum += INTENSITY[mask[y * SIZE + x]];
          }
        }
        image[r * SIZE + c] = sum / (side * side);
      }
    }
    return image;
  }
}
