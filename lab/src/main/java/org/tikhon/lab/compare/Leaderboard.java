package org.tikhon.lab.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.tikhon.lab.compare.Comparison.Result;
import org.tikhon.lab.compare.Comparison.Unit;

/**
 * The methods in the order of their mean test metric, with mean and standard deviation over the
 * seeds.
 *
 * @param metrics the columns, the deciding one first
 */
public record Leaderboard(List<String> metrics, List<Row> rows) {
  /** Mean and sample standard deviation (0 with one seed). */
  public record Stat(double mean, double deviation) {
    static Stat of(double[] values) {
      double mean = Arrays.stream(values).average().orElse(Double.NaN);
      double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
      return new Stat(mean, values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)));
    }
  }

  /**
   * One method.
   *
   * @param error why it has no numbers, or null
   */
  public record Row(
      String method,
      String description,
      boolean baseline,
      Map<String, Double> setting,
      Map<String, Stat> stats,
      double seconds,
      double peakMegabytes,
      String error) {
    String settingText() {
      return Comparison.settingText(setting).strip();
    }
  }

  /** Sums up results. */
  public static Leaderboard of(Problem problem, List<Result> results) {
    List<Row> rows = new ArrayList<>();
    for (Result result : results) {
      List<Unit> finished = result.units().stream().filter(u -> u.error() == null).toList();
      String error =
          result.units().stream().map(Unit::error).filter(e -> e != null).findFirst().orElse(null);
      Map<String, Stat> stats = new LinkedHashMap<>();
      if (error == null) {
        for (String metric : problem.metrics()) {
          stats.put(
              metric, Stat.of(finished.stream().mapToDouble(u -> u.test().get(metric)).toArray()));
        }
      }
      rows.add(
          new Row(
              result.recipe().name(),
              result.recipe().description(),
              result.recipe().isBaseline(),
              result.setting(),
              stats,
              finished.stream().mapToDouble(Unit::seconds).average().orElse(0),
              finished.stream().mapToDouble(Unit::peakMegabytes).max().orElse(0),
              error));
    }
    double sign = problem.largerIsBetter() ? -1 : 1;
    rows.sort(
        Comparator.comparingDouble(
            r ->
                r.error != null
                    ? Double.POSITIVE_INFINITY
                    : sign * r.stats.get(problem.primaryMetric()).mean));
    return new Leaderboard(problem.metrics(), rows);
  }

  /** How a metric is shown: accuracies and calibration errors as percentages. */
  static String format(String metric, Stat stat, boolean several) {
    boolean percent = isPercent(metric);
    double factor = percent ? 100 : 1;
    String pattern = percent ? "%.2f" : "%.4f";
    String mean = String.format(Locale.ROOT, pattern, factor * stat.mean);
    return several
        ? mean + " ± " + String.format(Locale.ROOT, pattern, factor * stat.deviation)
        : mean;
  }

  static boolean isPercent(String metric) {
    return List.of(
            "accuracy", "ece", "auroc", "macroF1", "dice", "miou", "foregroundEce", "classwiseEce")
        .contains(metric);
  }

  static String title(String metric) {
    return switch (metric) {
      case "accuracy" -> "accuracy %";
      case "nll" -> "NLL";
      case "ece" -> "ECE %";
      case "auroc" -> "AUROC %";
      case "macroF1" -> "macro-F1 %";
      case "dice" -> "Dice %";
      case "miou" -> "mIoU %";
      case "foregroundEce" -> "foreground ECE %";
      case "classwiseEce" -> "class-wise ECE %";
      case "rmse" -> "RMSE";
      case "mae" -> "MAE";
      case "r2" -> "R²";
      default -> metric;
    };
  }

  /** The table's cells, headers first. */
  public List<List<String>> cells(int seeds) {
    List<List<String>> cells = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("", "method"));
    metrics.forEach(m -> header.add(title(m)));
    header.addAll(List.of("seconds", "peak MB", "chosen setting"));
    cells.add(header);
    int rank = 1;
    for (Row row : rows) {
      List<String> line =
          new ArrayList<>(
              List.of(Integer.toString(rank++), row.method + (row.baseline ? " *" : "")));
      for (String m : metrics) {
        line.add(row.error != null ? "-" : format(m, row.stats.get(m), seeds > 1));
      }
      line.add(String.format(Locale.ROOT, "%.1f", row.seconds));
      line.add(String.format(Locale.ROOT, "%.0f", row.peakMegabytes));
      line.add(row.error != null ? row.error : row.settingText());
      cells.add(line);
    }
    return cells;
  }

  /** The table as text. */
  public String text(int seeds) {
    List<List<String>> cells = cells(seeds);
    int columns = cells.getFirst().size();
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < cells.size(); r++) {
      for (int c = 0; c < columns; c++) {
        int column = c;
        int width = cells.stream().mapToInt(l -> l.get(column).length()).max().orElse(0);
        String cell = cells.get(r).get(c);
        boolean left = c == 1 || c == columns - 1;
        text.append(c == 0 ? "" : "  ");
        text.append(
            left
                ? cell + (c == columns - 1 ? "" : " ".repeat(width - cell.length()))
                : " ".repeat(width - cell.length()) + cell);
      }
      text.append('\n');
    }
    return text.append("* baseline; mean")
        .append(seeds > 1 ? " ± standard deviation over " + seeds + " seeds" : " of one seed")
        .append(", on test data that took part in no choice\n")
        .toString();
  }
}
