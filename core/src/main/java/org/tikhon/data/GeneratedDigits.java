package org.tikhon.data;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Generated 28 x 28 images of the ten digits, drawn from strokes: each digit has several hand-drawn
 * skeletons, which are distorted (slant, rotation, scale, shift, a smooth elastic field), drawn
 * with a pen of random width and pressure, and covered with a little noise. They look handwritten,
 * but nobody wrote them: every output that uses them says generated. The same seed gives the same
 * images on every machine.
 */
public final class GeneratedDigits {
  private static final int SIZE = 28;

  /**
   * Skeletons, in a unit square with y downwards. A skeleton is one or more strokes; a stroke is a
   * chain of points through which a smooth curve (Catmull-Rom) is drawn.
   */
  private static final double[][][][] SKELETONS = {
    { // 0
      {{.5, .08, .3, .2, .22, .5, .3, .8, .5, .92, .7, .8, .78, .5, .7, .2, .5, .08}},
      {
        {
          .58, .1, .36, .16, .26, .45, .3, .78, .48, .9, .68, .76, .74, .46, .66, .18, .5, .12, .42,
          .16
        }
      },
      {{.45, .1, .25, .3, .25, .66, .42, .9, .64, .84, .76, .56, .7, .24, .5, .1, .4, .12}}
    },
    { // 1
      {{.5, .08, .5, .5, .5, .92}},
      {{.34, .26, .46, .18, .55, .08}, {.55, .08, .54, .5, .53, .92}},
      {{.36, .24, .54, .08, .53, .5, .52, .9}, {.32, .91, .52, .9, .72, .9}}
    },
    { // 2
      {
        {.25, .28, .34, .12, .54, .08, .7, .2, .68, .4, .5, .62, .26, .88},
        {.26, .88, .5, .87, .76, .89}
      },
      {
        {
          .27, .24, .45, .08, .68, .16, .7, .36, .52, .6, .28, .84, .36, .9, .5, .82, .64, .9, .78,
          .84
        }
      },
      {{.3, .16, .5, .1, .68, .2, .66, .42, .46, .66, .24, .9, .5, .9, .74, .88}}
    },
    { // 3
      {
        {.27, .18, .45, .08, .66, .16, .66, .36, .46, .47},
        {.46, .47, .68, .54, .73, .74, .55, .91, .3, .86}
      },
      {
        {.28, .12, .5, .1, .7, .1},
        {.7, .1, .58, .26, .44, .42, .64, .5, .74, .68, .6, .88, .38, .92, .26, .84}
      },
      {{.3, .14, .54, .08, .7, .24, .56, .42, .42, .48, .62, .52, .72, .7, .56, .9, .3, .88}}
    },
    { // 4
      {{.6, .08, .42, .34, .22, .62}, {.22, .62, .5, .62, .8, .61}, {.62, .34, .61, .6, .6, .93}},
      {{.32, .1, .3, .32, .28, .5}, {.28, .5, .48, .52, .72, .48}, {.7, .1, .69, .5, .66, .92}},
      {{.62, .93, .62, .5, .63, .08}, {.63, .08, .4, .38, .2, .64, .5, .64, .82, .64}}
    },
    { // 5
      {
        {.72, .1, .52, .1, .34, .11},
        {.34, .11, .31, .28, .29, .44},
        {.29, .44, .5, .38, .7, .5, .74, .7, .58, .9, .38, .92, .24, .84}
      },
      {{.7, .1, .36, .12, .32, .42, .54, .4, .72, .56, .68, .8, .48, .92, .26, .86}},
      {
        {.38, .1, .33, .28, .3, .42, .48, .4, .68, .52, .7, .74, .54, .9, .28, .88},
        {.38, .1, .55, .1, .74, .08}
      }
    },
    { // 6
      {
        {
          .64, .1, .42, .26, .28, .54, .3, .8, .48, .92, .68, .82, .7, .64, .54, .52, .36, .6, .3,
          .74
        }
      },
      {{.58, .08, .36, .34, .26, .64, .36, .88, .56, .92, .72, .76, .64, .56, .46, .54, .32, .68}},
      {{.5, .08, .36, .3, .3, .6, .38, .86, .56, .9, .68, .76, .62, .6, .46, .58, .34, .7}}
    },
    { // 7
      {{.24, .12, .5, .11, .76, .1}, {.76, .1, .6, .42, .42, .92}},
      {{.25, .2, .26, .12, .5, .12, .75, .12, .62, .4, .5, .64, .42, .92}},
      {{.24, .12, .5, .12, .76, .1}, {.76, .1, .6, .44, .46, .92}, {.4, .5, .55, .49, .7, .48}}
    },
    { // 8
      {
        {
          .5, .48, .32, .36, .32, .18, .5, .08, .68, .18, .68, .36, .5, .48, .3, .62, .28, .8, .5,
          .92, .72, .8, .7, .62, .5, .48
        }
      },
      {
        {
          .66, .16, .48, .08, .32, .2, .38, .38, .56, .5, .7, .68, .64, .86, .46, .92, .3, .8, .36,
          .62, .54, .46, .68, .3, .64, .14
        }
      },
      {
        {
          .52, .46, .36, .38, .34, .2, .5, .1, .66, .2, .64, .38, .5, .48, .34, .58, .3, .76, .44,
          .9, .62, .88, .7, .72, .62, .56, .48, .46
        }
      }
    },
    { // 9
      {{.68, .3, .54, .46, .36, .42, .3, .26, .42, .1, .6, .1, .69, .26, .68, .56, .64, .92}},
      {
        {
          .7, .22, .54, .1, .36, .18, .32, .36, .46, .48, .64, .4, .7, .24, .7, .54, .6, .8, .44,
          .92
        }
      },
      {
        {.66, .26, .56, .1, .38, .14, .3, .32, .42, .46, .6, .4, .67, .24},
        {.67, .24, .64, .56, .56, .92}
      }
    }
  };

  private GeneratedDigits() {}

  /** The given number of images, classes in equal parts, shuffled. */
  public static ImageSet of(int count, long seed) {
    if (count < 10) {
      throw new IllegalArgumentException("count must be at least 10, was " + count);
    }
    byte[] pixels = new byte[count * SIZE * SIZE];
    int[] labels = new int[count];
    // One generator per image: the images do not depend on the number of threads.
    SplittableRandom[] randoms = new SplittableRandom[count];
    SplittableRandom root = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      labels[i] = i % 10;
      randoms[i] = root.split();
    }
    for (int i = count - 1; i > 0; i--) {
      int j = root.nextInt(i + 1);
      int swap = labels[i];
      labels[i] = labels[j];
      labels[j] = swap;
    }
    IntStream.range(0, count)
        .parallel()
        .forEach(i -> draw(labels[i], randoms[i], pixels, i * SIZE * SIZE));
    return new ImageSet(
        1, SIZE, SIZE, pixels, labels, IntStream.range(0, 10).mapToObj(Integer::toString).toList());
  }

  private static void draw(int digit, SplittableRandom random, byte[] pixels, int offset) {
    double[][][] skeletons = SKELETONS[digit];
    double[][] strokes = skeletons[random.nextInt(skeletons.length)];
    Distortion distortion = new Distortion(random);
    double pen = 0.85 + 0.75 * random.nextDouble();
    double pressure = 0.75 + 0.25 * random.nextDouble();

    List<double[]> points = new ArrayList<>();
    for (double[] stroke : strokes) {
      curve(jitter(stroke, random), distortion, points);
    }
    double[] ink = new double[SIZE * SIZE];
    for (int p = 1; p < points.size(); p++) {
      if (points.get(p) != null && points.get(p - 1) != null) {
        segment(points.get(p - 1), points.get(p), pen, ink);
      }
    }
    for (int i = 0; i < ink.length; i++) {
      double noise = 0.03 * random.nextGaussian();
      double value = pressure * ink[i] + (ink[i] > 0 ? noise : Math.max(0, noise - 0.04));
      pixels[offset + i] = (byte) Math.round(255 * Math.clamp(value, 0, 1));
    }
  }

  private static double[] jitter(double[] stroke, SplittableRandom random) {
    double[] moved = new double[stroke.length];
    for (int i = 0; i < stroke.length; i++) {
      moved[i] = stroke[i] + 0.022 * random.nextGaussian();
    }
    return moved;
  }

  /** Appends a smooth curve through a stroke's points, distorted into pixels; a null ends it. */
  private static void curve(double[] stroke, Distortion distortion, List<double[]> points) {
    int n = stroke.length / 2;
    int steps = 5;
    for (int i = 0; i + 1 < n; i++) {
      int before = Math.max(0, i - 1);
      int after = Math.min(n - 1, i + 2);
      for (int s = 0; s <= (i + 2 == n ? steps : steps - 1); s++) {
        double t = (double) s / steps;
        points.add(
            distortion.apply(
                catmullRom(
                    stroke[2 * before], stroke[2 * i], stroke[2 * i + 2], stroke[2 * after], t),
                catmullRom(
                    stroke[2 * before + 1],
                    stroke[2 * i + 1],
                    stroke[2 * i + 3],
                    stroke[2 * after + 1],
                    t)));
      }
    }
    points.add(null);
  }

  private static double catmullRom(double a, double b, double c, double d, double t) {
    return 0.5
        * (2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t * t
            + (3 * b - a - 3 * c + d) * t * t * t);
  }

  /** Draws a line with a round pen: full ink up to the pen's radius, fading over one pixel. */
  private static void segment(double[] from, double[] to, double radius, double[] ink) {
    double reach = radius + 1;
    int left = (int) Math.clamp(Math.floor(Math.min(from[0], to[0]) - reach), 0, SIZE - 1);
    int right = (int) Math.clamp(Math.ceil(Math.max(from[0], to[0]) + reach), 0, SIZE - 1);
    int top = (int) Math.clamp(Math.floor(Math.min(from[1], to[1]) - reach), 0, SIZE - 1);
    int bottom = (int) Math.clamp(Math.ceil(Math.max(from[1], to[1]) + reach), 0, SIZE - 1);
    double dx = to[0] - from[0];
    double dy = to[1] - from[1];
    double length2 = Math.max(1e-12, dx * dx + dy * dy);
    for (int y = top; y <= bottom; y++) {
      for (int x = left; x <= right; x++) {
        double t = Math.clamp(((x - from[0]) * dx + (y - from[1]) * dy) / length2, 0, 1);
        double distance = Math.sqrt(square(x - from[0] - t * dx) + square(y - from[1] - t * dy));
        double value = Math.clamp(radius + 0.5 - distance, 0, 1);
        ink[y * SIZE + x] = Math.max(ink[y * SIZE + x], value);
      }
    }
  }

  private static double square(double x) {
    return x * x;
  }

  /**
   * From the unit square into pixels: an elastic field of low-frequency waves, then slant,
   * rotation, scale and shift.
   */
  private static final class Distortion {
    private static final int WAVES = 3;
    private final double[][] waves = new double[WAVES][6];
    private final double xx;
    private final double xy;
    private final double yx;
    private final double yy;
    private final double shiftX;
    private final double shiftY;

    Distortion(SplittableRandom random) {
      for (double[] wave : waves) {
        wave[0] = 0.035 * random.nextGaussian();
        wave[1] = 0.035 * random.nextGaussian();
        wave[2] = 2.2 * random.nextGaussian();
        wave[3] = 2.2 * random.nextGaussian();
        wave[4] = 2 * Math.PI * random.nextDouble();
        wave[5] = 2 * Math.PI * random.nextDouble();
      }
      double angle = 0.16 * random.nextGaussian();
      double slant = 0.18 * random.nextGaussian();
      double scaleX = 20 * (1 + 0.12 * random.nextGaussian());
      double scaleY = 21 * (1 + 0.09 * random.nextGaussian());
      xx = scaleX * Math.cos(angle);
      xy = scaleY * (-Math.sin(angle) - slant * Math.cos(angle));
      yx = scaleX * Math.sin(angle);
      yy = scaleY * (Math.cos(angle) - slant * Math.sin(angle));
      shiftX = 13.5 + 1.2 * random.nextGaussian();
      shiftY = 13.5 + 1.2 * random.nextGaussian();
    }

    double[] apply(double u, double v) {
      double x = u - 0.5;
      double y = v - 0.5;
      for (double[] wave : waves) {
        double phase = wave[2] * u + wave[3] * v;
        x += wave[0] * Math.sin(phase + wave[4]);
        y += wave[1] * Math.sin(phase + wave[5]);
      }
      return new double[] {xx * x + xy * y + shiftX, yx * x + yy * y + shiftY};
    }
  }
}
