package org.tikhon.lab.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/**
 * Samples in the plane, coloured by cluster, beside bars of the clusters' sizes and lines of the
 * classes' sizes where they are known; a panel for each way to cluster. As SVG or PNG.
 */
public final class ClusterPicture {
  private static final int PLOT = 340;
  private static final int BARS = 200;
  private static final int GAP = 24;
  private static final int TITLE = 34;
  private static final double DOT = 2.2;

  /** Lower bars have no room for a number. */
  private static final double LEAST_STEP = 10;

  private static final double GOLDEN = 0.618033988749895;
  private static final Color INK = new Color(0x1c2430);
  private static final Color FRAME = new Color(0xd9dee5);

  /**
   * One way to cluster.
   *
   * @param clusters 0, ..., K - 1, of each sample
   * @param colours a number of a colour for each of the K clusters, so that clusters that stand for
   *     the same class look the same
   */
  public record Panel(String title, int[] clusters, int[] colours) {}

  private sealed interface Shape {}

  private record Dot(double x, double y, Color colour) implements Shape {}

  private record Box(double x, double y, double width, double height, Color colour, boolean filled)
      implements Shape {}

  private record Text(double x, double y, String text) implements Shape {}

  private final List<Shape> shapes = new ArrayList<>();
  private final int width;
  private final int height;

  /**
   * @param points {@code [n, 2]}, such as the first two principal components
   * @param classSizes the sizes of the true classes, or null
   */
  public ClusterPicture(double[][] points, List<Panel> panels, int[] classSizes) {
    int row = TITLE + PLOT + GAP;
    int columns = Math.min(2, panels.size());
    this.width = GAP + columns * (PLOT + BARS + 2 * GAP);
    this.height = row * Math.ceilDiv(panels.size(), columns) + GAP / 2;
    for (int p = 0; p < panels.size(); p++) {
      double left = GAP + p % columns * (PLOT + BARS + 2.0 * GAP);
      double top = row * (p / columns) + TITLE;
      shapes.add(new Text(left, top - 10, panels.get(p).title));
      scatter(points, panels.get(p), left, top);
      bars(panels.get(p), classSizes, left + PLOT + GAP, top);
    }
  }

  /** Hues that stay apart for any number of clusters. */
  private static Color colour(int number) {
    float hue = (float) (number * GOLDEN % 1);
    float brightness = number % 3 == 1 ? 0.62f : 0.82f;
    return Color.getHSBColor(hue, 0.72f, brightness);
  }

  private void scatter(double[][] points, Panel panel, double left, double top) {
    shapes.add(new Box(left, top, PLOT, PLOT, FRAME, false));
    double[] low = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
    double[] high = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (double[] point : points) {
      for (int d = 0; d < 2; d++) {
        low[d] = Math.min(low[d], point[d]);
        high[d] = Math.max(high[d], point[d]);
      }
    }
    double inner = PLOT - 16;
    for (int i = 0; i < points.length; i++) {
      double x = (points[i][0] - low[0]) / Math.max(1e-12, high[0] - low[0]);
      double y = (points[i][1] - low[1]) / Math.max(1e-12, high[1] - low[1]);
      shapes.add(
          new Dot(
              left + 8 + x * inner,
              top + 8 + (1 - y) * inner,
              colour(panel.colours[panel.clusters[i]])));
    }
  }

  private void bars(Panel panel, int[] classSizes, double left, double top) {
    int[] sizes = new int[panel.colours.length];
    Arrays.stream(panel.clusters).forEach(k -> sizes[k]++);
    int[] order =
        IntStream.range(0, sizes.length)
            .boxed()
            .sorted(Comparator.comparingInt(k -> -sizes[k]))
            .mapToInt(Integer::intValue)
            .toArray();
    int[] truth = classSizes == null ? new int[0] : Arrays.stream(classSizes).sorted().toArray();
    int most = Math.max(Arrays.stream(sizes).max().orElse(1), Arrays.stream(truth).max().orElse(1));
    int rows = Math.max(sizes.length, truth.length);
    double step = (double) PLOT / rows;
    double scale = (BARS - 40.0) / most;
    for (int r = 0; r < rows; r++) {
      double y = top + r * step;
      double end = 0;
      if (r < sizes.length) {
        end = sizes[order[r]] * scale;
        shapes.add(new Box(left, y, end, 0.8 * step, colour(panel.colours[order[r]]), true));
      }
      double number = end;
      if (r < truth.length) {
        double mark = truth[truth.length - 1 - r] * scale;
        shapes.add(new Box(left + mark - 1, y - 0.05 * step, 2, 0.9 * step, INK, true));
        number = Math.max(end, mark);
      }
      if (r < sizes.length && step >= LEAST_STEP) {
        shapes.add(new Text(left + number + 5, y + 0.4 * step + 4, "" + sizes[order[r]]));
      }
    }
  }

  private static String hex(Color colour) {
    return String.format(Locale.ROOT, "#%06x", colour.getRGB() & 0xffffff);
  }

  /** The picture as the text of an SVG file. */
  public String svg() {
    StringBuilder out =
        new StringBuilder(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n"
                .formatted(width, height, width, height));
    for (Shape shape : shapes) {
      out.append(
          switch (shape) {
            case Dot d ->
                String.format(
                    Locale.ROOT,
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" fill-opacity=\"0.75\"/>\n",
                    d.x,
                    d.y,
                    DOT,
                    hex(d.colour));
            case Box b ->
                String.format(
                    Locale.ROOT,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s=\"%s\"%s/>\n",
                    b.x,
                    b.y,
                    b.width,
                    b.height,
                    b.filled ? "fill" : "stroke",
                    hex(b.colour),
                    b.filled ? "" : " fill=\"none\"");
            case Text t ->
                String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n",
                    t.x,
                    t.y,
                    hex(INK),
                    Svg.escape(t.text));
          });
    }
    return out.append("</svg>\n").toString();
  }

  /** The picture as the bytes of a PNG file, two pixels to a unit. */
  public byte[] png() {
    BufferedImage image = new BufferedImage(2 * width, 2 * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, image.getWidth(), image.getHeight());
    g.scale(2, 2);
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    g.setStroke(new BasicStroke(1));
    shapes.forEach(shape -> draw(g, shape));
    g.dispose();
    try (ByteArrayOutputStream out = new ByteArrayOutputStream()) {
      ImageIO.write(image, "png", out);
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void draw(Graphics2D g, Shape shape) {
    switch (shape) {
      case Dot d -> {
        Color c = d.colour;
        g.setColor(new Color(c.getRed(), c.getGreen(), c.getBlue(), 190));
        g.fill(new Ellipse2D.Double(d.x - DOT, d.y - DOT, 2 * DOT, 2 * DOT));
      }
      case Box b -> {
        g.setColor(b.colour);
        Rectangle2D box = new Rectangle2D.Double(b.x, b.y, b.width, b.height);
        if (b.filled) {
          g.fill(box);
        } else {
          g.draw(box);
        }
      }
      case Text t -> {
        g.setColor(INK);
        g.drawString(t.text, (float) t.x, (float) t.y);
      }
    }
  }
}
