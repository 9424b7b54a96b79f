package org.tikhon.lab.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.image.BufferedImage;
import java.util.Locale;

/**
 * A map of the plane as a picture of its own, with its colours: target points in orange, source
 * points in blue, their images in green, and lines from source to image.
 */
public final class MapPicture {
  private static final int SIZE = 720;
  private static final double MARGIN = 24;
  private static final double RADIUS = 2.6;
  private static final Color BACK = Color.WHITE;
  private static final Color SOURCE = new Color(0x2f6fb4);
  private static final Color TARGET = new Color(0xe0a15f);
  private static final Color IMAGE = new Color(0x2f8a55);
  private static final Color ARROW = new Color(0xb4bcc6);

  private MapPicture() {}

  /** What can draw lines and dots, in pixels. */
  private interface Canvas {
    void line(double x1, double y1, double x2, double y2);

    void dot(double x, double y, Color color);
  }

  /**
   * The picture as SVG text.
   *
   * @param source {@code [n, 2]}
   * @param images {@code [n, 2]}, where the source's points go
   * @param target {@code [m, 2]}
   */
  public static String svg(double[][] source, double[][] images, double[][] target) {
    StringBuilder out =
        new StringBuilder(
            "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"transport map\" xmlns=\"http://www.w3.org/2000/svg\">"
                .formatted(SIZE, SIZE));
    out.append("<rect width=\"%d\" height=\"%d\" fill=\"%s\"/>".formatted(SIZE, SIZE, hex(BACK)));
    draw(
        source,
        images,
        target,
        new Canvas() {
          @Override
          public void line(double x1, double y1, double x2, double y2) {
            out.append(
                String.format(
                    Locale.ROOT,
                    "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>",
                    x1,
                    y1,
                    x2,
                    y2,
                    hex(ARROW)));
          }

          @Override
          public void dot(double x, double y, Color color) {
            out.append(
                String.format(
                    Locale.ROOT,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>",
                    x,
                    y,
                    RADIUS,
                    hex(color)));
          }
        });
    return out.append("</svg>\n").toString();
  }

  /** The picture as pixels; parameters as in {@link #svg}. */
  public static BufferedImage image(double[][] source, double[][] images, double[][] target) {
    BufferedImage image = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setColor(BACK);
    graphics.fillRect(0, 0, SIZE, SIZE);
    graphics.setStroke(new BasicStroke(1));
    draw(
        source,
        images,
        target,
        new Canvas() {
          @Override
          public void line(double x1, double y1, double x2, double y2) {
            graphics.setColor(ARROW);
            graphics.draw(new Line2D.Double(x1, y1, x2, y2));
          }

          @Override
          public void dot(double x, double y, Color color) {
            graphics.setColor(color);
            graphics.fill(new Ellipse2D.Double(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS));
          }
        });
    graphics.dispose();
    return image;
  }

  private static String hex(Color color) {
    return "#%06x".formatted(color.getRGB() & 0xffffff);
  }

  private static void draw(double[][] source, double[][] images, double[][] target, Canvas canvas) {
    Frame frame = Frame.of(source, images, target);
    for (int i = 0; i < source.length; i++) {
      canvas.line(frame.x(source[i]), frame.y(source[i]), frame.x(images[i]), frame.y(images[i]));
    }
    dots(target, TARGET, frame, canvas);
    dots(source, SOURCE, frame, canvas);
    dots(images, IMAGE, frame, canvas);
  }

  private static void dots(double[][] points, Color color, Frame frame, Canvas canvas) {
    for (double[] point : points) {
      canvas.dot(frame.x(point), frame.y(point), color);
    }
  }

  /** The square of the plane that is seen, the same scale in both directions. */
  private record Frame(double left, double bottom, double scale) {
    static Frame of(double[][]... clouds) {
      double[] low = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
      double[] high = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
      for (double[][] cloud : clouds) {
        for (double[] point : cloud) {
          for (int k = 0; k < 2; k++) {
            low[k] = Math.min(low[k], point[k]);
            high[k] = Math.max(high[k], point[k]);
          }
        }
      }
      double span = Math.max(high[0] - low[0], high[1] - low[1]);
      double side = span > 0 ? span : 1;
      double scale = (SIZE - 2 * MARGIN) / side;
      return new Frame(
          (low[0] + high[0] - side) / 2 - MARGIN / scale,
          (low[1] + high[1] - side) / 2 - MARGIN / scale,
          scale);
    }

    double x(double[] point) {
      return (point[0] - left) * scale;
    }

    double y(double[] point) {
      return SIZE - (point[1] - bottom) * scale;
    }
  }
}
