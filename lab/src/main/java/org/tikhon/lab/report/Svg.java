package org.tikhon.lab.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Plots as SVG text. Colours come from the page's style sheet ({@link Page}), so that they follow
 * light and dark mode.
 */
public final class Svg {
  private static final int WIDTH = 640;
  private static final int HEIGHT = 360;
  private static final int LEFT = 56;
  private static final int RIGHT = 16;
  private static final int TOP = 16;
  private static final int BOTTOM = 44;

  private Svg() {}

  /** A named line; its points are at x = 1, 2, 3, .... */
  public record Series(String name, double[] values) {}

  /** A named bar with the half-length of its error bar. */
  public record Bar(String name, double value, double error, boolean highlighted) {}

  /** One bin of a reliability diagram; bins with count 0 are not drawn. */
  public record Bin(double low, double high, int count, double confidence, double accuracy) {}

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private static String n(double v) {
    return String.format(Locale.ROOT, "%.1f", v);
  }

  private static String open(int width, int height, String label) {
    return "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" xmlns=\"http://www.w3.org/2000/svg\">"
        .formatted(width, height, escape(label));
  }

  private static String text(double x, double y, String anchor, String css, String content) {
    return "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" class=\"%s\">%s</text>"
        .formatted(n(x), n(y), anchor, css, escape(content));
  }

  private static String line(double x1, double y1, double x2, double y2, String css) {
    return "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" class=\"%s\"/>"
        .formatted(n(x1), n(y1), n(x2), n(y2), css);
  }

  private static String rect(
      double x, double y, double width, double height, String css, String title) {
    return "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" class=\"%s\"><title>%s</title></rect>"
        .formatted(n(x), n(y), n(Math.max(0, width)), n(Math.max(0, height)), css, escape(title));
  }

  /** Round numbers that cover a range: about {@code count} of them. */
  static double[] ticks(double low, double high, int count) {
    double span = Math.max(1e-12, high - low);
    double raw = span / count;
    double magnitude = Math.pow(10, Math.floor(Math.log10(raw)));
    double step =
        magnitude
            * (raw / magnitude <= 1 ? 1 : raw / magnitude <= 2 ? 2 : raw / magnitude <= 5 ? 5 : 10);
    long first = (long) Math.ceil(low / step - 1e-9);
    long last = (long) Math.floor(high / step + 1e-9);
    return IntStream.rangeClosed(0, (int) (last - first))
        .mapToDouble(i -> (first + i) * step)
        .toArray();
  }

  private static String tick(double v) {
    if (v == 0) {
      return "0";
    }
    String s =
        String.format(Locale.ROOT, Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? "%.1e" : "%.4f", v);
    return s.contains("e") ? s : s.replaceAll("0+$", "").replaceAll("\\.$", "");
  }

  /** Lines over 1, 2, 3, ... with a legend beside them. */
  public static String lines(String xTitle, String yTitle, List<Series> series) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    int length = 2;
    for (Series s : series) {
      for (double v : s.values) {
        if (Double.isFinite(v)) {
          low = Math.min(low, v);
          high = Math.max(high, v);
        }
      }
      length = Math.max(length, s.values.length);
    }
    if (!(high > low)) {
      high = Double.isFinite(high) ? high + 0.5 : 1;
      low = high - 1;
    }
    double margin = 0.05 * (high - low);
    double bottom = low - margin;
    double top = high + margin;
    int legend = 8 * series.stream().mapToInt(s -> s.name.length()).max().orElse(0) + 40;
    int width = WIDTH + legend;
    double plotRight = WIDTH - RIGHT;
    StringBuilder out = new StringBuilder(open(width, HEIGHT, yTitle + " over " + xTitle));
    for (double t : ticks(bottom, top, 5)) {
      double y = HEIGHT - BOTTOM - (t - bottom) / (top - bottom) * (HEIGHT - BOTTOM - TOP);
      out.append(line(LEFT, y, plotRight, y, "grid"))
          .append(text(LEFT - 6, y + 4, "end", "tick", tick(t)));
    }
    for (double t : ticks(1, length, 8)) {
      if (t >= 1 && t == Math.rint(t)) {
        double x = LEFT + (t - 1) / (length - 1) * (plotRight - LEFT);
        out.append(text(x, HEIGHT - BOTTOM + 18, "middle", "tick", tick(t)));
      }
    }
    out.append(line(LEFT, HEIGHT - BOTTOM, plotRight, HEIGHT - BOTTOM, "axis"));
    out.append(text((LEFT + plotRight) / 2, HEIGHT - 8, "middle", "title", xTitle));
    out.append(text(LEFT, TOP - 4, "start", "title", yTitle));
    for (int s = 0; s < series.size(); s++) {
      List<String> points = new ArrayList<>();
      double[] v = series.get(s).values;
      for (int i = 0; i < v.length; i++) {
        if (Double.isFinite(v[i])) {
          double x = LEFT + (double) i / (length - 1) * (plotRight - LEFT);
          double y = HEIGHT - BOTTOM - (v[i] - bottom) / (top - bottom) * (HEIGHT - BOTTOM - TOP);
          points.add(n(x) + "," + n(y));
        }
      }
      out.append("<polyline points=\"")
          .append(String.join(" ", points))
          .append("\" class=\"line s")
          .append(s % 10)
          .append("\"/>");
      double y = TOP + 12 + 20 * s;
      out.append(line(WIDTH, y, WIDTH + 20, y, "line s" + s % 10));
      out.append(text(WIDTH + 26, y + 4, "start", "label", series.get(s).name));
    }
    return out.append("</svg>").toString();
  }

  /** Horizontal bars with error bars; the axis begins a little below the smallest value. */
  public static String bars(String title, List<Bar> bars) {
    double low = bars.stream().mapToDouble(b -> b.value - b.error).min().orElse(0);
    double high = bars.stream().mapToDouble(b -> b.value + b.error).max().orElse(1);
    double span = Math.max(1e-9, high - low);
    double from = low >= 0 ? Math.max(0, low - 0.25 * span) : low - 0.25 * span;
    double to = high + 0.1 * span;
    int label = 9 * bars.stream().mapToInt(b -> b.name.length()).max().orElse(0) + 16;
    int row = 30;
    int height = row * bars.size() + 56;
    double scale = (WIDTH - label - 24) / (to - from);
    StringBuilder out = new StringBuilder(open(WIDTH, height, title));
    for (double t : ticks(from, to, 5)) {
      double x = label + (t - from) * scale;
      out.append(line(x, 8, x, height - 44, "grid"))
          .append(text(x, height - 28, "middle", "tick", tick(t)));
    }
    for (int i = 0; i < bars.size(); i++) {
      Bar b = bars.get(i);
      double y = 12 + row * i;
      double end = label + (b.value - from) * scale;
      String value = "%s: %s ± %s".formatted(b.name, tick(b.value), tick(b.error));
      out.append(text(label - 8, y + 15, "end", "label", b.name));
      out.append(rect(label, y, end - label, 20, b.highlighted ? "bar own" : "bar", value));
      if (b.error > 0) {
        double left = end - b.error * scale;
        double right = end + b.error * scale;
        out.append(line(left, y + 10, right, y + 10, "error"));
        out.append(line(left, y + 6, left, y + 14, "error"))
            .append(line(right, y + 6, right, y + 14, "error"));
      }
    }
    out.append(text((label + WIDTH) / 2.0, height - 8, "middle", "title", title));
    return out.append("</svg>").toString();
  }

  /**
   * Accuracy over confidence, with the diagonal of perfect calibration; wider dots stand for more
   * samples.
   */
  public static String reliability(List<Bin> bins) {
    int size = 360;
    double span = size - 60;
    int largest = bins.stream().mapToInt(Bin::count).max().orElse(1);
    StringBuilder out = new StringBuilder(open(size, size, "reliability diagram"));
    for (double t : ticks(0, 1, 5)) {
      double x = 44 + t * span;
      double y = 14 + (1 - t) * span;
      out.append(line(44, y, 44 + span, y, "grid")).append(text(38, y + 4, "end", "tick", tick(t)));
      out.append(text(x, size - 28, "middle", "tick", tick(t)));
    }
    for (Bin b : bins) {
      if (b.count > 0) {
        String title =
            "%d samples, confidence %s, accuracy %s"
                .formatted(b.count, tick(b.confidence), tick(b.accuracy));
        double x = 44 + b.low * span;
        out.append(
            rect(
                x + 1,
                14 + (1 - b.accuracy) * span,
                (b.high - b.low) * span - 2,
                b.accuracy * span,
                "bar",
                title));
        out.append(
            "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" class=\"dot\"/>"
                .formatted(
                    n(44 + b.confidence * span),
                    n(14 + (1 - b.accuracy) * span),
                    n(2 + 5 * Math.sqrt((double) b.count / largest))));
      }
    }
    out.append(line(44, 14 + span, 44 + span, 14, "diagonal"));
    out.append(text(44 + span / 2, size - 8, "middle", "title", "confidence"));
    out.append(text(44, 10, "start", "title", "accuracy"));
    return out.append("</svg>").toString();
  }

  /**
   * A confusion matrix: rows are labels, columns predictions; each row is shaded by its fractions.
   */
  public static String confusion(int[][] counts, List<String> classes) {
    int k = counts.length;
    int cell = Math.clamp(440 / k, 12, 44);
    int label = 8 * classes.stream().mapToInt(String::length).max().orElse(1) + 24;
    int size = label + cell * k + 8;
    boolean numbers = cell >= 26;
    StringBuilder out = new StringBuilder(open(size, size, "confusion matrix"));
    for (int i = 0; i < k; i++) {
      int total = Math.max(1, IntStream.of(counts[i]).sum());
      double y = label + cell * i;
      out.append(text(label - 6, y + cell / 2.0 + 4, "end", "tick", classes.get(i)));
      out.append(
          "<text transform=\"translate(%s %s) rotate(-60)\" class=\"tick\">%s</text>"
              .formatted(n(label + cell * i + cell / 2.0), n(label - 6), escape(classes.get(i))));
      for (int j = 0; j < k; j++) {
        double share = (double) counts[i][j] / total;
        double x = label + cell * j;
        String title =
            "%s taken for %s: %d".formatted(classes.get(i), classes.get(j), counts[i][j]);
        out.append(
            "<rect x=\"%s\" y=\"%s\" width=\"%d\" height=\"%d\" class=\"%s\" fill-opacity=\"%s\"><title>%s</title></rect>"
                .formatted(
                    n(x),
                    n(y),
                    cell - 1,
                    cell - 1,
                    i == j ? "hit" : "miss",
                    String.format(Locale.ROOT, "%.3f", share == 0 ? 0.03 : 0.1 + 0.9 * share),
                    escape(title)));
        if (numbers && counts[i][j] > 0) {
          out.append(
              text(
                  x + cell / 2.0,
                  y + cell / 2.0 + 4,
                  "middle",
                  share > 0.5 ? "count strong" : "count",
                  "" + counts[i][j]));
        }
      }
    }
    return out.append("</svg>").toString();
  }
}
