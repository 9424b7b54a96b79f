package org.tikhon.lab.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/**
 * How the residuals of solvers fell, and beside it the solution on its grid: blue below 0, red
 * above, grey where there is no fluid.
 */
public final class SolverPicture {
  private static final int PLOT_WIDTH = 620;
  private static final int HEIGHT = 400;
  private static final int LEFT = 64;
  private static final int TOP = 34;
  private static final int BOTTOM = 52;
  private static final int MAP = HEIGHT - TOP - BOTTOM;
  private static final int GAP = 30;

  private static final Color INK = new Color(0x1c2430);
  private static final Color SOFT = new Color(0x5b6675);
  private static final Color GRID = new Color(0xd9dee5);
  private static final Color WALL = new Color(0x7f8c99);
  private static final Color NEGATIVE = new Color(0x1f5fa8);
  private static final Color POSITIVE = new Color(0xb5392b);

  /** The colours of the lines, as on a {@link Page}. */
  private static final List<Color> LINES =
      List.of(
          new Color(0x2f6fb4),
          new Color(0xd9822b),
          new Color(0x3a9a5b),
          new Color(0xb3445a),
          new Color(0x7d5fb2),
          new Color(0x3fa0a8));

  private static final String STYLE =
      "<style>svg{font-family:sans-serif;background:#fff} text{fill:#1c2430;font-size:13px}"
          + " .tick,.title{fill:#5b6675} .grid{stroke:#d9dee5} .axis{stroke:#5b6675}"
          + " .line{fill:none;stroke-width:2} .s0{stroke:#2f6fb4} .s1{stroke:#d9822b}"
          + " .s2{stroke:#3a9a5b} .s3{stroke:#b3445a} .s4{stroke:#7d5fb2} .s5{stroke:#3fa0a8}"
          + "</style>";

  /** A solver's residuals divided by the first, from iteration 0. */
  public record Curve(String name, double[] residuals) {}

  /**
   * A field on a grid of rows.
   *
   * @param fluid which cells count
   */
  public record Field(int rows, int columns, double[] values, boolean[] fluid) {}

  private SolverPicture() {}

  private static double log(double residual) {
    return Math.log10(Math.max(residual, 1e-16));
  }

  /** As SVG text, the field as an embedded image. */
  public static String svg(List<Curve> curves, Field field) throws IOException {
    List<Svg.Series> series =
        curves.stream()
            .map(
                c ->
                    new Svg.Series(
                        c.name, Arrays.stream(c.residuals).map(SolverPicture::log).toArray()))
            .toList();
    String lines = Svg.lines("iteration (from 1: before the first)", "log10 |r| / |r0|", series);
    String image =
        Base64.getEncoder().encodeToString(encode(map(field, field.columns, field.rows)));
    double scale = (double) MAP / Math.max(field.rows, field.columns);
    int inner = 640 + 8 * curves.stream().mapToInt(c -> c.name.length()).max().orElse(0) + 40;
    return """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d">%s
        <svg x="0" y="0" width="%d" height="360">%s</svg>
        <image x="%d" y="16" width="%.1f" height="%.1f" style="image-rendering:pixelated" href="data:image/png;base64,%s"/>
        </svg>
        """
        .formatted(
            inner + MAP + GAP,
            360,
            STYLE,
            inner,
            lines,
            inner,
            field.columns * scale,
            field.rows * scale,
            image);
  }

  /** As a PNG file. */
  public static byte[] png(List<Curve> curves, Field field) throws IOException {
    BufferedImage image =
        new BufferedImage(PLOT_WIDTH + GAP + MAP + GAP, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, image.getWidth(), HEIGHT);
    g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
    drawCurves(g, curves);
    double scale = (double) MAP / Math.max(field.rows, field.columns);
    int width = (int) Math.round(field.columns * scale);
    int height = (int) Math.round(field.rows * scale);
    g.drawImage(map(field, width, height), PLOT_WIDTH + GAP, TOP, null);
    g.setColor(SOFT);
    g.drawRect(PLOT_WIDTH + GAP - 1, TOP - 1, width + 1, height + 1);
    g.drawString("solution", PLOT_WIDTH + GAP, TOP - 10);
    g.dispose();
    return encode(image);
  }

  private static byte[] encode(BufferedImage image) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return bytes.toByteArray();
  }

  private static void drawCurves(Graphics2D g, List<Curve> curves) {
    double lowest =
        curves.stream()
            .flatMapToDouble(c -> Arrays.stream(c.residuals))
            .map(SolverPicture::log)
            .min()
            .orElse(-1);
    double highest =
        curves.stream()
            .flatMapToDouble(c -> Arrays.stream(c.residuals))
            .map(SolverPicture::log)
            .max()
            .orElse(0);
    int bottom = (int) Math.floor(Math.min(lowest, -1));
    int top = (int) Math.ceil(Math.max(highest, 0));
    int last = Math.max(1, curves.stream().mapToInt(c -> c.residuals.length - 1).max().orElse(1));
    double perDecade = (double) (HEIGHT - TOP - BOTTOM) / (top - bottom);
    double perIteration = (double) (PLOT_WIDTH - LEFT) / last;
    for (int decade = bottom; decade <= top; decade++) {
      int y = (int) Math.round(TOP + (top - decade) * perDecade);
      g.setColor(GRID);
      g.drawLine(LEFT, y, PLOT_WIDTH, y);
      g.setColor(SOFT);
      right(g, decade == 0 ? "1" : "1e" + decade, LEFT - 8, y + 5);
    }
    for (double t : Svg.ticks(0, last, 8)) {
      g.setColor(SOFT);
      String label = String.format(Locale.ROOT, "%.0f", t);
      int x = (int) Math.round(LEFT + t * perIteration);
      g.drawString(label, x - g.getFontMetrics().stringWidth(label) / 2, HEIGHT - BOTTOM + 18);
    }
    g.drawString("|r| / |r0|", LEFT, TOP - 10);
    g.drawString("iteration", (LEFT + PLOT_WIDTH) / 2 - 24, HEIGHT - 12);
    for (int k = 0; k < curves.size(); k++) {
      Color colour = LINES.get(k % LINES.size());
      g.setColor(colour);
      g.setStroke(new BasicStroke(2));
      Path2D path = new Path2D.Double();
      double[] residuals = curves.get(k).residuals;
      for (int i = 0; i < residuals.length; i++) {
        double x = LEFT + i * perIteration;
        double y = TOP + (top - log(residuals[i])) * perDecade;
        if (i == 0) {
          path.moveTo(x, y);
        } else {
          path.lineTo(x, y);
        }
      }
      g.draw(path);
      g.setColor(INK);
      String name = "%s: %d".formatted(curves.get(k).name, residuals.length - 1);
      int y = TOP + 18 + 18 * k;
      right(g, name, PLOT_WIDTH - 8, y);
      g.setColor(colour);
      g.fillRect(PLOT_WIDTH - 22 - g.getFontMetrics().stringWidth(name), y - 8, 10, 6);
    }
    g.setStroke(new BasicStroke(1));
  }

  private static void right(Graphics2D g, String text, int x, int y) {
    g.drawString(text, x - g.getFontMetrics().stringWidth(text), y);
  }

  private static BufferedImage map(Field field, int width, int height) {
    double largest = 0;
    for (int i = 0; i < field.values.length; i++) {
      largest = Math.max(largest, field.fluid[i] ? Math.abs(field.values[i]) : 0);
    }
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int i = y * field.rows / height * field.columns + x * field.columns / width;
        double part = largest > 0 ? field.values[i] / largest : 0;
        image.setRGB(x, y, (field.fluid[i] ? colour(part) : WALL).getRGB());
      }
    }
    return image;
  }

  /** From blue through white to red for -1 to 1. */
  private static Color colour(double part) {
    Color end = part < 0 ? NEGATIVE : POSITIVE;
    double t = Math.min(1, Math.abs(part));
    return new Color(
        (int) Math.round(255 + t * (end.getRed() - 255)),
        (int) Math.round(255 + t * (end.getGreen() - 255)),
        (int) Math.round(255 + t * (end.getBlue() - 255)));
  }
}
