package org.tikhon.lab.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.geom.Point2D;
import java.awt.geom.RoundRectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import org.tikhon.solve.Dag;

/**
 * Draws a directed acyclic graph in layers, causes above effects (Sugiyama, Tagawa and Toda 1981).
 * Blue edges have positive weights, red ones negative, thick ones large.
 */
public final class DagPicture {
  private static final int LAYER = 96;
  private static final int GAP = 22;
  private static final int MARGIN = 24;
  private static final int BOX = 30;

  /** The width of the place where an edge passes a layer. */
  private static final int PASSAGE = 30;

  private static final int SWEEPS = 12;

  /** Larger pictures are made smaller as a whole. */
  private static final double MOST_PIXELS = 1e7;

  private static final Color POSITIVE = new Color(0x1f5fa8);
  private static final Color NEGATIVE = new Color(0xb5392b);
  private static final Color INK = new Color(0x222222);
  private static final Color FILL = new Color(0xf1f4f8);
  private static final Font NAME = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
  private static final Font WEIGHT = new Font(Font.SANS_SERIF, Font.PLAIN, 11);

  private final Dag dag;
  private final List<String> names;
  private final List<List<Place>> layers = new ArrayList<>();
  private final Map<Integer, Place> boxes = new HashMap<>();
  private final List<Route> routes = new ArrayList<>();

  /** A node's box, or where an edge passes a layer (without a name). */
  private static final class Place {
    private final String name;
    private final double width;
    private final int layer;
    private final List<Place> above = new ArrayList<>();
    private final List<Place> below = new ArrayList<>();
    private double x;

    Place(String name, double width, int layer) {
      this.name = name;
      this.width = width;
      this.layer = layer;
    }

    double y() {
      return MARGIN + BOX / 2.0 + layer * LAYER;
    }
  }

  /** An edge with the places through which it goes. */
  private record Route(Dag.Edge edge, List<Place> places) {}

  private DagPicture(Dag dag, List<String> names) {
    this.dag = dag;
    this.names = names;
  }

  /**
   * The picture as a PNG file.
   *
   * @param names of the nodes
   */
  public static byte[] png(Dag dag, List<String> names) throws IOException {
    if (names.size() != dag.size()) {
      throw new IllegalArgumentException(
          "names must be %d, one for each node, are %d".formatted(dag.size(), names.size()));
    }
    DagPicture picture = new DagPicture(dag, names);
    picture.place();
    picture.arrange();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(picture.draw(), "png", bytes);
    return bytes.toByteArray();
  }

  private void place() {
    BufferedImage scratch = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
    FontMetrics metrics = scratch.createGraphics().getFontMetrics(NAME);
    int[] layer = new int[dag.size()];
    for (int node : dag.topologicalOrder()) {
      for (int parent : dag.parents(node)) {
        layer[node] = Math.max(layer[node], layer[parent] + 1);
      }
    }
    int deepest = Arrays.stream(layer).max().orElse(0);
    for (int k = 0; k <= deepest; k++) {
      layers.add(new ArrayList<>());
    }
    for (int node : dag.topologicalOrder()) {
      double width = metrics.stringWidth(names.get(node)) + 20;
      Place box = new Place(names.get(node), width, layer[node]);
      boxes.put(node, box);
      layers.get(layer[node]).add(box);
    }
    for (Dag.Edge edge : dag.edges()) {
      List<Place> places = new ArrayList<>(List.of(boxes.get(edge.from())));
      for (int k = layer[edge.from()] + 1; k < layer[edge.to()]; k++) {
        Place passage = new Place(null, PASSAGE, k);
        layers.get(k).add(passage);
        places.add(passage);
      }
      places.add(boxes.get(edge.to()));
      for (int k = 1; k < places.size(); k++) {
        places.get(k - 1).below.add(places.get(k));
        places.get(k).above.add(places.get(k - 1));
      }
      routes.add(new Route(edge, places));
    }
  }

  /** Orders each layer by the mean place of its neighbours, down and up again, and spreads it. */
  private void arrange() {
    layers.forEach(layer -> spread(layer, null));
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
      boolean down = sweep % 2 == 0;
      for (List<Place> layer : down ? layers : layers.reversed()) {
        Map<Place, Double> wanted = new HashMap<>();
        for (Place p : layer) {
          List<Place> neighbours = down ? p.above : p.below;
          wanted.put(p, neighbours.stream().mapToDouble(n -> n.x).average().orElse(p.x));
        }
        layer.sort(Comparator.comparingDouble(wanted::get));
        spread(layer, wanted);
      }
    }
    double left =
        layers.stream().flatMap(List::stream).mapToDouble(p -> p.x - p.width / 2).min().orElse(0);
    layers.stream().flatMap(List::stream).forEach(p -> p.x += MARGIN - left);
  }

  /** Puts the places of a layer from left to right, near where they want to be. */
  private static void spread(List<Place> layer, Map<Place, Double> wanted) {
    double end = Double.NEGATIVE_INFINITY;
    double shift = 0;
    for (Place p : layer) {
      double want = wanted == null ? 0 : wanted.get(p);
      p.x = Math.max(want, end + GAP + p.width / 2);
      end = p.x + p.width / 2;
      shift += (want - p.x) / layer.size();
    }
    for (Place p : layer) {
      p.x += shift;
    }
  }

  private BufferedImage draw() {
    double right =
        layers.stream().flatMap(List::stream).mapToDouble(p -> p.x + p.width / 2).max().orElse(0);
    double width = Math.ceil(right) + MARGIN;
    double height = 2 * MARGIN + BOX + (layers.size() - 1.0) * LAYER;
    double scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    BufferedImage image =
        new BufferedImage(
            Math.max(1, (int) (scale * width)),
            Math.max(1, (int) (scale * height)),
            BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.scale(scale, scale);
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    g.setColor(Color.WHITE);
    g.fillRect(0, 0, (int) width, (int) height);
    double largest = dag.edges().stream().mapToDouble(e -> Math.abs(e.weight())).max().orElse(1);
    routes.forEach(r -> edge(g, r, largest));
    routes.forEach(r -> weight(g, r));
    boxes.values().forEach(p -> box(g, p));
    g.dispose();
    return image;
  }

  private static void edge(Graphics2D g, Route route, double largest) {
    double size = Math.abs(route.edge.weight()) / largest;
    g.setColor(route.edge.weight() < 0 ? NEGATIVE : POSITIVE);
    g.setStroke(
        new BasicStroke((float) (1 + 2.5 * size), BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND));
    Path2D path = new Path2D.Double();
    Place first = route.places.getFirst();
    path.moveTo(first.x, first.y() + BOX / 2.0);
    double arrow = 8 + 3 * size;
    for (int k = 1; k < route.places.size(); k++) {
      Place from = route.places.get(k - 1);
      Place to = route.places.get(k);
      boolean last = k == route.places.size() - 1;
      double y1 = k == 1 ? from.y() + BOX / 2.0 : from.y();
      double y2 = last ? to.y() - BOX / 2.0 - arrow : to.y();
      double bend = (y2 - y1) * 0.4;
      path.curveTo(from.x, y1 + bend, to.x, y2 - bend, to.x, y2);
    }
    g.draw(path);
    Place target = route.places.getLast();
    double tip = target.y() - BOX / 2.0;
    Path2D head = new Path2D.Double();
    head.moveTo(target.x, tip);
    head.lineTo(target.x - arrow / 2, tip - arrow);
    head.lineTo(target.x + arrow / 2, tip - arrow);
    head.closePath();
    g.fill(head);
  }

  private static void weight(Graphics2D g, Route route) {
    String text = String.format(Locale.ROOT, "%.2f", route.edge.weight());
    Place middle = route.places.get(route.places.size() / 2);
    Place before = route.places.getFirst();
    // Where the edge passes a layer, or half-way to the next.
    Point2D at =
        middle.name == null
            ? new Point2D.Double(middle.x, middle.y())
            : new Point2D.Double((before.x + middle.x) / 2, (before.y() + middle.y()) / 2);
    g.setFont(WEIGHT);
    FontMetrics metrics = g.getFontMetrics();
    double width = metrics.stringWidth(text);
    g.setColor(new Color(255, 255, 255, 215));
    g.fill(
        new RoundRectangle2D.Double(at.getX() - width / 2 - 2, at.getY() - 8, width + 4, 14, 6, 6));
    g.setColor(route.edge.weight() < 0 ? NEGATIVE : POSITIVE);
    g.drawString(text, (float) (at.getX() - width / 2), (float) (at.getY() + 3));
  }

  private static void box(Graphics2D g, Place p) {
    RoundRectangle2D shape =
        new RoundRectangle2D.Double(p.x - p.width / 2, p.y() - BOX / 2.0, p.width, BOX, 12, 12);
    g.setColor(FILL);
    g.fill(shape);
    g.setColor(INK);
    g.setStroke(new BasicStroke(1.2f));
    g.draw(shape);
    g.setFont(NAME);
    FontMetrics metrics = g.getFontMetrics();
    g.drawString(
        p.name,
        (float) (p.x - metrics.stringWidth(p.name) / 2.0),
        (float) (p.y() + (metrics.getAscent() - metrics.getDescent()) / 2.0));
  }
}
