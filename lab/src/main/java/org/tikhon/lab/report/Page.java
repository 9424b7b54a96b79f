package org.tikhon.lab.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;

/**
 * A self-contained HTML page: sections of text, tables that sort by a click on a header, and plots.
 */
public final class Page {
  /** Pages carry their font, so that they look the same where no fonts are installed. */
  private static final String FONTS =
      font("DejaVuSans.woff2", "normal") + font("DejaVuSans-Bold.woff2", "600 900");

  private static final String STYLE =
      """
      :root { color-scheme: light dark; --ink:#1c2430; --soft:#5b6675; --line:#d9dee5; --back:#ffffff; --card:#f6f8fa;
        --bar:#8fb4dc; --own:#2f6fb4; --hit:#2f6fb4; --miss:#c0512f; --strong:#ffffff; }
      @media (prefers-color-scheme: dark) { :root { --ink:#e6eaf0; --soft:#9aa5b4; --line:#343c48; --back:#14181f;
        --card:#1c222b; --bar:#3f5f85; --own:#6ba6e6; --hit:#6ba6e6; --miss:#e08a63; --strong:#14181f; } }
      body { font: 15px/1.5 Report, sans-serif; color: var(--ink); background: var(--back); margin: 2rem auto;
        max-width: 76rem; padding: 0 1rem; }
      h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
      table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .88rem; }
      th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
      th { cursor: pointer; color: var(--soft); font-weight: 600; } th.l, td.l { text-align: left; }
      td.w { white-space: normal; min-width: 12rem; }
      tbody tr.best { background: var(--card); font-weight: 600; }
      pre, .note { background: var(--card); padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; }
      .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
      .plots figure { margin: 0; } .plots figure.square svg { max-width: 26rem; }
      figcaption { color: var(--soft); font-size: .9rem; } .scroll { overflow-x: auto; }
      svg { width: 100%; height: auto; font-family: Report, sans-serif; }
      svg text { fill: var(--ink); font-size: 13px; } svg .tick { fill: var(--soft); font-size: 12px; }
      svg .title { fill: var(--soft); } svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
      svg .bar { fill: var(--bar); } svg .own { fill: var(--own); } svg .error { stroke: var(--ink); stroke-width: 1.5; }
      svg .dot { fill: var(--own); } svg .diagonal { stroke: var(--soft); stroke-dasharray: 4 4; }
      svg .hit { fill: var(--hit); } svg .miss { fill: var(--miss); } svg .count { font-size: 11px; }
      svg .strong { fill: var(--strong); }
      svg .line { fill: none; stroke-width: 2; }
      .s0 { stroke:#2f6fb4; } .s1 { stroke:#d9822b; } .s2 { stroke:#3a9a5b; } .s3 { stroke:#b3445a; } .s4 { stroke:#7d5fb2; }
      .s5 { stroke:#3fa0a8; } .s6 { stroke:#8a6d3b; } .s7 { stroke:#d06ba5; } .s8 { stroke:#7f8c99; } .s9 { stroke:#a3a021; }
      """;

  private static final String SCRIPT =
      """
      document.querySelectorAll('th').forEach(h => h.addEventListener('click', () => {
        const body = h.closest('table').tBodies[0], i = [...h.parentNode.children].indexOf(h);
        const up = h.dataset.up = h.dataset.up === '1' ? '0' : '1';
        const key = r => { const t = r.cells[i].innerText, v = parseFloat(t); return isNaN(v) ? t : v; };
        [...body.rows].sort((a, b) => (key(a) > key(b) ? 1 : -1) * (up === '1' ? 1 : -1)).forEach(r => body.append(r));
      }));
      """;

  private static String font(String file, String weight) {
    try (InputStream in = Page.class.getResourceAsStream(file)) {
      return "@font-face { font-family: Report; font-weight: %s; src: url(data:font/woff2;base64,%s) format('woff2'); }\n"
          .formatted(weight, Base64.getEncoder().encodeToString(in.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private final StringBuilder body = new StringBuilder();
  private final String title;

  public Page(String title) {
    this.title = title;
    body.append("<h1>").append(Svg.escape(title)).append("</h1>\n");
  }

  public Page heading(String text) {
    body.append("<h2>").append(Svg.escape(text)).append("</h2>\n");
    return this;
  }

  public Page paragraph(String text) {
    body.append("<p>").append(Svg.escape(text)).append("</p>\n");
    return this;
  }

  public Page list(List<String> items) {
    body.append("<ul>");
    items.forEach(i -> body.append("<li>").append(Svg.escape(i)).append("</li>"));
    body.append("</ul>\n");
    return this;
  }

  public Page code(String text) {
    body.append("<pre>").append(Svg.escape(text)).append("</pre>\n");
    return this;
  }

  /**
   * A table.
   *
   * @param cells rows of equal length, headers first
   * @param left the columns that are aligned left
   * @param best the number of the row (from 0) to stand out, or -1
   */
  public Page table(List<List<String>> cells, List<Integer> left, int best) {
    body.append("<div class=\"scroll\"><table><thead>");
    row(cells.getFirst(), "th", left, false);
    body.append("</thead><tbody>");
    for (int r = 1; r < cells.size(); r++) {
      row(cells.get(r), "td", left, r - 1 == best);
    }
    body.append("</tbody></table></div>\n");
    return this;
  }

  private void row(List<String> cells, String tag, List<Integer> left, boolean best) {
    body.append(best ? "<tr class=\"best\">" : "<tr>");
    for (int c = 0; c < cells.size(); c++) {
      String css =
          left.contains(c) ? cells.get(c).length() > 40 ? " class=\"l w\"" : " class=\"l\"" : "";
      body.append('<')
          .append(tag)
          .append(css)
          .append('>')
          .append(Svg.escape(cells.get(c)))
          .append("</")
          .append(tag)
          .append('>');
    }
    body.append("</tr>");
  }

  /**
   * A plot with its caption.
   *
   * @param square whether it is as high as wide, and so to be drawn smaller
   */
  public record Figure(String svg, String caption, boolean square) {
    public Figure(String svg, String caption) {
      this(svg, caption, false);
    }
  }

  public Page figures(List<Figure> figures) {
    body.append("<div class=\"plots\">");
    for (Figure f : figures) {
      body.append(f.square ? "<figure class=\"square\">" : "<figure>")
          .append(f.svg)
          .append("<figcaption>")
          .append(Svg.escape(f.caption))
          .append("</figcaption></figure>\n");
    }
    body.append("</div>\n");
    return this;
  }

  /** The whole page. */
  public String html() {
    return """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>%s</title>
        <style>
        %s</style>
        </head>
        <body>
        %s<script>
        %s</script>
        </body>
        </html>
        """
        .formatted(Svg.escape(title), FONTS + STYLE, body, SCRIPT);
  }
}
