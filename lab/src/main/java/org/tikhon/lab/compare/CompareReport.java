package org.tikhon.lab.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tikhon.lab.compare.Comparison.Result;
import org.tikhon.lab.compare.Comparison.Unit;
import org.tikhon.lab.compare.Leaderboard.Row;
import org.tikhon.lab.report.Page;
import org.tikhon.lab.report.Page.Figure;
import org.tikhon.lab.report.Svg;
import org.tikhon.train.Calibration;
import org.tikhon.train.Evaluation;
import org.tikhon.train.Metrics;
import org.tikhon.train.Task;

/** The HTML page of a comparison. */
final class CompareReport {
  private CompareReport() {}

  static String html(
      Problem problem,
      Leaderboard board,
      List<Result> results,
      Evaluation best,
      int epochs,
      int seeds,
      String useLine) {
    Page page = new Page("tikhon compare: " + problem.title());
    page.list(problem.findings());
    page.paragraph(
        ("Every method: the same splits and wrong labels, %s, %d epochs, network %s. Each method's setting was chosen"
                + " with the first seed on validation data (a tenth of the training part); the test data took part in no"
                + " choice.")
            .formatted(
                seeds == 1 ? "one seed" : seeds + " seeds", epochs, problem.backbone().name()));
    page.heading("Leaderboard");
    page.table(board.cells(seeds), List.of(1, board.metrics().size() + 4), 0);
    page.paragraph(
        "* baseline. Mean"
            + (seeds > 1 ? " ± standard deviation over " + seeds + " seeds." : " of one seed."));
    List<Row> finished = board.rows().stream().filter(r -> r.error() == null).toList();
    if (finished.isEmpty()) {
      return page.html();
    }
    String metric = problem.primaryMetric();
    double factor = Leaderboard.isPercent(metric) ? 100 : 1;
    List<Svg.Bar> bars =
        finished.stream()
            .map(
                r ->
                    new Svg.Bar(
                        r.method(),
                        factor * r.stats().get(metric).mean(),
                        factor * r.stats().get(metric).deviation(),
                        !r.baseline()))
            .toList();
    page.figures(
        List.of(
            new Figure(
                Svg.bars("test " + Leaderboard.title(metric), bars),
                "Error bars: one standard deviation over the seeds. Dark: systems; light: baselines. The axis does not begin at 0.")));

    page.heading("Learning curves");
    page.figures(
        List.of(
            new Figure(
                Svg.lines("epoch", "test " + Leaderboard.title(metric), curves(results, 2, factor)),
                "On test data (only watched), mean over the seeds."),
            new Figure(
                Svg.lines(
                    "epoch", "validation " + Leaderboard.title(metric), curves(results, 1, factor)),
                "On validation data, whose labels are as noisy as the training labels."),
            new Figure(
                Svg.lines("epoch", "training loss", curves(results, 0, 1)),
                "Each method's own loss; levels are not comparable between methods.")));

    if (problem.task() instanceof Task.Segmentation) {
      page.heading("The best model");
      page.figures(
          List.of(
              new Figure(
                  reliability(best.calibration()),
                  "Reliability of the test pixels (background included): on the diagonal, confidences can be taken at their word.",
                  true)));
    }
    if (problem.task() instanceof Task.Classification) {
      int[] labels = problem.test().targets().toIntArray();
      page.heading("The best model");
      page.figures(
          List.of(
              new Figure(
                  reliability(Calibration.of(best.probabilities(), labels)),
                  "Reliability on test data: on the diagonal, confidences can be taken at their word.",
                  true),
              new Figure(
                  Svg.confusion(Metrics.confusion(best.probabilities(), labels), problem.classes()),
                  "Confusion on test data: rows are labels, columns predictions.",
                  true)));
    }
    page.heading("What the methods are");
    page.table(legend(finished), List.of(0, 1), -1);
    page.heading("How the settings were chosen");
    page.table(candidates(problem, results), List.of(0, 1), -1);
    page.heading("Use the best model");
    page.code(useLine);
    return page.html();
  }

  private static String reliability(Calibration calibration) {
    return Svg.reliability(
        Arrays.stream(calibration.bins(Calibration.BINS))
            .map(b -> new Svg.Bin(b.low(), b.high(), b.count(), b.confidence(), b.accuracy()))
            .toList());
  }

  private static List<Svg.Series> curves(List<Result> results, int column, double factor) {
    List<Svg.Series> series = new ArrayList<>();
    for (Result result : results) {
      List<Unit> units = result.units().stream().filter(u -> u.error() == null).toList();
      if (units.isEmpty()) {
        continue;
      }
      double[] mean = new double[units.getFirst().curve().size()];
      for (Unit unit : units) {
        for (int i = 0; i < mean.length; i++) {
          mean[i] += factor * unit.curve().get(i)[column] / units.size();
        }
      }
      series.add(new Svg.Series(result.recipe().name(), mean));
    }
    return series;
  }

  private static List<List<String>> legend(List<Row> rows) {
    List<List<String>> cells = new ArrayList<>(List.of(List.of("method", "what it is")));
    rows.forEach(r -> cells.add(List.of(r.method(), r.description())));
    return cells;
  }

  private static List<List<String>> candidates(Problem problem, List<Result> results) {
    String metric = problem.primaryMetric();
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("method", "setting", "validation " + Leaderboard.title(metric)));
    for (Result result : results) {
      for (Unit unit : result.candidates()) {
        String value =
            unit.error() != null
                ? unit.error()
                : Leaderboard.format(
                    metric, new Leaderboard.Stat(unit.validation().get(metric), 0), false);
        String setting = Comparison.settingText(unit.setting()).strip();
        cells.add(
            List.of(unit.method(), setting.isEmpty() ? "(nothing to choose)" : setting, value));
      }
    }
    return cells;
  }
}
